//! PostgreSQL with pgvector, really started.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::{
    PATIENCE,
    registry::{among, free_address},
    within,
};

/// Who the server belongs to when we are root, as which it does not run.
const NOBODY: u32 = 65534;

/// The password of every role here.
const PASSWORD: &str = "correct-horse-battery";

/// A server with a port and a directory of its own, until this is dropped.
#[derive(Debug)]
pub struct PostgresServer {
    address: String,
    home: TempDir,
    process: Mutex<Child>,
}

/// A database on a server, and a role `tool` that may read and change rows of it.
#[derive(Debug)]
pub struct PostgresDatabase {
    server: Arc<PostgresServer>,
    name: String,
}

impl PostgresServer {
    /// The server that other tests have now, or a new one. The last to let go of it stops it.
    pub fn shared() -> Arc<Self> {
        static RUNNING: Mutex<Weak<PostgresServer>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = running.upgrade() {
            return server;
        }
        let server = Arc::new(Self::start());
        *running = Arc::downgrade(&server);
        server
    }

    pub fn start() -> Self {
        // Between finding a free port and taking it, somebody else may.
        for _ in 0..5 {
            let (home, address) = (tempfile::tempdir().unwrap(), free_address());
            let at = home.path();
            fs::write(at.join("password"), PASSWORD).unwrap();
            give(at);
            give(&at.join("password"));
            let made = program("initdb")
                .arg("-D")
                .arg(at.join("data"))
                .args(["--auth=scram-sha-256", "--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C"])
                .arg(format!("--pwfile={}", at.join("password").display()))
                .current_dir(at)
                .stdout(Stdio::null())
                .status()
                .unwrap();
            assert!(made.success(), "initdb failed");
            let process = Mutex::new(spawn(at, &address));
            let server = Self { address, home, process };
            if server.is_ready() {
                return server;
            }
        }
        panic!("postgres does not start")
    }

    /// A new database with what this makes.
    pub fn database(self: &Arc<Self>, setup: &str) -> PostgresDatabase {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let role = format!(
            "DO $$ BEGIN CREATE ROLE tool LOGIN PASSWORD '{PASSWORD}'; EXCEPTION WHEN others THEN NULL; END $$"
        );
        self.run("postgres", &[&format!("CREATE DATABASE {name}"), &role]).unwrap();
        let rights = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO tool; \
                      GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO tool";
        self.run(&name, &[setup, rights]).unwrap_or_else(|why| panic!("{setup}: {why:?}"));
        PostgresDatabase { server: self.clone(), name }
    }

    /// Ends the process. Connections that there are end, too.
    pub fn stop(&self) {
        self.end(Signal::INT);
    }

    /// On the same port again, with what was in it.
    pub fn start_again(&self) {
        *self.process() = spawn(self.home.path(), &self.address);
        assert!(self.is_ready(), "postgres does not start again");
    }

    fn process(&self) -> MutexGuard<'_, Child> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, how: Signal) {
        let mut process = self.process();
        if process.try_wait().is_ok_and(|ended| ended.is_none()) {
            kill_process(Pid::from_child(&process), how).ok();
            process.wait().ok();
        }
    }

    fn is_ready(&self) -> bool {
        within(PATIENCE, "postgres takes connections", || {
            let ended = self.process().try_wait().unwrap().is_some();
            (ended || self.run("postgres", &["SELECT 1"]).is_ok()).then_some(!ended)
        })
    }

    /// Runs statements as the superuser; the first value of the last answer.
    fn run(&self, database: &str, statements: &[&str]) -> Result<Option<String>, tokio_postgres::Error> {
        let url = format!("postgres://postgres:{PASSWORD}@{}/{database}", self.address);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
            let connection = tokio::spawn(connection);
            let answer = all(&client, statements).await;
            drop(client);
            // It ends when its client does.
            connection.await.unwrap().ok();
            answer
        })
    }
}

async fn all(client: &Client, statements: &[&str]) -> Result<Option<String>, tokio_postgres::Error> {
    let mut first = None;
    for sql in statements {
        first = client.simple_query(sql).await?.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
    }
    Ok(first)
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // At once: nobody wants what is in it.
        self.end(Signal::QUIT);
    }
}

impl PostgresDatabase {
    pub fn server(&self) -> &PostgresServer {
        &self.server
    }

    /// Where it is, with everything that is secret about it.
    pub fn url(&self) -> String {
        format!("postgres://tool:{PASSWORD}@{}/{}", self.server.address, self.name)
    }

    /// What nobody is to be told of it.
    pub fn secrets(&self) -> [&str; 2] {
        [PASSWORD, &self.server.address]
    }

    /// What somebody outside sees: the first value of an answer, as text.
    pub fn look(&self, sql: &str) -> String {
        self.server.run(&self.name, &[sql]).unwrap().unwrap_or_default()
    }
}

fn spawn(home: &Path, address: &str) -> Child {
    let (host, port) = address.rsplit_once(':').unwrap();
    program("postgres")
        .arg("-D")
        .arg(home.join("data"))
        .args(["-c", "fsync=off", "-c", "max_connections=60"])
        .args(["-c", &format!("listen_addresses={host}"), "-c", &format!("port={port}")])
        .args(["-c", &format!("unix_socket_directories={}", home.display())])
        .current_dir(home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(home.join("log")).unwrap())
        .spawn()
        .unwrap()
}

/// A program of the server, run as somebody as whom it runs.
fn program(name: &str) -> Command {
    let path = among("servers/postgres/bin", name);
    let mut command = if geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups"]).arg(path);
        command
    } else {
        Command::new(path)
    };
    command.env("LC_ALL", "C");
    command
}

/// Makes a file the server's.
fn give(path: &Path) {
    if geteuid().is_root() {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}
