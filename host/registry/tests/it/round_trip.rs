//! With a real registry: what is pushed comes back, and what was altered there does not.

use std::{collections::BTreeMap, fs};

use cofferdam_registry::{Manifest, Reference, RegistryError};
use cofferdam_trust::Digest;

use crate::{
    content::{impatient, reference},
    process::Server,
};

const MOST: u64 = 64 << 20;

fn nothing() -> BTreeMap<String, String> {
    BTreeMap::new()
}

/// Bytes that compress to nothing and are more than one chunk of anything.
fn large() -> Vec<u8> {
    (0..3_000_000_u32).flat_map(|number| (number.wrapping_mul(2_654_435_761)).to_le_bytes()).collect()
}

#[tokio::test]
async fn what_is_pushed_comes_back() {
    let server = Server::start().await;
    let (registry, reference) = (impatient(), reference(&server.registry, "1.0.0"));
    let annotations = BTreeMap::from([("org.opencontainers.image.title".to_owned(), "echo.wasm".to_owned())]);
    let component = large();
    let pushed = registry.push(&reference, &component, &annotations).await.unwrap();
    // The same again is the same, and costs no second upload.
    assert_eq!(registry.push(&reference, &component, &annotations).await.unwrap(), pushed);

    assert_eq!(registry.resolve(&reference).await.unwrap(), pushed);
    let manifest = registry.manifest(&reference, pushed).await.unwrap();
    assert_eq!(manifest.layer(), (Digest::of(&component), component.len() as u64));
    assert_eq!(registry.component(&reference, &manifest, MOST).await.unwrap(), component);
    assert_eq!(registry.signatures(&reference, pushed).await.unwrap(), []);

    // A copy that was kept is read like the one that came, and says what was pushed.
    let kept = Manifest::parse(manifest.bytes().to_vec()).unwrap();
    assert_eq!(kept, manifest);
    let json: serde_json::Value = serde_json::from_slice(kept.bytes()).unwrap();
    assert_eq!(json["annotations"], serde_json::json!(annotations));
    assert_eq!(json["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
}

#[tokio::test]
async fn a_digest_finds_what_a_tag_no_longer_does() {
    let server = Server::start().await;
    let (registry, tagged) = (impatient(), reference(&server.registry, "stable"));
    let first = registry.push(&tagged, b"first", &nothing()).await.unwrap();
    let second = registry.push(&tagged, b"second", &nothing()).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(registry.resolve(&tagged).await.unwrap(), second);

    let pinned: Reference = format!("oci://{}/acme/echo@sha256:{first}", server.registry).parse().unwrap();
    let digest = registry.resolve(&pinned).await.unwrap();
    let manifest = registry.manifest(&pinned, digest).await.unwrap();
    assert_eq!(registry.component(&pinned, &manifest, MOST).await.unwrap(), b"first");
}

#[tokio::test]
async fn what_is_not_there_is_missing_and_not_away() {
    let server = Server::start().await;
    let (registry, tagged) = (impatient(), reference(&server.registry, "nowhere"));
    let error = registry.resolve(&tagged).await.unwrap_err();
    assert!(matches!(error, RegistryError::Missing { .. }) && !error.is_away(), "{error}");
    assert!(error.to_string().contains(&tagged.to_string()), "{error}");
    let error = registry.manifest(&tagged, Digest::of(b"x")).await.unwrap_err();
    assert!(matches!(error, RegistryError::Missing { .. }), "{error}");
}

#[tokio::test]
async fn what_was_altered_in_the_registry_is_refused() {
    let server = Server::start().await;
    let (registry, tagged) = (impatient(), reference(&server.registry, "1"));
    let digest = registry.push(&tagged, b"component", &nothing()).await.unwrap();
    let manifest = registry.manifest(&tagged, digest).await.unwrap();
    let file = server.file_of(Digest::of(b"component"));
    fs::write(&file, b"Component").unwrap();
    let error = registry.component(&tagged, &manifest, MOST).await.unwrap_err();
    assert!(matches!(error, RegistryError::WrongDigest { .. }), "{error}");
    fs::write(&file, b"component and more").unwrap();
    let error = registry.component(&tagged, &manifest, MOST).await.unwrap_err();
    assert!(matches!(error, RegistryError::WrongSize { .. }), "{error}");

    // docker-registry notices an altered manifest itself, and answers that it is broken.
    let altered = String::from_utf8(manifest.bytes().to_vec()).unwrap().replace(":9", ":8");
    fs::write(server.file_of(digest), altered).unwrap();
    registry.manifest(&tagged, digest).await.unwrap_err();
}

#[tokio::test]
async fn what_cannot_be_pushed_is_not_begun() {
    let registry = impatient();
    let tagged = reference("127.0.0.1:1", "1");
    let many = (0..65).map(|number| (number.to_string(), String::new())).collect();
    let large = BTreeMap::from([("key".to_owned(), "x".repeat(17 << 10))]);
    for annotations in [many, large] {
        let error = registry.push(&tagged, b"x", &annotations).await.unwrap_err();
        assert!(matches!(error, RegistryError::Unfit { .. }), "{error}");
    }
    let pinned = tagged.at(Digest::of(b"x"));
    let error = registry.push(&pinned, b"x", &nothing()).await.unwrap_err();
    assert!(matches!(error, RegistryError::Unfit { .. }), "{error}");
    for bundle in [b"{}".as_slice(), b"x", &vec![b' '; 2 << 20]] {
        let error = registry.attach(&tagged, Digest::of(b"x"), bundle).await.unwrap_err();
        assert!(matches!(error, RegistryError::Unfit { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_registry_that_stopped_is_away() {
    let mut server = Server::start().await;
    let (registry, tagged) = (impatient(), reference(&server.registry, "1"));
    let digest = registry.push(&tagged, b"component", &nothing()).await.unwrap();
    let manifest = registry.manifest(&tagged, digest).await.unwrap();
    server.stop();
    let started = std::time::Instant::now();
    for error in [
        registry.resolve(&tagged).await.unwrap_err(),
        registry.manifest(&tagged, digest).await.unwrap_err(),
        registry.signatures(&tagged, digest).await.unwrap_err(),
        registry.component(&tagged, &manifest, MOST).await.unwrap_err(),
        registry.push(&tagged, b"another", &nothing()).await.unwrap_err(),
    ] {
        assert!(error.is_away(), "{error}");
    }
    assert!(started.elapsed().as_secs() < 10);
}
