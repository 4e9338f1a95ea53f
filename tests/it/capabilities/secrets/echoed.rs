//! A server that gives a secret back, in every way it can think of.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use cofferdam_tests::{Answer, Asked, Upstream, asked_path, body, slowly};
use http::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use super::{MASK, SECRET, base64, clean, seen, with_secret};

/// Texts that have the secret in them, by the path that they are asked for with.
fn forms() -> Vec<(&'static str, String)> {
    let hex: String = SECRET.bytes().map(|b| format!("{b:02x}")).collect();
    let json = serde_json::to_string(SECRET).unwrap();
    let percent = utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string();
    let escaped: String = SECRET.chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
    let html = SECRET
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;");
    vec![
        ("plain", SECRET.to_owned()),
        ("bearer", format!("Bearer {SECRET}")),
        ("base64", base64(SECRET)),
        ("base64-of-user", base64(&format!("bot:{SECRET}"))),
        ("base64-of-password", base64(&format!("{SECRET}:x"))),
        ("base64-within", base64(&format!("{{\"password\":\"{SECRET}\"}}"))),
        ("base64-one", base64(&format!("a{SECRET}"))),
        ("base64-two", base64(&format!("ab{SECRET}"))),
        ("base64-no-pad", STANDARD_NO_PAD.encode(SECRET)),
        ("base64url", URL_SAFE.encode(SECRET)),
        ("base64url-no-pad", URL_SAFE_NO_PAD.encode(format!("bot:{SECRET}"))),
        ("percent", percent.clone()),
        ("percent-lower", percent.to_lowercase_escapes()),
        ("form", percent.replace("%20", "+")),
        ("hex", hex.clone()),
        ("hex-upper", hex.to_uppercase()),
        ("json", json.clone()),
        ("json-twice", serde_json::to_string(&json).unwrap()),
        ("json-escaped", escaped),
        ("html", html),
        ("twice", format!("{SECRET}{SECRET}")),
        ("thrice", format!("a{SECRET}b{}c{SECRET}d", base64(SECRET))),
        ("header-of-all", format!("authorization: Basic {}", STANDARD.encode(format!("bot:{SECRET}")))),
    ]
}

trait LowercaseEscapes {
    /// `%2F` as `%2f`, and nothing else changed.
    fn to_lowercase_escapes(&self) -> String;
}

impl LowercaseEscapes for String {
    fn to_lowercase_escapes(&self) -> String {
        let mut parts = self.split('%');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |all, part| all + "%" + &part[..2].to_lowercase() + &part[2..])
    }
}

/// Says the form that it is asked for, in the way that it is asked for: `/way/form`.
fn echo(asked: &Asked) -> Answer {
    let (way, form) = asked.path().trim_start_matches('/').split_once('/').unwrap();
    let (_, text) = forms().into_iter().find(|(name, _)| *name == form).unwrap();
    let around = format!("before {text} after");
    match way {
        "body" => Response::new(body(around)),
        "split" => Response::new(slowly(around, 1)),
        "seven" => Response::new(slowly(around, 7)),
        "status" => Response::builder().status(500).body(body(around)).unwrap(),
        "header" => Response::builder().header("x-echo", around).body(body("in a header")).unwrap(),
        "location" => Response::builder().status(302).header("location", format!("/{text}")).body(body("")).unwrap(),
        other => panic!("there is no way {other}"),
    }
}

/// The same in trailers, which the library writes for nobody who does not ask for them.
async fn echo_in_a_trailer(mut stream: TcpStream) {
    let path = asked_path(&mut stream).await;
    let text = forms().into_iter().find(|(name, _)| path.ends_with(&format!("/{name}"))).map(|(_, text)| text);
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-echo\r\n\r\n4\r\nbody\r\n0\r\n";
    let trailer = format!("x-echo: before {} after\r\n\r\n", text.unwrap_or_default());
    let _gone = stream.write_all([head, &trailer].concat().as_bytes()).await;
}

