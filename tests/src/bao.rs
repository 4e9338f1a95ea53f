//! OpenBao, really started.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

use crate::{
    PATIENCE,
    registry::{free_address, server},
    within,
};

const TOKEN: &str = "test-root-token";

/// A server in memory with a port of its own, until this is dropped.
#[derive(Debug)]
pub struct OpenBao {
    address: String,
    process: Child,
    agent: Agent,
    _home: TempDir,
}

impl OpenBao {
    pub fn start() -> Self {
        // Between finding a free port and taking it, somebody else may.
        for _ in 0..5 {
            let (home, address) = (tempfile::tempdir().unwrap(), free_address());
            let process = Command::new(server("bao"))
                .args(["server", "-dev", "-dev-no-store-token"])
                .arg(format!("-dev-root-token-id={TOKEN}"))
                .arg(format!("-dev-listen-address={address}"))
                .env("HOME", home.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let config =
                Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(30)));
            let mut bao = Self { address, process, agent: config.build().into(), _home: home };
            let started = within(PATIENCE, "bao is unsealed", || {
                let ended = bao.process.try_wait().unwrap().is_some();
                let health = bao.agent.get(format!("{}/v1/sys/health", bao.url())).call();
                let ready = health.is_ok_and(|answer| answer.status().as_u16() == 200);
                (ended || ready).then_some(!ended)
            });
            if started {
                return bao;
            }
        }
        panic!("bao does not start")
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What a configuration says of it. The token is in the file `bao-token` beside it.
    pub fn config(&self) -> String {
        format!("[vault]\naddress = \"{}\"\ntoken_file = \"bao-token\"\n", self.url())
    }

    pub fn token(&self) -> &'static str {
        TOKEN
    }

    /// Writes the next version of a secret, whose one field is `value`.
    pub fn put(&self, path: &str, value: &str) {
        let data = json!({ "data": { "value": value } });
        let url = format!("{}/v1/secret/data/{path}", self.url());
        let mut answer = self.agent.post(url).header("x-vault-token", TOKEN).send(data.to_string()).unwrap();
        let said: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap_or_default();
        assert_eq!(answer.status().as_u16(), 200, "{said}");
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _ended = self.process.wait();
    }
}
