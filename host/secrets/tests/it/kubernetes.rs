//! Login with the token of a service account: OpenBao's own `auth/kubernetes`, which asks an API server of this test's
//! whose token it is.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, extract::State, routing::post};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cofferdam_secrets::{SecretError, Secrets, VaultAuth};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    bao::{Bao, secrets},
    service::{Kept, becomes, error, name, value},
};

struct Cluster {
    bao: Bao,
    jwt: PathBuf,
    /// How many tokens were looked at.
    reviews: Arc<AtomicU32>,
}

/// As kubelet writes it, but for the signature, which the API server alone would look at.
fn jwt(account: &str) -> String {
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let header = part(json!({ "alg": "RS256", "kid": "test" }));
    let payload = part(json!({
        "aud": ["https://kubernetes.default.svc"],
        "exp": 4_102_444_800_u64,
        "iat": 1_700_000_000,
        "nbf": 1_700_000_000,
        "iss": "https://kubernetes.default.svc",
        "kubernetes.io": { "namespace": "tools", "serviceaccount": { "name": account, "uid": "1" } },
        "sub": format!("system:serviceaccount:tools:{account}"),
    }));
    format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode("a signature"))
}

async fn review(State(reviews): State<Arc<AtomicU32>>, Json(asked): Json<Value>) -> Json<Value> {
    reviews.fetch_add(1, Ordering::Relaxed);
    let is_ours = asked["spec"]["token"] == jwt("cofferdam");
    let user = json!({
        "username": "system:serviceaccount:tools:cofferdam",
        "uid": "1",
        "groups": ["system:serviceaccounts", "system:serviceaccounts:tools", "system:authenticated"],
    });
    let status = if is_ours {
        json!({ "authenticated": true, "user": user, "audiences": asked["spec"]["audiences"] })
    } else {
        json!({ "authenticated": false })
    };
    Json(json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status }))
}

fn certificate(directory: &Path) -> String {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=test", "-keyout"])
        .arg(directory.join("key.pem"))
        .output()
        .expect("openssl is missing: install it");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap()
}

impl Cluster {
    async fn start(ttl: &str) -> Self {
        let reviews = Arc::new(AtomicU32::new(0));
        let api = Router::new()
            .route("/apis/authentication.k8s.io/v1/tokenreviews", post(review))
            .with_state(reviews.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, api).await.unwrap() });

        let bao = Bao::start().await;
        // The policy that the role names.
        bao.token_file().await;
        bao.ask(Method::POST, "sys/auth/kubernetes", &json!({ "type": "kubernetes" })).await;
        let config = json!({
            "kubernetes_host": host,
            "token_reviewer_jwt": jwt("reviewer"),
            "disable_local_ca_jwt": true,
            // It must have one, and has no use for it over plain HTTP.
            "kubernetes_ca_cert": certificate(bao.directory.path()),
        });
        bao.ask(Method::POST, "auth/kubernetes/config", &config).await;
        let role = json!({
            "bound_service_account_names": ["cofferdam"],
            "bound_service_account_namespaces": ["tools"],
            "policies": ["reader"],
            "ttl": ttl,
        });
        bao.ask(Method::POST, "auth/kubernetes/role/host", &role).await;
        let path = bao.directory.path().join("jwt");
        fs::write(&path, jwt("cofferdam")).unwrap();
        Self { bao, jwt: path, reviews }
    }

    fn auth(&self, role: &str) -> VaultAuth {
        VaultAuth::Kubernetes { role: role.to_owned(), mount: "kubernetes".to_owned(), jwt_file: self.jwt.clone() }
    }

    fn reviews(&self) -> u32 {
        self.reviews.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn one_login_serves_many_secrets() {
    let cluster = Cluster::start("1h").await;
    let names = ["one", "two", "three"];
    for name in names {
        cluster.bao.put(name, json!({ "value": format!("value-of-{name}") })).await;
    }
    let vault = cluster.bao.settings(cluster.auth("host"));
    let secrets = Secrets::open(secrets(vault, &names)).await.unwrap();
    for name in names {
        assert_eq!(value(&secrets, name).await, format!("value-of-{name}"));
    }
    assert_eq!(cluster.reviews(), 1);
}

#[tokio::test]
async fn a_lease_that_ends_is_followed_by_another_login() {
    let cluster = Cluster::start("2s").await;
    cluster.bao.put("token", json!({ "value": "value-0000" })).await;
    let vault = cluster.bao.settings(cluster.auth("host"));
    let kept = Kept::open(secrets(vault, &["token"])).await;
    let mut before = "value-0000".to_owned();
    // Over several leases.
    let mut count = 0;
    while cluster.reviews() < 4 {
        count += 1;
        let next = format!("value-{count:04}");
        cluster.bao.put("token", json!({ "value": next })).await;
        becomes(&kept.secrets, "token", &next, &[&before]).await;
        before = next;
        assert!(count < 500, "no second login");
    }
    kept.close().await;
}

#[tokio::test]
async fn a_revoked_token_is_followed_by_another_login() {
    let cluster = Cluster::start("1h").await;
    cluster.bao.put("token", json!({ "value": "the-first-value" })).await;
    let vault = cluster.bao.settings(cluster.auth("host"));
    let kept = Kept::open(secrets(vault, &["token"])).await;
    assert_eq!(value(&kept.secrets, "token").await, "the-first-value");
    // Older than what would be refused for what it may.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    cluster.bao.ask(Method::POST, "sys/leases/revoke-prefix/auth/kubernetes/login", &json!({})).await;
    cluster.bao.put("token", json!({ "value": "the-second-value" })).await;
    becomes(&kept.secrets, "token", "the-second-value", &["the-first-value"]).await;
    assert_eq!(cluster.reviews(), 2);
    kept.close().await;
}

#[tokio::test]
async fn whom_vault_does_not_know() {
    let cluster = Cluster::start("1h").await;
    cluster.bao.put("token", json!({ "value": "the-first-value" })).await;
    let vault = cluster.bao.settings(cluster.auth("nobody"));
    let of_no_role = Secrets::open(secrets(vault, &["token"])).await.unwrap();
    assert_eq!(
        error(&of_no_role, "token").await.to_string(),
        "secret token: no login to Vault: auth/kubernetes refused the role \"nobody\" with status 400: see Vault's log \
         for why"
    );
    let somebody = jwt("somebody");
    fs::write(&cluster.jwt, &somebody).unwrap();
    let vault = cluster.bao.settings(cluster.auth("host"));
    let of_others = Secrets::open(secrets(vault, &["token"])).await.unwrap();
    let refused = error(&of_others, "token").await;
    assert!(matches!(&refused, SecretError::VaultLogin { name: of, .. } if *of == name("token")), "{refused}");
    assert!(!format!("{refused} {refused:?} {of_others:?}").contains(&somebody));
}
