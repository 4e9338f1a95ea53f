//! The file itself: whose it is, and who can reach it.

use std::{
    fs::{self, DirBuilder, Metadata, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
    sync::{Mutex, PoisonError},
};

use crate::StateError;

/// Which file a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(super) fn of(file: &Path) -> io::Result<Self> {
        fs::metadata(file).map(|metadata| Self::from(&metadata))
    }
}

impl From<&Metadata> for Identity {
    fn from(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// Whoever makes the file has it open for a moment, and must have closed it before SQLite opens it in this process:
/// closing it later would take away SQLite's locks, which the system keeps for the process and not for who opened it.
static MAKING: Mutex<()> = Mutex::new(());

/// Sees to it that there is a file which only its owner reads and writes. SQLite gives the files beside it the same
/// permissions.
///
/// A directory that is missing is made for its owner only. One that everybody may write to is refused: there, anybody
/// could put another file in the place of this one.
pub(super) fn prepare(file: &Path) -> Result<Identity, StateError> {
    let failed = |what: String| StateError::File { file: file.to_owned(), what };
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let in_directory = |error: io::Error| failed(format!("its directory cannot be made or read: {error}"));
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(in_directory)?;
    if fs::metadata(directory).map_err(in_directory)?.mode() & 0o002 != 0 {
        return Err(failed("everybody may write to its directory; keep it in one of your own".to_owned()));
    }
    let of_file = |error: io::Error| failed(format!("cannot be made or read: {error}"));
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(of_file(error)),
    }
    // From here on by its name only, for the reason given at `MAKING`.
    let metadata = fs::metadata(file).map_err(of_file)?;
    if !metadata.is_file() {
        return Err(failed("is no ordinary file".to_owned()));
    }
    if metadata.mode() & 0o077 != 0 {
        let tightened = fs::set_permissions(file, Permissions::from_mode(0o600));
        tightened.map_err(|error| failed(format!("others can read it, and that cannot be changed: {error}")))?;
    }
    Ok(Identity::from(&metadata))
}
