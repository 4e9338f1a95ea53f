//! Attacks on the file system: by a guest that wants out of the directories it was granted, or more
//! of them than it was granted.

mod paths;
mod quotas;
mod record;
mod writing;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use cofferdam_tests::{HostBuilder, TestHost, guest};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::bench::Home;

/// What is in a file outside.
const OUTSIDE: &str = "nobody granted this";
/// What is in a file inside.
const INSIDE: &str = "hello from a file";

/// A directory to grant, and one beside it that is not granted.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.outside()).unwrap();
        fs::create_dir_all(place.inside().join("sub/deep")).unwrap();
        fs::write(place.outside().join("secret.txt"), OUTSIDE).unwrap();
        fs::write(place.inside().join("hello.txt"), INSIDE).unwrap();
        fs::write(place.inside().join("sub/hello.txt"), INSIDE).unwrap();
        place
    }

    fn inside(&self) -> PathBuf {
        self.0.path().join("inside")
    }

    fn outside(&self) -> PathBuf {
        self.0.path().join("outside")
    }

    /// A grant of the directory inside, as `/data`.
    fn grant(&self, more: &str) -> String {
        grant(&self.inside(), "/data", more)
    }
}

fn grant(path: &Path, at: &str, more: &str) -> String {
    let comma = if more.is_empty() { "" } else { ", " };
    format!("{{ path = {path:?}, at = {at:?}{comma}{more} }}")
}

const WRITABLE: &str = r#"access = "read-write""#;

/// A host whose plugin `probe` may use these directories.
fn builder(grants: &[String]) -> HostBuilder {
    HostBuilder::new()
        .named_plugin("probe", &guest("probe"))
        .policy(&format!("[[plugin]]\nname = \"probe\"\n[plugin.grants]\nfilesystem = [{}]", grants.join(", ")))
}

/// The same for one call after the other, each in a process of its own, with its record.
fn calls(grants: &[String]) -> Home {
    Home::of(builder(grants))
}

/// Calls a tool of `probe`, which has to answer.
#[track_caller]
fn call(host: &TestHost, tool: &str, arguments: Value) -> Value {
    let reply = host.rpc().call(&format!("probe_{tool}"), arguments);
    assert!(!reply.failed(), "{tool}: {}", reply.message);
    reply.result()["structuredContent"].clone()
}

#[track_caller]
fn read(host: &TestHost, path: &str) -> Value {
    call(host, "read_file", json!({ "path": path }))
}

#[track_caller]
fn write(host: &TestHost, path: &str, text: &str) -> Value {
    call(host, "write_file", json!({ "path": path, "text": text }))
}

#[track_caller]
fn fs_to(host: &TestHost, op: &str, path: &str, to: &str) -> Value {
    call(host, "fs", json!({ "op": op, "path": path, "to": to }))
}

fn error(code: &str) -> Value {
    json!({ "error": code })
}

fn done() -> Value {
    json!({ "done": true })
}

/// Everything below a directory: what is in each file, and where each link leads.
fn all(directory: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(at) = left.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            let kind = path.symlink_metadata().unwrap().file_type();
            let what = if kind.is_symlink() {
                format!("-> {}", path.read_link().unwrap().display())
            } else if kind.is_dir() {
                left.push(path.clone());
                "directory".into()
            } else if kind.is_file() {
                fs::read_to_string(&path).unwrap()
            } else {
                "special".into()
            };
            found.insert(path, what);
        }
    }
    found
}
