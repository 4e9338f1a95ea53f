//! The stores that tests run against, each opened twice.

use std::{sync::Arc, time::Duration};

use cofferdam_state::{Key, KeyValue, Quota, Space, StateSettings, open};
use tokio::time::{Instant, sleep};

use crate::server::Server;

/// One store, opened twice: what two replicas, or two processes, have.
pub(crate) struct Stores {
    pub(crate) one: Arc<dyn KeyValue>,
    pub(crate) other: Arc<dyn KeyValue>,
    pub(crate) settings: StateSettings,
    _server: Option<Server>,
    _directory: tempfile::TempDir,
}

impl Stores {
    pub(crate) async fn embedded() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state.db");
        Self::with(StateSettings::Embedded { file }, None, directory).await
    }

    pub(crate) async fn redis() -> Self {
        let server = Server::start().await;
        let settings = redis_at(&server.url());
        Self::with(settings, Some(server), tempfile::tempdir().unwrap()).await
    }

    async fn with(settings: StateSettings, server: Option<Server>, directory: tempfile::TempDir) -> Self {
        let one = open(&settings).await.unwrap();
        let other = open(&settings).await.unwrap();
        Self { one, other, settings, _server: server, _directory: directory }
    }
}

pub(crate) fn redis_at(url: &str) -> StateSettings {
    let timeout = Duration::from_secs(20);
    StateSettings::Redis { url: url.to_owned(), prefix: "test".to_owned(), ca_file: None, timeout }
}

/// Each test of the list against both stores.
macro_rules! both {
    ($($test:ident),* $(,)?) => {
        mod in_a_file {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test($crate::stores::Stores::embedded().await).await;
            })*
        }
        mod in_redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test($crate::stores::Stores::redis().await).await;
            })*
        }
    };
}
pub(crate) use both;

pub(crate) fn space() -> Space {
    Space::new("notes", "local", "default").unwrap()
}

pub(crate) fn key(text: &str) -> Key {
    text.parse().unwrap()
}

/// Room for what tests put, and no expiry.
pub(crate) fn ample() -> Quota {
    Quota { keys: 100_000, bytes: 1 << 30, value: 32 << 20, ttl: None }
}

/// Asks until the answer is yes, for a quarter of a minute.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    let patience = Instant::now() + Duration::from_secs(15);
    while !ask().await {
        assert!(Instant::now() < patience, "in vain: {what}");
        sleep(Duration::from_millis(15)).await;
    }
}
