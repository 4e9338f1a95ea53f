//! What other processes do: this same program, told to run one of the tests below on a store that is named to it. On
//! their own, they run on a store of their own.

use std::{
    io::Write as _,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use cofferdam_state::{KeyValue, StateSettings, open};

use crate::stores::{Stores, ample, key, redis_at, space};

const STORE: &str = "COFFERDAM_STATE_TEST_STORE";

/// How often `adds` adds one.
pub(crate) const TIMES: i64 = 150;

/// What `writes` says about each key that is written.
pub(crate) const WRITTEN: &str = "written ";

/// A process that ends with the test.
pub(crate) struct Other(pub(crate) Child);

impl Drop for Other {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Has another process run one of the tests below.
pub(crate) fn start(test: &str, settings: &StateSettings) -> Other {
    let store = match settings {
        StateSettings::Embedded { file } => file.to_str().unwrap(),
        StateSettings::Redis { url, .. } => url,
    };
    let child = Command::new(std::env::current_exe().unwrap())
        .args([&format!("other_process::{test}"), "--exact", "--nocapture", "--test-threads=1"])
        .env(STORE, store)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    Other(child.unwrap())
}

async fn store() -> (Arc<dyn KeyValue>, Option<Stores>) {
    match std::env::var(STORE) {
        Err(_) => {
            let stores = Stores::embedded().await;
            (stores.one.clone(), Some(stores))
        }
        Ok(url) if url.starts_with("redis://") => (open(&redis_at(&url)).await.unwrap(), None),
        Ok(file) => (open(&StateSettings::Embedded { file: file.into() }).await.unwrap(), None),
    }
}

#[tokio::test]
async fn adds() {
    let (store, own) = store().await;
    let mut sum = 0;
    for _ in 0..TIMES {
        let next = store.increment(&space(), &key("n"), 1, &ample()).await.unwrap();
        assert!(next > sum);
        sum = next;
    }
    if own.is_some() {
        assert_eq!(sum, TIMES);
    }
}

/// Writes until somebody ends it, and says what is written.
#[tokio::test]
async fn writes() {
    let (store, own) = store().await;
    let most = if own.is_some() { 50 } else { u32::MAX };
    for at in 0..most {
        let pair = [("a", at), ("b", at)].map(|(name, at)| (key(&format!("{name}{at}")), vec![0; 1000]));
        store.set_many(&space(), pair.to_vec(), &ample()).await.unwrap();
        // Not `println!`, which tests may hold back.
        writeln!(std::io::stdout(), "{WRITTEN}{at}").unwrap();
    }
    assert_eq!(store.usage(&space()).await.unwrap().keys, 100);
}
