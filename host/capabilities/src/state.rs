use std::{fmt, sync::Arc};

use cofferdam_policy::{Permit, PluginName};
use tokio::sync::mpsc::Sender;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::{Event, HostFacts, Listing, clock::Coarse, host_info, log::Log, output::Output};

/// The most random bytes that one request may ask for.
const LARGEST_RANDOM: u64 = 64 * 1024;

/// Everything one call may reach, opened from its permit and gone with it.
pub struct Capabilities {
    wasi: WasiCtx,
    table: ResourceTable,
    stdout: Output,
    stderr: Output,
    events: Option<Sender<Event>>,
    reports_left: u32,
    pub(crate) plugin: PluginName,
    pub(crate) log: Log,
    pub(crate) last_progress: Option<f64>,
    pub(crate) announced: Vec<Listing>,
    pub(crate) host_info: Option<Arc<dyn HostFacts>>,
}

impl Capabilities {
    /// Opens what `permit` grants. What the guest tells goes to `events`; to nobody when `None`.
    pub fn open(permit: &Permit, facts: &Arc<dyn HostFacts>, events: Option<Sender<Event>>) -> Self {
        let limits = permit.limits();
        let stdio = limits.stdio.as_usize();
        let (stdout, stderr) = (Output::new(stdio), Output::new(stdio));
        // No arguments, no environment, no directories, no network: the builder gives nothing that
        // is not asked of it, and input is at its end.
        let wasi = WasiCtx::builder()
            .stdout(stdout.clone())
            .stderr(stderr.clone())
            .monotonic_clock(Coarse::starting_now())
            .wall_clock(Coarse::starting_now())
            .max_random_size(LARGEST_RANDOM)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles as usize);
        Self {
            wasi,
            table,
            stdout,
            stderr,
            events,
            reports_left: limits.reports,
            plugin: permit.target().plugin().clone(),
            log: Log::open(limits),
            last_progress: None,
            announced: Vec::new(),
            host_info: host_info::granted(permit.grants()).then(|| facts.clone()),
        }
    }

    /// What the guest printed: standard output and standard error.
    pub fn take_printed(&self) -> (Vec<u8>, Vec<u8>) {
        (self.stdout.take(), self.stderr.take())
    }

    pub(crate) fn may_report(&mut self) -> bool {
        let may = self.reports_left > 0;
        self.reports_left = self.reports_left.saturating_sub(1);
        may
    }

    /// Waits while the listener is behind, so that a guest cannot outrun it. The call's deadline
    /// bounds the wait; a listener that is gone has no need to know.
    pub(crate) async fn tell(&mut self, event: Event) {
        if let Some(events) = &self.events {
            let _gone = events.send(event).await;
        }
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capabilities").field("host_info", &self.host_info.is_some()).finish_non_exhaustive()
    }
}

impl WasiView for Capabilities {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// A store's data that has the capabilities of its call.
pub trait HasCapabilities: Send + 'static {
    fn capabilities(&mut self) -> &mut Capabilities;
}
