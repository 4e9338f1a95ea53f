use std::collections::BTreeSet;

use cofferdam_policy::Capability;
use wasmtime::component::{HasData, HasSelf, Linker, ResourceTable};
use wasmtime_wasi::{
    WasiView,
    cli::{WasiCli, WasiCliView},
    clocks::{WasiClocks, WasiClocksView},
    p2::bindings::{cli, clocks, random},
    random::WasiRandom,
};
use wasmtime_wasi_http::{WasiHttp, WasiHttpView, p2::bindings::http as wasi_http};

use crate::{
    Capabilities, HasCapabilities,
    bindings::{
        cofferdam::plugin::{changes, host_info, log, progress, secrets, sql},
        wasi::{config, keyvalue},
    },
    filesystem, sockets,
};

struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// Puts before components what every one of them gets.
///
/// Of WASI that is what a language's runtime needs to start: clocks, randomness, output that is
/// kept, an environment and a file system that hold only what a grant puts into them.
///
/// # Errors
/// When two functions claim one name, which is a mistake in this program.
pub fn link<T: HasCapabilities>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let own = T::capabilities;
    changes::add_to_linker::<T, HasSelf<Capabilities>>(linker, own)?;
    log::add_to_linker::<T, HasSelf<Capabilities>>(linker, own)?;
    progress::add_to_linker::<T, HasSelf<Capabilities>>(linker, own)?;
    let l = linker;
    {
        use wasmtime_wasi::p2::bindings::io::{error, poll, streams};
        error::add_to_linker::<T, Table>(l, |t| t.capabilities().ctx().table)?;
        poll::add_to_linker::<T, Table>(l, |t| t.capabilities().ctx().table)?;
        streams::add_to_linker::<T, Table>(l, |t| t.capabilities().ctx().table)?;
    }
    clocks::wall_clock::add_to_linker::<T, WasiClocks>(l, |t| t.capabilities().clocks())?;
    clocks::monotonic_clock::add_to_linker::<T, WasiClocks>(l, |t| t.capabilities().clocks())?;
    random::random::add_to_linker::<T, WasiRandom>(l, |t| t.capabilities().ctx().ctx.random())?;
    random::insecure::add_to_linker::<T, WasiRandom>(l, |t| t.capabilities().ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<T, WasiRandom>(l, |t| t.capabilities().ctx().ctx.random())?;
    filesystem::link(l)?;
    cli::exit::add_to_linker::<T, WasiCli>(l, |t| t.capabilities().cli())?;
    cli::environment::add_to_linker::<T, WasiCli>(l, |t| t.capabilities().cli())?;
    cli::stdin::add_to_linker::<T, WasiCli>(l, |t| t.capabilities().cli())?;
    cli::stdout::add_to_linker::<T, WasiCli>(l, |t| t.capabilities().cli())?;
    cli::stderr::add_to_linker::<T, WasiCli>(l, |t| t.capabilities().cli())?;
    cli::terminal_input::add_to_linker::<T, WasiCli>(l, |t| t.capabilities().cli())?;
    cli::terminal_output::add_to_linker::<T, WasiCli>(l, |t| t.capabilities().cli())?;
    cli::terminal_stdin::add_to_linker::<T, WasiCli>(l, |t| t.capabilities().cli())?;
    cli::terminal_stdout::add_to_linker::<T, WasiCli>(l, |t| t.capabilities().cli())?;
    cli::terminal_stderr::add_to_linker::<T, WasiCli>(l, |t| t.capabilities().cli())?;
    Ok(())
}

/// Puts before one component what some tool of its plugin was granted, and nothing else: what is not
/// in `granted` has no function of the host behind it.
///
/// # Errors
/// When two functions claim one name, which is a mistake in this program.
pub fn link_granted<T: HasCapabilities>(
    linker: &mut Linker<T>,
    granted: &BTreeSet<Capability>,
) -> wasmtime::Result<()> {
    let own = T::capabilities;
    for capability in granted {
        match capability {
            // Part of what every component gets; the grant decides what is in them, and whether a line or
            // a report goes anywhere: neither interface has a way to refuse, and no tool should end for
            // one that is dropped.
            Capability::Clock
            | Capability::Random
            | Capability::Environment
            | Capability::Filesystem
            | Capability::Log
            | Capability::Progress => {}
            Capability::Config => config::store::add_to_linker::<T, HasSelf<Capabilities>>(linker, own)?,
            Capability::HostInfo => host_info::add_to_linker::<T, HasSelf<Capabilities>>(linker, own)?,
            Capability::Http => {
                wasi_http::outgoing_handler::add_to_linker::<T, WasiHttp>(linker, |t| t.capabilities().http())?;
                let options = wasi_http::types::LinkOptions::default();
                wasi_http::types::add_to_linker::<T, WasiHttp>(linker, &options, |t| t.capabilities().http())?;
            }
            Capability::KeyValue => {
                keyvalue::store::add_to_linker::<T, HasSelf<Capabilities>>(linker, own)?;
                keyvalue::atomics::add_to_linker::<T, HasSelf<Capabilities>>(linker, own)?;
                keyvalue::batch::add_to_linker::<T, HasSelf<Capabilities>>(linker, own)?;
            }
            Capability::Secrets => secrets::add_to_linker::<T, HasSelf<Capabilities>>(linker, own)?,
            Capability::Sockets => sockets::link(linker)?,
            Capability::Sql => sql::add_to_linker::<T, HasSelf<Capabilities>>(linker, own)?,
        }
    }
    Ok(())
}
