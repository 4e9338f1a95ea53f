//! TLS, with an authority of the test's own.
//!
//! Loopback is spoken to in plain HTTP, so the registry is plain, and the storage that it redirects to is not.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use cofferdam_registry::{Registry, RegistrySettings};

use crate::{
    content::{impatient, reference},
    process::{Server, Special},
    stub::{Reply, Stub},
};

/// A certificate for 127.0.0.1 that is its own authority, and its key.
fn certificate(directory: &Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = (directory.join("certificate.pem"), directory.join("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("openssl is missing: install it");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

#[tokio::test]
async fn an_authority_counts_when_the_operator_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let (ca_file, key) = certificate(directory.path());
    let plain = Server::start().await;
    let special = Special { tls: Some((ca_file.clone(), key)), storage: Some(plain.storage()), users: None };
    let storage = Server::with(special).await;
    let pushed = impatient().push(&reference(&plain.registry, "1"), b"component", &BTreeMap::new()).await.unwrap();
    let to = format!("https://{}", storage.registry);
    let stub = Stub::new(move |asked| Reply::redirect(&format!("{to}{}", asked.path)));
    let tagged = reference(&stub.registry(), "1");

    let settings = RegistrySettings { timeout: Duration::from_secs(5), attempts: 1, ..RegistrySettings::default() };
    let error = Registry::new(settings.clone()).unwrap().resolve(&tagged).await.unwrap_err();
    assert!(error.is_away() && error.to_string().contains("certificate"), "{error}");

    let registry = Registry::new(RegistrySettings { ca_file: Some(ca_file), ..settings }).unwrap();
    assert_eq!(registry.resolve(&tagged).await.unwrap(), pushed);
    let manifest = registry.manifest(&tagged, pushed).await.unwrap();
    assert_eq!(registry.component(&tagged, &manifest, 100).await.unwrap(), b"component");
}
