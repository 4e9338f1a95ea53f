//! Servers that are no Vault, or a bad one.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use cofferdam_secrets::{SecretError, Secrets, VaultAuth, VaultSettings};
use tokio::{net::TcpListener, time::Instant};

use crate::{
    bao::{secrets, vault_settings},
    service::{error, name, value},
};

const TOKEN: &str = "s.token-of-the-test";
const GOOD: &str = r#"{"data":{"data":{"value":"the-first-value"}}}"#;

/// Serves these answers, by the last part of the path and how many requests came before.
struct Stub {
    address: String,
    count: Arc<AtomicU32>,
    directory: tempfile::TempDir,
}

impl Stub {
    async fn start(answer: fn(&str, u32) -> Response) -> Self {
        let count = Arc::new(AtomicU32::new(0));
        let counted = count.clone();
        let handle = move |Path(path): Path<String>, request: Request| {
            let before = counted.fetch_add(1, Ordering::Relaxed);
            async move {
                assert_eq!(request.headers()["x-vault-token"], TOKEN);
                if path.ends_with("slow") {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                answer(path.rsplit('/').next().unwrap(), before)
            }
        };
        let app = Router::new().route("/{*path}", axum::routing::any(handle));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("token"), TOKEN).unwrap();
        Self { address, count, directory }
    }

    fn settings(&self) -> VaultSettings {
        let auth = VaultAuth::TokenFile(self.directory.path().join("token"));
        VaultSettings { timeout: Duration::from_secs(3), ..vault_settings(&self.address, auth) }
    }

    async fn open(&self, names: &[&str]) -> Secrets {
        Secrets::open(secrets(self.settings(), names)).await.unwrap()
    }

    fn count(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_read() {
    let stub = Stub::start(|path, _| match path {
        "told" => ([(header::CONTENT_LENGTH, "2000000")], vec![b' '; 2_000_000]).into_response(),
        _ => {
            let endless =
                futures::stream::repeat_with(|| Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[b' '; 4096])));
            Body::from_stream(endless).into_response()
        }
    })
    .await;
    let secrets = stub.open(&["told", "endless"]).await;
    for secret in ["told", "endless"] {
        assert_eq!(
            error(&secrets, secret).await.to_string(),
            format!(
                "secret {secret}: Vault's answer about secret/{secret} cannot be used: it has more than 1048576 bytes"
            )
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    // Two are two servers: a token that is led to the other would be counted there.
    static ELSEWHERE: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let other = Stub::start(|_, _| GOOD.into_response()).await;
    ELSEWHERE.set(format!("{}/v1/secret/data/token", other.address)).unwrap();
    let stub = Stub::start(|_, _| {
        (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, ELSEWHERE.get().unwrap())]).into_response()
    })
    .await;
    let secrets = stub.open(&["token"]).await;
    assert_eq!(
        error(&secrets, "token").await.to_string(),
        "secret token: Vault is away: it sends us elsewhere, where no token is sent: configure the address of the \
         active node"
    );
    assert_eq!(other.count(), 0);
}

#[tokio::test]
async fn nothing_that_a_server_says_is_repeated() {
    let stub = Stub::start(|path, _| {
        let status = path.trim_start_matches('s').parse().unwrap();
        let body = format!(r#"{{"errors":["{TOKEN} the-first-value"],"data":{{"data":"the-first-value"}}}}"#);
        (StatusCode::from_u16(status).unwrap(), body).into_response()
    })
    .await;
    let names = ["s200", "s204", "s400", "s401", "s403", "s404", "s405", "s412", "s429", "s500", "s503"];
    let secrets = stub.open(&names).await;
    for secret in names {
        let error = error(&secrets, secret).await;
        let said = format!("{error} {error:?}");
        assert!(!said.contains("token-of") && !said.contains("first-value"), "{said}");
    }
    assert_eq!(
        error(&secrets, "s400").await.to_string(),
        "secret s400: Vault's answer about secret/s400 cannot be used: its status is 400"
    );
    assert_eq!(
        error(&secrets, "s503").await.to_string(),
        "secret s503: Vault is away: it is sealed, or in maintenance"
    );
    assert_eq!(
        error(&secrets, "s404").await,
        SecretError::VaultMissing { name: name("s404"), place: "secret/s404".to_owned() }
    );
}

#[tokio::test]
async fn a_server_that_stumbles_is_asked_again() {
    let stub = Stub::start(|_, before| match before {
        0 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        1 => StatusCode::TOO_MANY_REQUESTS.into_response(),
        _ => GOOD.into_response(),
    })
    .await;
    let secrets = stub.open(&["token"]).await;
    assert_eq!(value(&secrets, "token").await, "the-first-value");
    assert_eq!(stub.count(), 3);
}

#[tokio::test]
async fn a_server_that_never_answers_is_not_waited_for_longer_than_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("token"), TOKEN).unwrap();
    let auth = VaultAuth::TokenFile(directory.path().join("token"));
    let vault = VaultSettings { timeout: Duration::from_millis(300), ..vault_settings(&address, auth) };
    let started = Instant::now();
    let names: Vec<String> = (0..100).map(|n| format!("s{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let secrets = Secrets::open(secrets(vault, &names)).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    let away = error(&secrets, "s0").await;
    assert_eq!(away.to_string(), "secret s0: Vault is away: no answer within 0.3 s");
}

#[tokio::test]
async fn many_who_ask_at_once_are_one_request() {
    let stub = Stub::start(|_, before| match before {
        0 => StatusCode::NOT_FOUND.into_response(),
        _ => GOOD.into_response(),
    })
    .await;
    let secrets = stub.open(&["slow"]).await;
    assert_eq!(stub.count(), 1);
    tokio::time::sleep(Duration::from_millis(250)).await;
    let name = name("slow");
    let all = futures::future::join_all((0..50).map(|_| secrets.get(&name))).await;
    assert!(all.iter().all(|secret| secret.as_ref().unwrap().expose() == "the-first-value"));
    assert_eq!(stub.count(), 2);
}
