//! A real OpenBao, by token.

use std::{env, fs, time::Duration};

use cofferdam_secrets::{SecretError, Secrets, VaultAuth, VaultSettings};
use reqwest::Method;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    bao::{Bao, ROOT, secrets},
    service::{Kept, becomes, ends, error, name, value},
};

#[tokio::test]
async fn a_rotation_is_seen_and_a_stopped_server_takes_nothing_away() {
    let mut bao = Bao::start().await;
    bao.put("token", json!({ "value": "the-first-value", "other": 1 })).await;
    let vault =
        VaultSettings { timeout: Duration::from_secs(1), ..bao.settings(VaultAuth::TokenFile(bao.token_file().await)) };
    let kept = Kept::open(secrets(vault, &["token", "later"])).await;
    assert_eq!(value(&kept.secrets, "token").await, "the-first-value");
    let held = kept.secrets.get(&name("token")).await.unwrap();

    bao.put("token", json!({ "value": "the-second-value" })).await;
    becomes(&kept.secrets, "token", "the-second-value", &["the-first-value"]).await;
    assert_eq!(held.expose(), "the-first-value");
    let masker = kept.secrets.masker(&[name("token")]).await.unwrap();
    assert_eq!(masker.text("the-first-value the-second-value"), "[masked] [masked]");

    bao.stop();
    // Through some looks that find nobody.
    let until = Instant::now() + Duration::from_millis(1500);
    while Instant::now() < until {
        let asked = Instant::now();
        assert_eq!(value(&kept.secrets, "token").await, "the-second-value");
        assert!(asked.elapsed() < Duration::from_millis(500), "nobody waits for Vault who has a value");
        sleep(Duration::from_millis(50)).await;
    }
    let away = ends(&kept.secrets, "later").await;
    assert!(matches!(away, SecretError::VaultMissing { .. } | SecretError::VaultAway { .. }), "{away}");

    // A new server, which knows another token.
    fs::write(bao.directory.path().join("token"), ROOT).unwrap();
    let again = Bao::at(bao.port(), ROOT).await.unwrap();
    again.put("token", json!({ "value": "the-third-value" })).await;
    // Its first answers may have been that it knows neither the token nor the secret.
    let seen = async {
        loop {
            match kept.secrets.get(&name("token")).await {
                Ok(secret) if secret.expose() == "the-third-value" => break,
                _ => sleep(Duration::from_millis(50)).await,
            }
        }
    };
    timeout(Duration::from_secs(20), seen).await.unwrap();
    kept.close().await;
}

#[tokio::test]
async fn without_a_keeper_a_value_is_looked_at_when_it_is_old() {
    let bao = Bao::start().await;
    bao.put("token", json!({ "value": "the-first-value" })).await;
    let vault = bao.settings(VaultAuth::TokenFile(bao.token_file().await));
    let secrets = Secrets::open(secrets(vault, &["token"])).await.unwrap();
    bao.put("token", json!({ "value": "the-second-value" })).await;
    sleep(Duration::from_millis(250)).await;
    assert_eq!(value(&secrets, "token").await, "the-second-value");
}

#[tokio::test]
async fn what_vault_says_about_a_secret() {
    let bao = Bao::start().await;
    bao.put("short", json!({ "value": "1234" })).await;
    bao.put("lines", json!({ "value": "1234\n5678" })).await;
    bao.put("number", json!({ "value": 12_345_678 })).await;
    bao.put("fieldless", json!({ "other": "12345678" })).await;
    bao.put("trimmed", json!({ "value": "12345678\n" })).await;
    bao.put("deleted", json!({ "value": "12345678" })).await;
    let vault = bao.settings(VaultAuth::TokenFile(bao.token_file().await));
    let names = ["short", "lines", "number", "fieldless", "trimmed", "deleted", "none"];
    let secrets = Secrets::open(secrets(vault, &names)).await.unwrap();
    assert_eq!(value(&secrets, "trimmed").await, "12345678");
    assert_eq!(value(&secrets, "deleted").await, "12345678");
    for (secret, expected) in [
        (
            "short",
            "secret short: Vault's secret/short, field value cannot be used: it has fewer than 8 bytes, so few that \
             ordinary text would be masked: use a longer one",
        ),
        (
            "lines",
            "secret lines: Vault's secret/lines, field value cannot be used: it has a line break, which would end a \
             header: encode it, for example as base64",
        ),
        ("number", "secret number: Vault's answer about secret/number cannot be used: its field \"value\" is no text"),
        (
            "fieldless",
            "secret fieldless: Vault's answer about secret/fieldless cannot be used: it has no field \"value\"",
        ),
        ("none", "secret none: Vault has no secret/none"),
    ] {
        assert_eq!(error(&secrets, secret).await.to_string(), expected);
    }
    // Deleted it is not served any more.
    bao.ask(Method::DELETE, "secret/data/deleted", &json!({})).await;
    let gone = ends(&secrets, "deleted").await;
    assert_eq!(gone, SecretError::VaultMissing { name: name("deleted"), place: "secret/deleted".to_owned() });
}

