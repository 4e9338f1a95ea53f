//! Changes to what a directory has: each is checked, made and counted in one go, by whoever holds
//! the directory's account. All of them block.

use std::{
    fs::{File, FileTimes},
    io,
    os::unix::fs::FileExt as _,
    path::{Component, Path},
};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt as _};
use cap_std::fs::{Dir, Metadata, OpenOptions};
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

use super::{
    disk::{Account, Id},
    names::is_unseen,
    opening::{self, How},
    place::Place,
    why::Why,
};

/// Where in a file bytes are written.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    Position(u64),
    End,
}

pub(super) fn make_directory(dir: &Dir, path: &str, account: &mut Account) -> Result<(), Why> {
    let place = Place::of(dir, path)?;
    if place.look()?.is_some() {
        return Err(ErrorCode::Exist.into());
    }
    account.room(0, 1)?;
    place.nameable(None)?;
    place.parent.create_dir(&place.name)?;
    account.made(0);
    Ok(())
}

/// Makes a file, and opens it as `options` say. There is none yet: [`ErrorCode::Exist`] otherwise.
pub(super) fn make_file(dir: &Dir, path: &str, options: &OpenOptions, account: &mut Account) -> Result<File, Why> {
    let place = Place::of(dir, path)?.no_directory().map_err(|_| Why::Code(ErrorCode::IsDirectory))?;
    if place.look()?.is_some() {
        return Err(ErrorCode::Exist.into());
    }
    account.room(0, 1)?;
    place.nameable(None)?;
    // Whoever was faster made something that nobody looked at.
    let file = place.parent.open_with(&place.name, options.clone().create_new(true).follow(FollowSymlinks::No))?;
    account.made(0);
    Ok(file.into_std())
}

pub(super) fn make_symlink(dir: &Dir, target: &str, path: &str, account: &mut Account) -> Result<(), Why> {
    let place = Place::of(dir, path)?.no_directory()?;
    if place.look()?.is_some() {
        return Err(ErrorCode::Exist.into());
    }
    leads_down(Path::new(target))?;
    account.room(target.len() as u64, 1)?;
    place.nameable(None)?;
    place.parent.symlink(target, &place.name)?;
    account.made(target.len() as u64);
    Ok(())
}

/// Gives a file another name. Both directories are of the account's volume.
pub(super) fn link(
    (from_dir, from): (&Dir, &str),
    (to_dir, to): (&Dir, &str),
    account: &mut Account,
) -> Result<(), Why> {
    let (from, to) = (Place::of(from_dir, from)?.no_directory()?, Place::of(to_dir, to)?.no_directory()?);
    let meta = from.found()?;
    if meta.is_dir() {
        return Err(ErrorCode::NotPermitted.into());
    }
    movable(&from, &meta)?;
    if to.look()?.is_some() {
        return Err(ErrorCode::Exist.into());
    }
    account.room(0, 1)?;
    to.nameable(None)?;
    from.parent.hard_link(&from.name, &to.parent, &to.name)?;
    account.made(0);
    Ok(())
}

/// Both directories are of the account's volume.
pub(super) fn rename(
    (from_dir, from): (&Dir, &str),
    (to_dir, to): (&Dir, &str),
    account: &mut Account,
) -> Result<(), Why> {
    let (from, to) = (Place::of(from_dir, from)?, Place::of(to_dir, to)?);
    let meta = from.found()?;
    movable(&from, &meta)?;
    // A directory that is not there yet may be written with a slash.
    let replaced = to.look()?;
    match &replaced {
        // Two names of one file: the system does nothing, and says that it went well.
        Some(same) if Id::at(same) == Id::at(&meta) => return Ok(()),
        Some(_) => {}
        None => {
            let here = Id::at(&from.parent.dir_metadata()?) == Id::at(&to.parent.dir_metadata()?);
            to.nameable(here.then_some(from.name.as_str()))?;
        }
    }
    from.parent.rename(&from.name, &to.parent, &to.name)?;
    if let Some(replaced) = replaced {
        account.removed(&replaced);
    }
    Ok(())
}

pub(super) fn remove_file(dir: &Dir, path: &str, account: &mut Account) -> Result<(), Why> {
    let place = Place::of(dir, path)?.no_directory()?;
    let meta = place.found()?;
    if meta.is_dir() {
        return Err(ErrorCode::IsDirectory.into());
    }
    place.parent.remove_file(&place.name)?;
    account.removed(&meta);
    Ok(())
}

pub(super) fn remove_directory(dir: &Dir, path: &str, account: &mut Account) -> Result<(), Why> {
    let place = Place::of(dir, path)?;
    let meta = place.found()?;
    place.parent.remove_dir(&place.name)?;
    account.removed(&meta);
    Ok(())
}

pub(super) fn resize(file: &File, length: u64, account: &mut Account) -> Result<(), Why> {
    let before = file.metadata()?;
    if length > before.len() {
        account.room(length - before.len(), 0)?;
    }
    file.set_len(length)?;
    account.resized(&before, length);
    Ok(())
}

/// Says when a file or a directory was read and written. Not through wasmtime-wasi, which would wait
/// at a pipe.
pub(super) fn touch(dir: &Dir, path: &str, times: FileTimes) -> Result<(), Why> {
    let (file, _) = opening::open(dir, path, How::to_look(), None)?;
    Ok(file.set_times(times)?)
}

/// Writes all of `bytes`.
pub(super) fn write(file: &File, at: At, bytes: &[u8], account: &mut Account) -> Result<(), Why> {
    let before = file.metadata()?;
    let start = match at {
        At::Position(position) => position,
        At::End => before.len(),
    };
    let end = start.checked_add(bytes.len() as u64).ok_or(ErrorCode::FileTooLarge)?;
    // What is there already may be written over, however full the directory is.
    if end > before.len() {
        account.room(end - before.len(), 0)?;
    }
    let written = match at {
        At::Position(position) => file.write_all_at(bytes, position),
        At::End => append(file, bytes, start),
    };
    // Also when it went wrong half-way.
    if let Ok(after) = file.metadata() {
        account.resized(&before, after.len());
    }
    Ok(written?)
}

/// Writes at the end, wherever that is by now: other programs may be writing to the same file.
#[cfg(target_os = "linux")]
fn append(file: &File, mut bytes: &[u8], _end: u64) -> io::Result<()> {
    use rustix::io::{Errno, ReadWriteFlags, pwritev2};

    while !bytes.is_empty() {
        match pwritev2(file, &[io::IoSlice::new(bytes)], 0, ReadWriteFlags::APPEND) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Writes where the end was a moment ago.
#[cfg(not(target_os = "linux"))]
fn append(file: &File, bytes: &[u8], end: u64) -> io::Result<()> {
    file.write_all_at(bytes, end)
}

/// A link leads nowhere but below itself, so that it stays within the directory wherever it is moved
/// to and whoever follows it.
fn leads_down(target: &Path) -> Result<(), Why> {
    let below = target.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let plain = target.to_str().is_some_and(|text| !text.is_empty() && !text.contains(is_unseen));
    if below && plain { Ok(()) } else { Err(Why::Target) }
}

/// Links that somebody else made may lead up, as far as they do from where they are.
fn movable(place: &Place, meta: &Metadata) -> Result<(), Why> {
    if meta.is_symlink() { leads_down(&place.parent.read_link_contents(&place.name)?) } else { Ok(()) }
}
