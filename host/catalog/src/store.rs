//! Copies of what was admitted, so that an approved version outlives the file it came from.
//!
//! A copy is no authority: it is verified anew each time it is read, like any other file.

use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use cofferdam_policy::PluginName;
use cofferdam_trust::Digest;

use crate::beside::Sidecar;

const COMPONENT: &str = "component.wasm";

/// A directory of components, each under its digest, with what speaks for it.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
}

impl Store {
    /// A store in this directory, which is made when something is kept.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Where the copy of this component is, if one was kept for this plugin. A copy stands in for the
    /// plugin it was kept for and no other: nothing in the bytes need say which that is.
    pub(crate) fn find(&self, plugin: &PluginName, digest: &Digest) -> Option<PathBuf> {
        let path = self.place(plugin, digest).join(COMPONENT);
        path.is_file().then_some(path)
    }

    fn place(&self, plugin: &PluginName, digest: &Digest) -> PathBuf {
        self.directory.join(plugin.as_str()).join(digest.to_string())
    }

    /// Keeps a component and what speaks for it, in place of an older copy.
    pub(crate) fn keep(
        &self,
        plugin: &PluginName,
        digest: &Digest,
        bytes: &[u8],
        sidecars: &[Sidecar],
    ) -> io::Result<()> {
        let place = self.place(plugin, digest);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(self.directory.join(plugin.as_str()))?;
        if self.holds(&place.join(COMPONENT), bytes, sidecars) {
            return Ok(());
        }
        let fresh = tempfile::Builder::new().prefix(".fresh").tempdir_in(&self.directory)?;
        write(&fresh.path().join(COMPONENT), bytes)?;
        for Sidecar { suffix, bytes } in sidecars {
            write(&fresh.path().join(format!("{COMPONENT}{suffix}")), bytes)?;
        }
        // A directory cannot be replaced in one step; a reader between the two finds nothing.
        let old = tempfile::Builder::new().prefix(".old").tempdir_in(&self.directory)?;
        if place.exists() {
            fs::rename(&place, old.path().join("it"))?;
        }
        fs::rename(fresh.keep(), &place)
    }

    fn holds(&self, path: &Path, bytes: &[u8], sidecars: &[Sidecar]) -> bool {
        crate::beside::read(path).is_ok_and(|kept| kept == sidecars) && fs::read(path).is_ok_and(|kept| kept == bytes)
    }

    /// Drops every copy that is not among these.
    pub(crate) fn keep_only(&self, wanted: &BTreeSet<(PluginName, Digest)>) {
        for (name, plugin) in entries(&self.directory) {
            let Ok(name) = name.parse::<PluginName>() else { continue };
            for (digest, path) in entries(&plugin) {
                let Ok(digest) = digest.parse::<Digest>() else { continue };
                if !wanted.contains(&(name.clone(), digest))
                    && let Err(error) = fs::remove_dir_all(&path)
                {
                    tracing::debug!(directory = %path.display(), %error, "cannot drop an old copy");
                }
            }
            // Only an empty one goes.
            let _others_are_left = fs::remove_dir(&plugin);
        }
    }
}

fn entries(directory: &Path) -> Vec<(String, PathBuf)> {
    let found = fs::read_dir(directory).into_iter().flatten().flatten();
    found.map(|e| (e.file_name().to_string_lossy().into_owned(), e.path())).collect()
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = fs::File::create(path)?;
    io::Write::write_all(&mut &file, bytes)?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_replaces_and_drops() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::new(home.path().join("store"));
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        let (a, b): (PluginName, PluginName) = ("a".parse().unwrap(), "b".parse().unwrap());
        assert_eq!(store.find(&a, &one), None);
        let sidecar = |bytes: &[u8]| vec![Sidecar { suffix: ".sig".into(), bytes: bytes.to_vec() }];
        store.keep(&a, &one, b"1", &sidecar(b"a")).unwrap();
        store.keep(&a, &one, b"1", &sidecar(b"b")).unwrap();
        store.keep(&b, &two, b"2", &[]).unwrap();
        assert_eq!(store.find(&b, &one), None, "kept for another");
        let path = store.find(&a, &one).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"1");
        assert_eq!(crate::beside::read(&path).unwrap(), sidecar(b"b"));
        store.keep_only(&BTreeSet::from([(b.clone(), two)]));
        assert_eq!(store.find(&a, &one), None);
        assert!(store.find(&b, &two).is_some());
        assert_eq!(fs::read_dir(home.path().join("store")).unwrap().count(), 1, "nothing is left behind");
    }
}
