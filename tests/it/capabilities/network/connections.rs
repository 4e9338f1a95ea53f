//! Which connections there are, and which requests are sent again.

use std::sync::atomic::{AtomicUsize, Ordering};

use cofferdam_policy::Capability;
use cofferdam_tests::{HostBuilder, Upstream, body, forge, guest};
use http::Response;
use serde_json::json;
use tokio::io::AsyncReadExt as _;

use super::{LOOPBACK, builder, call, calls, fetch, rule};

#[test]
fn a_connection_is_one_plugins() {
    let upstream = Upstream::saying("hello");
    let grants = rule(&upstream.url("/"), LOOPBACK);
    let host = HostBuilder::new()
        .named_plugin("probe", &guest("probe"))
        .named_plugin("other", &forge::patch_resources(&guest("probe"), "other://say/"))
        .policy(&format!("[[plugin]]\nname = \"probe\"\n[plugin.grants]\n{grants}"))
        .policy(&format!("[[plugin]]\nname = \"other\"\n[plugin.grants]\n{grants}"))
        .start();
    let connection_of = |plugin: &str| {
        let reply = host.rpc().call(&format!("{plugin}_fetch"), json!({ "url": upstream.url("/") }));
        assert_eq!(reply.result()["structuredContent"]["body"], "hello", "{}", reply.message);
        upstream.requests().last().unwrap().connection
    };
    let first = connection_of("probe");
    assert_eq!(connection_of("probe"), first, "calls of one plugin use one connection");
    let second = connection_of("other");
    assert_ne!(second, first, "and no other plugin uses it");
    assert_eq!((connection_of("probe"), connection_of("other")), (first, second));
    assert_eq!(upstream.connections(), 2);
}

/// A server that says 503 so often, and then 200.
fn failing(times: usize) -> Upstream {
    let asked = AtomicUsize::new(0);
    Upstream::start(move |_| {
        let status = if asked.fetch_add(1, Ordering::SeqCst) < times { 503 } else { 200 };
        Response::builder().status(status).body(body("hello")).unwrap()
    })
}

#[test]
fn requests_are_sent_again_where_the_policy_says_so() {
    for (retry, method, status, sent) in [
        ("retry = { attempts = 3, backoff = \"10ms\" }", "GET", 200, 3),
        ("retry = { attempts = 2, backoff = \"10ms\" }", "GET", 503, 2),
        // It might be done twice.
        ("retry = { attempts = 3, backoff = \"10ms\" }", "POST", 503, 1),
        ("timeout = \"30s\"", "GET", 503, 1),
    ] {
        let upstream = failing(2);
        let host = builder(&rule(&upstream.url("/"), &format!("{LOOPBACK}, {retry}")), "", "").start();
        let answer = call(&host, "fetch", json!({ "url": upstream.url("/"), "method": method }));
        assert_eq!(
            (&answer["status"], upstream.requests().len()),
            (&json!(status), sent),
            "{retry} {method}: {answer}"
        );
    }
}

#[test]
fn a_host_that_fails_is_left_alone_where_the_policy_says_so() {
    let upstream = Upstream::raw(|mut stream| async move {
        // Reads the request, and hangs up.
        let _some = stream.read(&mut [0; 1024]).await;
    });
    let grants = rule(&upstream.url("/"), &format!("{LOOPBACK}, breaker = {{ failures = 2, open = \"10m\" }}"));
    let host = builder(&grants, "", "").start();
    for _ in 0..2 {
        let answer = fetch(&host, &upstream.url("/"));
        assert!(answer["error"].is_string() && answer["error"] != "destination-unavailable", "{answer}");
    }
    let connections = upstream.connections();
    for _ in 0..3 {
        assert_eq!(fetch(&host, &upstream.url("/"))["error"], "destination-unavailable");
    }
    assert_eq!(upstream.connections(), connections, "it is left alone");
    // The same within one call, to see the record.
    let request = json!({ "url": upstream.url("/") });
    let called = calls(&grants, "", "").call("fetch_many", &json!({ "requests": [request, request, request] }));
    assert_eq!(called.structured["answers"][2]["error"], "destination-unavailable", "{called:?}");
    called.recorded(Capability::Http, "refused");
}
