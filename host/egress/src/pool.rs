//! Connections that are kept for the next request to the same place by the same caller.

use std::{
    collections::HashMap,
    fmt,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use hyper::client::conn::{http1, http2};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use crate::{
    limits, meter::Meter, networks::Networks, origin::Origin, request::Speaks, settings::EgressSettings, slots::Slots,
    terms::PoolKey, upload::Upload,
};

/// What a connection must have been opened for to be used again.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) pool: PoolKey,
    pub(crate) origin: Origin,
    /// By the grant that admitted its address; another grant may not.
    pub(crate) networks: Networks,
}

/// All kept connections. Clones are the same pool.
#[derive(Clone, Debug)]
pub(crate) struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    idle: Duration,
    idle_per_host: usize,
    slots: Slots,
    table: Mutex<Table>,
    /// Tells those who wait that there is a connection that was not there before.
    arrivals: Notify,
}

#[derive(Debug, Default)]
struct Table {
    kept: HashMap<Arc<Key>, Kept>,
    sweeping: bool,
}

#[derive(Debug, Default)]
struct Kept {
    /// HTTP/1 connections that nobody uses, the last used last.
    free: Vec<Entry<http1::SendRequest<Upload>>>,
    /// An HTTP/2 connection, which any number of exchanges use at once.
    shared: Option<Entry<http2::SendRequest<Upload>>>,
}

#[derive(Debug)]
struct Entry<S> {
    sender: S,
    wire: Arc<Wire>,
    used: Instant,
}

/// An open connection. Dropping the last of its owners closes it.
#[derive(Debug)]
pub(crate) struct Wire {
    /// Ends all that runs for the connection, when told or dropped; with it go its socket and its slot.
    pub(crate) life: watch::Sender<()>,
    pub(crate) address: SocketAddr,
    pub(crate) withheld: usize,
    pub(crate) born: Instant,
    pub(crate) meter: Arc<Meter>,
}

/// How requests get into a connection.
pub(crate) enum Sender {
    Http1(http1::SendRequest<Upload>),
    Http2(http2::SendRequest<Upload>),
}

/// A connection for one exchange.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) sender: Sender,
    pub(crate) wire: Arc<Wire>,
    pub(crate) from: From,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// Made for this exchange.
    New,
    /// Used by another one before.
    Kept,
}

/// How often kept connections are looked through, as parts of the time that they are kept.
const SWEEPS: u32 = 4;
const SHORTEST_SWEEP: Duration = Duration::from_millis(20);

// === impl Pool ===

impl Pool {
    pub(crate) fn new(settings: &EgressSettings) -> Self {
        Self(Arc::new(Shared {
            idle: settings.idle,
            idle_per_host: settings.idle_per_host,
            slots: Slots::new(settings.connections, settings.connections_per_pool),
            table: Mutex::default(),
            arrivals: Notify::new(),
        }))
    }

    pub(crate) fn slots(&self) -> &Slots {
        &self.0.slots
    }

    /// A kept connection, if there is one that still works.
    pub(crate) fn take(&self, key: &Key) -> Option<Lease> {
        let mut table = self.0.table();
        let kept = table.kept.get_mut(key)?;
        let now = Instant::now();
        while let Some(entry) = kept.free.pop() {
            if entry.fits(now, self.0.idle, entry.sender.is_closed() || !entry.sender.is_ready()) {
                let Entry { sender, wire, .. } = entry;
                return Some(Lease { sender: Sender::Http1(sender), wire, from: From::Kept });
            }
        }
        let entry = kept.shared.as_mut()?;
        if !entry.fits(now, self.0.idle, entry.sender.is_closed()) {
            kept.shared = None;
            return None;
        }
        entry.used = now;
        let (sender, wire) = (entry.sender.clone(), Arc::clone(&entry.wire));
        Some(Lease { sender: Sender::Http2(sender), wire, from: From::Kept })
    }

    /// Waits for a kept connection. One of HTTP/2 that another request makes meanwhile serves as well as one of our own.
    pub(crate) async fn arrival(&self, key: &Key) -> Lease {
        loop {
            // Listened for before the look, so that nothing arrives unheard between the two.
            let mut arrival = pin!(self.0.arrivals.notified());
            arrival.as_mut().enable();
            if let Some(lease) = self.take(key) {
                return lease;
            }
            arrival.await;
        }
    }

    /// Lets others use a new HTTP/2 connection at once.
    pub(crate) fn share(&self, key: &Arc<Key>, sender: &http2::SendRequest<Upload>, wire: &Arc<Wire>) {
        if self.0.idle_per_host == 0 {
            return;
        }
        let mut table = self.0.table();
        let kept = table.kept.entry(Arc::clone(key)).or_default();
        // When two were made at the same time, the other is used for its own exchange only.
        if kept.shared.as_ref().is_none_or(|entry| entry.sender.is_closed()) {
            kept.shared = Some(Entry { sender: sender.clone(), wire: Arc::clone(wire), used: Instant::now() });
        }
        self.sweep(&mut table);
        drop(table);
        self.0.arrivals.notify_waiters();
    }

