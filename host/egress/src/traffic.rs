//! How much went through, for whoever keeps a record of it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::watch;

/// Counts the bodies of one exchange while it runs, and says when and how it was over.
#[derive(Clone, Debug)]
pub struct Traffic {
    counts: Arc<Counts>,
    end: watch::Receiver<Option<End>>,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The response was there to its end.
    Complete,
    /// The response was dropped before its end.
    Dropped,
    /// It failed, with this [`crate::EgressError::code`].
    Failed(&'static str),
}

/// What went through, in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Bytes of the request's body that were handed to a connection, over all attempts.
    pub sent: u64,
    /// Bytes of the response's body that were handed to the caller.
    pub received: u64,
    pub end: End,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    sent: AtomicU64,
    received: AtomicU64,
}

/// The side that counts. Dropping it ends the exchange as [`End::Dropped`] unless another end was told before.
#[derive(Debug)]
pub(crate) struct Tally {
    counts: Arc<Counts>,
    end: watch::Sender<Option<End>>,
}

// === impl Traffic ===

impl Traffic {
    /// Bytes of the request's body until now.
    pub fn sent(&self) -> u64 {
        self.counts.sent.load(Ordering::Relaxed)
    }

    /// Bytes of the response's body until now.
    pub fn received(&self) -> u64 {
        self.counts.received.load(Ordering::Relaxed)
    }

    /// Waits until the exchange is over: its response read to the end, dropped, or failed.
    pub async fn finished(mut self) -> Totals {
        // The sender tells an end before it goes, so that an error here is one that cannot be.
        let end = self.end.wait_for(Option::is_some).await.ok().and_then(|end| *end).unwrap_or(End::Dropped);
        Totals { sent: self.sent(), received: self.received(), end }
    }
}

// === impl Counts ===

impl Counts {
    pub(crate) fn sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

// === impl Tally ===

impl Tally {
    pub(crate) fn new(counts: Arc<Counts>) -> (Self, Traffic) {
        let (sender, end) = watch::channel(None);
        (Self { counts: Arc::clone(&counts), end: sender }, Traffic { counts, end })
    }

    /// What there would be with these bytes.
    pub(crate) fn total(&self, bytes: usize) -> u64 {
        self.counts.received.load(Ordering::Relaxed).saturating_add(bytes as u64)
    }

    /// Counts bytes for the caller.
    pub(crate) fn received(&self, bytes: usize) {
        self.counts.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Tells the end. The first one told is the one that counts.
    pub(crate) fn end(&self, how: End) {
        self.end.send_if_modified(|end| end.replace(end.unwrap_or(how)).is_none());
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.end(End::Dropped);
    }
}
