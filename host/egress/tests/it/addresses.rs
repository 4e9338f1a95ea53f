//! Names lead to addresses that were judged, and to no others.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use cofferdam_egress::{Egress, EgressError, EgressSettings, Forbidden, Host, Networks, Terms, Wait};
use hickory_server::proto::rr::RecordType;

use crate::{
    dns::{Answer, Dns},
    server::{Server, hello},
    setting::{egress, get, networks, settings, terms, text},
};

fn ungranted() -> Terms {
    Terms { networks: Networks::default(), ..terms() }
}

fn forbidden(error: &EgressError) -> Forbidden {
    match error {
        EgressError::Forbidden { first, .. } => *first,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn loopback_by_address_when_granted() {
    let server = Server::new(hello).await;
    let sent = egress().send(get(server.url("/")), &terms()).await.unwrap();
    assert_eq!((sent.address, sent.attempts, sent.withheld), (server.address, 1, 0));
    assert_eq!(text(sent).await, "hello");
}

#[tokio::test]
async fn loopback_by_address_when_not_granted() {
    let server = Server::new(hello).await;
    let error = egress().send(get(server.url("/")), &ungranted()).await.unwrap_err();
    assert_eq!(forbidden(&error).address, server.address.ip());
    assert!(!error.to_guest().contains("127.0.0.1"));
    assert_eq!(server.accepted(), 0);
}

#[tokio::test]
async fn loopback_by_name() {
    let (server, dns) = (Server::new(hello).await, Dns::with(&["127.0.0.1"]).await);
    let url = server.named("http", "api.example");
    assert_eq!(text(dns.egress().send(get(&url), &terms()).await.unwrap()).await, "hello");
    assert_eq!(server.seen()[0].headers["host"], format!("api.example:{}", server.address.port()));
    assert_eq!(dns.egress().send(get(&url), &ungranted()).await.unwrap_err().code(), "address-forbidden");
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn localhost_is_as_forbidden_as_what_it_is() {
    let server = Server::new(hello).await;
    let url = server.named("http", "localhost");
    assert_eq!(egress().send(get(&url), &ungranted()).await.unwrap_err().code(), "address-forbidden");
    assert_eq!(text(egress().send(get(&url), &terms()).await.unwrap()).await, "hello");
}

#[tokio::test]
async fn addresses_that_lead_inside_are_refused_whatever_their_form() {
    let egress = egress();
    let urls = [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[::1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::7f00:1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "https://100.64.0.1/",
    ];
    for url in urls {
        let error = egress.send(get(url), &ungranted()).await.unwrap_err();
        assert_eq!(error.code(), "address-forbidden", "{url}: {error}");
    }
    // A grant of the IPv4 network does not admit other forms of the same machine.
    for url in ["http://[::ffff:7f00:1]:1/", "http://[64:ff9b::7f00:1]:1/", "http://[::1]:1/"] {
        let error = egress.send(get(url), &terms()).await.unwrap_err();
        assert_eq!(error.code(), "address-forbidden", "{url}: {error}");
    }
}

/// The name server says a granted address when it is asked first, and one of a machine inside ever after.
#[tokio::test]
async fn a_name_that_changes_its_mind_is_connected_to_where_it_was_judged() {
    let granted = Server::at("127.0.0.2:0", None, hello).await;
    let inside = Server::at(&format!("127.0.0.1:{}", granted.address.port()), None, hello).await;
    let dns = Dns::new(|name, kind, before| {
        let address: IpAddr = if before == 0 { [127, 0, 0, 2].into() } else { [127, 0, 0, 1].into() };
        Answer::addresses(name, kind, &[address])
    })
    .await;
    let egress = Egress::new(EgressSettings { dns: vec![dns.address()], idle_per_host: 0, ..settings() }).unwrap();
    let (url, terms) =
        (granted.named("http", "rebinding.example"), Terms { networks: networks(&["127.0.0.2/32"]), ..terms() });

    let sent = egress.send(get(&url), &terms).await.unwrap();
    assert_eq!(sent.address, granted.address);
    assert_eq!(text(sent).await, "hello");
    let asked = dns.asked().into_iter().filter(|(_, kind)| *kind == RecordType::A).count();
    assert_eq!(asked, 1, "one connection asks once");

    let error = egress.send(get(&url), &terms).await.unwrap_err();
    assert_eq!(forbidden(&error).address, IpAddr::from([127, 0, 0, 1]));
    assert_eq!((granted.accepted(), inside.accepted()), (1, 0));
}

#[tokio::test]
async fn forbidden_addresses_beside_others_are_dropped() {
    let server = Server::at("127.0.0.2:0", None, hello).await;
    let inside = Server::at(&format!("127.0.0.1:{}", server.address.port()), None, hello).await;
    let dns = Dns::with(&["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "127.0.0.2"]).await;
    let terms = Terms { networks: networks(&["127.0.0.2/32"]), ..terms() };
    let sent = dns.egress().send(get(server.named("http", "mixed.example")), &terms).await.unwrap();
    assert_eq!((sent.address, sent.withheld), (server.address, 4));
    assert_eq!(inside.accepted(), 0);
}

#[tokio::test]
async fn an_address_within_an_ipv6_record_needs_its_own_grant() {
    let server = Server::new(hello).await;
    let dns = Dns::with(&["::ffff:127.0.0.1"]).await;
    let url = server.named("http", "mapped.example");
    let error = dns.egress().send(get(&url), &terms()).await.unwrap_err();
    assert_eq!(error.code(), "address-forbidden");
    let both = Terms { networks: networks(&["127.0.0.0/8", "::ffff:0:0/96"]), ..terms() };
    assert_eq!(text(dns.egress().send(get(&url), &both).await.unwrap()).await, "hello");
}

#[tokio::test]
async fn aliases_are_followed_to_an_address_that_is_judged() {
    let server = Server::new(hello).await;
    let dns = Dns::new(|name, kind, _| match name {
        "one.example." => Answer::Records(vec![Answer::alias(name, "two.example.")]),
        "two.example." => Answer::Records(vec![Answer::alias(name, "three.example.")]),
        "loop.example." => Answer::Records(vec![Answer::alias(name, "loop.example.")]),
        _ => Answer::addresses(name, kind, &[[127, 0, 0, 1].into()]),
    })
    .await;
    let url = server.named("http", "one.example");
    assert_eq!(text(dns.egress().send(get(&url), &terms()).await.unwrap()).await, "hello");
    assert_eq!(dns.egress().send(get(&url), &ungranted()).await.unwrap_err().code(), "address-forbidden");
    let error = dns.egress().send(get(server.named("http", "loop.example")), &terms()).await.unwrap_err();
    assert!(["no-such-host", "dns-failed"].contains(&error.code()), "{error}");
    assert!(dns.asked().len() < 100);
}

#[tokio::test]
async fn of_many_addresses_a_few_are_tried() {
    let addresses: Vec<IpAddr> = (1..=250).map(|last| IpAddr::from([127, 9, 9, last])).collect();
    let dns = Dns::new(move |name, kind, _| Answer::addresses(name, kind, &addresses)).await;
    // Taken for a moment, so that nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = dns.egress().send(get(format!("http://many.example:{port}/")), &terms()).await.unwrap_err();
    let EgressError::Connect { addresses, .. } = error else { panic!("{error}") };
    assert_eq!(addresses.len(), 8);
    let resolved = dns.egress().resolve(&Host::parse("many.example").unwrap(), 1, &terms().networks).await.unwrap();
    assert_eq!(resolved.len(), 8);
}

#[tokio::test]
async fn another_address_is_tried_when_one_does_not_answer() {
    let server = Server::at("127.0.0.3:0", None, hello).await;
    let dns = Dns::with(&["127.0.0.1", "127.0.0.2", "127.0.0.3"]).await;
    let sent = dns.egress().send(get(server.named("http", "three.example")), &terms()).await.unwrap();
    assert_eq!((sent.address, sent.attempts), (server.address, 1));
}

#[tokio::test]
async fn names_are_asked_for_as_they_are() {
    let dns = Dns::new(|_, _, _| Answer::NoSuchName).await;
    for host in ["api", "api.example", "a.b.c.d.example"] {
        let error = dns.egress().send(get(format!("http://{host}/")), &terms()).await.unwrap_err();
        assert_eq!(error.code(), "no-such-host", "{error}");
    }
    let mut asked: Vec<_> = dns.asked().into_iter().map(|(name, _)| name).collect();
    asked.dedup();
    assert_eq!(asked, ["api.", "api.example.", "a.b.c.d.example."]);
}

#[tokio::test]
async fn a_name_without_addresses_is_no_host() {
    let dns = Dns::with(&[]).await;
    let error = dns.egress().send(get("http://empty.example/"), &terms()).await.unwrap_err();
    assert_eq!(error.code(), "no-such-host", "{error}");
}

#[tokio::test]
async fn name_servers_that_fail_are_told_apart() {
    let dns = Dns::new(|_, _, _| Answer::Fault).await;
    let error = dns.egress().send(get("http://fault.example/"), &terms()).await.unwrap_err();
    assert_eq!(error.code(), "dns-failed", "{error}");
    assert!(!error.to_guest().contains("127.0.0.1"));
}

#[tokio::test]
async fn name_servers_that_never_answer_are_not_waited_for() {
    let dns = Dns::new(|_, _, _| Answer::Silence).await;
    let connect_timeout = Duration::from_millis(500);
    let egress = Egress::new(EgressSettings { dns: vec![dns.address()], connect_timeout, ..settings() }).unwrap();
    let start = Instant::now();
    let error = egress.send(get("http://silent.example/"), &terms()).await.unwrap_err();
    assert!(matches!(error, EgressError::Timeout { wait: Wait::Resolve, .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn addresses_for_other_protocols_are_judged_too() {
    let dns = Dns::with(&["127.0.0.1", "10.0.0.1"]).await;
    let host = Host::parse("db.example").unwrap();
    let addresses = dns.egress().resolve(&host, 5432, &terms().networks).await.unwrap();
    assert_eq!(addresses, ["127.0.0.1:5432".parse().unwrap()]);
    let error = dns.egress().resolve(&host, 5432, &Networks::default()).await.unwrap_err();
    assert_eq!(error.code(), "address-forbidden");
    let literal = Host::Ipv4([10, 0, 0, 1].into());
    assert!(egress().resolve(&literal, 5432, &Networks::default()).await.is_err());
    assert_eq!(egress().resolve(&literal, 5432, &networks(&["10.0.0.0/8"])).await.unwrap().len(), 1);
}
