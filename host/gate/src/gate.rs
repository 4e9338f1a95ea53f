use std::{
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use cofferdam_capabilities::{Effects, Masker, Services};
use cofferdam_catalog::{Catalog, Reading};
use cofferdam_sandbox::{Engine, Usage};
use tokio::sync::Semaphore;
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use crate::seal::Sealer;

/// The one way to a component.
#[derive(Debug)]
pub struct Gate {
    pub(crate) engine: Arc<Engine>,
    pub(crate) services: Services,
    pub(crate) sealer: Sealer,
    catalog: Reading,
    running: Arc<AtomicU64>,
    inside: TaskTracker,
    /// Threads that may check large values at a time.
    pub(crate) checkers: Arc<Semaphore>,
}

/// What became of a call.
#[derive(Debug)]
pub struct Called<T> {
    pub answer: Result<T, crate::CallError>,
    /// What it cost; all zero when nothing ran.
    pub usage: Usage,
    /// What it did through the host.
    pub effects: Effects,
    /// What finds the secrets of the call in what is said about it.
    pub(crate) masker: Arc<Masker>,
}

impl Gate {
    /// A gate to what `catalog` serves.
    ///
    /// # Errors
    /// When the operating system has no randomness for a key.
    pub fn new(
        engine: Arc<Engine>,
        catalog: Reading,
        services: Services,
        running: Arc<AtomicU64>,
    ) -> Result<Self, getrandom::Error> {
        let checkers = Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, NonZero::get)));
        let (sealer, inside) = (Sealer::new()?, TaskTracker::new());
        Ok(Self { engine, services, sealer, catalog, running, inside, checkers })
    }

    /// What is served, for those who follow it.
    pub fn reading(&self) -> &Reading {
        &self.catalog
    }

    /// The snapshot of this moment, once there is one: the first requests of a client may come
    /// before the host has looked at its plugins.
    pub async fn catalog(&self) -> Arc<Catalog> {
        if !self.catalog.is_published() {
            self.catalog.published().await;
        }
        Arc::clone(&self.catalog.now())
    }

    /// Calls whose component runs.
    pub fn running(&self) -> u64 {
        self.running.load(Ordering::Relaxed)
    }

    /// Waits until no request is inside.
    pub async fn idle(&self) {
        self.inside.close();
        self.inside.wait().await;
        self.inside.reopen();
    }

    /// For as long as a request is inside, whether it runs or waits for its turn.
    pub(crate) fn enter(&self) -> TaskTrackerToken {
        self.inside.token()
    }

    pub(crate) fn count(&self) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(self.running.clone())
    }
}

/// Held by a call while its component runs.
pub(crate) struct Running(Arc<AtomicU64>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
