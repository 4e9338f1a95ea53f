use std::collections::BTreeMap;

use cofferdam_egress::EgressSettings;
use cofferdam_policy::{AttachAs, SecretName};
use cofferdam_secrets::{Secret, SecretsSettings, Source};
use http_body_util::{BodyExt, Empty};

use super::*;
use crate::Verdict;

const VALUE: &str = "s3cr3t-value/+?&=0123456789";

/// One secret, from a file of its own.
async fn secrets() -> (tempfile::TempDir, Secrets, SecretName) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    std::fs::write(&path, VALUE).unwrap();
    let name: SecretName = "token".parse().unwrap();
    let settings = SecretsSettings {
        secrets: BTreeMap::from([(name.clone(), Source::File { path })]),
        ..SecretsSettings::default()
    };
    (directory, Secrets::open(settings).await.unwrap(), name)
}

async fn secret() -> Secret {
    let (_directory, secrets, name) = secrets().await;
    secrets.get(&name).await.unwrap()
}

fn request(url: &str) -> Request<cofferdam_egress::Body> {
    Request::get(url).body(cofferdam_egress::empty()).unwrap()
}

fn how(text: &str) -> AttachAs {
    let rule = format!("name = \"token\"\nas = {text}");
    toml_edit::de::from_str::<Attach>(&rule).unwrap().how
}

