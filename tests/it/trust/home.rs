//! A host's files, and hosts that are started over them one after another.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cofferdam_tests::{
    Finished, HostBuilder, Reply, Rpc, TestKey, binary, eventually, policy_text, sha256, test_key, transcript, within,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Names, golden};

/// A command that should have failed, and serves instead, is not waited for longer.
const ENDS: Duration = Duration::from_secs(30);

/// The fingerprint of a public key: of what is between the lines of its PEM.
pub(super) fn fingerprint(pem: &str) -> String {
    let text: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
    sha256(&STANDARD.decode(text).unwrap())
}

pub(super) struct Home {
    directory: TempDir,
    said: String,
    pub(super) names: Names,
}

impl Home {
    pub(super) fn new(builder: HostBuilder) -> Self {
        let directory = builder.config("plugins.store = \"store\"").files();
        let mut names = Names::default();
        names.digest("the test key", &fingerprint(&test_key().public_pem()));
        names.text(&directory.path().canonicalize().unwrap().display().to_string(), "<home>");
        names.text(&directory.path().display().to_string(), "<home>");
        Self { directory, said: String::new(), names }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file, which appears whole.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        let part = path.with_file_name(format!(".{}.part", path.file_name().unwrap().display()));
        fs::write(&part, bytes).unwrap();
        fs::rename(part, path).unwrap();
    }

    pub(super) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// Puts a component there, after its signature by the key of the tests.
    pub(super) fn drop_in(&self, name: &str, bytes: &[u8]) {
        self.drop_in_by(name, bytes, test_key());
    }

    /// The same by another key.
    pub(super) fn drop_in_by(&self, name: &str, bytes: &[u8], key: &TestKey) {
        self.put(&format!("plugins/{name}.wasm.sig"), key.sign(bytes).as_bytes());
        self.put(&format!("plugins/{name}.wasm"), bytes);
    }

    /// Puts a component there, with nothing beside it.
    pub(super) fn drop_in_unsigned(&self, name: &str, bytes: &[u8]) {
        let _absent = fs::remove_file(self.path(&format!("plugins/{name}.wasm.sig")));
        self.put(&format!("plugins/{name}.wasm"), bytes);
    }

    /// Replaces the policy by [`policy_text`] of this.
    pub(super) fn policy(&self, text: &str) {
        self.put("policy.toml", policy_text(text).as_bytes());
    }

    pub(super) fn lock(&self) -> String {
        fs::read_to_string(self.path("cofferdam.lock")).unwrap()
    }

    /// Runs a command to its end, which has to come.
    pub(super) fn run(&self, args: &[&str]) -> Finished {
        let mut command = Command::new(binary());
        command.args(args).current_dir(self.directory.path()).env("COFFERDAM_KEY_PASSWORD", "");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Running(command.spawn().unwrap());
        let (out, err) = (gather(child.0.stdout.take().unwrap()), gather(child.0.stderr.take().unwrap()));
        let status = within(ENDS, &format!("{args:?} ends"), || child.0.try_wait().unwrap());
        Finished { code: status.code(), out: out.join().unwrap(), err: err.join().unwrap() }
    }

    /// The same, for what is compared with a file.
    pub(super) fn say(&mut self, args: &[&str]) -> Finished {
        let finished = self.run(args);
        self.said.push_str(&transcript(args, &finished));
        finished
    }

    /// A heading in what is compared.
    pub(super) fn head(&mut self, text: &str) {
        self.said.push_str(&format!("# {text}\n"));
    }

    /// The lock, for what is compared.
    pub(super) fn say_lock(&mut self) {
        let lock = self.lock();
        self.said.push_str(&format!("cofferdam.lock\n{lock}\n"));
    }

    #[track_caller]
    pub(super) fn golden(&self, name: &str) {
        golden(name, &self.names, &self.said);
    }

    /// What would be served, and what is refused, by a host that is started now.
    #[track_caller]
    pub(super) fn plugins(&self) -> Value {
        let listed = self.run(&["plugins", "--json"]);
        assert_eq!(listed.code, Some(0), "{}", listed.err);
        serde_json::from_str(&listed.out).unwrap()
    }

    /// Approves what is there now.
    #[track_caller]
    pub(super) fn approve(&self, name: &str) {
        let approved = self.run(&["approve", name, "--yes"]);
        assert_eq!(approved.code, Some(0), "{}{}", approved.out, approved.err);
    }

