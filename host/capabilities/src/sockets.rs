//! `wasi:sockets`: connections by TCP to the hosts of a grant. Needs the grant `sockets`.
//!
//! ```text
//! name -> granted? -> resolve once, keep admitted addresses -> connect to one of those, at a granted port
//! ```
//!
//! A socket knows addresses and a grant knows names, so what ties them is the lookup: a call may
//! connect to the pairs of address and port that its own lookups of granted names gave it, and to
//! granted addresses. A guest cannot bring an address of its own, nor have a name mean another host
//! than it meant when it was judged.
//!
//! * A name that was not granted is refused without asking anybody: a query would carry the name,
//!   with whatever is written in it, to whoever runs the zone. So the lookup is ours;
//!   wasmtime-wasi's asks for any name.
//! * Addresses are judged by the engine, as every address that this host connects to: public ones,
//!   and those in networks of the grant.
//! * No listening, no binding to an address of the guest's choice, no UDP. Those functions are there,
//!   since runtimes import them whether they use them or not, and refuse.
//! * Sockets open at a time, connections and lookups are counted.
//! * Each lookup and each connection is recorded, the latter with the bytes that went through it.
//!
//! What goes through a connection is not looked at: that is what the grant says.

mod admitted;
mod create;
mod lookup;
mod streams;
mod tcp;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, fmt, sync::Arc};

use cofferdam_egress::Egress;
use cofferdam_policy::{Capability, SocketsGrant};
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::{
    WasiCtx,
    p2::bindings::sockets::{
        instance_network, ip_name_lookup, network, tcp as wasi_tcp, tcp_create_socket, udp, udp_create_socket,
    },
    sockets::{SocketAddrUse, WasiSockets, WasiSocketsCtx, WasiSocketsCtxView},
};

use self::{admitted::Admitted, tcp::Socket};
use crate::{
    Capabilities, HasCapabilities,
    effects::{Pending, Recorder},
};

/// Sockets that a call may have at a time.
const SOCKETS: usize = 64;
/// Connections that a call may begin in all.
const CONNECTIONS: u32 = 1000;
/// Names that a call may look up in all.
const LOOKUPS: u32 = 100;

/// What one call has of the network below HTTP.
pub(crate) struct Sockets {
    grant: Option<Arc<SocketsGrant>>,
    egress: Egress,
    recorder: Recorder,
    admitted: Arc<Admitted>,
    /// By the number of the socket in the call's table.
    open: HashMap<u32, Socket>,
    connections_left: u32,
    lookups_left: u32,
    wasi: WasiSocketsCtx,
}

/// Gives a call what its grant names; without one, sockets that refuse everything.
pub(crate) fn open(grant: Option<&SocketsGrant>, egress: &Egress, recorder: &Recorder) -> Sockets {
    let admitted = Arc::new(Admitted::of(grant));
    Sockets {
        grant: grant.cloned().map(Arc::new),
        egress: egress.clone(),
        recorder: recorder.clone(),
        admitted: admitted.clone(),
        open: HashMap::new(),
        connections_left: CONNECTIONS,
        lookups_left: LOOKUPS,
        // Its default allows nothing; most calls have no grant, and making one takes as long as they do.
        wasi: if grant.is_some() { wasi(admitted) } else { WasiSocketsCtx::default() },
    }
}

/// wasmtime-wasi's sockets, which ask again before anything is done. What is refused has been
/// recorded by then: a guest comes past [`tcp`] first.
fn wasi(admitted: Arc<Admitted>) -> WasiSocketsCtx {
    let check = move |address: std::net::SocketAddr, what: SocketAddrUse| {
        let may = match what {
            SocketAddrUse::TcpConnect => admitted.host_of(address).is_some(),
            // What a connection begins with: any address, any port.
            SocketAddrUse::TcpBind => address.ip().is_unspecified() && address.port() == 0,
            _ => false,
        };
        Box::pin(std::future::ready(may)) as std::pin::Pin<Box<dyn Future<Output = bool> + Send + Sync>>
    };
    WasiCtx::builder()
        .allow_tcp(true)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .socket_addr_check(check)
        .build()
        .sockets()
        .clone()
}

/// The sockets of a call with the call's table.
pub(crate) struct View<'a> {
    own: &'a mut Sockets,
    table: &'a mut ResourceTable,
}

impl View<'_> {
    fn wasi(&mut self) -> WasiSocketsCtxView<'_> {
        WasiSocketsCtxView { ctx: &mut self.own.wasi, table: self.table }
    }

    fn begin(&self, operation: &'static str, target: impl AsRef<str>) -> Pending {
        self.own.recorder.begin(Capability::Sockets, operation, target)
    }
}

struct Given;

impl HasData for Given {
    type Data<'a> = View<'a>;
}

/// Puts `wasi:sockets` before components.
///
/// # Errors
/// When two functions claim one name.
pub(crate) fn link<T: HasCapabilities>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    fn view<T: HasCapabilities>(data: &mut T) -> View<'_> {
        let Capabilities { sockets, table, .. } = data.capabilities();
        View { own: sockets, table }
    }
    fn wasi<T: HasCapabilities>(data: &mut T) -> WasiSocketsCtxView<'_> {
        let Capabilities { sockets, table, .. } = data.capabilities();
        WasiSocketsCtxView { ctx: &mut sockets.wasi, table }
    }
    wasi_tcp::add_to_linker::<T, Given>(linker, view)?;
    tcp_create_socket::add_to_linker::<T, Given>(linker, view)?;
    udp_create_socket::add_to_linker::<T, Given>(linker, view)?;
    ip_name_lookup::add_to_linker::<T, Given>(linker, view)?;
    // Nobody gets a socket that these could be used with, or anything from them that counts.
    udp::add_to_linker::<T, WasiSockets>(linker, wasi)?;
    instance_network::add_to_linker::<T, WasiSockets>(linker, wasi)?;
    network::add_to_linker::<T, WasiSockets>(linker, &network::LinkOptions::default(), wasi)
}

impl fmt::Debug for Sockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sockets").field("grant", &self.grant).field("admitted", &self.admitted).finish_non_exhaustive()
    }
}
