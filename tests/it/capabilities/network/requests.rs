//! What a guest may ask for, and what it may not say.

use cofferdam_policy::Capability;
use cofferdam_tests::{NameServer, Upstream, body};
use http::Response;
use serde_json::json;

use super::{LOOPBACK, builder, call, calls, fetch, rule};

#[test]
fn headers_about_the_connection_are_the_hosts_to_write() {
    let upstream = Upstream::saying("hello");
    let host = builder(&rule(&upstream.url("/"), LOOPBACK), "", "").start();
    let fetched =
        |name: &str| call(&host, "fetch", json!({ "url": upstream.url("/"), "headers": [[name, "attacker.example"]] }));
    for name in [
        "Host",
        "host",
        "HOST",
        "Authorization",
        "authorization",
        "Proxy-Authorization",
        "Proxy-Authenticate",
        "Proxy-Connection",
        "Connection",
        "Keep-Alive",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Upgrade",
        "HTTP2-Settings",
        "Expect",
    ] {
        let answer = fetched(name);
        assert_eq!((&answer["at"], &answer["error"]), (&json!("header"), &json!("forbidden")), "{name}: {answer}");
    }
    for name in ["", ":authority", "x y", "x\r\nHost", "x:"] {
        let answer = fetched(name);
        assert_eq!(answer["error"], "invalid-syntax", "{name:?}: {answer}");
    }
    let split = json!({ "url": upstream.url("/"), "headers": [["x-a", "a\r\nhost: attacker.example"]] });
    assert_eq!(call(&host, "fetch", split)["error"], "invalid-syntax");
    assert_eq!(upstream.connections(), 0, "none of them was sent");
    assert_eq!(fetched("X-Own")["status"], 200);
    let asked = &upstream.requests()[0];
    assert_eq!(
        (asked.header("x-own"), asked.header("host")),
        ("attacker.example".into(), upstream.address().to_string())
    );
    assert_eq!(asked.headers.get_all("host").iter().count(), 1);
}

#[test]
fn a_request_cannot_hide_another_in_its_body() {
    let upstream = Upstream::saying("hello");
    let host = builder(&rule(&upstream.url("/v1/"), LOOPBACK), "", "").start();
    let hidden = "xGET /hidden HTTP/1.1\r\nhost: a\r\n\r\n";
    for headers in [
        json!([["content-length", "1"]]),
        json!([["content-length", "1000"]]),
        json!([["content-length", "1"], ["content-length", "36"]]),
        json!([["content-length", "+1"]]),
        json!([["content-length", "1, 1"]]),
        json!([["Content-Length", "x"]]),
    ] {
        let request = json!({ "url": upstream.url("/v1/a"), "method": "POST", "headers": headers, "body": hidden });
        let answer = call(&host, "fetch", request);
        let failed = answer["error"].is_string() || answer["upload"]["error"].is_string();
        // Either it fails, or the length is the host's to say and the body is all of it.
        let last = upstream.requests().last().map(|asked| asked.body.len()).unwrap_or_default();
        assert!(failed || last == hidden.len(), "{headers}: {answer}");
    }
    assert_eq!(fetch(&host, &upstream.url("/v1/b"))["body"], "hello");
    for asked in upstream.requests() {
        assert!(matches!(asked.target.as_str(), "/v1/a" | "/v1/b"), "{asked:?}");
    }
}

#[test]
fn a_path_means_one_thing() {
    let upstream = Upstream::saying("hello");
    let host = builder(&rule(&upstream.url("/v1/"), LOOPBACK), "", "").start();
    for path in [
        "",
        "/",
        "/v1",
        "/V1/a",
        "/v1x/a",
        "/v2/a",
        "//v1/a",
        "/v1//a",
        "/v1/../v2/a",
        "/v1/./a",
        "/v1/..",
        "/v1/...",
        "/v1/%2e%2e/v2",
        "/v1/%2E%2E/v2",
        "/v1/.%2e/v2",
        "/v1/%252e%252e/v2",
        "/v1/a%2f..%2f..%2fv2",
        "/v1/%2fv2",
        "/v1/%5c..%5cv2",
        "/v1/\\..\\v2",
        "/v1/..;/v2",
        "/v1/..;a=b/v2",
        "/v1/a%00",
        "/v1/a%0d%0aHost:%20x",
        "/v1/%",
        "/v1/%zz",
        "/v1/%ff",
        "/%76%31/../v2",
        "*",
    ] {
        let answer = fetch(&host, &format!("http://{}{path}", upstream.address()));
        let refused = ["http-request-denied", "invalid", "http-request-uri-invalid", "http-protocol-error"];
        assert!(answer["error"].as_str().is_some_and(|error| refused.contains(&error)), "{path}: {answer}");
    }
    assert_eq!(upstream.connections(), 0, "none of them was sent");
    for path in ["/v1/", "/v1/a/b", "/v1/a?next=/../v2", "/v1/a%20b", "/%76%31/a"] {
        assert_eq!(fetch(&host, &upstream.url(path))["status"], 200, "{path}");
    }
}

