//! The order in which a host ends.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long connections may take to close once everything on them is said.
pub(crate) const FAREWELL: Duration = Duration::from_secs(2);

/// What has to end, and how it is told.
#[derive(Clone, Debug)]
pub(crate) struct Drain {
    /// Fires first: take nothing new, tell listeners that the server goes.
    pub(crate) closing: CancellationToken,
    /// What a client waits for.
    pub(crate) answering: TaskTracker,
    /// Fires last: what is still open is cut.
    pub(crate) closed: CancellationToken,
    pub(crate) grace: Duration,
}

impl Drain {
    /// Waits for the signal, then for what is inside, and cuts the rest. Whether all of it was
    /// answered.
    pub(crate) async fn run(self) -> bool {
        self.closing.cancelled().await;
        let waiting = self.answering.len();
        tracing::info!(answering = waiting, grace = ?self.grace, "draining");
        self.answering.close();
        let all = timeout_at(Instant::now() + self.grace, self.answering.wait()).await.is_ok();
        if !all {
            tracing::warn!(unanswered = self.answering.len(), "the grace period is over");
        }
        self.closed.cancel();
        all
    }
}
