//! Files that come and go.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsStr,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use cofferdam_policy::PluginName;
use notify::{
    Event, EventKind,
    event::{AccessKind, AccessMode, ModifyKind},
};

use crate::{Refusal, Step, beside::speaks_for};

/// A file that stayed as it is for this long, and that nobody is seen writing, is whole.
pub(crate) const SETTLED: Duration = Duration::from_millis(100);
/// How long a file that somebody began to write, and did not close, is waited for.
const ABANDONED: Duration = Duration::from_secs(30);
/// Entries of a directory; more is a mistake, such as a home directory.
const MOST_ENTRIES: usize = 10_000;

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Fingerprint {
    /// Of the file that `path` leads to, through symbolic links: mounted configuration is made of
    /// them.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let m = fs::metadata(path)?;
        Ok(Self {
            device: m.dev(),
            inode: m.ino(),
            size: m.size(),
            modified: (m.mtime(), m.mtime_nsec()),
            changed: (m.ctime(), m.ctime_nsec()),
        })
    }
}

/// One component file that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) fingerprint: Fingerprint,
    /// What lies beside it and speaks for it.
    pub(crate) beside: Vec<(PathBuf, Fingerprint)>,
}

/// What a look into the directories showed.
#[derive(Debug, Default)]
pub(crate) struct Look {
    pub(crate) files: BTreeMap<PluginName, Found>,
    /// Files that cannot be plugins, whatever is in them.
    pub(crate) refusals: Vec<Refusal>,
    /// Plugins whose file is there and not yet whole.
    pub(crate) unsettled: Vec<PluginName>,
}

/// The directories plugins are dropped into.
#[derive(Debug)]
pub(crate) struct Directories {
    paths: Vec<PathBuf>,
    seen: HashMap<PathBuf, (Fingerprint, Instant)>,
    writing: HashMap<PathBuf, Instant>,
}

impl Directories {
    pub(crate) fn new(paths: Vec<PathBuf>) -> Self {
        Self { paths, seen: HashMap::new(), writing: HashMap::new() }
    }

    /// Takes note of what the operating system tells of a file.
    pub(crate) fn note(&mut self, event: &Event, now: Instant) {
        for path in &event.paths {
            match event.kind {
                EventKind::Modify(ModifyKind::Data(_)) | EventKind::Create(_) => {
                    self.writing.insert(path.clone(), now);
                }
                EventKind::Access(AccessKind::Close(AccessMode::Write))
                | EventKind::Modify(ModifyKind::Name(_))
                | EventKind::Remove(_) => {
                    self.writing.remove(path);
                }
                _ => {}
            }
        }
    }

    /// Lists what is there now. Directories come in the order they were named; of two files for one
    /// plugin the first counts.
    pub(crate) fn look(&mut self, now: Instant) -> Look {
        let mut look = Look::default();
        let mut there = HashMap::new();
        self.writing.retain(|_, since| now.duration_since(*since) < ABANDONED);
        for directory in &self.paths {
            let entries = match fs::read_dir(directory) {
                Ok(entries) => entries,
                Err(error) => {
                    look.refusals.push(Refusal {
                        plugin: directory.display().to_string(),
                        step: Step::Read,
                        reason: Step::Read.label(),
                        found: format!("cannot list the directory: {error}"),
                        mend: "make it, or name another under `plugins.directories`".into(),
                    });
                    continue;
                }
            };
            let mut all: Vec<PathBuf> =
                entries.take(MOST_ENTRIES).filter_map(|e| e.ok().map(|e| e.path())).filter(|p| !hidden(p)).collect();
            all.sort();
            for path in all.iter().filter(|p| p.extension() == Some(OsStr::new("wasm"))) {
                self.sight(path, &all, now, &mut there, &mut look);
            }
        }
        self.seen = there;
        look
    }

    fn sight(
        &self,
        path: &Path,
        all: &[PathBuf],
        now: Instant,
        there: &mut HashMap<PathBuf, (Fingerprint, Instant)>,
        look: &mut Look,
    ) {
        // A link to nowhere, or a file that left between two looks, is not there.
        let Ok(fingerprint) = Fingerprint::of(path) else { return };
        if !path.is_file() {
            return;
        }
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let name: PluginName = match stem.parse() {
            Ok(name) => name,
            Err(error) => {
                look.refusals.push(Refusal {
                    plugin: stem.chars().take(40).collect::<String>().escape_debug().to_string(),
                    step: Step::Read,
                    reason: Step::Read.label(),
                    found: format!("{error}"),
                    mend: "rename the file".into(),
                });
                return;
            }
        };
        let mut whole = self.is_whole(path, fingerprint, now, there);
        let mut beside = Vec::new();
        // In order of names, what speaks for a component follows it.
        let component = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let from = all.partition_point(|p| p.as_path() <= path);
        for other in all[from..].iter().take_while(|p| begins_with(p, &component)) {
            let file = other.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            if speaks_for(&file, &component)
                && let Ok(fingerprint) = Fingerprint::of(other)
            {
                whole &= self.is_whole(other, fingerprint, now, there);
                beside.push((other.clone(), fingerprint));
            }
        }
        if !whole {
            look.unsettled.push(name);
        } else if let Some(first) = look.files.get(&name) {
            look.refusals.push(Refusal::new(
                &name,
                Step::Read,
                format!("{} has the name of {}", path.display(), first.path.display()),
                "rename one of them",
            ));
        } else {
            look.files.insert(name, Found { path: path.to_owned(), fingerprint, beside });
        }
    }

