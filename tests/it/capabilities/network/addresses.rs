//! Where a connection ends up, whatever it is called.

use std::net::IpAddr;

use cofferdam_policy::Capability;
use cofferdam_tests::{Answer, Asked, NameServer, Upstream, body};
use http::Response;
use serde_json::json;

use super::{LOOPBACK, builder, call, calls, fetch, rule};

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// An answer after which the connection is closed, so that the next request is another look-up.
fn once(said: &'static str) -> impl Fn(&Asked) -> Answer {
    move |_| Response::builder().header("connection", "close").body(body(said)).unwrap()
}

#[test]
fn a_name_that_moves_between_check_and_connect_gains_nothing() {
    let granted = Upstream::at("127.0.0.2:0", once("granted"));
    // The same port of an address that is not granted.
    let other = Upstream::at(&format!("127.0.0.3:{}", granted.port()), once("not granted"));
    let names = NameServer::start(|_, before| vec![address(if before == 0 { "127.0.0.2" } else { "127.0.0.3" })]);
    let url = format!("http://api.test:{}/", granted.port());
    let host = builder(&rule(&url, r#"networks = ["127.0.0.2/32"]"#), "", &names.config()).start();
    assert_eq!(fetch(&host, &url)["body"], "granted");
    // Whoever looks the name up twice, to check it and to connect, ends up at the other one.
    assert_eq!((names.times("api.test"), granted.connections()), (1, 1));
    assert_eq!(fetch(&host, &url)["error"], "destination-ip-prohibited");
    assert_eq!((names.times("api.test"), granted.connections(), other.connections()), (2, 1, 0));
    assert_eq!(granted.requests()[0].header("host"), format!("api.test:{}", granted.port()));
}

#[test]
fn a_granted_name_does_not_lead_to_the_metadata_of_a_cloud() {
    let granted = Upstream::at("127.0.0.1:0", once("granted"));
    let names = NameServer::start(|_, before| vec![address(if before == 0 { "127.0.0.1" } else { "169.254.169.254" })]);
    let url = format!("http://api.test:{}/", granted.port());
    let host = builder(&rule(&url, LOOPBACK), "", &names.config()).start();
    assert_eq!(fetch(&host, &url)["body"], "granted");
    assert_eq!(fetch(&host, &url)["error"], "destination-ip-prohibited");
    let told = |line: &serde_json::Value| line.to_string().contains("169.254.169.254");
    host.line("the operator is told where the name led", told);
    assert_eq!(granted.connections(), 1);
}

#[test]
fn of_several_addresses_those_that_are_not_granted_are_left_out() {
    let upstream = Upstream::saying("granted");
    let names = NameServer::start(|_, _| ["10.9.9.9", "127.0.0.1", "169.254.169.254"].map(address).to_vec());
    let url = format!("http://api.test:{}/", upstream.port());
    let host = builder(&rule(&url, LOOPBACK), "", &names.config()).start();
    assert_eq!(fetch(&host, &url)["body"], "granted");
}

/// What a name may not lead to where public addresses are granted.
const INSIDE: [&str; 30] = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "ff02::1",
];

#[test]
fn names_do_not_lead_inside() {
    let names = NameServer::start(|name, _| {
        let at = name.strip_prefix('n').and_then(|rest| rest.split('.').next()).and_then(|n| n.parse::<usize>().ok());
        at.and_then(|at| INSIDE.get(at)).map(|text| vec![address(text)]).unwrap_or_default()
    });
    let home = calls(&rule("http://*.inside.test/", ""), "", &names.config());
    let requests: Vec<_> = (0..INSIDE.len()).map(|n| json!({ "url": format!("http://n{n}.inside.test/") })).collect();
    let called = home.call("fetch_many", &json!({ "requests": requests }));
    for (n, text) in INSIDE.iter().enumerate() {
        let answer = &called.structured["answers"][n];
        assert_eq!(answer["error"], "destination-ip-prohibited", "{text}: {answer}");
        let target = format!("http://n{n}.inside.test/");
        let of = called.of(Capability::Http);
        let effect = of.iter().find(|e| e["target"] == target).unwrap_or_else(|| panic!("{text}: no record"));
        assert_eq!(effect["verdict"], "refused", "{text}: {effect}");
    }
}

#[test]
fn an_address_has_one_spelling_and_is_granted_by_itself() {
    let upstream = Upstream::saying("granted");
    let port = upstream.port();
    let host = builder(&rule(&upstream.url("/"), LOOPBACK), "", "").start();
    for other in [
        "127.1",
        "127.0.0.1.",
        "127.0.0.2",
        "0127.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "017700000001",
        "2130706433",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[fe80::1%25lo]",
        "127.0.0.1@127.0.0.1",
        "user:password@127.0.0.1",
        "127.0.0.1%00",
        "127.0.0.1\\@127.0.0.1",
        "１２７.0.0.1",
        "",
    ] {
        let answer = fetch(&host, &format!("http://{other}:{port}/"));
        assert!(
            matches!(answer["error"].as_str(), Some("http-request-denied" | "invalid" | "http-request-uri-invalid")),
            "{other}: {answer}"
        );
    }
    assert_eq!(upstream.connections(), 0);
    assert_eq!(fetch(&host, &upstream.url("/"))["body"], "granted");
}

#[test]
fn literals_inside_are_refused_beside_a_grant_of_public_names() {
    let upstream = Upstream::saying("never");
    let host = builder(&rule("http://*.example.com/", ""), "", "").start();
    for literal in INSIDE {
        let literal = if literal.contains(':') { format!("[{literal}]") } else { literal.to_owned() };
        let answer = fetch(&host, &format!("http://{literal}:{}/", upstream.port()));
        assert_eq!(answer["error"], "http-request-denied", "{literal}: {answer}");
    }
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn what_is_not_granted_is_not_looked_up() {
    let names = NameServer::start(|_, _| vec![address("127.0.0.1")]);
    let host = builder(&rule("http://api.test/v1/", LOOPBACK), "", &names.config()).start();
    for url in [
        "http://secret-in-a-name.attacker.test/",
        "http://api.test.attacker.test/v1/",
        "http://api.test/v2/",
        "https://api.test/v1/",
        "http://api.test:81/v1/",
    ] {
        assert_eq!(fetch(&host, url)["error"], "http-request-denied", "{url}");
    }
    let denied = call(&host, "fetch", json!({ "url": "http://api.test/v1/", "method": "DELETE" }));
    assert_eq!(denied["error"], "http-request-denied");
    assert_eq!(names.asked(), Vec::<String>::new());
}
