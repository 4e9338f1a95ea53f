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
use tempfile::TempDir;

use crate::{Rpc, binary, eventually, forge, repository, test_key};

/// The signer of everything that the tests sign, as a policy has it.
pub const TEST_SIGNER: &str =
    "[[signer]]\nname = \"test\"\nkind = \"key\"\npublic_key = \"keys/test.pub\"\nlog = \"none\"\n";

/// The text of a policy that trusts [`TEST_SIGNER`], unless `text` says itself whom it trusts.
pub fn policy_text(text: &str) -> String {
    let mut lines = text.lines().map(str::trim_start);
    if lines.any(|line| line.starts_with("[trust") || line.starts_with("trust.")) {
        return format!("version = 1\n{text}");
    }
    // At the end, where no key of `text` comes under a table of these, and none of its lines moves.
    format!("version = 1\n{text}\n[trust]\nsigned_by = {{ any_of = [\"test\"] }}\n{TEST_SIGNER}")
}

/// What a host is started with.
#[derive(Debug)]
pub struct HostBuilder {
    home: TempDir,
    policy: String,
    config: String,
    variables: Vec<(String, String)>,
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
        Self { home, policy: String::new(), config: String::new(), variables: Vec::new() }
    }

    /// Puts a component into the plugin directory, and the signature of it.
    #[must_use]
    pub fn plugin(self, name: &str, component: &[u8]) -> Self {
        let signature = test_key().sign(component);
        fs::write(self.home.path().join("plugins").join(format!("{name}.wasm.sig")), signature).unwrap();
        self.unsigned(name, component)
    }

    /// Puts a component there that embeds its name, and the signature of that: one that a policy may
    /// grant something to at first sight.
    #[must_use]
    pub fn named_plugin(self, name: &str, component: &[u8]) -> Self {
        self.plugin(name, &forge::with_name(component, name))
    }

    /// Puts a component there that nobody signed.
    #[must_use]
    pub fn unsigned(self, name: &str, component: &[u8]) -> Self {
        fs::write(self.home.path().join("plugins").join(format!("{name}.wasm")), component).unwrap();
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

    /// Puts a file among those of the host.
    #[must_use]
    pub fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        fs::write(self.home.path().join(name), bytes).unwrap();
        self
    }

    /// Adds a variable to the host's environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Where the host's files are, to name them in what is added.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes the files, and starts nothing.
    pub fn files(self) -> TempDir {
        let path = |name: &str| self.home.path().join(name);
        let cache = repository().join("target/test-cache");
        // Copies go with the test; machine code is shared. A `[plugins]` of the test's own says it all.
        let store = if self.config.contains("plugins.store") || self.config.contains("[plugins]") {
            String::new()
        } else {
            "plugins.store = \"store\"\n".to_owned()
        };
        let config =
            format!("version = 1\ncache.directory = {:?}\n{store}{}", cache.display().to_string(), self.config);
        fs::write(path("cofferdam.toml"), config).unwrap();
        fs::write(path("policy.toml"), policy_text(&self.policy)).unwrap();
        fs::write(path("cofferdam.lock"), "version = 1\n").unwrap();
        fs::create_dir(path("keys")).unwrap();
        fs::write(path("keys/test.pub"), test_key().public_pem()).unwrap();
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
        let variables = self.variables.clone();
        TestHost::start(self.files(), variables)
    }
}

/// A host that runs, until this is dropped.
#[derive(Debug)]
pub struct TestHost {
    home: TempDir,
    child: Mutex<Child>,
    pid: Pid,
    log: Arc<Mutex<String>>,
    rpc: Rpc,
    variables: Vec<(String, String)>,
}

/// How a program ended.
#[derive(Clone, Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl TestHost {
    fn start(home: TempDir, variables: Vec<(String, String)>) -> Self {
        let mut child = Command::new(binary())
            .args(["serve", "--port", "0", "--config"])
            .arg(home.path().join("cofferdam.toml"))
            .envs(variables.clone())
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
        Self { home, child: Mutex::new(child), pid, log, rpc: Rpc::new(&base), variables }
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

    /// Puts a component into the plugin directory the way it should be done: its signature first,
    /// and each under another name first.
    pub fn drop_in(&self, name: &str, bytes: &[u8]) {
        self.sign(name, bytes);
        self.drop_in_unsigned(name, bytes);
    }

    /// Puts a component there that nobody signed. A signature that is there already stays.
    pub fn drop_in_unsigned(&self, name: &str, bytes: &[u8]) {
        self.put(&format!("plugins/{name}.wasm"), bytes);
    }

    /// Puts the signature of these bytes beside the component of this name, which may not be there.
    pub fn sign(&self, name: &str, bytes: &[u8]) {
        self.put(&format!("plugins/{name}.wasm.sig"), test_key().sign(bytes).as_bytes());
    }

    /// Approves the component that is there now.
    #[track_caller]
    pub fn approve(&self, name: &str) {
        let approved = self.cli(&["approve", name, "--yes"]);
        assert_eq!(approved.code, Some(0), "{}{}", approved.out, approved.err);
    }

    /// Replaces the policy by [`policy_text`] of this.
    pub fn policy(&self, text: &str) {
        self.put("policy.toml", policy_text(text).as_bytes());
    }

    /// Writes a file, which appears whole.
    fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        let part = path.with_file_name(format!(".{}.part", path.file_name().unwrap().display()));
        fs::write(&part, bytes).unwrap();
        fs::rename(part, path).unwrap();
    }

    /// Runs another command of the program over the same files.
    pub fn cli(&self, args: &[&str]) -> Finished {
        run_cli_in(self.home.path(), args, &self.variables)
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
    run_cli_in(home, args, &[])
}

/// The same with more in its environment.
pub fn run_cli_in(home: &Path, args: &[&str], variables: &[(String, String)]) -> Finished {
    let mut command = Command::new(binary());
    command.args(args).envs(variables.iter().cloned()).current_dir(home).stdin(Stdio::null());
    let output = command.output().unwrap();
    Finished {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