    /// Whether a file stayed as it is for long enough, and nobody is seen writing it.
    fn is_whole(
        &self,
        path: &Path,
        fingerprint: Fingerprint,
        now: Instant,
        there: &mut HashMap<PathBuf, (Fingerprint, Instant)>,
    ) -> bool {
        let since = match self.seen.get(path) {
            Some((known, since)) if *known == fingerprint => *since,
            _ => now,
        };
        there.insert(path.to_owned(), (fingerprint, since));
        !self.writing.contains_key(path) && now.duration_since(since) >= SETTLED
    }
}

fn begins_with(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(name.as_bytes()))
}

fn hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."))
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange};

    use super::*;

    fn write(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
        let path = directory.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn a_file_counts_once_it_stays_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let path = write(home.path(), "a.wasm", b"1");
        let mut directories = Directories::new(vec![home.path().to_owned()]);
        let start = Instant::now();
        assert_eq!(directories.look(start).unsettled, ["a".parse().unwrap()]);
        let later = directories.look(start + SETTLED);
        assert_eq!(later.files.keys().map(PluginName::as_str).collect::<Vec<_>>(), ["a"]);
        fs::write(&path, b"22").unwrap();
        assert!(directories.look(start + SETTLED * 2).files.is_empty(), "changed, so not settled");
        assert_eq!(directories.look(start + SETTLED * 3).files.len(), 1);
    }

    #[test]
    fn a_file_that_is_being_written_is_left_alone_until_it_is_closed() {
        let home = tempfile::tempdir().unwrap();
        let path = write(home.path(), "a.wasm", b"1");
        let mut directories = Directories::new(vec![home.path().to_owned()]);
        let start = Instant::now();
        directories.note(&Event::new(EventKind::Create(CreateKind::File)).add_path(path.clone()), start);
        let data = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        directories.note(&Event::new(data).add_path(path.clone()), start);
        directories.look(start);
        assert!(directories.look(start + SETTLED * 50).files.is_empty());
        let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
        directories.note(&Event::new(closed).add_path(path), start);
        assert_eq!(directories.look(start + SETTLED * 51).files.len(), 1);
    }

    #[test]
    fn a_writer_that_never_closes_is_given_up_on() {
        let home = tempfile::tempdir().unwrap();
        let path = write(home.path(), "a.wasm", b"1");
        let mut directories = Directories::new(vec![home.path().to_owned()]);
        let start = Instant::now();
        directories.note(&Event::new(EventKind::Create(CreateKind::File)).add_path(path), start);
        directories.look(start);
        assert_eq!(directories.look(start + ABANDONED).files.len(), 1);
    }

    #[test]
    fn only_plain_names_are_plugins() {
        let home = tempfile::tempdir().unwrap();
        for name in ["a.wasm", "b.txt", ".c.wasm", "D.wasm", "e.wasm.part"] {
            write(home.path(), name, b"1");
        }
        fs::create_dir(home.path().join("f.wasm")).unwrap();
        let mut directories = Directories::new(vec![home.path().to_owned(), home.path().join("missing")]);
        let start = Instant::now();
        directories.look(start);
        let look = directories.look(start + SETTLED);
        assert_eq!(look.files.keys().map(PluginName::as_str).collect::<Vec<_>>(), ["a"]);
        let refused: Vec<_> = look.refusals.iter().map(|r| r.found.as_str()).collect();
        assert_eq!(refused.len(), 2, "{refused:?}");
        assert!(refused[0].contains("\"D\" is no plugin name"));
        assert!(refused[1].contains("cannot list the directory"));
    }

    #[test]
    fn of_two_files_for_one_plugin_the_first_directory_counts() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = write(one.path(), "a.wasm", b"1");
        write(two.path(), "a.wasm", b"2");
        let mut directories = Directories::new(vec![one.path().to_owned(), two.path().to_owned()]);
        let start = Instant::now();
        directories.look(start);
        let look = directories.look(start + SETTLED);
        assert_eq!(look.files[&"a".parse::<PluginName>().unwrap()].path, first);
        assert_eq!(look.refusals.len(), 1);
    }
}
