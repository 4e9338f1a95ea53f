use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use cofferdam_capabilities::{HostFacts, Info, MachineFacts};
use cofferdam_catalog::Reading;

/// What the host says of itself to a plugin that may ask: the machine's part, and the counts that
/// only the whole host knows.
#[derive(Debug)]
pub(crate) struct Facts {
    machine: MachineFacts,
    pub(crate) running: Arc<AtomicU64>,
    /// There from when the catalog is; plugins run before that only to say what they offer.
    pub(crate) catalog: OnceLock<Reading>,
}

impl Facts {
    pub(crate) fn new() -> Self {
        Self {
            machine: MachineFacts::starting_now(env!("CARGO_PKG_VERSION")),
            running: Arc::default(),
            catalog: OnceLock::new(),
        }
    }
}

impl HostFacts for Facts {
    fn read(&self) -> Info {
        let mut info = self.machine.read();
        if let Some(reading) = self.catalog.get() {
            let catalog = reading.now();
            info.plugins = u32::try_from(catalog.plugins.len()).unwrap_or(u32::MAX);
            info.tools = u32::try_from(catalog.tools.len()).unwrap_or(u32::MAX);
        }
        info.calls_running = u32::try_from(self.running.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        info
    }
}
