//! A real OpenBao, on a port of its own.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use cofferdam_secrets::{SecretsSettings, Source, VaultAuth, VaultSettings};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

pub(crate) const ROOT: &str = "root-token-of-the-test";

pub(crate) struct Bao {
    pub(crate) address: String,
    pub(crate) directory: tempfile::TempDir,
    process: Child,
    client: reqwest::Client,
}

enum Wire {
    Plain,
    Tls,
}

impl Bao {
    pub(crate) async fn start() -> Self {
        Self::with(ROOT).await
    }

    /// With this as the token that may do everything.
    pub(crate) async fn with(root: &str) -> Self {
        // Between finding a free port and taking it, somebody else may.
        for _ in 0..5 {
            if let Some(bao) = Self::at(free_port(), root).await {
                return bao;
            }
        }
        panic!("bao does not start");
    }

    /// Over TLS, with an authority of its own in `vault-ca.pem`.
    pub(crate) async fn over_tls() -> Self {
        for _ in 0..5 {
            if let Some(bao) = Self::try_start(free_port(), ROOT, Wire::Tls).await {
                return bao;
            }
        }
        panic!("bao does not start");
    }

    pub(crate) async fn at(port: u16, root: &str) -> Option<Self> {
        Self::try_start(port, root, Wire::Plain).await
    }

    async fn try_start(port: u16, root: &str, wire: Wire) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let (scheme, dev) = match wire {
            Wire::Plain => ("http", vec!["-dev".to_owned()]),
            Wire::Tls => {
                let certificates = format!("-dev-tls-cert-dir={}", directory.path().display());
                ("https", vec!["-dev-tls".to_owned(), certificates])
            }
        };
        let process = Command::new(program())
            .args(["server", "-dev-no-store-token"])
            .args(dev)
            .arg(format!("-dev-root-token-id={root}"))
            .arg(format!("-dev-listen-address=127.0.0.1:{port}"))
            .env("HOME", directory.path())
            .stdin(Stdio::null())
            .stdout(fs::File::create(directory.path().join("log")).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // What the operator does is not what is tested.
        let client = reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true).build().unwrap();
        let mut bao = Self { address: format!("{scheme}://127.0.0.1:{port}"), directory, process, client };
        // The engine at secret/ is there a moment after the server is.
        let patience = Instant::now() + Duration::from_secs(60);
        while Instant::now() < patience && bao.process.try_wait().unwrap().is_none() {
            let ready = bao.client.get(format!("{}/v1/secret/config", bao.address)).header("x-vault-token", root);
            if ready.send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Some(bao);
            }
            sleep(Duration::from_millis(50)).await;
        }
        None
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.rsplit(':').next().unwrap().parse().unwrap()
    }

    pub(crate) fn stop(&mut self) {
        // It may have ended on its own.
        self.process.kill().ok();
        self.process.wait().unwrap();
    }

    /// A request of the operator's.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: &Value) -> Value {
        self.within("", method, path, body).await
    }

    pub(crate) async fn within(&self, namespace: &str, method: Method, path: &str, body: &Value) -> Value {
        self.try_within(namespace, method, path, body).await.unwrap()
    }

    pub(crate) async fn try_within(
        &self,
        namespace: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, String> {
        let mut request = self.client.request(method, format!("{}/v1/{path}", self.address));
        request = request.header("x-vault-token", ROOT).body(body.to_string());
        if !namespace.is_empty() {
            request = request.header("x-vault-namespace", namespace);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        match status.is_success() {
            true if text.is_empty() => Ok(Value::Null),
            true => Ok(serde_json::from_str(&text).unwrap()),
            false => Err(format!("{path}: {status} {text}")),
        }
    }

    pub(crate) async fn put(&self, path: &str, fields: Value) {
        self.ask(Method::POST, &format!("secret/data/{path}"), &json!({ "data": fields })).await;
    }

    /// A token that may read everything in `secret/`, written into a file.
    pub(crate) async fn token_file(&self) -> PathBuf {
        let policy = json!({ "policy": r#"path "secret/data/*" { capabilities = ["read"] }"# });
        self.ask(Method::PUT, "sys/policies/acl/reader", &policy).await;
        let token = self.ask(Method::POST, "auth/token/create", &json!({ "policies": ["reader"] })).await;
        let path = self.directory.path().join("token");
        fs::write(&path, format!("{}\n", token["auth"]["client_token"].as_str().unwrap())).unwrap();
        path
    }

    pub(crate) fn settings(&self, auth: VaultAuth) -> VaultSettings {
        vault_settings(&self.address, auth)
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Drop for Bao {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(crate) fn vault_settings(address: &str, auth: VaultAuth) -> VaultSettings {
    VaultSettings {
        address: address.parse().unwrap(),
        auth,
        namespace: None,
        ca_file: None,
        timeout: Duration::from_secs(10),
    }
}

/// Secrets of this name, from the field `value` of the path of the same name.
pub(crate) fn secrets(vault: VaultSettings, names: &[&str]) -> SecretsSettings {
    let source =
        |name: &str| Source::Vault { path: name.to_owned(), mount: "secret".to_owned(), field: "value".to_owned() };
    SecretsSettings {
        secrets: names.iter().map(|name| (name.parse().unwrap(), source(name))).collect(),
        vault: Some(vault),
        refresh: Duration::from_millis(200),
    }
}

/// Where tests/tools/servers.sh puts what is not in the source tree.
fn program() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-deps");
    let deps = env::var_os("COFFERDAM_TEST_DEPS").map_or_else(default, PathBuf::from);
    let path = deps.join("servers/bin/bao");
    assert!(path.exists(), "{} is missing: run tests/tools/servers.sh", path.display());
    path
}
