//! Clocks of a millisecond's grain. Finer ones help a guest to time the host's caches, and no tool
//! to do its work.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

const GRAIN: Duration = Duration::from_millis(1);

pub(crate) struct Coarse {
    began: Instant,
}

impl Coarse {
    pub(crate) fn starting_now() -> Self {
        Self { began: Instant::now() }
    }
}

impl HostMonotonicClock for Coarse {
    fn resolution(&self) -> u64 {
        GRAIN.as_nanos() as u64
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64 * HostMonotonicClock::resolution(self)
    }
}

impl HostWallClock for Coarse {
    fn resolution(&self) -> Duration {
        GRAIN
    }

    fn now(&self) -> Duration {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Duration::from_millis(now.as_millis() as u64)
    }
}
