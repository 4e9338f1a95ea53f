//! A host on standard input and output.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread::{self, JoinHandle},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{HostBuilder, PATIENCE, binary, eventually};

/// `cofferdam stdio`, and what it writes.
#[derive(Debug)]
pub struct StdioHost {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    log: Option<JoinHandle<String>>,
    _home: TempDir,
}

impl StdioHost {
    pub fn start(builder: HostBuilder) -> Self {
        let home = builder.files();
        let mut child = Command::new(binary())
            .args(["stdio", "--config"])
            .arg(home.path().join("cofferdam.toml"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut err = child.stderr.take().unwrap();
        let log = thread::spawn(move || {
            let mut text = String::new();
            let _cut = err.read_to_string(&mut text);
            text
        });
        Self { input: child.stdin.take(), child, lines, log: Some(log), _home: home }
    }

    /// Sends one message.
    pub fn send(&mut self, message: &Value) {
        self.send_line(&message.to_string());
    }

    /// Sends one line, whatever it is.
    pub fn send_line(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next line it writes; panics when it is no JSON-RPC message.
    #[track_caller]
    pub fn receive(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("the host writes a message");
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        message
    }

    /// Receives until the answer to `id`; what came before it, and it.
    #[track_caller]
    pub fn answer(&self, id: u64) -> (Vec<Value>, Value) {
        let mut before = Vec::new();
        loop {
            let message = self.receive();
            if message["id"] == id && (message.get("result").is_some() || message.get("error").is_some()) {
                return (before, message);
            }
            before.push(message);
        }
    }

    /// Closes standard input.
    pub fn close(&mut self) {
        self.input = None;
    }

    /// Waits for the end of the process; its status, what it wrote and nobody read, and its log.
    pub fn wait(mut self) -> (ExitStatus, Vec<String>, String) {
        let status = eventually("the host ends", || self.child.try_wait().unwrap());
        let rest = self.lines.iter().collect();
        (status, rest, self.log.take().unwrap().join().unwrap())
    }

    pub fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }
}

impl Drop for StdioHost {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _gone = self.child.kill();
            let _ended = self.child.wait();
        }
    }
}
