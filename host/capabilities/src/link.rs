use wasmtime::component::{HasData, HasSelf, Linker, ResourceTable};
use wasmtime_wasi::{
    WasiView,
    cli::{WasiCli, WasiCliView},
    clocks::{WasiClocks, WasiClocksView},
    filesystem::{WasiFilesystem, WasiFilesystemView},
    p2::bindings::{cli, clocks, filesystem, random},
    random::WasiRandom,
};

use crate::{
    HasCapabilities,
    bindings::cofferdam::plugin::{changes, host_info, log, progress},
};

struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// Puts the host's functions before components.
///
/// Of WASI that is what a language's runtime needs to start: clocks, randomness, output that is
/// kept, an environment and a file system that are empty. Sockets and HTTP are not here.
///
/// # Errors
/// When two functions claim one name, which is a mistake in this program.
pub fn link<T: HasCapabilities>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let own = T::capabilities;
    log::add_to_linker::<T, HasSelf<crate::Capabilities>>(linker, own)?;
    progress::add_to_linker::<T, HasSelf<crate::Capabilities>>(linker, own)?;
    changes::add_to_linker::<T, HasSelf<crate::Capabilities>>(linker, own)?;
    host_info::add_to_linker::<T, HasSelf<crate::Capabilities>>(linker, own)?;

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
    filesystem::types::add_to_linker::<T, WasiFilesystem>(l, |t| t.capabilities().filesystem())?;
    filesystem::preopens::add_to_linker::<T, WasiFilesystem>(l, |t| t.capabilities().filesystem())?;
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
