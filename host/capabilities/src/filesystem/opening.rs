//! Opening what is there, or making it.

use std::{fs::File, io};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt as _, OpenOptionsSyncExt as _};
use cap_std::fs::{Dir, OpenOptions};
use wasmtime_wasi::{
    FsPerms, OpenMode,
    filesystem::{Descriptor, Dir as WasiDir, File as WasiFile},
    p2::bindings::filesystem::types::{DescriptorFlags, ErrorCode, OpenFlags, PathFlags},
};

use super::{change, disk::Account, place, why::Why};

/// How something is to be opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    flags: OpenFlags,
    follow: bool,
    read: bool,
    write: bool,
}

impl How {
    pub(super) fn of(path: PathFlags, open: OpenFlags, wants: DescriptorFlags) -> Result<Self, Why> {
        let synced = DescriptorFlags::FILE_INTEGRITY_SYNC
            | DescriptorFlags::DATA_INTEGRITY_SYNC
            | DescriptorFlags::REQUESTED_WRITE_SYNC;
        if wants.intersects(synced) {
            return Err(ErrorCode::Unsupported.into());
        }
        let makes = OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE;
        if open.contains(OpenFlags::DIRECTORY) && open.intersects(makes) {
            return Err(ErrorCode::Invalid.into());
        }
        let writes = wants.contains(DescriptorFlags::WRITE);
        Ok(Self {
            flags: open,
            follow: path.contains(PathFlags::SYMLINK_FOLLOW),
            // Something has to be opened for one or the other.
            read: wants.contains(DescriptorFlags::READ) || !writes,
            write: writes || open.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE),
        })
    }

    /// To look at what a path leads to.
    pub(super) fn to_look() -> Self {
        Self { flags: OpenFlags::empty(), follow: true, read: true, write: false }
    }

    /// Whether it changes something, now or later.
    pub(super) fn writes(self) -> bool {
        self.write
    }

    /// Whether opening itself may change how much there is.
    pub(super) fn changes(self) -> bool {
        self.flags.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE)
    }

    fn options(self) -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(self.read).write(self.write);
        options.follow(if self.follow { FollowSymlinks::Yes } else { FollowSymlinks::No });
        // What became a pipe since it was looked at would otherwise hold this thread until somebody
        // opens the other end. For files and directories it means nothing.
        options.nonblock(true);
        options
    }

    fn mode(self) -> OpenMode {
        let mut mode = OpenMode::empty();
        mode.set(OpenMode::READ, self.read);
        mode.set(OpenMode::WRITE, self.write);
        mode
    }

    /// The guest's descriptor of what was opened.
    pub(super) fn descriptor(self, file: File, meta: &std::fs::Metadata, perms: FsPerms) -> Descriptor {
        // Never where others wait.
        let blocking = false;
        if meta.is_dir() {
            Descriptor::Dir(WasiDir::new(file, perms, self.mode(), blocking))
        } else {
            Descriptor::File(WasiFile::new(file, perms, self.mode(), blocking))
        }
    }
}

/// Opens `path`, and says what it is. The account is there when [`How::changes`].
pub(super) fn open(
    dir: &Dir,
    path: &str,
    how: How,
    account: Option<&mut Account>,
) -> Result<(File, std::fs::Metadata), Why> {
    place::check(path)?;
    let Some(account) = account else { return existing(dir, path, how) };
    let create = how.flags.contains(OpenFlags::CREATE);
    let made = |account: &mut Account| {
        let file = change::make_file(dir, path, &how.options(), account)?;
        let meta = file.metadata()?;
        Ok::<_, Why>((file, meta))
    };
    if create && how.flags.contains(OpenFlags::EXCLUSIVE) {
        return made(account);
    }
    let (file, meta) = match existing(dir, path, how) {
        // A link that leads nowhere is something too: nothing is made at its end.
        Err(Why::Code(ErrorCode::NoEntry)) if create => return made(account),
        other => other?,
    };
    if how.flags.contains(OpenFlags::TRUNCATE) && meta.len() > 0 && meta.is_file() {
        change::resize(&file, 0, account)?;
    }
    Ok((file, meta))
}

fn existing(dir: &Dir, path: &str, how: How) -> Result<(File, std::fs::Metadata), Why> {
    let looked = if how.follow { dir.metadata(path) } else { dir.symlink_metadata(path) };
    let meta = looked.map_err(missing)?;
    // Opening a device can do things of its own.
    if meta.is_symlink() {
        return Err(ErrorCode::Loop.into());
    }
    if !meta.is_file() && !meta.is_dir() {
        return Err(Why::Special);
    }
    if how.flags.contains(OpenFlags::DIRECTORY) && !meta.is_dir() {
        return Err(ErrorCode::NotDirectory.into());
    }
    let file = dir.open_with(path, &how.options()).map_err(missing)?.into_std();
    let meta = file.metadata()?;
    if !meta.is_file() && !meta.is_dir() {
        return Err(Why::Special);
    }
    if how.flags.contains(OpenFlags::DIRECTORY) && !meta.is_dir() {
        return Err(ErrorCode::NotDirectory.into());
    }
    Ok((file, meta))
}

fn missing(error: io::Error) -> Why {
    if error.kind() == io::ErrorKind::NotFound { ErrorCode::NoEntry.into() } else { error.into() }
}
