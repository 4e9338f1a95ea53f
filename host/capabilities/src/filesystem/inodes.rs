//! Files that are open, so that one without a name is not forgotten.
//!
//! A file that is removed while it is open keeps its place on the disk, where no walk through the
//! directory finds it. Without this, a guest could fill a disk with files that it writes, removes and
//! keeps open.

use std::{
    collections::HashMap,
    os::unix::fs::MetadataExt as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::disk::Id;

/// Regular files of one volume that calls have open.
#[derive(Debug, Default)]
pub(super) struct Inodes(Mutex<HashMap<Id, Open>>);

#[derive(Debug, Default)]
struct Open {
    /// How often.
    times: u32,
    /// Its length, once it has no name.
    nameless: Option<u64>,
}

/// An open file, until dropped.
#[derive(Debug)]
pub(super) struct Inode {
    all: Arc<Inodes>,
    id: Id,
}

impl Inodes {
    pub(super) fn opened(self: &Arc<Self>, meta: &std::fs::Metadata) -> Inode {
        let id = Id::of(meta);
        let mut open = self.open();
        let entry = open.entry(id).or_default();
        entry.times += 1;
        // It was removed between being opened and being written down here.
        if meta.nlink() == 0 {
            entry.nameless.get_or_insert(meta.len());
        }
        Inode { all: self.clone(), id }
    }

    /// The last name of a file is gone.
    pub(super) fn unnamed(&self, id: Id, length: u64) {
        if let Some(entry) = self.open().get_mut(&id) {
            entry.nameless = Some(length);
        }
    }

    /// A file that has no name has another length.
    pub(super) fn resized(&self, id: Id, length: u64) {
        self.unnamed(id, length);
    }

    /// Bytes of all files without a name.
    pub(super) fn nameless(&self) -> u64 {
        self.open().values().filter_map(|entry| entry.nameless).fold(0, u64::saturating_add)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Id, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inode {
    fn drop(&mut self) {
        let mut open = self.all.open();
        if let Some(entry) = open.get_mut(&self.id) {
            entry.times -= 1;
            if entry.times == 0 {
                open.remove(&self.id);
            }
        }
    }
}