#[tokio::test]
async fn a_secret_goes_where_the_rule_says() {
    let secret = secret().await;
    let basic = |pair: &str| format!("Basic {}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pair));
    for (text, name, value) in [
        ("\"bearer\"", "authorization", format!("Bearer {VALUE}")),
        ("\"basic\"", "authorization", basic(VALUE)),
        ("{ basic = \"bot\" }", "authorization", basic(&format!("bot:{VALUE}"))),
        ("{ header = \"X-Api-Key\" }", "x-api-key", VALUE.to_owned()),
    ] {
        let mut request = request("https://example.com/a?b=c");
        request.headers_mut().insert("x-api-key", HeaderValue::from_static("the guest's own"));
        attach::attach(&mut request, &how(text), &secret).unwrap();
        let attached = &request.headers()[name];
        assert_eq!(attached.to_str().unwrap(), value, "{text}");
        assert!(attached.is_sensitive());
        assert_eq!(request.headers().get_all(name).iter().count(), 1);
        assert_eq!(request.uri(), "https://example.com/a?b=c");
    }
}

#[tokio::test]
async fn a_secret_in_a_query_is_one_parameter() {
    let secret = secret().await;
    for (url, before) in [("https://example.com/a", ""), ("https://example.com/a?b=c", "b=c&")] {
        let mut request = request(url);
        attach::attach(&mut request, &how("{ query = \"key\" }"), &secret).unwrap();
        let query = request.uri().query().unwrap();
        let value = query.strip_prefix(before).unwrap().strip_prefix("key=").unwrap();
        assert!(!value.contains(['&', '=', '?', '/', '+']), "{value}");
        assert_eq!(percent_encoding::percent_decode_str(value).decode_utf8().unwrap(), VALUE);
    }
}

#[test]
fn a_guest_sets_nothing_that_is_the_hosts_to_say() {
    for name in
        ["Host", "AUTHORIZATION", "proxy-anything", "Connection", "keep-alive", "TE", "Transfer-Encoding", "upgrade"]
    {
        assert!(is_ours(&name.parse().unwrap()), "{name}");
    }
    for name in ["accept", "content-type", "x-api-key", "if-none-match", "cookie"] {
        assert!(!is_ours(&name.parse().unwrap()), "{name}");
    }
}

#[test]
fn what_is_recorded_of_a_url_leaves_its_query_out() {
    assert_eq!(shown(&"https://example.com:8443/a/b?token=x".parse().unwrap()), "https://example.com:8443/a/b?…");
    assert_eq!(shown(&"http://example.com".parse().unwrap()), "http://example.com/");
}

struct Call {
    http: Http,
    recorder: Recorder,
    _directory: tempfile::TempDir,
}

async fn call(grants: &str) -> Call {
    let (directory, secrets, name) = secrets().await;
    let recorder = Recorder::new(secrets.masker(std::slice::from_ref(&name)).await.unwrap());
    let grants: Grants = toml_edit::de::from_str(grants).unwrap();
    let egress = Egress::new(EgressSettings { dns: vec!["127.0.0.1:9".parse().unwrap()], ..EgressSettings::default() });
    let limits = Limits { requests: 2, ..Limits::default() };
    let pool = PoolKey::new("plugin", "tenant");
    let http = Http::open(Arc::new(grants), &limits, pool, egress.unwrap(), secrets, [name].into(), recorder.clone());
    Call { http, recorder, _directory: directory }
}

async fn send(call: &mut Call, request: http::request::Builder) -> Error {
    let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let answer = call.http.hooks.send_request(request.body(body).unwrap(), None, Box::new(async { Ok(()) }));
    match Box::into_pin(answer).await {
        Ok((response, _)) => panic!("{}", response.status()),
        Err(error) => error,
    }
}

const RULE: &str = r#"http = [{ url = "https://127.0.0.1:9/a/", methods = ["GET"], networks = ["127.0.0.0/8"], timeout = "1s", secret = { name = "token", as = "bearer" } }]"#;

#[tokio::test]
async fn what_no_rule_admits_is_not_sent() {
    let mut call = call(RULE).await;
    for request in [
        Request::get("https://127.0.0.1:9/b"),
        Request::get("https://127.0.0.1:9/a/../b"),
        Request::post("https://127.0.0.1:9/a/b"),
        Request::get("http://127.0.0.1:9/a/b"),
        Request::get("https://127.0.0.2:9/a/b"),
        Request::get("https://127.0.0.1:9/a/b").header("authorization", "Bearer mine"),
    ] {
        assert!(matches!(send(&mut call, request).await, Error::HttpRequestDenied));
    }
    let effects = call.recorder.finish();
    assert_eq!((effects.times(), effects.refused()), (6, 6), "{effects:?}");
}

#[tokio::test]
async fn without_a_grant_nothing_is_sent() {
    let mut call = call("").await;
    assert!(matches!(send(&mut call, Request::get("https://127.0.0.1:9/a/b")).await, Error::HttpRequestDenied));
    assert_eq!(call.recorder.finish().list[0].verdict, Verdict::Refused(NOT_GRANTED.into()));
}

#[tokio::test]
async fn requests_are_counted() {
    let mut call = call(RULE).await;
    for _ in 0..2 {
        // Nobody listens there: it was admitted all the same.
        assert!(!matches!(send(&mut call, Request::get("https://127.0.0.1:9/a/b")).await, Error::HttpRequestDenied));
    }
    assert!(matches!(send(&mut call, Request::get("https://127.0.0.1:9/a/b")).await, Error::HttpRequestDenied));
    let effects = call.recorder.finish();
    assert_eq!((effects.times(), effects.refused()), (3, 1), "{effects:?}");
}

/// Answers each request with its own head, for as long as the runtime runs.
async fn echo() -> std::net::SocketAddr {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", head.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.write_all(&head).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn a_secret_that_changed_after_the_call_began_is_masked_too() {
    const ROTATED: &str = "rotated-value-9876543210";
    let address = echo().await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    std::fs::write(&path, VALUE).unwrap();
    let name: SecretName = "token".parse().unwrap();
    let settings = SecretsSettings {
        secrets: BTreeMap::from([(name.clone(), Source::File { path: path.clone() })]),
        refresh: std::time::Duration::from_millis(100),
        ..SecretsSettings::default()
    };
    let secrets = Secrets::open(settings).await.unwrap();
    tokio::spawn(secrets.keep(tokio_util::sync::CancellationToken::new()));
    let rule = format!(
        r#"http = [{{ url = "http://{address}/", methods = ["GET"], networks = ["127.0.0.0/8"], secret = {{ name = "token", as = "bearer" }} }}]"#
    );
    let grants: Grants = toml_edit::de::from_str(&rule).unwrap();
    let recorder = Recorder::new(secrets.masker(std::slice::from_ref(&name)).await.unwrap());
    let egress = Egress::new(EgressSettings { dns: vec!["127.0.0.1:9".parse().unwrap()], ..EgressSettings::default() });
    let pool = PoolKey::new("plugin", "tenant");
    let limits = Limits::default();
    let mut http =
        Http::open(Arc::new(grants), &limits, pool, egress.unwrap(), secrets.clone(), [name.clone()].into(), recorder);
    let fresh = directory.path().join("fresh");
    std::fs::write(&fresh, ROTATED).unwrap();
    std::fs::rename(&fresh, &path).unwrap();
    let rotated = async {
        while secrets.get(&name).await.unwrap().expose() != ROTATED {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), rotated).await.expect("it is read again");
    let request = Request::get(format!("http://{address}/"));
    let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let sent = http.hooks.send_request(request.body(body).unwrap(), None, Box::new(async { Ok(()) }));
    let (response, _) = Box::into_pin(sent).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&body);
    assert!(text.contains("Bearer [masked]") && !text.contains("rotated"), "{text}");
}
