//! `wasi:filesystem`: the directories of a grant, and nothing above or beside them. Needs the grant
//! `filesystem`.
//!
//! ```text
//! descriptor -> node (which directory, which path) -> may it? -> account (is there room?) -> done, counted, recorded
//! ```
//!
//! Files that are open are wasmtime-wasi's: its reads, its metadata, its flags. What looks at or
//! changes names goes through cap-std, the library that wasmtime-wasi confines paths with as well, in
//! one step on a thread that may block, because what is checked has to be what is then done: a name
//! is judged in the directory that it is made in, and room is counted while nobody else can take it.
//!
//! What holds:
//!
//! * **Confined.** No path leads out of its directory: not by `..`, not from the root, not by a link,
//!   not by one that somebody puts there in the meantime. Two granted directories are two worlds:
//!   nothing is moved or linked between them, and one that may be written has no other inside.
//! * **Files and directories only.** Pipes, sockets and devices are not opened, nor waited for.
//! * **Read only means it.** Nothing is made, changed, removed or touched under such a grant.
//! * **Bounded.** How much a directory holds ([`Disk`]), files open at a time, entries listed, bytes
//!   of one read or write (64 KiB, as wasmtime-wasi has it).
//! * **Plain.** Nothing is made whose name means something else on another system, or that differs
//!   from another name in case or accents alone; no link that leads anywhere but down.
//! * **Recorded.** Each opening with the bytes that went through it, each change, each refusal.
//!
//! What it does not do: keep other programs from changing the directory meanwhile (they may, and
//! cannot make a guest get out), nor undo what a call wrote when the call fails.

mod base;
mod change;
mod descriptor;
mod disk;
mod inodes;
mod measure;
mod names;
mod node;
mod opening;
mod place;
mod preopens;
mod root;
mod streams;
#[cfg(test)]
mod tests;
mod why;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, atomic::AtomicUsize},
};

use cofferdam_policy::{Directory, FilesystemGrant};
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::{filesystem::WasiFilesystemCtx, p2::bindings::filesystem};

pub use self::disk::Disk;
pub(crate) use self::root::Unopened;
use self::{
    node::{Listing, Node},
    root::Root,
};
use crate::{Capabilities, HasCapabilities, effects::Recorder};

/// What one call has of the file system.
pub(crate) struct Filesystem {
    roots: Vec<Arc<Root>>,
    /// By the number of the descriptor in the call's table.
    nodes: HashMap<u32, Node>,
    listings: HashMap<u32, Listing>,
    /// Entries of all of them.
    listed: Arc<AtomicUsize>,
    recorder: Recorder,
    /// Without directories: those are ours to give.
    wasi: WasiFilesystemCtx,
}

/// Opens the granted directories.
///
/// # Errors
/// When one cannot be opened, or lies in another that may be written.
pub(crate) fn open(grant: Option<&FilesystemGrant>, disk: &Disk, recorder: &Recorder) -> Result<Filesystem, Unopened> {
    let mut roots = Vec::<Arc<Root>>::new();
    for directory in grant.map(FilesystemGrant::directories).unwrap_or_default() {
        let root = Root::open(directory, disk)?;
        roots.iter().try_for_each(|other| root.beside(other))?;
        roots.push(Arc::new(root));
    }
    Ok(Filesystem {
        roots,
        nodes: HashMap::new(),
        listings: HashMap::new(),
        listed: Arc::default(),
        recorder: recorder.clone(),
        wasi: WasiFilesystemCtx::default(),
    })
}

/// The file system of a call with the call's table.
pub(crate) struct View<'a> {
    own: &'a mut Filesystem,
    table: &'a mut ResourceTable,
}

struct Given;

impl HasData for Given {
    type Data<'a> = View<'a>;
}

/// Puts `wasi:filesystem` before components.
///
/// # Errors
/// When two functions claim one name.
pub(crate) fn link<T: HasCapabilities>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    fn view<T: HasCapabilities>(data: &mut T) -> View<'_> {
        let Capabilities { filesystem, table, .. } = data.capabilities();
        View { own: filesystem, table }
    }
    filesystem::types::add_to_linker::<T, Given>(linker, view)?;
    filesystem::preopens::add_to_linker::<T, Given>(linker, view)
}

impl fmt::Debug for Filesystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at: Vec<_> = self.roots.iter().map(|root| &root.at).collect();
        f.debug_struct("Filesystem").field("directories", &at).finish_non_exhaustive()
    }
}
