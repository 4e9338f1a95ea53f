//! What is known of each descriptor that a guest holds.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::{
    inodes::Inode,
    root::{Root, Slot},
    why::Why,
};
use crate::effects::Pending;

/// Entries of directories that a call may hold at a time: some 10 MiB of names. An entry that a
/// guest has read counts as long as its list is there.
const LISTED: usize = 100_000;

/// A descriptor.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) root: Arc<Root>,
    /// What the guest knows it as.
    pub(super) path: String,
    /// `None` for granted directories themselves, which are open from the beginning.
    pub(super) open: Option<Arc<Open>>,
}

/// What lasts as long as a file or a directory is open: as its descriptor and all its streams.
#[derive(Debug)]
pub(super) struct Open {
    /// The opening, which becomes the sum of what goes through.
    pub(super) effect: Pending,
    pub(super) _slot: Slot,
    /// `None` for directories.
    pub(super) _inode: Option<Inode>,
}

/// The list of a directory.
#[derive(Debug)]
pub(super) struct Listing {
    /// Counts as an open file: the system's handle is closed, and the list takes more memory.
    _slot: Slot,
    entries: usize,
    all: Arc<AtomicUsize>,
}

impl Node {
    /// A path below this one, as the guest knows it.
    pub(super) fn below(&self, path: &str) -> String {
        // Cut like all that is recorded; a guest may give a long one.
        let path = &path[..path.floor_char_boundary(1000)];
        if path.is_empty() || path == "." { self.path.clone() } else { format!("{}/{path}", self.path) }
    }

    pub(super) fn sent(&self, bytes: u64) {
        if let Some(open) = &self.open {
            open.effect.sent(bytes);
        }
    }

    pub(super) fn received(&self, bytes: u64) {
        if let Some(open) = &self.open {
            open.effect.received(bytes);
        }
    }
}

impl Listing {
    /// How many entries may be in one more list.
    pub(super) fn left(all: &AtomicUsize) -> usize {
        LISTED.saturating_sub(all.load(Ordering::Acquire))
    }

    pub(super) fn new(slot: Slot, entries: usize, all: &Arc<AtomicUsize>) -> Result<Self, Why> {
        if entries > Self::left(all) {
            return Err(Why::Listing(LISTED));
        }
        all.fetch_add(entries, Ordering::AcqRel);
        Ok(Self { _slot: slot, entries, all: all.clone() })
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        self.all.fetch_sub(self.entries, Ordering::AcqRel);
    }
}
