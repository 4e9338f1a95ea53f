//! How much a directory holds: a walk, bounded, that follows no link.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
};

use cap_std::fs::{Dir, Metadata, MetadataExt as _};
use thiserror::Error;

/// Entries after which a directory is too large to be counted again and again.
const MOST: u64 = 1_000_000;

/// What lies in a directory: the lengths of files and of the targets of links, each file counted
/// once however many names it has, and how many names there are. A sparse file counts with its
/// length: somebody may fill it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) bytes: u64,
    pub(super) files: u64,
}

/// Nobody can say whether there is room.
#[derive(Debug, Error)]
#[error("how much the directory holds cannot be measured, at {}: {error}", at.display())]
pub(super) struct Unmeasured {
    at: PathBuf,
    error: io::Error,
}

/// Counts what is below `root`, and stops once there are more than `files` entries: then the answer
/// is that number and one, and its bytes are not all.
pub(super) fn measure(root: &Dir, files: u64) -> Result<Held, Unmeasured> {
    let mut held = Held::default();
    let mut seen = HashSet::new();
    // Paths rather than open directories, so that neither depth nor breadth costs handles. One that
    // is too deep for a path ends the walk with an error, so that nothing can be hidden there.
    let mut left = vec![PathBuf::new()];
    while let Some(path) = left.pop() {
        let wrong = |error| Unmeasured { at: path.clone(), error };
        let Some(entries) = entries(root, &path).map_err(wrong)? else { continue };
        for entry in entries {
            let entry = entry.map_err(wrong)?;
            let Some(meta) = gone(entry.metadata()).map_err(wrong)? else { continue };
            held.files += 1;
            if held.files > files {
                return Ok(held);
            }
            if held.files > MOST {
                return Err(wrong(io::Error::other(format!("it has more than {MOST} entries"))));
            }
            if meta.is_dir() {
                left.push(path.join(entry.file_name()));
            } else if meta.nlink() <= 1 || seen.insert((meta.dev(), meta.ino())) {
                held.bytes = held.bytes.saturating_add(length(&meta));
            }
        }
    }
    Ok(held)
}

/// What counts of a file or a link.
pub(super) fn length(meta: &Metadata) -> u64 {
    if meta.is_file() || meta.is_symlink() { meta.len() } else { 0 }
}

fn entries(root: &Dir, path: &Path) -> io::Result<Option<cap_std::fs::ReadDir>> {
    if path.as_os_str().is_empty() {
        return root.entries().map(Some);
    }
    // What became a link meanwhile leads to something else in the root, which is counted twice; it
    // leads nowhere else.
    match root.read_dir(path) {
        // What this process cannot look into it has written nothing to, and no guest can close a
        // directory to it. A file system's `lost+found` is one.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        // It became a file.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(None),
        other => gone(other),
    }
}

/// What was removed while we looked.
fn gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use cap_std::ambient_authority;

    use super::*;

    #[test]
    fn counts_lengths_once_and_follows_nothing() {
        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("large"), [0; 5000]).unwrap();
        let at = dir.path();
        fs::create_dir_all(at.join("a/b/c")).unwrap();
        fs::write(at.join("a/b/f"), [0; 100]).unwrap();
        fs::hard_link(at.join("a/b/f"), at.join("again")).unwrap();
        symlink(outside.path(), at.join("out")).unwrap();
        fs::File::create(at.join("sparse")).unwrap().set_len(1000).unwrap();
        let link = outside.path().as_os_str().len() as u64;

        let root = Dir::open_ambient_dir(at, ambient_authority()).unwrap();
        let held = measure(&root, 100).unwrap();
        assert_eq!(held, Held { bytes: 1100 + link, files: 7 });
        assert_eq!(measure(&root, 7).unwrap().files, 7);
        assert_eq!(measure(&root, 3).unwrap().files, 4);
    }

    #[test]
    fn nothing_hides_in_the_depth() {
        let dir = tempfile::tempdir().unwrap();
        let root = Dir::open_ambient_dir(dir.path(), ambient_authority()).unwrap();
        let name = "d".repeat(250);
        let mut inner = root.try_clone().unwrap();
        for _ in 0..20 {
            inner.create_dir(&name).unwrap();
            inner = inner.open_dir(&name).unwrap();
        }
        inner.write("hidden", [0; 1000]).unwrap();
        let wrong = measure(&root, 100).unwrap_err();
        assert!(wrong.to_string().contains("cannot be measured"), "{wrong}");
    }
}
