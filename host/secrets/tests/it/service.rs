//! Secrets that are open and kept, and what to wait for.

use std::time::Duration;

use cofferdam_secrets::{SecretError, SecretName, Secrets, SecretsSettings};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

pub(crate) fn name(text: &str) -> SecretName {
    text.parse().unwrap()
}

pub(crate) struct Kept {
    pub(crate) secrets: Secrets,
    closing: CancellationToken,
    keeper: JoinHandle<()>,
}

impl Kept {
    pub(crate) async fn open(settings: SecretsSettings) -> Self {
        let secrets = Secrets::open(settings).await.unwrap();
        let closing = CancellationToken::new();
        let keeper = tokio::spawn(secrets.keep(closing.clone()));
        Self { secrets, closing, keeper }
    }

    pub(crate) async fn close(self) {
        self.closing.cancel();
        self.keeper.await.unwrap();
    }
}

pub(crate) async fn value(secrets: &Secrets, text: &str) -> String {
    secrets.get(&name(text)).await.unwrap().expose().to_owned()
}

pub(crate) async fn error(secrets: &Secrets, text: &str) -> SecretError {
    secrets.get(&name(text)).await.unwrap_err()
}

/// Waits until the secret is this. What it is meanwhile is one of the others.
pub(crate) async fn becomes(secrets: &Secrets, text: &str, expected: &str, others: &[&str]) {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let now = value(secrets, text).await;
        if now == expected {
            return;
        }
        assert!(others.contains(&now.as_str()), "{now:?}");
        assert!(Instant::now() < patience, "{text} stays {now:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until the secret cannot be had, and says why.
pub(crate) async fn ends(secrets: &Secrets, text: &str) -> SecretError {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        if let Err(error) = secrets.get(&name(text)).await {
            return error;
        }
        assert!(Instant::now() < patience, "{text} can be had");
        sleep(Duration::from_millis(20)).await;
    }
}
