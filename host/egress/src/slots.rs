//! How many connections may be open: for one plugin and tenant, and at all.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{error::BusyWith, terms::PoolKey};

/// Hands out [`Slot`]s, first come first served.
#[derive(Debug)]
pub(crate) struct Slots {
    all: Arc<Gate>,
    pools: Mutex<HashMap<PoolKey, Arc<Gate>>>,
    per_pool: usize,
}

/// The right to have one connection open, given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    _all: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
    // Keeps the gate in the table while its permits are out.
    _gate: Arc<Gate>,
}

#[derive(Debug)]
struct Gate {
    permits: Arc<Semaphore>,
    most: usize,
    waiting: AtomicUsize,
}

/// Counts somebody who waits, until dropped.
struct Waiting<'a>(&'a AtomicUsize);

/// Gates that are remembered before those are forgotten through which nobody went.
const REMEMBERED: usize = 1024;

// === impl Slots ===

impl Slots {
    pub(crate) fn new(all: usize, per_pool: usize) -> Self {
        Self { all: Arc::new(Gate::new(all)), pools: Mutex::default(), per_pool }
    }

    /// Waits for a slot. `make_room` is called when there is none, and may close a connection that nobody uses: one of
    /// the pool when its own are all taken, any when all are.
    ///
    /// `waits_for` says, while this waits, for what: the wait has no end of its own.
    pub(crate) async fn acquire(
        &self,
        pool: &PoolKey,
        make_room: impl Fn(Option<&PoolKey>),
        waits_for: &Mutex<Option<BusyWith>>,
    ) -> Slot {
        let gate = self.gate(pool);
        let tell = |with| *waits_for.lock().unwrap_or_else(PoisonError::into_inner) = Some(with);
        tell(BusyWith::Pool { pool: pool.clone(), most: gate.most });
        let own = gate.acquire(|| make_room(Some(pool))).await;
        tell(BusyWith::All { most: self.all.most });
        let all = self.all.acquire(|| make_room(None)).await;
        Slot { _all: all, _own: own, _gate: gate }
    }

    /// Whether somebody waits for a slot that a connection of `pool` holds.
    pub(crate) fn wanted(&self, pool: &PoolKey) -> bool {
        self.all.wanted() || self.gate(pool).wanted()
    }

    fn gate(&self, pool: &PoolKey) -> Arc<Gate> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = pools.get(pool) {
            return Arc::clone(gate);
        }
        if pools.len() >= REMEMBERED {
            // Slots and those who wait for one hold a gate too.
            pools.retain(|_, gate| Arc::strong_count(gate) > 1);
        }
        let gate = Arc::new(Gate::new(self.per_pool));
        pools.insert(pool.clone(), Arc::clone(&gate));
        gate
    }
}

// === impl Gate ===

impl Gate {
    fn new(most: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(most)), most, waiting: AtomicUsize::new(0) }
    }

    fn wanted(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    async fn acquire(&self, make_room: impl Fn()) -> OwnedSemaphorePermit {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return permit;
        }
        // Before room is made: a connection that becomes idle from now on sees that it is wanted.
        let _waiting = Waiting::new(&self.waiting);
        make_room();
        match Arc::clone(&self.permits).acquire_owned().await {
            Ok(permit) => permit,
            // Nobody closes the semaphore.
            Err(_) => std::future::pending().await,
        }
    }
}

// === impl Waiting ===

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
