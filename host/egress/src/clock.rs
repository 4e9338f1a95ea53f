//! The time that an exchange has, and the parts of it that one wait may take.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};

use crate::error::{EgressError, Wait};

/// The end of an exchange.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    pub(crate) end: Instant,
    whole: Duration,
    pub(crate) host: Arc<str>,
}

/// How long something may take: its own time, or what is left of the whole.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    until: Instant,
    wait: Wait,
    after: Duration,
    host: Arc<str>,
}

// === impl Clock ===

impl Clock {
    /// Starts the time for an exchange with `host`.
    pub(crate) fn start(whole: Duration, host: Arc<str>) -> Result<Self, EgressError> {
        let end = Instant::now().checked_add(whole).ok_or(EgressError::Terms { what: "its timeout has no end" })?;
        Ok(Self { end, whole, host })
    }

    /// How long `wait` may take from now on.
    pub(crate) fn patience(&self, wait: Wait, own: Option<Duration>) -> Patience {
        let host = Arc::clone(&self.host);
        match own.and_then(|own| Some((own, Instant::now().checked_add(own)?))) {
            Some((after, until)) if until < self.end => Patience { until, wait, after, host },
            _ => Patience { until: self.end, wait: Wait::Whole, after: self.whole, host },
        }
    }

    /// What is said when all the time is over.
    pub(crate) fn over(&self) -> EgressError {
        EgressError::Timeout { host: self.host.to_string(), wait: Wait::Whole, after: self.whole }
    }
}

// === impl Patience ===

impl Patience {
    /// The same end for a part that has another name.
    pub(crate) fn with(&self, wait: Wait) -> Self {
        let wait = if self.wait == Wait::Whole { Wait::Whole } else { wait };
        Self { wait, ..self.clone() }
    }

    /// The same end by another name, for a whole that consists of one part.
    pub(crate) fn with_name(&self, wait: Wait) -> Self {
        Self { wait, ..self.clone() }
    }

    pub(crate) async fn wait<T>(&self, what: impl Future<Output = T>) -> Result<T, EgressError> {
        timeout_at(self.until, what).await.map_err(|_| EgressError::Timeout {
            host: self.host.to_string(),
            wait: self.wait,
            after: self.after,
        })
    }
}
