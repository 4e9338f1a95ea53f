//! `tcp`: connecting, to where the call may.

use std::{mem, net::SocketAddr, sync::Arc};

use wasmtime::component::Resource;
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, DynPollable, Network, SocketResult, TcpSocket,
    bindings::sockets::{
        network::{ErrorCode, IpAddressFamily, IpSocketAddress},
        tcp::{self, HostTcpSocket, ShutdownType},
    },
    pipe::{ClosedInputStream, ClosedOutputStream},
};

use super::{
    CONNECTIONS, View,
    streams::{Input, Output},
};
use crate::effects::Pending;

/// A socket, from being made until dropped.
#[derive(Debug, Default)]
pub(super) struct Socket {
    /// The connection, once it is begun. Its streams hold it as well, and may outlive it.
    effect: Option<Arc<Pending>>,
}

/// What no grant gives.
const NO_SERVERS: &str = "a call connects, and is connected to by nobody";

impl View<'_> {
    fn no_server<T>(&self, operation: &'static str) -> SocketResult<T> {
        self.begin(operation, "").refused(NO_SERVERS);
        Err(ErrorCode::AccessDenied.into())
    }

    /// That the connection may be tried.
    fn may_connect(&mut self, address: SocketAddr) -> Result<Pending, ErrorCode> {
        let Some(host) = self.own.admitted.host_of(address) else {
            let why = "no granted host was found to have this address and port";
            self.begin("connect", address.to_string()).refused(why);
            return Err(ErrorCode::AccessDenied);
        };
        let effect = self.begin("connect", format!("{host}:{} at {}", address.port(), address.ip()));
        match self.own.connections_left.checked_sub(1) {
            Some(left) => {
                self.own.connections_left = left;
                Ok(effect)
            }
            None => {
                effect.refused(format!("a call may connect {CONNECTIONS} times"));
                Err(ErrorCode::NewSocketLimit)
            }
        }
    }

    /// Puts what counts between the guest and the streams of a connection, in their places.
    fn count(
        &mut self,
        input: &Resource<DynInputStream>,
        output: &Resource<DynOutputStream>,
        effect: &Arc<Pending>,
    ) -> wasmtime::Result<()> {
        let place = self.table.get_mut(input)?;
        let inner = mem::replace(place, Box::new(ClosedInputStream));
        *place = Box::new(Input { inner, effect: effect.clone() });
        let place = self.table.get_mut(output)?;
        let inner = mem::replace(place, Box::new(ClosedOutputStream));
        *place = Box::new(Output { inner, effect: effect.clone() });
        Ok(())
    }
}

fn failed(effect: Option<Arc<Pending>>, code: ErrorCode) {
    // Nobody else has it: there are no streams.
    if let Some(effect) = effect.and_then(Arc::into_inner) {
        effect.failed(code.name());
    }
}

impl tcp::Host for View<'_> {}