fn masked(way: &str) {
    let upstream = if way == "trailer" { Upstream::raw(echo_in_a_trailer) } else { Upstream::start(echo) };
    let host = with_secret(&upstream, "{ basic = \"bot\" }").start();
    for (form, text) in forms() {
        let seen = seen(&host, &upstream.url(&format!("/{way}/{form}")), json!({}));
        assert!(seen.contains(MASK), "{way}, {form}: {seen}");
        clean(&seen, &format!("{way}, {form}"));
        // Of base64 one character at each border may be shared with what stands beside it.
        let core = &text[1..text.len() - 1];
        let parts = [core, &core[..core.len() / 2], &core[core.len() / 2..]];
        let part = if form.starts_with("base64-within") { &core[24..core.len() - 8] } else { core };
        assert!(!seen.contains(part), "{way}, {form}: {seen}");
        if matches!(form, "plain" | "base64" | "hex" | "percent" | "json") {
            assert!(parts.iter().all(|part| !seen.contains(part)), "{way}, {form}: {seen}");
        }
        if way != "location" && form != "bearer" && !form.contains("base64") && !form.contains("header") {
            assert!(seen.contains("before ") && seen.contains(" after"), "{way}, {form}: no more than that: {seen}");
        }
    }
    clean(&host.log(), "the log");
}

#[test]
fn in_a_body() {
    masked("body");
}

#[test]
fn in_a_body_byte_by_byte() {
    masked("split");
}

#[test]
fn in_a_body_in_pieces() {
    masked("seven");
}

#[test]
fn in_an_error() {
    masked("status");
}

#[test]
fn in_a_header() {
    masked("header");
}

#[test]
fn in_a_redirect() {
    masked("location");
}

#[test]
fn in_a_trailer() {
    masked("trailer");
}

#[test]
fn packed_where_nobody_can_look() {
    let upstream = Upstream::start(|asked| {
        let coding = asked.path().trim_start_matches('/').to_owned();
        let answer = Response::builder().header("content-encoding", coding);
        answer.body(body(Bytes::from_static(b"\x1f\x8b anything"))).unwrap()
    });
    let host = with_secret(&upstream, "\"bearer\"").start();
    for coding in ["gzip", "br", "deflate", "zstd", "x-own", "identity,gzip"] {
        let asks = json!({ "url": upstream.url(&format!("/{coding}")), "headers": [["accept-encoding", "gzip, br"]] });
        let reply = host.rpc().call("probe_fetch", asks);
        let answer = &reply.result()["structuredContent"];
        assert_eq!(answer["error"], "http-response-content-coding", "{coding}: {answer}");
        assert_eq!(upstream.requests().last().unwrap().header("accept-encoding"), "identity");
    }
    let reply = host.rpc().call("probe_fetch", json!({ "url": upstream.url("/identity") }));
    assert_eq!(reply.result()["structuredContent"]["status"], 200);
}

#[test]
fn in_pieces_that_the_guest_asks_for() {
    let upstream = Upstream::start(|asked| {
        let (status, text) = if asked.headers.contains_key("range") { (206, &SECRET[..9]) } else { (200, SECRET) };
        Response::builder().status(status).body(body(text)).unwrap()
    });
    let host = with_secret(&upstream, "\"bearer\"").start();
    for range in ["bytes=0-8", "bytes=9-", "bytes=-9", "bytes=0-3,4-8"] {
        let headers = json!([["Range", range], ["If-Range", "\"a\""]]);
        let seen = seen(&host, &upstream.url("/"), json!({ "headers": headers }));
        assert!(seen.contains(MASK) && !seen.contains(&SECRET[..9]), "{range}: {seen}");
    }
    assert!(
        upstream.requests().iter().all(|asked| asked.header("range").is_empty() && asked.header("if-range").is_empty())
    );
}

#[test]
fn where_there_is_no_secret_nothing_is_touched() {
    let upstream = Upstream::start(|asked| {
        Response::builder()
            .header("content-encoding", "x-own")
            .header("x-range", asked.header("range"))
            .body(body(SECRET))
            .unwrap()
    });
    let grants = format!("http = [{}]", super::rule(&upstream, "/", "timeout = \"30s\""));
    let host = super::builder(&grants).start();
    let asks = json!({ "url": upstream.url("/"), "headers": [["range", "bytes=0-8"]] });
    let reply = host.rpc().call("probe_fetch", asks);
    let answer = &reply.result()["structuredContent"];
    assert_eq!(answer["body"], SECRET, "{answer}");
    assert_eq!(upstream.requests()[0].header("range"), "bytes=0-8");
}
