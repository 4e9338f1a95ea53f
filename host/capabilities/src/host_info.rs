//! `cofferdam:plugin/host-info`: the state of the host. Needs the grant `host_info`.

use std::{fmt, time::Instant};

use cofferdam_policy::Capability;
use sysinfo::{MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

use crate::{
    Capabilities,
    bindings::cofferdam::plugin::host_info::{Host, Load, Refusal},
    refusal::NOT_GRANTED,
};

pub use crate::bindings::cofferdam::plugin::host_info::Info;

/// Where the state of the host is read from.
pub trait HostFacts: Send + Sync + fmt::Debug {
    fn read(&self) -> Info;
}

/// What the machine and the process say of themselves. Counts of plugins, tools and calls are
/// another's to fill in.
#[derive(Debug)]
pub struct MachineFacts {
    version: &'static str,
    started: Instant,
}

impl MachineFacts {
    /// Facts of a host of this version that starts now.
    pub fn starting_now(version: &'static str) -> Self {
        Self { version, started: Instant::now() }
    }
}

impl HostFacts for MachineFacts {
    fn read(&self) -> Info {
        let load = System::load_average().map(|l| Load { one: l.one, five: l.five, fifteen: l.fifteen });
        let memory = Memory::read().unwrap_or_default();
        Info {
            version: self.version.to_owned(),
            uptime: self.started.elapsed().as_secs(),
            cpus: std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX)),
            load: load.unwrap_or(Load { one: 0.0, five: 0.0, fifteen: 0.0 }),
            memory_total: memory.total,
            memory_available: memory.available,
            memory_host: memory.host,
            plugins: 0,
            tools: 0,
            calls_running: 0,
        }
    }
}

/// Bytes; all zero where the machine does not say.
#[derive(Default)]
struct Memory {
    total: u64,
    available: u64,
    host: u64,
}

impl Memory {
    fn read() -> Result<Self, sysinfo::Error> {
        let only_memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
        let mut system = System::new_with_specifics(only_memory)?;
        let own = sysinfo::get_current_pid().map_err(|_| sysinfo::Error::Unsupported)?;
        let what = ProcessRefreshKind::nothing().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), false, what);
        let host = system.process(own).map_or(0, sysinfo::Process::memory);
        Ok(Self { total: system.total_memory(), available: system.available_memory(), host })
    }
}

impl Host for Capabilities {
    async fn read(&mut self) -> wasmtime::Result<Result<Info, Refusal>> {
        let effect = self.recorder.begin(Capability::HostInfo, "read", "");
        if !self.grants.has(Capability::HostInfo) {
            effect.refused(NOT_GRANTED);
            return Ok(Err(Refusal::NotPermitted));
        }
        let info = self.facts.read();
        effect.allowed();
        Ok(Ok(info))
    }
}
