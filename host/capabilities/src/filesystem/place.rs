//! Where something new goes, or something old is taken from: a directory that is open, and a name.

use cap_std::fs::{Dir, Metadata};
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

use super::{names, why::Why};

/// Bytes of a path, on nearly every system.
const LONGEST: usize = 4096;

/// The last name of a path, in the directory that the rest of it leads to.
///
/// What is checked about the name and what is done to it happen in the same directory, wherever the
/// path to it leads by then.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) parent: Dir,
    pub(super) name: String,
    /// A slash at the end: only a directory can be meant.
    slash: bool,
}

impl Place {
    pub(super) fn of(dir: &Dir, path: &str) -> Result<Self, Why> {
        check(path)?;
        let plain = path.trim_end_matches('/');
        let (parent, name) = plain.rsplit_once('/').unwrap_or(("", plain));
        if matches!(name, "" | "." | "..") {
            // It is a directory that has its name elsewhere, perhaps outside.
            return Err(ErrorCode::Invalid.into());
        }
        let parent = if parent.is_empty() { dir.try_clone()? } else { dir.open_dir(parent)? };
        Ok(Self { parent, name: name.to_owned(), slash: plain.len() < path.len() })
    }

    /// Refuses a path that can only be that of a directory.
    pub(super) fn no_directory(self) -> Result<Self, Why> {
        if self.slash { Err(ErrorCode::NotDirectory.into()) } else { Ok(self) }
    }

    /// What is there, itself and not what it links to.
    pub(super) fn look(&self) -> Result<Option<Metadata>, Why> {
        match self.parent.symlink_metadata(&self.name) {
            Ok(meta) if self.slash && !meta.is_dir() => Err(ErrorCode::NotDirectory.into()),
            Ok(meta) => Ok(Some(meta)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What is there, which has to be something.
    pub(super) fn found(&self) -> Result<Metadata, Why> {
        self.look()?.ok_or(Why::Code(ErrorCode::NoEntry))
    }

    /// That something new may have this name here. `except` is about to give its name up.
    pub(super) fn nameable(&self, except: Option<&str>) -> Result<(), Why> {
        names::check(&self.name)?;
        match names::twin(&self.parent, &self.name, except)? {
            Some(twin) => Err(Why::Twin(twin)),
            None => Ok(()),
        }
    }
}

/// What is no path at all, before anything is done with it.
pub(super) fn check(path: &str) -> Result<(), Why> {
    if path.is_empty() {
        return Err(ErrorCode::NoEntry.into());
    }
    if path.len() > LONGEST {
        return Err(ErrorCode::NameTooLong.into());
    }
    if path.contains('\0') {
        return Err(ErrorCode::Invalid.into());
    }
    if path.starts_with('/') {
        return Err(Why::Outside);
    }
    Ok(())
}