    /// Starts a host over these files and waits until it is ready. Dropping it ends it.
    pub(super) fn serve(&self) -> Serving {
        let mut child = Command::new(binary())
            .args(["serve", "--port", "0"])
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (mut err, kept) = (BufReader::new(child.stderr.take().unwrap()), log.clone());
        thread::spawn(move || {
            let mut line = String::new();
            while err.read_line(&mut line).is_ok_and(|n| n > 0) {
                kept.lock().unwrap().push_str(&std::mem::take(&mut line));
            }
        });
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        let mut serving = Serving { child: Running(child), rpc: Rpc::new(""), log, seen: AtomicUsize::new(0) };
        let base = first.split_whitespace().find_map(|word| word.strip_suffix("/mcp"));
        serving.rpc = Rpc::new(base.unwrap_or_else(|| panic!("the host does not listen: {first:?}")));
        eventually("the host is ready", || {
            let ended = serving.child.0.try_wait().unwrap();
            assert!(ended.is_none(), "the host ended: {ended:?}");
            (serving.rpc.get("/health/ready").0 == 200).then_some(())
        });
        serving
    }
}

/// A process that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _ended = self.0.wait();
    }
}

fn gather(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _cut = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A host that runs.
pub(super) struct Serving {
    child: Running,
    rpc: Rpc,
    log: Arc<Mutex<String>>,
    /// Lines of log up to the refusal that was asked for last.
    seen: AtomicUsize,
}

impl Serving {
    pub(super) fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    pub(super) fn log(&self) -> Vec<Value> {
        let log = self.log.lock().unwrap().clone();
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits until the tools are these.
    #[track_caller]
    pub(super) fn tools_are(&self, wanted: &[&str]) {
        eventually(&format!("the tools are {wanted:?}"), || (self.rpc.tools() == wanted).then_some(()));
    }

    /// Waits until the greeter that is served as this plugin greets so.
    #[track_caller]
    pub(super) fn greets(&self, plugin: &str, with: &str) {
        let wanted = format!("{with}, Ada!");
        eventually(&format!("{plugin} says {wanted}"), || {
            let reply = self.greeting(plugin);
            (reply.error_code().is_none() && reply.text() == wanted).then_some(())
        });
    }

    /// That it does so now.
    #[track_caller]
    pub(super) fn still_greets(&self, plugin: &str, with: &str) {
        assert_eq!(self.greeting(plugin).text(), format!("{with}, Ada!"));
    }

    fn greeting(&self, plugin: &str) -> Reply {
        self.rpc.call(&format!("{plugin}_greet"), json!({ "name": "Ada" }))
    }

    /// Waits until this plugin is refused for this reason, after what was asked for before, and
    /// returns what the log says of it.
    #[track_caller]
    pub(super) fn refuses(&self, plugin: &str, reason: &str) -> String {
        let seen = self.seen.load(Relaxed);
        let (at, line) = eventually(&format!("{plugin} is refused: {reason}"), || {
            let is = |l: &Value| l["message"] == "refused" && l["plugin"] == plugin && l["reason"] == reason;
            self.log().into_iter().enumerate().skip(seen).find(|(_, line)| is(line))
        });
        self.seen.store(at + 1, Relaxed);
        line["found"].as_str().unwrap().to_owned()
    }

    /// What `tools/list` says of a tool.
    #[track_caller]
    pub(super) fn tool(&self, name: &str) -> Value {
        let reply = self.rpc.request("tools/list", json!({}));
        let tools = reply.result()["tools"].as_array().unwrap();
        tools.iter().find(|t| t["name"] == name).unwrap_or_else(|| panic!("no {name}: {tools:?}")).clone()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- the host's log\n{}", self.log.lock().unwrap());
        }
    }
}

/// The names of what is served.
pub(super) fn served(plugins: &Value) -> Vec<&str> {
    plugins["served"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect()
}

/// Why a plugin is refused.
#[track_caller]
pub(super) fn reason<'a>(plugins: &'a Value, name: &str) -> &'a str {
    let refused = plugins["refused"].as_array().unwrap().iter().find(|r| r["plugin"] == name);
    refused.unwrap_or_else(|| panic!("{name} is not refused: {plugins}"))["reason"].as_str().unwrap()
}
