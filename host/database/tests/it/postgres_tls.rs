//! Encryption, and who is on the other side.
//!
//! The server that tests have is built without TLS, so that it is spoken to through a front that ends TLS before it, as
//! it is where a cloud's proxy does.

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use cofferdam_database::{Bounds, ConnectionUrl, Database, DatabaseSettings, SqlError, Tls, open};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    fixture::{Postgres, READ, int, one},
    server::PASSWORD,
};

/// Ends TLS, with a certificate for `localhost`, and forwards. Who does not ask for TLS is sent away.
struct Front {
    address: SocketAddr,
    directory: TempDir,
}

impl Front {
    async fn before(server: u16) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        fs::write(directory.path().join("ca.pem"), authority.self_signed(&authority_key).unwrap().pem()).unwrap();
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::new(authority, authority_key);
        let certificate =
            CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(forward(socket, acceptor.clone(), server));
            }
        });
        Self { address, directory }
    }

    fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }
}

async fn forward(mut socket: TcpStream, acceptor: TlsAcceptor, server: u16) -> std::io::Result<()> {
    let mut request = [0; 8];
    socket.read_exact(&mut request).await?;
    if request != *b"\0\0\0\x08\x04\xd2\x16\x2f" {
        return Ok(());
    }
    socket.write_all(b"S").await?;
    let mut inside = acceptor.accept(socket).await?;
    let mut behind = TcpStream::connect(("127.0.0.1", server)).await?;
    copy_bidirectional(&mut inside, &mut behind).await.map(drop)
}

async fn database(postgres: &Postgres, host: &str, port: u16, ca_file: Option<PathBuf>, tls: Tls) -> Database {
    let url = format!("postgres://tool:{PASSWORD}@{host}:{port}/{}", postgres.name);
    let settings = DatabaseSettings::Postgres {
        url: ConnectionUrl::new(url),
        ca_file,
        tls,
        pool: 1,
        connect_timeout: Duration::from_secs(10),
    };
    open("test", &settings).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_encrypted_and_the_authority_is_checked() {
    let postgres = Postgres::new("").await;
    let front = Front::before(postgres.server.port).await;
    let (port, ca) = (front.address.port(), front.ca_file());
    let trusted = database(&postgres, "localhost", port, Some(ca.clone()), Tls::Required).await;
    assert_eq!(one(&trusted, "SELECT 1", vec![]).await, Ok(int(1)));
    // By the public authorities it is signed by nobody; and it is for another name.
    for (host, ca) in [("localhost", None), ("127.0.0.1", Some(ca))] {
        let error =
            one(&database(&postgres, host, port, ca, Tls::Required).await, "SELECT 1", vec![]).await.unwrap_err();
        assert!(matches!(&error, SqlError::Unavailable { why } if why.contains("certificate")), "{error}");
    }
    // In the clear only when that is said.
    let plain = database(&postgres, "localhost", port, None, Tls::Off).await;
    assert!(one(&plain, "SELECT 1", vec![]).await.is_err());
    let plain = database(&postgres, "localhost", postgres.server.port, None, Tls::Off).await;
    assert_eq!(one(&plain, "SELECT 1", vec![]).await, Ok(int(1)));
    // A real server without TLS is not spoken to.
    let required = database(&postgres, "localhost", postgres.server.port, None, Tls::Required).await;
    assert!(matches!(one(&required, "SELECT 1", vec![]).await, Err(SqlError::Unavailable { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_stopped_over_tls() {
    let postgres = Postgres::new("").await;
    let front = Front::before(postgres.server.port).await;
    let trusted = database(&postgres, "localhost", front.address.port(), Some(front.ca_file()), Tls::Required).await;
    let patient = Bounds { timeout: Duration::from_secs(600), ..READ };
    let waiting = trusted.query("SELECT pg_sleep(600) -- over tls", vec![], &patient);
    assert!(tokio::time::timeout(Duration::from_millis(300), waiting).await.is_err());
    // The one connection of the pool is free again, and the server has stopped.
    assert_eq!(one(&trusted, "SELECT 1", vec![]).await, Ok(int(1)));
    let running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%over tls' AND state = 'active'";
    assert_eq!(one(&trusted, running, vec![]).await, Ok(int(0)));
    let error = one(&trusted, "SELECT repeat('x', 100000000)", vec![]).await.unwrap_err();
    assert!(matches!(error, SqlError::TooLarge { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_gets_no_password() {
    // Says no to TLS, as a server without it does, or somebody on the way.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 8];
        socket.read_exact(&mut request).await.unwrap();
        socket.write_all(b"N").await.unwrap();
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).await.unwrap();
        rest
    });
    let settings = DatabaseSettings::Postgres {
        url: ConnectionUrl::new(format!("postgres://tool:{PASSWORD}@{address}/x")),
        ca_file: None,
        tls: Tls::default(),
        pool: 1,
        connect_timeout: Duration::from_secs(5),
    };
    let error = one(&open("test", &settings).await.unwrap(), "SELECT 1", vec![]).await.unwrap_err();
    assert!(matches!(error, SqlError::Unavailable { .. }), "{error}");
    assert_eq!(heard.await.unwrap(), b"", "nothing was said after it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_of_this_machine_is_in_the_clear() {
    let postgres = Postgres::new("").await;
    let directory = postgres.server.socket_directory().display().to_string().replace('/', "%2F");
    let plain = database(&postgres, &directory, postgres.server.port, None, Tls::Off).await;
    assert_eq!(one(&plain, "SELECT 1", vec![]).await, Ok(int(1)));
}

#[tokio::test]
async fn certificates_that_cannot_be_used_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    for ca in [
        directory.path().join("missing"),
        file("empty", b""),
        file("text", b"hello"),
        file("broken", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        file("long", &vec![b'x'; 2 << 20]),
    ] {
        let settings = DatabaseSettings::Postgres {
            url: ConnectionUrl::new("postgres://a:b@c/d"),
            ca_file: Some(ca.clone()),
            tls: Tls::Required,
            pool: 1,
            connect_timeout: Duration::from_secs(1),
        };
        let error = open("orders", &settings).await.unwrap_err().to_string();
        assert!(error.contains("ca_file") && !error.contains(directory.path().to_str().unwrap()), "{error}");
    }
}
