//! Credentials: those of docker's configuration, shown to who asks for them and to nobody else.
//!
//! That configuration is found by the environment, which belongs to the process. So each test runs itself again in a
//! process of its own, with the environment it needs.

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cofferdam_registry::{Registry, RegistryError, RegistrySettings};

use crate::{
    content::{Content, Lists, impatient, reference},
    process::{Server, Special},
    stub::{Asked, Reply, Stub},
};

/// `alice`, whose password is `secret`.
const USERS: &str = "alice:$2b$04$asjwVubOqaiXcqYQBhXHHO2ahkE0A62tR6szs1cD94ZEpluh3tU.C\n";

/// A registry that lets in nobody else.
async fn guarded() -> Server {
    Server::with(Special { users: Some(USERS.to_owned()), ..Special::default() }).await
}

/// Where the test that runs again finds its registry.
const REGISTRY: &str = "COFFERDAM_TEST_REGISTRY";

/// Runs this test again with such a configuration of docker's, and passes on how it went.
fn again(test: &str, registry: &str, config: &str, path: Option<&Path>) {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("config.json"), config).unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env("DOCKER_CONFIG", directory.path()).env(REGISTRY, registry);
    if let Some(path) = path {
        command.env("PATH", format!("{}:{}", path.display(), env::var("PATH").unwrap()));
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    // Also that there is a test of this name.
    let passed = output.status.success() && said.contains("1 passed");
    assert!(passed, "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// The registry, in the test that runs again.
fn given() -> Option<String> {
    env::var(REGISTRY).ok()
}

fn config(registry: &str, user: &str, password: &str) -> String {
    format!(r#"{{"auths":{{"{registry}":{{"auth":"{}"}}}}}}"#, STANDARD.encode(format!("{user}:{password}")))
}

#[tokio::test]
async fn a_password_lets_in() {
    if let Some(registry) = given() {
        let tagged = reference(&registry, "1");
        let client = impatient();
        let digest = client.push(&tagged, b"component", &BTreeMap::new()).await.unwrap();
        assert_eq!(client.resolve(&tagged).await.unwrap(), digest);
        assert!(!format!("{client:?}").contains("secret"));
        return;
    }
    let server = guarded().await;
    again("auth::a_password_lets_in", &server.registry, &config(&server.registry, "alice", "secret"), None);
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_not_told() {
    if let Some(registry) = given() {
        let error = impatient().resolve(&reference(&registry, "1")).await.unwrap_err();
        let text = format!("{error} {error:?} {}", error.mend());
        assert!(matches!(error, RegistryError::Refused { status: 401, .. }), "{text}");
        assert!(text.contains("with the configured credentials") && !text.contains("wrong-secret"), "{text}");
        return;
    }
    let server = guarded().await;
    let test = "auth::a_wrong_password_is_refused_and_not_told";
    again(test, &server.registry, &config(&server.registry, "alice", "wrong-secret"), None);
}

#[tokio::test]
async fn no_password_is_refused_with_the_way_in() {
    if let Some(registry) = given() {
        let error = impatient().resolve(&reference(&registry, "1")).await.unwrap_err();
        assert!(matches!(error, RegistryError::Refused { status: 401, .. }), "{error}");
        assert!(error.to_string().contains("without credentials") && error.mend().contains("docker login"), "{error}");
        return;
    }
    let server = guarded().await;
    again("auth::no_password_is_refused_with_the_way_in", &server.registry, "{}", None);
}

#[tokio::test]
async fn a_broken_configuration_is_said() {
    if let Some(registry) = given() {
        let error = impatient().resolve(&reference(&registry, "1")).await.unwrap_err();
        assert!(matches!(error, RegistryError::Credentials { .. }), "{error}");
        return;
    }
    let server = guarded().await;
    again("auth::a_broken_configuration_is_said", &server.registry, "{", None);
}

/// A credential helper `docker-credential-test` that is this script.
fn helper(script: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("docker-credential-test");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

fn helped(registry: &str) -> String {
    format!(r#"{{"credHelpers":{{"{registry}":"test"}}}}"#)
}

#[tokio::test]
async fn a_helper_is_asked() {
    if let Some(registry) = given() {
        let error = impatient().resolve(&reference(&registry, "1")).await.unwrap_err();
        assert!(matches!(error, RegistryError::Missing { .. }), "{error}");
        return;
    }
    let server = guarded().await;
    let helper = helper(r#"cat >/dev/null; echo '{"ServerURL":"x","Username":"alice","Secret":"secret"}'"#);
    again("auth::a_helper_is_asked", &server.registry, &helped(&server.registry), Some(helper.path()));
}

#[tokio::test]
async fn a_helper_that_fails_is_said_without_its_words() {
    if let Some(registry) = given() {
        let error = impatient().resolve(&reference(&registry, "1")).await.unwrap_err();
        assert!(matches!(error, RegistryError::Credentials { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        return;
    }
    let server = guarded().await;
    let helper = helper("echo secret; echo secret >&2; exit 1");
    let test = "auth::a_helper_that_fails_is_said_without_its_words";
    again(test, &server.registry, &helped(&server.registry), Some(helper.path()));
}

#[tokio::test]
async fn a_helper_that_hangs_is_not_waited_for() {
    if let Some(registry) = given() {
        let timeout = Duration::from_millis(500);
        let settings = RegistrySettings { timeout, ..RegistrySettings::default() };
        let started = Instant::now();
        let error = Registry::new(settings).unwrap().resolve(&reference(&registry, "1")).await.unwrap_err();
        assert!(matches!(error, RegistryError::Credentials { .. }), "{error}");
        assert!(started.elapsed() < Duration::from_secs(5));
        return;
    }
    let server = guarded().await;
    // Opening a pipe waits for the other end, which nobody holds until the test is over.
    let helper = helper("exec <\"$(dirname \"$0\")/pipe\"");
    let pipe = helper.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let test = "auth::a_helper_that_hangs_is_not_waited_for";
    again(test, &server.registry, &helped(&server.registry), Some(helper.path()));
    // Lets the helper go: it is its own process still.
    drop(fs::OpenOptions::new().read(true).write(true).open(pipe).unwrap());
}

/// A registry with a token service under the same address, by docker's token protocol.
fn with_tokens(expected: &'static str) -> Stub {
    let content = Content::new(Lists::Tag);
    let realm: Arc<std::sync::OnceLock<String>> = Arc::default();
    let named = Arc::clone(&realm);
    let stub = Stub::new(move |asked: &Asked| {
        if asked.path.starts_with("/token") {
            let as_expected = match asked.method.as_str() {
                "GET" => asked.authorization.as_deref() == Some(expected),
                _ => asked.authorization.is_none() && asked.body.contains(expected),
            };
            let scoped = format!("{}{}", asked.path, asked.body).contains("scope=repository%3Aacme%2Fecho%3Apull");
            return if as_expected && scoped { Reply::ok(r#"{"token":"granted"}"#) } else { Reply::status(401) };
        }
        if asked.authorization.as_deref() == Some("Bearer granted") {
            return content.answer(asked);
        }
        let challenge =
            format!("Bearer realm=\"{}\",service=\"test\",scope=\"repository:other:pull\"", named.get().unwrap());
        Reply::Whole(401, vec![("WWW-Authenticate", challenge)], Vec::new())
    });
    realm.set(format!("http://{}/token", stub.registry())).unwrap();
    stub
}

async fn pulls(registry: &str) {
    let (client, tagged) = (impatient(), reference(registry, "keyless"));
    let digest = client.resolve(&tagged).await.unwrap();
    let manifest = client.manifest(&tagged, digest).await.unwrap();
    assert_eq!(client.signatures(&tagged, digest).await.unwrap().len(), 2);
    client.component(&tagged, &manifest, 1000).await.unwrap();
}

#[tokio::test]
async fn a_password_becomes_one_token() {
    if let Some(registry) = given() {
        return pulls(&registry).await;
    }
    let stub = with_tokens("Basic YWxpY2U6c2VjcmV0");
    let registry = stub.registry();
    again("auth::a_password_becomes_one_token", &registry, &config(&registry, "alice", "secret"), None);
    let tokens = stub.asked().iter().filter(|asked| asked.path.starts_with("/token")).count();
    assert_eq!(tokens, 1);
    let shown = stub.asked().into_iter().filter(|asked| !asked.path.starts_with("/token"));
    assert!(
        shown.filter_map(|asked| asked.authorization).all(|value| value == "Bearer granted"),
        "the password stayed"
    );
}

#[tokio::test]
async fn a_refresh_token_becomes_one_token() {
    if let Some(registry) = given() {
        return pulls(&registry).await;
    }
    let stub = with_tokens("grant_type=refresh_token&client_id=cofferdam&refresh_token=long-lived");
    let registry = stub.registry();
    let config = format!(r#"{{"auths":{{"{registry}":{{"identitytoken":"long-lived"}}}}}}"#);
    again("auth::a_refresh_token_becomes_one_token", &registry, &config, None);
}

#[tokio::test]
async fn a_token_service_that_does_harm() {
    if let Some(registry) = given() {
        let error = impatient().resolve(&reference(&registry, "keyless")).await.unwrap_err();
        assert!(!error.is_away() && !format!("{error:?}").contains("secret"), "{error:?}");
        return;
    }
    let replies = [Reply::Endless, Reply::ok("{}"), Reply::ok("no JSON"), Reply::ok("{\"token\":\"a\\r\\nX: y\"}")];
    for reply in replies.into_iter().chain([Reply::redirect("ftp://x/"), Reply::status(403)]) {
        let service = Stub::new(move |_| reply.clone());
        let challenge = format!("Bearer realm=\"http://{}/token\"", service.registry());
        let stub = Stub::new(move |_| Reply::Whole(401, vec![("WWW-Authenticate", challenge.clone())], Vec::new()));
        let config = config(&stub.registry(), "alice", "secret");
        again("auth::a_token_service_that_does_harm", &stub.registry(), &config, None);
        assert_eq!(service.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_password_goes_to_no_odd_address() {
    if let Some(registry) = given() {
        let error = impatient().resolve(&reference(&registry, "keyless")).await.unwrap_err();
        assert!(matches!(error, RegistryError::Odd { .. }), "{error}");
        return;
    }
    for realm in ["nowhere", "ftp://127.0.0.1/token", "http://user:password@127.0.0.1/token"] {
        let challenge = format!("Bearer realm=\"{realm}\"");
        let stub = Stub::new(move |_| Reply::Whole(401, vec![("WWW-Authenticate", challenge.clone())], Vec::new()));
        let config = config(&stub.registry(), "alice", "secret");
        again("auth::a_password_goes_to_no_odd_address", &stub.registry(), &config, None);
    }
}

#[tokio::test]
async fn a_password_stays_with_its_registry() {
    if let Some(registry) = given() {
        let (client, tagged) = (impatient(), reference(&registry, "1"));
        client.resolve(&tagged).await.unwrap();
        return;
    }
    let storage = Stub::new(|_| Reply::ok("elsewhere"));
    let to = format!("http://{}/there", storage.registry());
    let stub = Stub::new(move |asked| match &asked.authorization {
        None => Reply::Whole(401, vec![("WWW-Authenticate", "Basic realm=\"x\"".to_owned())], Vec::new()),
        Some(_) => Reply::redirect(&to),
    });
    again(
        "auth::a_password_stays_with_its_registry",
        &stub.registry(),
        &config(&stub.registry(), "alice", "secret"),
        None,
    );
    assert_eq!(stub.asked().len(), 2);
    let elsewhere = storage.asked();
    assert!(elsewhere.len() == 1 && elsewhere[0].authorization.is_none(), "{elsewhere:?}");
}

#[tokio::test]
async fn storage_is_not_told_who_asks() {
    if let Some(registry) = given() {
        let error = impatient().resolve(&reference(&registry, "1")).await.unwrap_err();
        assert!(matches!(error, RegistryError::Refused { status: 401, .. }), "{error}");
        return;
    }
    let collector = Stub::new(|_| Reply::ok(r#"{"token":"x"}"#));
    let challenge = format!("Bearer realm=\"http://{}/token\"", collector.registry());
    let storage = Stub::new(move |_| Reply::Whole(401, vec![("WWW-Authenticate", challenge.clone())], Vec::new()));
    let to = format!("http://{}/there", storage.registry());
    let stub = Stub::new(move |_| Reply::redirect(&to));
    let config = config(&stub.registry(), "alice", "secret");
    again("auth::storage_is_not_told_who_asks", &stub.registry(), &config, None);
    assert_eq!((storage.asked().len(), collector.asked().len()), (1, 0));
}