impl HostTcpSocket for View<'_> {
    fn start_connect(
        &mut self,
        socket: Resource<TcpSocket>,
        network: Resource<Network>,
        address: IpSocketAddress,
    ) -> SocketResult<()> {
        let effect = self.may_connect(address.into())?;
        let number = socket.rep();
        match self.wasi().start_connect(socket, network, address) {
            Ok(()) => {
                if let Some(open) = self.own.open.get_mut(&number) {
                    open.effect = Some(Arc::new(effect));
                }
                Ok(())
            }
            Err(error) => {
                if let Some(code) = error.downcast_ref() {
                    effect.failed(code.name());
                }
                Err(error)
            }
        }
    }

    fn finish_connect(
        &mut self,
        socket: Resource<TcpSocket>,
    ) -> SocketResult<(Resource<DynInputStream>, Resource<DynOutputStream>)> {
        let number = socket.rep();
        match self.wasi().finish_connect(socket) {
            Ok((input, output)) => {
                if let Some(effect) = self.own.open.get(&number).and_then(|open| open.effect.clone()) {
                    effect.settled();
                    self.count(&input, &output, &effect).map_err(wasmtime_wasi::p2::SocketError::trap)?;
                }
                Ok((input, output))
            }
            Err(error) => {
                match error.downcast_ref() {
                    // It is not over, or was never begun.
                    None | Some(ErrorCode::WouldBlock | ErrorCode::NotInProgress) => {}
                    Some(code) => failed(self.own.open.get_mut(&number).and_then(|open| open.effect.take()), *code),
                }
                Err(error)
            }
        }
    }

    async fn start_bind(
        &mut self,
        _: Resource<TcpSocket>,
        _: Resource<Network>,
        _: IpSocketAddress,
    ) -> SocketResult<()> {
        self.no_server("bind")
    }

    fn finish_bind(&mut self, _: Resource<TcpSocket>) -> SocketResult<()> {
        Err(ErrorCode::NotInProgress.into())
    }

    async fn start_listen(&mut self, _: Resource<TcpSocket>) -> SocketResult<()> {
        self.no_server("listen")
    }

    fn finish_listen(&mut self, _: Resource<TcpSocket>) -> SocketResult<()> {
        Err(ErrorCode::NotInProgress.into())
    }

    fn accept(
        &mut self,
        _: Resource<TcpSocket>,
    ) -> SocketResult<(Resource<TcpSocket>, Resource<DynInputStream>, Resource<DynOutputStream>)> {
        self.no_server("accept")
    }

    fn subscribe(&mut self, socket: Resource<TcpSocket>) -> wasmtime::Result<Resource<DynPollable>> {
        HostTcpSocket::subscribe(&mut self.wasi(), socket)
    }

    fn drop(&mut self, socket: Resource<TcpSocket>) -> wasmtime::Result<()> {
        let number = socket.rep();
        HostTcpSocket::drop(&mut self.wasi(), socket)?;
        self.own.open.remove(&number);
        Ok(())
    }

    fn shutdown(&mut self, socket: Resource<TcpSocket>, what: ShutdownType) -> SocketResult<()> {
        self.wasi().shutdown(socket, what)
    }

    fn is_listening(&mut self, socket: Resource<TcpSocket>) -> wasmtime::Result<bool> {
        self.wasi().is_listening(socket)
    }

    fn address_family(&mut self, socket: Resource<TcpSocket>) -> wasmtime::Result<IpAddressFamily> {
        self.wasi().address_family(socket)
    }

    fn local_address(&mut self, socket: Resource<TcpSocket>) -> SocketResult<IpSocketAddress> {
        self.wasi().local_address(socket)
    }

    fn remote_address(&mut self, socket: Resource<TcpSocket>) -> SocketResult<IpSocketAddress> {
        self.wasi().remote_address(socket)
    }

    fn set_listen_backlog_size(&mut self, socket: Resource<TcpSocket>, value: u64) -> SocketResult<()> {
        self.wasi().set_listen_backlog_size(socket, value)
    }

    fn keep_alive_enabled(&mut self, socket: Resource<TcpSocket>) -> SocketResult<bool> {
        self.wasi().keep_alive_enabled(socket)
    }

    fn set_keep_alive_enabled(&mut self, socket: Resource<TcpSocket>, value: bool) -> SocketResult<()> {
        self.wasi().set_keep_alive_enabled(socket, value)
    }

    fn keep_alive_idle_time(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u64> {
        self.wasi().keep_alive_idle_time(socket)
    }

    fn set_keep_alive_idle_time(&mut self, socket: Resource<TcpSocket>, value: u64) -> SocketResult<()> {
        self.wasi().set_keep_alive_idle_time(socket, value)
    }

    fn keep_alive_interval(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u64> {
        self.wasi().keep_alive_interval(socket)
    }

    fn set_keep_alive_interval(&mut self, socket: Resource<TcpSocket>, value: u64) -> SocketResult<()> {
        self.wasi().set_keep_alive_interval(socket, value)
    }

    fn keep_alive_count(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u32> {
        self.wasi().keep_alive_count(socket)
    }

    fn set_keep_alive_count(&mut self, socket: Resource<TcpSocket>, value: u32) -> SocketResult<()> {
        self.wasi().set_keep_alive_count(socket, value)
    }

    fn hop_limit(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u8> {
        self.wasi().hop_limit(socket)
    }

    fn set_hop_limit(&mut self, socket: Resource<TcpSocket>, value: u8) -> SocketResult<()> {
        self.wasi().set_hop_limit(socket, value)
    }

    fn receive_buffer_size(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u64> {
        self.wasi().receive_buffer_size(socket)
    }

    fn set_receive_buffer_size(&mut self, socket: Resource<TcpSocket>, value: u64) -> SocketResult<()> {
        self.wasi().set_receive_buffer_size(socket, value)
    }

    fn send_buffer_size(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u64> {
        self.wasi().send_buffer_size(socket)
    }

    fn set_send_buffer_size(&mut self, socket: Resource<TcpSocket>, value: u64) -> SocketResult<()> {
        self.wasi().set_send_buffer_size(socket, value)
    }
}
