//! Raw sockets, and names as a way out.

use cofferdam_policy::Capability;
use cofferdam_tests::{NameServer, Upstream};
use serde_json::{Value, json};

use super::{LOOPBACK, builder, call, calls, rule};

fn connect(host: &str, port: u16) -> Value {
    json!({ "host": host, "port": port, "send": "GET /hello HTTP/1.0\r\n\r\n", "read": 12 })
}

#[test]
fn a_grant_of_http_is_none_of_sockets() {
    let upstream = Upstream::saying("hello");
    let home = calls(&rule(&upstream.url("/"), LOOPBACK), "", "");
    for (tool, arguments) in [
        ("connect", connect("127.0.0.1", upstream.port())),
        ("socket", json!({ "op": "udp", "host": "127.0.0.1", "port": upstream.port() })),
        ("socket", json!({ "op": "listen", "host": "127.0.0.1", "port": 0 })),
        ("lookup", json!({ "host": "localhost" })),
    ] {
        let called = home.call(tool, &arguments);
        assert_eq!(called.error.as_deref(), Some("permission_denied"), "{called:?}");
        called.recorded(Capability::Sockets, "refused");
    }
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn a_port_of_a_host_is_what_is_granted() {
    let (upstream, other) = (Upstream::saying("hello"), Upstream::saying("other"));
    let grants = format!("sockets = [{{ address = \"127.0.0.1:{}\", {LOOPBACK} }}]", upstream.port());
    let home = calls(&grants, "", "");
    let called = home.call("connect", &connect("127.0.0.1", upstream.port()));
    assert_eq!(called.structured["received"], "HTTP/1.0 200", "{called:?}");
    called.recorded(Capability::Sockets, "allowed");
    for (host, port) in [
        ("127.0.0.1", other.port()),
        ("127.0.0.2", upstream.port()),
        ("::1", upstream.port()),
        ("::ffff:127.0.0.1", other.port()),
        ("169.254.169.254", 80),
        ("0.0.0.0", upstream.port()),
    ] {
        let called = home.call("connect", &connect(host, port));
        assert!(
            called.structured["error"].is_string() && called.structured["received"].is_null(),
            "{host}:{port}: {called:?}"
        );
        called.recorded(Capability::Sockets, "refused");
    }
    for op in ["udp", "bind", "listen"] {
        let called = home.call("socket", &json!({ "op": op, "host": "127.0.0.1", "port": upstream.port() }));
        assert!(called.structured["error"].is_string(), "{op}: {called:?}");
        called.recorded(Capability::Sockets, "refused");
    }
    assert_eq!((upstream.connections(), other.connections()), (1, 0));
}

#[test]
fn a_name_that_is_not_granted_is_never_asked_for() {
    let upstream = Upstream::saying("hello");
    let names = NameServer::start(|_, _| vec!["127.0.0.1".parse().unwrap()]);
    let grants = format!("sockets = [{{ address = \"db.test:{}\", {LOOPBACK} }}]", upstream.port());
    let host = builder(&grants, "", &names.config()).start();
    for name in [
        "everything-i-know.attacker.test",
        "db.test.attacker.test",
        "x.db.test",
        "test",
        "localhost",
        "db.test@attacker.test",
        "",
    ] {
        let answer = call(&host, "lookup", json!({ "host": name }));
        assert!(answer["error"].is_string(), "{name}: {answer}");
    }
    assert_eq!(names.asked(), Vec::<String>::new());
    let answer = call(&host, "connect", connect("db.test", upstream.port()));
    assert_eq!(answer["received"], "HTTP/1.0 200", "{answer}");
    assert!(names.asked().iter().all(|asked| asked.ends_with(" db.test")), "{:?}", names.asked());
    let answer = call(&host, "connect", connect("db.test", upstream.port() ^ 1));
    assert!(answer["error"].is_string(), "{answer}");
}

#[test]
fn a_granted_name_does_not_lead_inside() {
    let upstream = Upstream::saying("hello");
    let (inside, port) = (["127.0.0.1", "169.254.169.254", "10.0.0.1"], upstream.port());
    let names = NameServer::start(move |name, _| {
        let at: usize = name[1..2].parse().unwrap_or_default();
        vec![inside[at].parse().unwrap()]
    });
    let rules: Vec<String> = (0..inside.len()).map(|n| format!("\"n{n}.test:{port}\"")).collect();
    let home = calls(&format!("sockets = [{}]", rules.join(", ")), "", &names.config());
    for (n, address) in inside.iter().enumerate() {
        let called = home.call("connect", &connect(&format!("n{n}.test"), port));
        assert!(called.structured["error"].is_string(), "{called:?}");
        called.recorded(Capability::Sockets, "refused");
        // Nor by the address itself, which nobody granted.
        let called = home.call("connect", &connect(address, port));
        assert!(called.structured["error"].is_string(), "{called:?}");
        called.recorded(Capability::Sockets, "refused");
    }
    assert_eq!(upstream.connections(), 0);
}
