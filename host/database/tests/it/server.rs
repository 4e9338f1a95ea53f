//! A real server: PostgreSQL with pgvector, on a port and in a directory of its own, for all tests that run at a time.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Weak},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};
use tokio_postgres::{Client, NoTls};

/// Who the server belongs to when we are root, as which it does not run.
const NOBODY: u32 = 65534;

/// The password of every role here.
pub(crate) const PASSWORD: &str = "correct-horse-battery";

pub(crate) struct Server {
    pub(crate) port: u16,
    directory: TempDir,
    process: Child,
}

static RUNNING: Mutex<Weak<Server>> = Mutex::const_new(Weak::new());

impl Server {
    /// The server that other tests have now, or a new one. The last to let go of it stops it.
    pub(crate) async fn shared() -> Arc<Self> {
        let mut running = RUNNING.lock().await;
        if let Some(server) = running.upgrade() {
            return server;
        }
        let server = Arc::new(Self::start().await);
        *running = Arc::downgrade(&server);
        server
    }

    /// The directory with the server's socket.
    pub(crate) fn socket_directory(&self) -> &Path {
        self.directory.path()
    }

    /// A connection of the superuser.
    pub(crate) async fn admin(&self, database: &str) -> Client {
        self.try_admin(database).await.expect("the server answers")
    }

    async fn try_admin(&self, database: &str) -> Result<Client, tokio_postgres::Error> {
        let url = format!("postgres://postgres:{PASSWORD}@127.0.0.1:{}/{database}", self.port);
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    async fn start() -> Self {
        // Between finding a free port and taking it, somebody else may.
        for _ in 0..5 {
            if let Some(server) = Self::try_start().await {
                return server;
            }
        }
        panic!("postgres does not start");
    }

    async fn try_start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path();
        fs::write(at.join("password"), PASSWORD).unwrap();
        give(at);
        give(&at.join("password"));
        let data = at.join("data");
        let made = program("initdb")
            .arg("-D")
            .arg(&data)
            .args(["--auth=scram-sha-256", "--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C"])
            .arg(format!("--pwfile={}", at.join("password").display()))
            .current_dir(at)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "initdb failed");
        let process = program("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=60"])
            .args(["-c", &format!("port={port}"), "-c", &format!("unix_socket_directories={}", at.display())])
            .current_dir(at)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(at.join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut server = Self { port, directory, process };
        let patience = Instant::now() + Duration::from_secs(30);
        while Instant::now() < patience && server.process.try_wait().unwrap().is_none() {
            if server.try_admin("postgres").await.is_ok() {
                return Some(server);
            }
            sleep(Duration::from_millis(30)).await;
        }
        let log = fs::read_to_string(server.directory.path().join("log")).unwrap();
        eprintln!("postgres did not start: {log}");
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.process);
        // It may have ended on its own.
        rustix::process::kill_process(id, rustix::process::Signal::INT).ok();
        self.process.wait().ok();
    }
}

/// A program of the server, run as somebody as whom it runs.
fn program(name: &str) -> Command {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-deps");
    let deps = std::env::var_os("COFFERDAM_TEST_DEPS").map_or_else(default, PathBuf::from);
    let path = deps.join("servers/postgres/bin").join(name);
    assert!(path.exists(), "{} is missing: run tests/tools/servers.sh", path.display());
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups"]).arg(path);
        command
    } else {
        Command::new(path)
    };
    command.env("LC_ALL", "C");
    command
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Makes a file the server's.
fn give(path: &Path) {
    if is_root() {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}
