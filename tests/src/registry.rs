//! A registry that is really started, and the other programs that tests/tools/setup.sh gets.

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{self, Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use serde_json::json;
use tempfile::TempDir;

use crate::{PATIENCE, repository, within};

/// A program that tests/tools/setup.sh gets, by its path among what it got, such as `usr/bin/cosign`.
pub fn program(path: &str) -> PathBuf {
    among("debian", path)
}

/// A server that tests/tools/servers.sh gets, such as `bao`.
pub fn server(name: &str) -> PathBuf {
    among("servers/bin", name)
}

pub(crate) fn among(directory: &str, path: &str) -> PathBuf {
    let script = if directory == "debian" { "setup.sh" } else { "servers.sh" };
    let deps = env::var_os("COFFERDAM_TEST_DEPS").map_or_else(|| repository().join("target/test-deps"), PathBuf::from);
    let program = deps.join(directory).join(path);
    assert!(program.exists(), "{} is missing: run tests/tools/{script}", program.display());
    program
}

/// docker-registry with a port and a directory of its own, until this is dropped.
#[derive(Debug)]
pub struct DockerRegistry {
    home: TempDir,
    address: String,
    /// `None` while it is away.
    process: Option<Child>,
}

impl Default for DockerRegistry {
    fn default() -> Self {
        Self::start()
    }
}

impl DockerRegistry {
    /// One that lets everybody in.
    pub fn start() -> Self {
        Self::with(None)
    }

    /// One that lets in whom this file of `htpasswd -B` names.
    pub fn guarded(users: &str) -> Self {
        Self::with(Some(users))
    }

    fn with(users: Option<&str>) -> Self {
        // Between finding a free port and taking it, somebody else may.
        for _ in 0..5 {
            let home = tempfile::tempdir().unwrap();
            let address = free_address();
            let mut config = json!({
                "version": 0.1,
                "storage": { "filesystem": { "rootdirectory": home.path().join("data") }, "delete": { "enabled": true } },
                "http": { "addr": address },
                "log": { "level": "error" },
            });
            if let Some(users) = users {
                let path = home.path().join("users");
                fs::write(&path, users).unwrap();
                config["auth"] = json!({ "htpasswd": { "realm": "test", "path": path } });
            }
            // JSON is YAML.
            fs::write(home.path().join("config.yml"), config.to_string()).unwrap();
            let mut registry = Self { home, address, process: None };
            if registry.try_resume() {
                return registry;
            }
        }
        panic!("docker-registry does not start")
    }

    /// Host and port, as references have them.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends the process. What was pushed stays.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended on its own.
            let _gone = process.kill();
            let _ended = process.wait();
        }
    }

    /// Starts it again, at the same address and with all that was pushed.
    pub fn resume(&mut self) {
        assert!(self.try_resume(), "docker-registry does not start again:\n{}", self.log());
    }

    fn try_resume(&mut self) -> bool {
        let log = fs::File::create(self.home.path().join("log")).unwrap();
        let requests = fs::File::options().create(true).append(true).open(self.home.path().join("requests")).unwrap();
        let mut process = Command::new(program("usr/bin/docker-registry"))
            .arg("serve")
            .arg(self.home.path().join("config.yml"))
            .stdin(Stdio::null())
            .stdout(requests)
            .stderr(log)
            .spawn()
            .unwrap();
        let started = within(PATIENCE, "docker-registry listens", || {
            let ended = process.try_wait().unwrap().is_some();
            let listens = TcpStream::connect(&self.address).is_ok();
            (ended || listens).then_some(!ended)
        });
        self.process = Some(process);
        started
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }

    /// How many requests it answered that contain this, such as `/v2/acme/echo/manifests/1 `.
    pub fn requests(&self, containing: &str) -> usize {
        let log = fs::read_to_string(self.home.path().join("requests")).unwrap_or_default();
        log.lines().filter(|line| line.contains(containing)).count()
    }

    /// Where it keeps the manifest or layer of this digest, which has 64 hexadecimal digits.
    pub fn file_of(&self, digest: &str) -> PathBuf {
        let blobs = self.home.path().join("data/docker/registry/v2/blobs/sha256");
        blobs.join(&digest[..2]).join(digest).join("data")
    }

    /// The tags of a repository, in order.
    pub fn tags(&self, repository: &str) -> Vec<String> {
        let tags = self.repository(repository).join("_manifests/tags");
        let names = fs::read_dir(tags).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// The manifest that a tag leads to.
    pub fn tag(&self, repository: &str, tag: &str) -> String {
        let link = fs::read_to_string(self.link(repository, tag)).unwrap();
        link.trim_start_matches("sha256:").to_owned()
    }

    /// Lets a tag lead to a manifest that is there already.
    pub fn retag(&self, repository: &str, tag: &str, digest: &str) {
        fs::write(self.link(repository, tag), format!("sha256:{digest}")).unwrap();
    }

    fn link(&self, repository: &str, tag: &str) -> PathBuf {
        self.repository(repository).join("_manifests/tags").join(tag).join("current/link")
    }

    fn repository(&self, name: &str) -> PathBuf {
        self.home.path().join("data/docker/registry/v2/repositories").join(name)
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        self.stop();
    }
}

/// An address that is free, and that no operating system hands out by itself: a registry that is away for a while finds
/// it free again.
pub(crate) fn free_address() -> String {
    const FIRST: u32 = 20_000;
    const PORTS: u32 = 12_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let own = process::id().wrapping_mul(97);
    within(Duration::from_secs(10), "a port is free", || {
        let port = FIRST + own.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % PORTS;
        let address = format!("127.0.0.1:{port}");
        TcpListener::bind(&address).is_ok().then_some(address)
    })
}
