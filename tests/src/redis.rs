//! Redis, really started.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    PATIENCE,
    registry::{free_address, server},
    within,
};

const PASSWORD: &str = "correct-horse-battery";

/// A server in memory with a port and a password of its own, until this is dropped.
#[derive(Debug)]
pub struct RedisServer {
    address: String,
    home: TempDir,
    process: Child,
}

impl RedisServer {
    pub fn start() -> Self {
        // Between finding a free port and taking it, somebody else may.
        for _ in 0..5 {
            let (home, address) = (tempfile::tempdir().unwrap(), free_address());
            let process = spawn(home.path(), &address);
            let mut server = Self { address, home, process };
            if server.is_ready() {
                return server;
            }
        }
        panic!("redis-server does not start")
    }

    /// What a configuration says of it. The URL is in the file `redis-url` beside it.
    pub fn config(&self) -> &'static str {
        "[state]\nredis = { url_file = \"redis-url\", timeout = \"2s\" }\n"
    }

    /// Where it is, with everything that is secret about it.
    pub fn url(&self) -> String {
        format!("redis://:{PASSWORD}@{}/", self.address)
    }

    /// What nobody is to be told of it.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    pub fn stop(&mut self) {
        // It may have ended on its own.
        self.process.kill().ok();
        self.process.wait().unwrap();
    }

    /// On the same port again, with nothing in it.
    pub fn start_again(&mut self) {
        self.stop();
        self.process = spawn(self.home.path(), &self.address);
        assert!(self.is_ready(), "redis-server does not start again");
    }

    fn is_ready(&mut self) -> bool {
        within(PATIENCE, "redis answers", || {
            let ended = self.process.try_wait().unwrap().is_some();
            (ended || self.answers()).then_some(!ended)
        })
    }

    /// Somebody answers on the port, and wants our password.
    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(&self.address) else { return false };
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut answer = [0; 5];
        write!(stream, "AUTH {PASSWORD}\r\n").and_then(|()| stream.read_exact(&mut answer)).is_ok()
            && &answer == b"+OK\r\n"
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(home: &Path, address: &str) -> Child {
    let (host, port) = address.rsplit_once(':').unwrap();
    Command::new(server("redis-server"))
        .args(["--bind", host, "--port", port, "--requirepass", PASSWORD])
        .args(["--save", "", "--appendonly", "no", "--dir"])
        .arg(home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
