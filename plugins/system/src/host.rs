//! What the tools need from outside.

use std::time::Duration;

use crate::bindings::cofferdam::plugin::host_info::{Info, Refusal};

/// The world as a tool sees it.
pub trait Host {
    /// Time since the Unix epoch; `None` when the clock stands before it.
    fn now(&self) -> Option<Duration>;

    /// The state of the host, when the operator granted it.
    fn info(&self) -> Result<Info, Refusal>;
}

#[cfg(test)]
pub(crate) mod fake {
    use super::*;
    use crate::bindings::cofferdam::plugin::host_info::Load;

    /// A host whose clock and state a test decides.
    #[derive(Default)]
    pub(crate) struct Fake {
        pub(crate) now: Option<Duration>,
        pub(crate) info: Option<Info>,
    }

    impl Fake {
        pub(crate) fn at(unix_seconds: u64) -> Self {
            Self { now: Some(Duration::from_secs(unix_seconds)), info: None }
        }

        pub(crate) fn granted() -> Self {
            let info = Info {
                version: "1.2.3".into(),
                uptime: 3_600,
                cpus: 4,
                load: Load { one: 0.5, five: 0.25, fifteen: 0.125 },
                memory_total: 8_000_000_000,
                memory_available: 6_000_000_000,
                memory_host: 50_000_000,
                plugins: 2,
                tools: 9,
                calls_running: 1,
            };
            Self { now: None, info: Some(info) }
        }
    }

    impl Host for Fake {
        fn now(&self) -> Option<Duration> {
            self.now
        }

        fn info(&self) -> Result<Info, Refusal> {
            self.info.clone().ok_or(Refusal::NotPermitted)
        }
    }
}
