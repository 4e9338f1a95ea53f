//! A real Redis, on a port and in a directory of its own.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use redis::{Client, aio::MultiplexedConnection};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

/// Where tests/tools/servers.sh puts it.
fn program() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-deps");
    let deps = std::env::var_os("COFFERDAM_TEST_DEPS").map_or_else(default, PathBuf::from);
    let path = deps.join("servers/bin/redis-server");
    assert!(path.exists(), "{} is missing: run tests/tools/servers.sh", path.display());
    path
}

/// What is spoken on the port.
#[derive(Clone, Copy)]
enum Speaks {
    Plain,
    Tls,
}

pub(crate) struct Server {
    pub(crate) port: u16,
    extra: Vec<String>,
    speaks: Speaks,
    directory: tempfile::TempDir,
    process: Child,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With further options, as the command line has them.
    pub(crate) async fn with(extra: &[&str]) -> Self {
        Self::try_often(Speaks::Plain, extra).await
    }

    /// With this certificate and its key, in files.
    pub(crate) async fn with_tls(certificate: &str, key: &str) -> Self {
        let files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate];
        Self::try_often(Speaks::Tls, &[&files[..], &["--tls-auth-clients", "no"]].concat()).await
    }

    async fn try_often(speaks: Speaks, extra: &[&str]) -> Self {
        let extra: Vec<String> = extra.iter().map(|text| (*text).to_owned()).collect();
        // Between finding a free port and taking it, somebody else may.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let directory = tempfile::tempdir().unwrap();
            let process = spawn(port, speaks, directory.path(), &extra);
            let mut server = Self { port, extra: extra.clone(), speaks, directory, process };
            if server.is_ready().await {
                return server;
            }
        }
        panic!("redis-server does not start");
    }

    async fn is_ready(&mut self) -> bool {
        let patience = Instant::now() + Duration::from_secs(20);
        while Instant::now() < patience && self.process.try_wait().unwrap().is_none() {
            let log = fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
            if log.contains("Ready to accept connections") {
                return true;
            }
            sleep(Duration::from_millis(10)).await;
        }
        false
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// A connection past the crate, to see and do what others might.
    pub(crate) async fn connection(&self) -> MultiplexedConnection {
        Client::open(self.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
    }

    pub(crate) fn stop(&mut self) {
        // It may have ended on its own.
        self.process.kill().ok();
        self.process.wait().unwrap();
    }

    /// On the same port again, with nothing in it.
    pub(crate) async fn start_again(&mut self) {
        self.stop();
        fs::remove_file(self.directory.path().join("log")).unwrap();
        self.process = spawn(self.port, self.speaks, self.directory.path(), &self.extra);
        assert!(self.is_ready().await, "redis-server does not start again");
    }

    /// Takes connections still, and answers nothing.
    pub(crate) fn freeze(&self) {
        kill_process(self.pid(), Signal::STOP).unwrap();
    }

    pub(crate) fn thaw(&self) {
        kill_process(self.pid(), Signal::CONT).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(port: u16, speaks: Speaks, directory: &Path, extra: &[String]) -> Child {
    let port = port.to_string();
    let ports = match speaks {
        Speaks::Plain => vec!["--port", &port],
        Speaks::Tls => vec!["--port", "0", "--tls-port", &port],
    };
    Command::new(program())
        .args(ports)
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .arg("--dir")
        .arg(directory)
        .args(extra)
        .stdin(Stdio::null())
        .stdout(fs::File::create(directory.join("log")).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
