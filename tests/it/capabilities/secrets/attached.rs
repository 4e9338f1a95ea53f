//! A secret is where the policy puts it, and nowhere else.

use cofferdam_tests::{Answer, Asked, Upstream, body, forge, guest};
use http::Response;
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::{MASK, SECRET, base64, clean, mirror, mirrored, rule, seen, with_rules, with_secret};

/// What a server is asked, where a secret is attached in this form.
fn asked(how: &str) -> Asked {
    let upstream = mirror();
    let host = with_secret(&upstream, how).start();
    let mirrored = seen(&host, &upstream.url("/a?b=c"), json!({}));
    clean(&mirrored, "what the guest sees");
    assert!(mirrored.contains(MASK), "{mirrored}");
    clean(&host.log(), "the log");
    let requests = upstream.requests();
    assert_eq!(requests.len(), 1);
    requests[0].clone()
}

#[test]
fn as_bearer() {
    let asked = asked("\"bearer\"");
    assert_eq!((asked.header("authorization"), asked.target), (format!("Bearer {SECRET}"), "/a?b=c".into()));
}

#[test]
fn as_basic() {
    assert_eq!(asked("\"basic\"").header("authorization"), format!("Basic {}", base64(SECRET)));
}

#[test]
fn as_basic_of_a_user() {
    let asked = asked("{ basic = \"bot\" }");
    assert_eq!(asked.header("authorization"), format!("Basic {}", base64(&format!("bot:{SECRET}"))));
}

#[test]
fn as_header() {
    let asked = asked("{ header = \"X-Api-Key\" }");
    assert_eq!((asked.header("x-api-key"), asked.header("authorization")), (SECRET.into(), String::new()));
}

#[test]
fn as_query() {
    let asked = asked("{ query = \"key\" }");
    let (rest, key) = asked.target.split_once("&key=").unwrap();
    assert_eq!((rest, percent_decode_str(key).decode_utf8().unwrap().as_ref()), ("/a?b=c", SECRET));
}

#[test]
fn what_a_guest_puts_in_its_place_is_gone() {
    let upstream = mirror();
    let host = with_secret(&upstream, "{ header = \"X-Api-Key\" }").start();
    seen(&host, &upstream.url("/"), json!({ "headers": [["x-api-key", "mine"], ["X-API-KEY", "too"]] }));
    let asked = &upstream.requests()[0];
    let all: Vec<_> = asked.headers.get_all("x-api-key").iter().collect();
    assert_eq!(all, [SECRET]);
    // A parameter that the host adds is refused, however it is written.
    let upstream = mirror();
    let host = with_secret(&upstream, "{ query = \"key\" }").start();
    for query in
        ["key=mine", "KEY=mine", "a=b&key=mine", "a=b;key=mine", "%6bey=mine", "key", "key[]=mine", "+key=mine"]
    {
        let reply = host.rpc().call("probe_fetch", json!({ "url": upstream.url(&format!("/?{query}")) }));
        assert_eq!(reply.result()["structuredContent"]["error"], "http-request-denied", "{query}: {}", reply.message);
    }
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn to_no_other_url() {
    let (upstream, other) = (mirror(), mirror());
    let moved: fn(&Asked) -> Answer = |asked| {
        let to = asked.header("x-to");
        Response::builder().status(307).header("location", to).body(body("moved")).unwrap()
    };
    let moving = Upstream::start(moved);
    let secret = "secret = { name = \"token\", as = \"bearer\" }";
    let host = with_rules(&[
        rule(&upstream, "/with/", secret),
        rule(&upstream, "/without/", "timeout = \"30s\""),
        rule(&other, "/", "timeout = \"30s\""),
        rule(&moving, "/", secret),
    ])
    .variable("COFFERDAM_TEST_TOKEN", SECRET)
    .start();
    let get = |url: &str, to: &str| {
        let reply = host.rpc().call("probe_fetch", json!({ "url": url, "headers": [["x-to", to]] }));
        let answer = reply.result()["structuredContent"].clone();
        assert!(answer["error"].is_null(), "{answer}");
        answer
    };
    let bearer = format!("Bearer {SECRET}");
    get(&upstream.url("/with/a"), "");
    assert_eq!(upstream.requests()[0].header("authorization"), bearer);
    get(&upstream.url("/without/a"), "");
    get(&other.url("/with/a"), "");
    // Where a redirect leads, a guest that follows it comes as itself.
    let answer = get(&moving.url("/"), &other.url("/stolen"));
    assert_eq!((&answer["status"], moving.requests()[0].header("authorization")), (&json!(307), bearer));
    get(&other.url("/stolen"), "");
    for asked in upstream.requests().iter().skip(1).chain(&other.requests()) {
        clean(&format!("{asked:?}"), "a request that has no secret");
        assert_eq!(asked.header("authorization"), "");
    }
    assert_eq!((upstream.requests().len(), other.requests().len()), (2, 2));
}

#[test]
fn not_to_another_plugin() {
    let upstream = Upstream::start(mirrored);
    let grants = format!("http = [{}]", rule(&upstream, "/", "timeout = \"30s\""));
    let host = with_secret(&upstream, "\"bearer\"")
        .named_plugin("other", &forge::patch_resources(&guest("probe"), "other://say/"))
        .policy(&format!("[[plugin]]\nname = \"other\"\n[plugin.grants]\n{grants}"))
        .start();
    for (plugin, has) in [("probe", true), ("other", false)] {
        let reply = host.rpc().call(&format!("{plugin}_fetch"), json!({ "url": upstream.url("/") }));
        assert_eq!(reply.result()["structuredContent"]["status"], 200, "{}", reply.message);
        assert_eq!(!upstream.requests().last().unwrap().header("authorization").is_empty(), has, "{plugin}");
    }
}

#[test]
fn whoever_may_ask_learns_whether_it_is_there() {
    let host = super::builder("secrets = [\"token\", \"empty\", \"nowhere\"]")
        .config("secret.token.variable = \"COFFERDAM_TEST_TOKEN\"\nsecret.empty.variable = \"COFFERDAM_TEST_EMPTY\"\nsecret.hidden.variable = \"COFFERDAM_TEST_TOKEN\"")
        .variable("COFFERDAM_TEST_TOKEN", SECRET)
        .start();
    for (name, answer) in [
        ("token", json!({ "exists": true })),
        ("empty", json!({ "exists": false })),
        ("nowhere", json!({ "exists": false })),
        // What is there and what is not are alike to whom they are not granted.
        ("hidden", json!({ "error": "not-permitted" })),
        ("never-heard-of", json!({ "error": "not-permitted" })),
        ("TOKEN", json!({ "error": "not-permitted" })),
        ("", json!({ "error": "not-permitted" })),
    ] {
        let reply = host.rpc().call("probe_secret_exists", json!({ "name": name }));
        assert_eq!(reply.result()["structuredContent"], answer, "{name}");
    }
}