    /// Keeps an HTTP/1 connection that is ready for another request, unless there are enough or its slot is wanted.
    pub(crate) fn keep(&self, key: &Arc<Key>, sender: http1::SendRequest<Upload>, wire: Arc<Wire>) {
        let mut table = self.0.table();
        if wire.born.elapsed() > limits::OLDEST || self.0.slots.wanted(&key.pool) {
            return;
        }
        let kept = table.kept.entry(Arc::clone(key)).or_default();
        if kept.free.len() < self.0.idle_per_host {
            kept.free.push(Entry { sender, wire, used: Instant::now() });
        }
        self.sweep(&mut table);
    }

    /// An exchange of an HTTP/2 connection is over, and its part of the connection dropped.
    pub(crate) fn released(&self, key: &Key) {
        let mut table = self.0.table();
        let Some(kept) = table.kept.get_mut(key) else { return };
        if let Some(entry) = &mut kept.shared {
            entry.used = Instant::now();
            if Arc::strong_count(&entry.wire) == 1 && self.0.slots.wanted(&key.pool) {
                kept.shared = None;
            }
        }
    }

    /// Gives no further exchange to this connection.
    pub(crate) fn retire(&self, key: &Key, wire: &Arc<Wire>) {
        let mut table = self.0.table();
        if let Some(kept) = table.kept.get_mut(key) {
            kept.shared.take_if(|entry| Arc::ptr_eq(&entry.wire, wire));
        }
    }

    /// Closes the connection that was unused for longest: of `pool`, or of all.
    pub(crate) fn make_room(&self, pool: Option<&PoolKey>) {
        let mut table = self.0.table();
        let oldest = table
            .kept
            .iter()
            .filter(|(key, _)| pool.is_none_or(|pool| key.pool == *pool))
            .filter_map(|(key, kept)| Some((kept.idle_since()?, Arc::clone(key))))
            .min_by_key(|(since, _)| *since);
        let Some((_, key)) = oldest else { return };
        if let Some(kept) = table.kept.get_mut(&key) {
            if kept.free.is_empty() {
                kept.shared = None;
            } else {
                kept.free.remove(0);
            }
        }
    }

    /// Starts what looks through the table, unless that is running.
    fn sweep(&self, table: &mut Table) {
        if table.sweeping {
            return;
        }
        table.sweeping = true;
        let shared = Arc::downgrade(&self.0);
        let pause = (self.0.idle / SWEEPS).clamp(SHORTEST_SWEEP, Duration::from_secs(5));
        tokio::spawn(sweep(shared, pause));
    }
}

async fn sweep(shared: Weak<Shared>, pause: Duration) {
    loop {
        tokio::time::sleep(pause).await;
        let Some(shared) = shared.upgrade() else { return };
        let mut table = shared.table();
        let now = Instant::now();
        table.kept.retain(|_, kept| {
            kept.free.retain(|entry| entry.fits(now, shared.idle, entry.sender.is_closed()));
            kept.shared.take_if(|entry| {
                let unused = Arc::strong_count(&entry.wire) == 1;
                entry.sender.is_closed() || unused && !entry.fits(now, shared.idle, false)
            });
            !kept.free.is_empty() || kept.shared.is_some()
        });
        if table.kept.is_empty() {
            table.sweeping = false;
            return;
        }
    }
}

// === impl Shared ===

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Kept ===

impl Kept {
    /// Since when its least used connection was unused, if one is.
    fn idle_since(&self) -> Option<Instant> {
        let shared = self.shared.as_ref().filter(|entry| Arc::strong_count(&entry.wire) == 1).map(|entry| entry.used);
        self.free.first().map(|entry| entry.used).or(shared)
    }
}

// === impl Entry ===

impl<S> Entry<S> {
    fn fits(&self, now: Instant, idle: Duration, closed: bool) -> bool {
        !closed
            && now.saturating_duration_since(self.used) < idle
            && now.saturating_duration_since(self.wire.born) < limits::OLDEST
    }
}

// === impl Wire ===

impl Wire {
    /// Closes the connection for all that use it.
    pub(crate) fn close(&self) {
        self.life.send_replace(());
    }
}

// === impl Sender ===

impl Sender {
    pub(crate) fn speaks(&self) -> Speaks {
        match self {
            Self::Http1(_) => Speaks::Http1,
            Self::Http2(_) => Speaks::Http2,
        }
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.speaks(), f)
    }
}
