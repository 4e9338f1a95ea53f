//! How much granted directories hold, known to all calls of the process.
//!
//! A directory has one [`Volume`], whoever was granted it and under whatever path. Its [`Ledger`] is
//! measured when somebody is about to let it grow and the last measure is old; in between it is kept
//! by those who change the directory, who hold it from the check until the change is made. So for
//! what this process does the bound is exact however many calls write at a time, and what others put
//! there is seen with the next measure.
//!
//! The ledger travels into the thread that makes the change: a call that is cut short while the
//! system still writes does not open the door to others.
//!
//! One directory inside another that a different plugin was granted is a volume of its own. Each of
//! the two keeps to its own bound, and sees what the other wrote with its next measure.

use std::{
    collections::HashMap,
    fs::File,
    io,
    os::unix::fs::MetadataExt as _,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use cap_std::fs::{Dir, Metadata, MetadataExt as _};
use thiserror::Error;
use tokio::sync::OwnedMutexGuard;

use super::{
    inodes::{Inode, Inodes},
    measure::{Held, length, measure},
    why::Why,
};

/// How old a measure may be: a plugin that writes all the time costs one walk in this time.
const FRESH: Duration = Duration::from_secs(2);
/// Volumes that are known before those are forgotten that nobody uses.
const REMEMBERED: usize = 1024;

/// How much granted directories hold: shared by all calls of the process.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    volumes: Arc<Mutex<HashMap<Id, Arc<Volume>>>>,
}

/// Which directory or file it is, by whatever name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id {
    device: u64,
    inode: u64,
}

/// One granted directory and what is below it.
#[derive(Debug, Default)]
pub(super) struct Volume {
    ledger: Arc<tokio::sync::Mutex<Ledger>>,
    inodes: Arc<Inodes>,
}

#[derive(Debug, Default)]
struct Ledger {
    held: Held,
    measured: Option<Measured>,
}

#[derive(Clone, Copy, Debug)]
struct Measured {
    at: Instant,
    /// Entries after which the walk ended. `None` when it came to its own end.
    ended: Option<u64>,
}

/// How much a directory may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) bytes: u64,
    pub(super) files: u64,
}

/// There is no room.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum Over {
    #[error("the directory may hold {0} bytes (`bytes`), and would hold more")]
    Bytes(u64),
    #[error("the directory may hold {0} files (`files`), and would hold more")]
    Files(u64),
}

/// The ledger of a volume, held by who changes what is there.
#[derive(Debug)]
pub(super) struct Account {
    ledger: OwnedMutexGuard<Ledger>,
    inodes: Arc<Inodes>,
    root: Arc<File>,
    bounds: Bounds,
}

// === impl Disk ===

impl Disk {
    pub(super) fn volume(&self, id: Id) -> Arc<Volume> {
        let mut volumes = self.volumes.lock().unwrap_or_else(PoisonError::into_inner);
        if volumes.len() >= REMEMBERED {
            volumes.retain(|_, volume| Arc::strong_count(volume) > 1);
        }
        volumes.entry(id).or_default().clone()
    }
}

// === impl Id ===

impl Id {
    pub(super) fn of(meta: &std::fs::Metadata) -> Self {
        Self { device: meta.dev(), inode: meta.ino() }
    }

    pub(super) fn at(meta: &Metadata) -> Self {
        Self { device: meta.dev(), inode: meta.ino() }
    }
}

// === impl Volume ===

impl Volume {
    /// Waits until nobody else changes what is there.
    pub(super) async fn account(&self, root: Arc<File>, bounds: Bounds) -> Account {
        let ledger = self.ledger.clone().lock_owned().await;
        Account { ledger, inodes: self.inodes.clone(), root, bounds }
    }

    /// Says that this file is open, until what is given back is dropped.
    pub(super) fn opened(&self, meta: &std::fs::Metadata) -> Inode {
        self.inodes.opened(meta)
    }
}

// === impl Account ===

impl Account {
    /// That the directory may grow by so much.
    ///
    /// Blocks, for it may have to walk through the directory.
    pub(super) fn room(&mut self, bytes: u64, files: u64) -> Result<(), Why> {
        let old = |m: &Measured| m.at.elapsed() >= FRESH || m.ended.is_some_and(|ended| ended < self.bounds.files);
        if self.ledger.measured.as_ref().is_none_or(old) {
            let root = Dir::from_std_file(self.root.try_clone()?);
            let held = measure(&root, self.bounds.files)?;
            let ended = (held.files > self.bounds.files).then_some(self.bounds.files);
            self.ledger.held = held;
            self.ledger.measured = Some(Measured { at: Instant::now(), ended });
        }
        let held = self.ledger.held;
        // What a walk that was ended says is no sum that anything could be taken from.
        let ended = self.ledger.measured.is_some_and(|m| m.ended.is_some());
        if ended || held.files.saturating_add(files) > self.bounds.files {
            return Err(Over::Files(self.bounds.files).into());
        }
        let all = held.bytes.saturating_add(self.inodes.nameless()).saturating_add(bytes);
        if all > self.bounds.bytes {
            return Err(Over::Bytes(self.bounds.bytes).into());
        }
        Ok(())
    }

    /// Something new is there.
    pub(super) fn made(&mut self, bytes: u64) {
        let held = &mut self.ledger.held;
        held.files = held.files.saturating_add(1);
        held.bytes = held.bytes.saturating_add(bytes);
    }

    /// A name is gone that stood for this.
    pub(super) fn removed(&mut self, meta: &Metadata) {
        let held = &mut self.ledger.held;
        held.files = held.files.saturating_sub(1);
        // With another name it is still there.
        if meta.is_dir() || meta.nlink() > 1 {
            return;
        }
        held.bytes = held.bytes.saturating_sub(length(meta));
        // Without a name, and in somebody's hands: the disk has it until it is let go.
        self.inodes.unnamed(Id::at(meta), length(meta));
    }

    /// A file has another length than before.
    pub(super) fn resized(&mut self, before: &std::fs::Metadata, after: u64) {
        if before.nlink() == 0 {
            self.inodes.resized(Id::of(before), after);
            return;
        }
        let held = &mut self.ledger.held;
        held.bytes = held.bytes.saturating_sub(before.len()).saturating_add(after);
    }
}

impl From<&super::Directory> for Bounds {
    fn from(directory: &super::Directory) -> Self {
        Self { bytes: directory.bytes.get(), files: directory.files.into() }
    }
}

/// Runs what may wait for a disk where nobody else waits.
pub(super) async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, Why> + Send + 'static,
) -> Result<T, Why> {
    match tokio::task::spawn_blocking(act).await {
        Ok(result) => result,
        Err(error) => Err(Why::Io(io::Error::other(error))),
    }
}
