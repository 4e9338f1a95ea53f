//! A host, from its files to its exit code.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::{Rpc, binary, eventually, repository};

/// What a host is started with.
#[derive(Debug)]
pub struct HostBuilder {
    home: TempDir,
    policy: String,
    config: String,
    approved: Vec<(String, String)>,
}

impl Default for HostBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl HostBuilder {
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("plugins")).unwrap();
        Self { home, policy: String::new(), config: String::new(), approved: Vec::new() }
    }

    /// Puts a component into the plugin directory and approves it.
    #[must_use]
    pub fn plugin(self, name: &str, component: &[u8]) -> Self {
        fs::write(self.home.path().join("plugins").join(format!("{name}.wasm")), component).unwrap();
        self.approved(name, component)
    }

    /// Puts a component there that nobody approved.
    #[must_use]
    pub fn unapproved(self, name: &str, component: &[u8]) -> Self {
        fs::write(self.home.path().join("plugins").join(format!("{name}.wasm")), component).unwrap();
        self
    }

    /// Approves a component that is not there yet.
    #[must_use]
    pub fn approved(mut self, name: &str, component: &[u8]) -> Self {
        self.approved.push((name.to_owned(), sha256(component)));
        self
    }

    /// Adds to the policy.
    #[must_use]
    pub fn policy(mut self, text: &str) -> Self {
        self.policy.push_str(text);
        self.policy.push('\n');
        self
    }

    /// Adds to the configuration.
    #[must_use]
    pub fn config(mut self, text: &str) -> Self {
        self.config.push_str(text);
        self.config.push('\n');
        self
    }

    /// Writes the files, and starts nothing.
    pub fn files(self) -> TempDir {
        let path = |name: &str| self.home.path().join(name);
        let cache = repository().join("target/test-cache");
        let config = format!("version = 1\ncache.directory = {:?}\n{}", cache.display().to_string(), self.config);
        fs::write(path("cofferdam.toml"), config).unwrap();
        fs::write(path("policy.toml"), format!("version = 1\n{}", self.policy)).unwrap();
        let entries = self.approved.iter().map(|(name, sha256)| lock_entry(name, sha256));
        fs::write(path("cofferdam.lock"), format!("version = 1\n{}", entries.collect::<String>())).unwrap();
        self.home
    }

    /// Starts `cofferdam serve` and waits until it is ready.
    pub fn start(self) -> TestHost {
        let host = self.start_unready();
        eventually("the host is ready", || {
            assert!(host.is_running(), "the host ended:\n{}", host.log());
            (host.rpc().get("/health/ready").0 == 200).then_some(())
        });
        host
    }

    /// Starts `cofferdam serve` and waits until it listens.
    pub fn start_unready(self) -> TestHost {
        TestHost::start(self.files())
    }
}

fn lock_entry(name: &str, sha256: &str) -> String {
    format!("[[plugin]]\nname = \"{name}\"\nsha256 = \"{sha256}\"\n")
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// A host that runs, until this is dropped.
#[derive(Debug)]
pub struct TestHost {
    home: TempDir,
    child: Mutex<Child>,
    pid: Pid,
    log: Arc<Mutex<String>>,
    rpc: Rpc,
}

/// How a program ended.
#[derive(Clone, Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl TestHost {
    fn start(home: TempDir) -> Self {
        let mut child = Command::new(binary())
            .args(["serve", "--port", "0", "--config"])
            .arg(home.path().join("cofferdam.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = Pid::from_child(&child);
        let log = Arc::new(Mutex::new(String::new()));
        keep(child.stderr.take().unwrap(), log.clone());
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        // The rest of it is for people; a pipe that nobody reads would stop the host.
        thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        let url = first.split_whitespace().find(|word| word.starts_with("http://"));
        let base = url.and_then(|u| u.strip_suffix("/mcp")).map(str::to_owned);
        let base = base.unwrap_or_else(|| {
            let _ended = child.wait();
            panic!("the host did not say where it listens: {first:?}\n{}", log.lock().unwrap())
        });
        Self { home, child: Mutex::new(child), pid, log, rpc: Rpc::new(&base) }
    }

    pub fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// A path among the host's files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The directory that plugins are dropped into.
    pub fn plugins(&self) -> PathBuf {
        self.path("plugins")
    }

    /// Puts a file into the plugin directory the way it should be done: under another name first.
    pub fn drop_in(&self, name: &str, bytes: &[u8]) {
        let part = self.plugins().join(format!(".{name}.part"));
        fs::write(&part, bytes).unwrap();
        fs::rename(part, self.plugins().join(format!("{name}.wasm"))).unwrap();
    }

    /// Replaces the lock by one that approves these components.
    pub fn approve(&self, components: &[(&str, &[u8])]) {
        let entries = components.iter().map(|(name, bytes)| lock_entry(name, &sha256(bytes)));
        let text = format!("version = 1\n{}", entries.collect::<String>());
        let part = self.path(".lock.part");
        fs::write(&part, text).unwrap();
        fs::rename(part, self.path("cofferdam.lock")).unwrap();
    }

    /// Runs another command of the program over the same files.
    pub fn cli(&self, args: &[&str]) -> Finished {
        run_cli(self.home.path(), args)
    }

    /// What the host logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The lines of it, parsed.
    pub fn lines(&self) -> Vec<Value> {
        self.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits for a line of log that `wanted` accepts.
    #[track_caller]
    pub fn line(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("a line of log: {what}\n"), || self.lines().into_iter().find(&wanted))
    }

    pub fn is_running(&self) -> bool {
        self.child.lock().unwrap().try_wait().unwrap().is_none()
    }

    /// Sends a signal to this process.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }

    /// Waits for the end of the process.
    pub fn wait(&self) -> ExitStatus {
        eventually("the host ends", || self.child.lock().unwrap().try_wait().unwrap())
    }
}

impl Drop for TestHost {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap();
        if child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _gone = child.kill();
            let _ended = child.wait();
        }
        if thread::panicking() {
            eprintln!("--- the host's log\n{}", self.log.lock().unwrap());
        }
    }
}

/// Reads a pipe to its end, in a thread.
fn keep(mut pipe: impl Read + Send + 'static, into: Arc<Mutex<String>>) {
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(n @ 1..) = pipe.read(&mut buffer) {
            into.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..n]));
        }
    });
}

/// Runs the program in `home`, with the configuration that is there.
pub fn run_cli(home: &Path, args: &[&str]) -> Finished {
    let output = Command::new(binary()).args(args).current_dir(home).stdin(Stdio::null()).output().unwrap();
    Finished {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