#[test]
fn what_is_not_granted_is_refused_and_recorded() {
    let (upstream, other) = (Upstream::saying("hello"), Upstream::saying("other"));
    let grant = format!("http = [{{ url = \"{}\", methods = [\"GET\"], {LOOPBACK} }}]", upstream.url("/v1/"));
    let home = calls(&grant, "", "");
    let url = upstream.url("/v1/a");
    for (what, request, target) in [
        ("port", json!({ "url": other.url("/v1/a") }), other.url("/v1/a")),
        ("path", json!({ "url": upstream.url("/v2/a") }), upstream.url("/v2/a")),
        ("POST", json!({ "url": url, "method": "POST" }), url.clone()),
        ("DELETE", json!({ "url": url, "method": "DELETE" }), url.clone()),
        ("CONNECT", json!({ "url": url, "method": "CONNECT" }), url.clone()),
        ("TRACE", json!({ "url": url, "method": "TRACE" }), url.clone()),
        ("get", json!({ "url": url, "method": "get" }), url.clone()),
        ("scheme", json!({ "url": url.replace("http:", "https:") }), url.replace("http:", "https:")),
    ] {
        let called = home.call("fetch", &request);
        assert_eq!(called.structured["error"], "http-request-denied", "{what}: {called:?}");
        let effects = called.of(Capability::Http);
        let told = effects.iter().find(|e| e["target"] == target).unwrap_or_else(|| panic!("{what}: {called:?}"));
        assert_eq!(told["verdict"], "refused", "{what}: {called:?}");
        assert!(told["why"].as_str().is_some_and(|why| why.contains("not granted")), "{what}: {called:?}");
    }
    assert_eq!((upstream.connections(), other.connections()), (0, 0));
    let called = home.call("fetch", &json!({ "url": url }));
    called.recorded(Capability::Http, "allowed");
    assert_eq!(called.of(Capability::Http)[0]["received"], "hello".len(), "{called:?}");
}

#[test]
fn redirects_are_not_followed_and_give_nothing() {
    let inside = Upstream::saying("inside");
    let names = NameServer::start(|_, _| vec!["127.0.0.1".parse().unwrap()]);
    let to = [
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        inside.url("/"),
        // Granted by its name, and it leads inside.
        format!("http://public.test:{}/", inside.port()),
    ];
    let locations = to.clone();
    let outside = Upstream::start(move |asked| {
        let at: usize = asked.path().trim_start_matches('/').parse().unwrap();
        Response::builder().status(302).header("location", &locations[at]).body(body("moved")).unwrap()
    });
    let grants = format!(
        "http = [{{ url = \"{}\", methods = [\"GET\"], {LOOPBACK} }}, {{ url = \"{}\", methods = [\"GET\"] }}]",
        outside.url("/"),
        to[2]
    );
    let host = builder(&grants, "", &names.config()).start();
    for (n, (to, refused)) in
        to.iter().zip(["http-request-denied", "http-request-denied", "destination-ip-prohibited"]).enumerate()
    {
        let answer = fetch(&host, &outside.url(&format!("/{n}")));
        assert_eq!((&answer["status"], &answer["body"]), (&json!(302), &json!("moved")), "{answer}");
        // A guest that follows it by hand has no more rights than before.
        assert_eq!(fetch(&host, to)["error"], refused, "{to}");
    }
    assert_eq!((inside.connections(), outside.requests().len()), (0, 3));
}
