//! Machine code on disk that somebody else had their hands on.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use cofferdam_tests::{Finished, HostBuilder, forge, guest, run_cli};
use serde_json::Value;
use tempfile::TempDir;

/// Two plugins over a cache of their own.
struct Cached {
    home: TempDir,
}

impl Cached {
    fn new() -> Self {
        let (one, two) = (guest("greeter"), forge::patch_greeting(&guest("greeter"), "Salut"));
        let home = HostBuilder::new().plugin("one", &one).plugin("two", &two).files();
        fs::write(home.path().join("cofferdam.toml"), "version = 1\ncache.directory = \"cache\"\n").unwrap();
        let cached = Self { home };
        cached.both_greet("at first");
        cached
    }

    fn directory(&self) -> PathBuf {
        self.home.path().join("cache")
    }

    /// The machine code of a plugin.
    fn code(&self, plugin: &str) -> PathBuf {
        let listed = self.run(&["plugins", "--json"]);
        let listed: Value = serde_json::from_str(&listed.out).unwrap();
        let served = listed["served"].as_array().unwrap();
        let sha256 = served.iter().find(|p| p["name"] == plugin).unwrap()["sha256"].as_str().unwrap();
        let of_it = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(sha256);
        let mut found = files(&self.directory()).into_iter().filter(of_it);
        let code = found.next().unwrap();
        assert_eq!((code.extension().unwrap(), found.next()), ("cwasm".as_ref(), None));
        code
    }

    fn run(&self, args: &[&str]) -> Finished {
        run_cli(self.home.path(), args)
    }

    #[track_caller]
    fn both_greet(&self, when: &str) {
        for (tool, greeting) in [("one_greet", "Hello, Ada!\n"), ("two_greet", "Salut, Ada!\n")] {
            let called = self.run(&["call", tool, r#"{"name":"Ada"}"#]);
            assert_eq!((called.code, called.out.as_str()), (Some(0), greeting), "{when}: {}", called.err);
        }
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Changes what is in a file, and leaves the file the one that it is.
fn alter(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

const MAC: usize = 32;

#[test]
fn what_was_damaged_is_compiled_anew() {
    let cached = Cached::new();
    let (one, two) = (cached.code("one"), cached.code("two"));
    let (good_one, good_two) = (fs::read(&one).unwrap(), fs::read(&two).unwrap());
    assert_eq!(good_one.len(), good_two.len(), "so that only the MAC can tell them apart");
    let swap = || {
        fs::write(&one, &good_two).unwrap();
        fs::write(&two, &good_one).unwrap();
    };
    let damages: [(&str, &dyn Fn()); 9] = [
        ("a bit of the code", &|| alter(&one, |bytes| bytes[good_one.len() / 2] ^= 1)),
        ("the last byte", &|| alter(&one, |bytes| *bytes.last_mut().unwrap() ^= 0x80)),
        ("a bit of the MAC", &|| alter(&one, |bytes| bytes[0] ^= 1)),
        ("a MAC of zeros", &|| alter(&one, |bytes| bytes[..MAC].fill(0))),
        ("the MAC of the other", &|| alter(&one, |bytes| bytes[..MAC].copy_from_slice(&good_two[..MAC]))),
        ("half of it", &|| alter(&one, |bytes| bytes.truncate(good_one.len() / 2))),
        ("less than a MAC", &|| alter(&one, |bytes| bytes.truncate(MAC - 1))),
        ("something behind it", &|| alter(&one, |bytes| bytes.push(0))),
        ("each other's code", &swap),
    ];
    for (what, damage) in damages {
        damage();
        let before = [fs::read(&one).unwrap(), fs::read(&two).unwrap()];
        assert_ne!(before[0], good_one, "{what}: the test damages nothing");
        cached.both_greet(what);
        assert_ne!(fs::read(&one).unwrap(), before[0], "{what}: it was left as it was");
        if before[1] != good_two {
            assert_ne!(fs::read(&two).unwrap(), before[1], "{what}: it was left as it was");
        }
    }
}

#[test]
fn what_is_whole_is_used() {
    let cached = Cached::new();
    let code = cached.code("one");
    // A file that is written anew is another file.
    let before = fs::metadata(&code).unwrap().ino();
    cached.both_greet("from the cache");
    assert_eq!(fs::metadata(&code).unwrap().ino(), before);
}

#[test]
fn a_key_from_elsewhere_opens_nothing() {
    let cached = Cached::new();
    let (one, two) = (cached.code("one"), cached.code("two"));
    let before = [fs::read(&one).unwrap(), fs::read(&two).unwrap()];
    fs::copy(Cached::new().directory().join("key"), cached.directory().join("key")).unwrap();
    cached.both_greet("under another key");
    assert_ne!(fs::read(&one).unwrap(), before[0]);
    assert_ne!(fs::read(&two).unwrap(), before[1]);
}

#[test]
fn a_key_that_is_no_secret_is_not_used() {
    let cached = Cached::new();
    let key = cached.directory().join("key");
    let refused = |why: &str| {
        let ended = cached.run(&["plugins"]);
        assert_eq!(ended.code, Some(1));
        assert!(ended.err.contains("as cache: its key") && ended.err.contains(why), "{}", ended.err);
    };
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    refused("others can read it");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    cached.both_greet("with the key it made");
    fs::write(&key, "short").unwrap();
    refused("");
}

#[test]
fn nobody_else_can_read_it() {
    let cached = Cached::new();
    assert_eq!(mode(&cached.directory()), 0o700);
    for file in files(&cached.directory()) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    fs::set_permissions(cached.directory(), fs::Permissions::from_mode(0o755)).unwrap();
    cached.both_greet("after its directory was opened to others");
    assert_eq!(mode(&cached.directory()), 0o700);
}