#[tokio::test]
async fn a_wrong_token_is_refused_and_a_right_one_taken_up() {
    let bao = Bao::start().await;
    bao.put("token", json!({ "value": "the-first-value" })).await;
    let path = bao.token_file().await;
    let right = fs::read_to_string(&path).unwrap();
    fs::write(&path, "s.wrong-token-of-the-test").unwrap();
    let vault = bao.settings(VaultAuth::TokenFile(path.clone()));
    let secrets = Secrets::open(secrets(vault, &["token"])).await.unwrap();
    let refused = error(&secrets, "token").await;
    assert_eq!(
        refused.to_string(),
        "secret token: Vault refused to tell secret/token with status 403: the token is not valid any more, or its \
         policy lacks read on it"
    );
    assert!(!format!("{refused:?}").contains("wrong-token"));
    fs::write(&path, &right).unwrap();
    sleep(Duration::from_millis(250)).await;
    assert_eq!(value(&secrets, "token").await, "the-first-value");
    // A token that is revoked takes the value away.
    bao.ask(Method::POST, "auth/token/revoke", &json!({ "token": right.trim() })).await;
    assert!(matches!(ends(&secrets, "token").await, SecretError::VaultRefused { status: 403, .. }));
    fs::remove_file(&path).unwrap();
    sleep(Duration::from_millis(250)).await;
    assert_eq!(
        error(&secrets, "token").await.to_string(),
        format!(
            "secret token: no login to Vault: {} cannot be read: No such file or directory (os error 2)",
            path.display()
        )
    );
}

#[tokio::test]
async fn a_token_in_the_environment() {
    // Cargo sets it, and OpenBao takes any text for a token.
    let token = env::var("CARGO_PKG_NAME").unwrap();
    let bao = Bao::with(&token).await;
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let put = client.post(format!("{}/v1/secret/data/token", bao.address)).header("x-vault-token", &token);
    assert!(put.body(r#"{"data":{"value":"the-first-value"}}"#).send().await.unwrap().status().is_success());
    let vault = bao.settings(VaultAuth::TokenVariable("CARGO_PKG_NAME".to_owned()));
    let secrets = Secrets::open(secrets(vault, &["token"])).await.unwrap();
    assert_eq!(value(&secrets, "token").await, "the-first-value");
}

#[tokio::test]
async fn a_namespace_is_asked_in() {
    let bao = Bao::start().await;
    bao.put("token", json!({ "value": "of-nobody" })).await;
    bao.ask(Method::POST, "sys/namespaces/team", &json!({})).await;
    let engine = json!({ "type": "kv", "options": { "version": "2" } });
    bao.within("team", Method::POST, "sys/mounts/secret", &engine).await;
    // It becomes one of version 2 a moment after the answer.
    let put = json!({ "data": { "value": "of-the-team" } });
    let made = async {
        while bao.try_within("team", Method::POST, "secret/data/token", &put).await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(20), made).await.unwrap();
    let path = bao.directory.path().join("root");
    fs::write(&path, ROOT).unwrap();
    let vault = VaultSettings { namespace: Some("team".to_owned()), ..bao.settings(VaultAuth::TokenFile(path)) };
    let secrets = Secrets::open(secrets(vault, &["token"])).await.unwrap();
    assert_eq!(value(&secrets, "token").await, "of-the-team");
}

#[tokio::test]
async fn an_authority_counts_when_the_operator_says_so() {
    let bao = Bao::over_tls().await;
    bao.put("token", json!({ "value": "the-first-value" })).await;
    let settings = bao.settings(VaultAuth::TokenFile(bao.token_file().await));
    let unknown = VaultSettings { timeout: Duration::from_secs(2), ..settings.clone() };
    let unknown = Secrets::open(secrets(unknown, &["token"])).await.unwrap();
    let away = error(&unknown, "token").await;
    assert!(matches!(&away, SecretError::VaultAway { why, .. } if why.contains("certificate")), "{away}");
    let known = VaultSettings { ca_file: Some(bao.directory.path().join("vault-ca.pem")), ..settings };
    let known = Secrets::open(secrets(known, &["token"])).await.unwrap();
    assert_eq!(value(&known, "token").await, "the-first-value");
}
