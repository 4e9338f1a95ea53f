//! TLS for the host of the URL, whatever address it is at, by authorities that were named.

use std::{path::PathBuf, sync::Arc};

use cofferdam_egress::{Egress, EgressSettings, SettingsError, Terms};
use http::Version;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::{
    dns::Dns,
    server::{Server, hello},
    setting::{get, settings, terms, text, until},
};

/// An authority for one test.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, dir }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// A server for this name or address that speaks these protocols.
    pub(crate) fn server(&self, name: &str, alpn: &[&[u8]]) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &*self.issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        config
    }

    /// An engine that knows this authority and asks this name server.
    pub(crate) fn egress(&self, dns: &Dns) -> Egress {
        self.egress_with(EgressSettings { dns: vec![dns.address()], ..settings() })
    }

    pub(crate) fn egress_with(&self, settings: EgressSettings) -> Egress {
        Egress::new(EgressSettings { ca_files: vec![self.file()], ..settings }).unwrap()
    }
}

pub(crate) const HTTP2: &[u8] = b"h2";
pub(crate) const HTTP1: &[u8] = b"http/1.1";

#[tokio::test]
async fn an_authority_that_was_named_and_one_that_was_not() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = Server::tls(authority.server("api.example", &[HTTP1]), hello).await;
    let dns = Dns::with(&["127.0.0.1"]).await;
    let url = server.named("https", "api.example");
    assert_eq!(text(authority.egress(&dns).send(get(&url), &terms()).await.unwrap()).await, "hello");
    for egress in [other.egress(&dns), dns.egress()] {
        let error = egress.send(get(&url), &terms()).await.unwrap_err();
        assert_eq!(error.code(), "tls-failed", "{error}");
        assert!(!error.to_guest().contains("127.0.0.1"));
    }
    assert_eq!(server.seen().len(), 1);
}

/// The address was chosen by a name server; the certificate says whether it is the host.
#[tokio::test]
async fn a_certificate_for_another_host() {
    let authority = Authority::new();
    let dns = Dns::with(&["127.0.0.1"]).await;
    for name in ["other.example", "example", "127.0.0.1", "localhost"] {
        let server = Server::tls(authority.server(name, &[HTTP1]), hello).await;
        let error = authority.egress(&dns).send(get(server.named("https", "api.example")), &terms()).await.unwrap_err();
        assert_eq!(error.code(), "tls-failed", "{name}: {error}");
        assert!(server.seen().is_empty());
    }
}

#[tokio::test]
async fn a_host_that_is_an_address() {
    let authority = Authority::new();
    let dns = Dns::with(&[]).await;
    let egress = authority.egress(&dns);
    let right = Server::tls(authority.server("127.0.0.1", &[HTTP1]), hello).await;
    assert_eq!(text(egress.send(get(right.named("https", "127.0.0.1")), &terms()).await.unwrap()).await, "hello");
    let wrong = Server::tls(authority.server("api.example", &[HTTP1]), hello).await;
    let error = egress.send(get(wrong.named("https", "127.0.0.1")), &terms()).await.unwrap_err();
    assert_eq!(error.code(), "tls-failed", "{error}");
}

#[tokio::test]
async fn the_protocol_is_what_both_speak() {
    let authority = Authority::new();
    let dns = Dns::with(&["127.0.0.1"]).await;
    for (alpn, version) in [
        (&[HTTP2, HTTP1][..], Version::HTTP_2),
        (&[HTTP2], Version::HTTP_2),
        (&[HTTP1], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        let server = Server::tls(authority.server("api.example", alpn), hello).await;
        let egress = authority.egress(&dns);
        let sent = egress.send(get(server.named("https", "api.example")), &terms()).await.unwrap();
        assert_eq!(sent.response.version(), version);
        assert_eq!(text(sent).await, "hello");
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.version, version);
        let authority = format!("api.example:{}", server.address.port());
        assert!(seen.target.contains(&authority) || seen.headers["host"] == authority, "{seen:?}");
    }
}

#[tokio::test]
async fn http_where_tls_is_and_the_other_way_round() {
    let authority = Authority::new();
    let dns = Dns::with(&["127.0.0.1"]).await;
    let (plain, tls) = (Server::new(hello).await, Server::tls(authority.server("api.example", &[HTTP1]), hello).await);
    let egress = authority.egress(&dns);
    let error = egress.send(get(plain.named("https", "api.example")), &terms()).await.unwrap_err();
    assert_eq!(error.code(), "tls-failed", "{error}");
    let error = egress.send(get(tls.named("http", "api.example")), &terms()).await.unwrap_err();
    assert!(["protocol-error", "connection-reset"].contains(&error.code()), "{error}");
    assert!(plain.seen().is_empty() && tls.seen().is_empty());
}

#[tokio::test]
async fn many_exchanges_share_one_connection_of_http2() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("api.example", &[HTTP2]), hello).await;
    let dns = Dns::with(&["127.0.0.1"]).await;
    let (egress, url) = (authority.egress(&dns), server.named("https", "api.example"));
    let first = egress.send(get(&url), &terms()).await.unwrap();
    let granted = terms();
    let more = futures::future::join_all((0..20).map(|_| egress.send(get(&url), &granted))).await;
    for sent in more.into_iter().map(Result::unwrap).chain([first]) {
        assert_eq!(text(sent).await, "hello");
    }
    assert_eq!((server.accepted(), server.seen().len()), (1, 21));
    let other = Terms { pool: cofferdam_egress::PoolKey::new("plugin", "other"), ..terms() };
    assert_eq!(text(egress.send(get(&url), &other).await.unwrap()).await, "hello");
    assert_eq!(server.accepted(), 2);
}

/// Requests that wait for a slot use the connection that another one makes.
#[tokio::test]
async fn a_burst_of_exchanges_needs_no_more_connections_than_there_may_be() {
    let authority = Authority::new();
    let may = Arc::new(Semaphore::new(0));
    let server = Server::tls(authority.server("api.example", &[HTTP2]), {
        let may = Arc::clone(&may);
        move |request| {
            let may = Arc::clone(&may);
            async move {
                may.acquire().await.unwrap().forget();
                hello(request).await
            }
        }
    })
    .await;
    let dns = Dns::with(&["127.0.0.1"]).await;
    let limited = EgressSettings { dns: vec![dns.address()], connections_per_pool: 2, ..settings() };
    let (egress, url, granted) = (authority.egress_with(limited), server.named("https", "api.example"), terms());
    let all = futures::future::join_all((0..20).map(|_| egress.send(get(&url), &granted)));
    let release = async {
        until("all are there", || server.seen().len() == 20).await;
        may.add_permits(20);
    };
    let (all, ()) = futures::future::join(all, release).await;
    for sent in all {
        assert_eq!(text(sent.unwrap()).await, "hello");
    }
    assert!(server.accepted() <= 2, "{}", server.accepted());
}

#[test]
fn files_that_are_no_authorities() {
    let dir = tempfile::tempdir().unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let files = [("empty.pem", ""), ("text.pem", "hello"), ("broken.pem", broken), ("large.pem", &"x".repeat(2 << 20))];
    for (name, content) in files {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        let made = Egress::new(EgressSettings { ca_files: vec![path], ..settings() });
        assert!(matches!(made, Err(SettingsError::CaFile { .. })), "{name}");
    }
    let made = Egress::new(EgressSettings { ca_files: vec![dir.path().join("missing.pem")], ..settings() });
    assert!(matches!(made, Err(SettingsError::CaFile { .. })));
}
