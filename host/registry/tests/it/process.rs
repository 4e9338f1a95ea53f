//! A real registry: docker-registry, on a port and in a directory of its own.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep},
};

/// Where tests/tools/setup.sh puts what is not in the source tree.
pub(crate) fn program(name: &str) -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-deps");
    let deps = std::env::var_os("COFFERDAM_TEST_DEPS").map_or_else(default, PathBuf::from);
    let path = deps.join("debian/usr/bin").join(name);
    assert!(path.exists(), "{} is missing: run tests/tools/setup.sh", path.display());
    path
}

pub(crate) struct Server {
    pub(crate) registry: String,
    directory: tempfile::TempDir,
    process: Child,
}

/// What is out of the ordinary about a registry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Special {
    /// Who is let in, in the format of `htpasswd -B`. Everybody, if nobody is named.
    pub(crate) users: Option<String>,
    /// Files with a certificate and its key: the registry speaks TLS.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
    /// A directory of another registry, to serve what that one has.
    pub(crate) storage: Option<PathBuf>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Special::default()).await
    }

    pub(crate) async fn with(special: Special) -> Self {
        // Between finding a free port and taking it, somebody else may.
        for _ in 0..5 {
            if let Some(server) = Self::try_start(&special).await {
                return server;
            }
        }
        panic!("docker-registry does not start");
    }

    async fn try_start(special: &Special) -> Option<Self> {
        let registry = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let directory = tempfile::tempdir().unwrap();
        let mut http = json!({ "addr": registry });
        if let Some((certificate, key)) = &special.tls {
            http["tls"] = json!({ "certificate": certificate, "key": key });
        }
        let storage = special.storage.clone().unwrap_or_else(|| directory.path().join("data"));
        let mut config = json!({
            "version": 0.1,
            "storage": { "filesystem": { "rootdirectory": storage }, "delete": { "enabled": true } },
            "http": http,
            "log": { "level": "error" },
        });
        if let Some(users) = &special.users {
            let path = directory.path().join("users");
            fs::write(&path, users).unwrap();
            config["auth"] = json!({ "htpasswd": { "realm": "test", "path": path } });
        }
        // JSON is YAML.
        let path = directory.path().join("config.yml");
        fs::write(&path, config.to_string()).unwrap();
        let process = Command::new(program("docker-registry"))
            .arg("serve")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(directory.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut server = Self { registry, directory, process };
        let patience = Instant::now() + Duration::from_secs(20);
        while Instant::now() < patience && server.process.try_wait().unwrap().is_none() {
            if server.answers().await {
                return Some(server);
            }
            sleep(Duration::from_millis(20)).await;
        }
        None
    }

    async fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(&self.registry).await else { return false };
        let request = format!("GET /v2/ HTTP/1.0\r\nHost: {}\r\n\r\n", self.registry);
        let mut answer = [0; 8];
        stream.write_all(request.as_bytes()).await.is_ok()
            && stream.read_exact(&mut answer).await.is_ok()
            && answer.starts_with(b"HTTP/1.")
    }

    pub(crate) fn stop(&mut self) {
        // It may have ended on its own.
        self.process.kill().ok();
        self.process.wait().unwrap();
    }

    /// Where everything is kept.
    pub(crate) fn storage(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Where a blob or manifest is kept.
    pub(crate) fn file_of(&self, digest: cofferdam_trust::Digest) -> PathBuf {
        let hex = digest.to_string();
        let blobs = self.storage().join("docker/registry/v2/blobs/sha256");
        blobs.join(&hex[..2]).join(&hex).join("data")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
