//! `wasi:clocks`: the time, as finely as it was granted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use cofferdam_policy::Clock;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

const GRAIN: Duration = Duration::from_millis(1);

/// The clock of one call; clones show the same time.
#[derive(Clone, Debug)]
pub(crate) struct CallClock {
    kind: Clock,
    began: Instant,
    began_at: SystemTime,
    /// How often the guest looked.
    looks: Arc<AtomicU64>,
}

impl CallClock {
    pub(crate) fn starting_now(kind: Clock) -> Self {
        Self { kind, began: Instant::now(), began_at: SystemTime::now(), looks: Arc::default() }
    }

    pub(crate) fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    fn grain(&self) -> Duration {
        match self.kind {
            Clock::Real => Duration::from_nanos(1),
            Clock::Coarse => GRAIN,
            // Time that stands still has no grain; a second is what no program divides by.
            Clock::Frozen | Clock::At(_) => Duration::from_secs(1),
        }
    }

    fn look(&self) {
        self.looks.fetch_add(1, Ordering::Relaxed);
    }
}

fn coarse(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

impl HostMonotonicClock for CallClock {
    fn resolution(&self) -> u64 {
        u64::try_from(self.grain().as_nanos()).unwrap_or(u64::MAX)
    }

    fn now(&self) -> u64 {
        self.look();
        let passed = match self.kind {
            Clock::Real => self.began.elapsed(),
            Clock::Coarse => coarse(self.began.elapsed()),
            Clock::Frozen | Clock::At(_) => Duration::ZERO,
        };
        u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)
    }
}

impl HostWallClock for CallClock {
    fn resolution(&self) -> Duration {
        self.grain()
    }

    fn now(&self) -> Duration {
        self.look();
        let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
        match self.kind {
            Clock::Real => since(SystemTime::now()),
            Clock::Coarse => coarse(since(SystemTime::now())),
            Clock::Frozen => coarse(since(self.began_at)),
            Clock::At(time) => since(time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wall(clock: &CallClock) -> Duration {
        HostWallClock::now(clock)
    }

    #[test]
    fn each_kind_shows_its_time() {
        let at = UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789);
        let fixed = CallClock::starting_now(Clock::At(at));
        assert_eq!(wall(&fixed), at.duration_since(UNIX_EPOCH).unwrap());
        assert_eq!(HostMonotonicClock::now(&fixed), 0);
        let frozen = CallClock::starting_now(Clock::Frozen);
        assert_eq!(wall(&frozen), wall(&frozen));
        let coarse = CallClock::starting_now(Clock::Coarse);
        assert_eq!(wall(&coarse).subsec_nanos() % 1_000_000, 0);
        assert_eq!(HostMonotonicClock::now(&coarse) % 1_000_000, 0);
        assert_eq!(coarse.looks(), 2);
        assert_eq!(HostWallClock::resolution(&CallClock::starting_now(Clock::Real)), Duration::from_nanos(1));
    }
}
