//! A granted directory as one call has it.

use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use cofferdam_policy::Access;
use rustix::fs::OFlags;
use thiserror::Error;
use wasmtime_wasi::{
    FsPerms, OpenMode,
    filesystem::{Descriptor, Dir as WasiDir},
};

use super::{
    Directory, Disk,
    disk::{Account, Bounds, Id, Volume},
    why::Why,
};

/// Why a granted directory is not there. For the operator.
#[derive(Debug, Error)]
pub enum Unopened {
    #[error(
        "the directory {}, granted as {at}, cannot be opened: {error}; make it, let this process read it, or correct \
         the grant", path.display()
    )]
    Directory { path: PathBuf, at: String, error: io::Error },
    /// What is written through the outer one would not count for the inner, and need not heed its access.
    #[error(
        "the directories {} and {} are granted together, where the first lies in the second, or is it by another name, \
         and the second may be written: grant one of them, or let the second be read only", inner.display(), outer.display()
    )]
    Nested { inner: PathBuf, outer: PathBuf },
}

/// One granted directory.
pub(super) struct Root {
    /// What the guest knows it as.
    pub(super) at: String,
    dir: WasiDir,
    access: Access,
    bounds: Bounds,
    volume: Arc<Volume>,
    handles: u32,
    /// How many are taken.
    taken: Arc<AtomicU32>,
    /// The directory and those it lies in, up to the root of the machine.
    lineage: Vec<Id>,
    path: PathBuf,
}

/// One of the files that a call may have open, given back when dropped.
#[derive(Debug)]
pub(super) struct Slot(Arc<AtomicU32>);

impl Root {
    pub(super) fn open(directory: &Directory, disk: &Disk) -> Result<Self, Unopened> {
        let (path, at) = (directory.path.as_path().to_owned(), directory.at());
        let opened = (|| {
            // What is measured and what is given are one directory, whatever the path becomes.
            let flags = OFlags::DIRECTORY.bits().cast_signed();
            let file = OpenOptions::new().read(true).custom_flags(flags).open(&path)?;
            let id = Id::of(&file.metadata()?);
            Ok((file, id, lineage(&path, id)?))
        })();
        let (file, id, lineage) =
            opened.map_err(|error| Unopened::Directory { path: path.clone(), at: at.clone(), error })?;
        let (perms, mode) = match directory.access {
            Access::Read => (FsPerms::ReadOnly, OpenMode::READ),
            Access::ReadWrite => (FsPerms::ReadWrite, OpenMode::READ | OpenMode::WRITE),
        };
        Ok(Self {
            at,
            dir: WasiDir::new(file, perms, mode, false),
            access: directory.access,
            bounds: directory.into(),
            volume: disk.volume(id),
            handles: directory.handles,
            taken: Arc::default(),
            lineage,
            path,
        })
    }

    /// That neither of two directories is a way around what was said of the other.
    pub(super) fn beside(&self, other: &Self) -> Result<(), Unopened> {
        for (inner, outer) in [(self, other), (other, self)] {
            let within = outer.lineage.first().is_some_and(|id| inner.lineage.contains(id));
            if within && outer.access.writes() {
                return Err(Unopened::Nested { inner: inner.path.clone(), outer: outer.path.clone() });
            }
        }
        Ok(())
    }

    /// A descriptor of the directory itself.
    pub(super) fn descriptor(&self) -> Descriptor {
        Descriptor::Dir(self.dir.clone())
    }

    pub(super) fn perms(&self) -> FsPerms {
        self.dir.perms
    }

    pub(super) fn writable(&self) -> Result<(), Why> {
        if self.access.writes() { Ok(()) } else { Err(Why::ReadOnly) }
    }

    /// Takes the directory's account, to change something.
    pub(super) async fn account(&self) -> Result<Account, Why> {
        self.writable()?;
        Ok(self.volume.account(self.dir.dir.clone(), self.bounds).await)
    }

    pub(super) fn volume(&self) -> &Volume {
        &self.volume
    }

    /// One more open file.
    pub(super) fn slot(&self) -> Result<Slot, Why> {
        // Only this call counts here, and it does one thing at a time; what is dropped elsewhere
        // only makes room.
        if self.taken.load(Ordering::Acquire) >= self.handles {
            return Err(Why::Handles(self.handles));
        }
        self.taken.fetch_add(1, Ordering::AcqRel);
        Ok(Slot(self.taken.clone()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The directory and those above it, as they are called when no links are left in the path.
fn lineage(path: &Path, own: Id) -> io::Result<Vec<Id>> {
    let real = path.canonicalize()?;
    let mut lineage = vec![own];
    for above in real.ancestors().skip(1) {
        lineage.push(Id::of(&above.metadata()?));
    }
    Ok(lineage)
}
