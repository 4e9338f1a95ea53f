//! Registries that do harm, or are away: each is refused as what it is, soon, and with little read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cofferdam_registry::{Registry, RegistryError, RegistrySettings};
use cofferdam_trust::Digest;
use serde_json::json;

use crate::{
    content::{Content, Lists, impatient, reference},
    stub::{Reply, Stub},
};

const MOST: u64 = 1 << 20;

/// A registry that serves what cosign left, but answers this to paths that contain that.
fn but(part: &str, reply: Reply) -> Stub {
    let (content, part) = (Content::new(Lists::Tag), part.to_owned());
    Stub::new(move |asked| if asked.path.contains(&part) { reply.clone() } else { content.answer(asked) })
}

/// Tag, manifest, signatures, component.
async fn pulled(stub: &Stub, tag: &str) -> Result<Vec<u8>, RegistryError> {
    let (registry, reference) = (impatient(), reference(&stub.registry(), tag));
    let digest = registry.resolve(&reference).await?;
    let manifest = registry.manifest(&reference, digest).await?;
    registry.signatures(&reference, digest).await?;
    registry.component(&reference, &manifest, MOST).await
}

/// A registry with this manifest under the tag `x`.
fn holding(manifest: impl Into<Vec<u8>>) -> Stub {
    let mut content = Content::new(Lists::Tag);
    let digest = content.add(manifest);
    content.tag("x", digest);
    content.serve()
}

fn manifest(layers: &serde_json::Value) -> String {
    json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": layers })
        .to_string()
}

fn layer(bytes: &[u8], size: u64) -> serde_json::Value {
    json!({ "mediaType": "application/wasm", "digest": format!("sha256:{}", Digest::of(bytes)), "size": size })
}

#[tokio::test]
async fn a_sound_one_is_the_control() {
    let component = pulled(&Content::new(Lists::Tag).serve(), "keyless").await.unwrap();
    assert!(component.starts_with(b"\0asm"));
}

#[tokio::test]
async fn manifests_of_another_shape() {
    use RegistryError as E;
    let one = layer(b"x", 1);
    let two = pulled(&holding(manifest(&json!([one, one]))), "x").await.unwrap_err();
    assert!(matches!(two, E::Layers { count: 2, .. }), "{two}");
    let none = pulled(&holding(manifest(&json!([]))), "x").await.unwrap_err();
    assert!(matches!(none, E::Layers { count: 0, .. }), "{none}");
    let mut other = one.clone();
    other["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar+gzip\u{1b}[31m");
    let other = pulled(&holding(manifest(&json!([other]))), "x").await.unwrap_err();
    assert!(matches!(other, E::LayerType { .. }), "{other}");
    assert!(!other.to_string().contains('\u{1b}'), "{other}");
    let index = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    let index = pulled(&holding(index), "x").await.unwrap_err();
    assert!(matches!(index, E::Index { .. }), "{index}");
    let html = pulled(&holding("<html>"), "x").await.unwrap_err();
    assert!(matches!(html, E::NotManifest { .. }), "{html}");
    let oversize = pulled(&holding(vec![b' '; 65 << 10]), "x").await.unwrap_err();
    assert!(matches!(oversize, E::TooLarge { .. }), "{oversize}");
    for error in [two, none, other, index, html, oversize] {
        assert!(!error.is_away() && error.to_string().starts_with("oci://127.0.0.1:"), "{error}");
        assert!(!error.mend().is_empty());
    }
}

#[tokio::test]
async fn a_manifest_with_another_digest() {
    let content = Content::new(Lists::Tag);
    let other = content.blob(content.digest("unsigned"));
    let stub = but("/manifests/sha256:b5fdcbc2", Reply::ok(other));
    let error = pulled(&stub, "keyless").await.unwrap_err();
    assert!(matches!(error, RegistryError::WrongDigest { .. }), "{error}");
}

#[tokio::test]
async fn a_tag_that_moves_between_requests() {
    let content = Content::new(Lists::Tag);
    let (first, second) = (content.digest("keyless"), content.digest("unsigned"));
    let turn = AtomicUsize::new(0);
    let stub = Stub::new(move |asked| {
        if asked.path.ends_with("/manifests/moving") {
            let now = if turn.fetch_add(1, Ordering::SeqCst) == 0 { first } else { second };
            return Reply::ok(content.blob(now));
        }
        content.answer(asked)
    });
    let component = pulled(&stub, "moving").await.unwrap();
    assert!(String::from_utf8_lossy(&component).contains("acme-echo"));
    assert_eq!(stub.asked().iter().filter(|asked| asked.path.ends_with("/moving")).count(), 1);
}

#[tokio::test]
async fn components_unlike_what_was_declared() {
    use RegistryError as E;
    let bytes = b"twelve bytes";
    let serving = |size: u64, reply: Reply| {
        let mut content = Content::new(Lists::Tag);
        let digest = content.add(manifest(&json!([layer(bytes, size)])));
        content.tag("x", digest);
        let path = format!("/blobs/sha256:{}", Digest::of(bytes));
        Stub::new(move |asked| if asked.path.ends_with(&path) { reply.clone() } else { content.answer(asked) })
    };
    assert_eq!(pulled(&serving(12, Reply::ok(bytes)), "x").await.unwrap(), bytes);
    let error = pulled(&serving(12, Reply::ok(b"twelve bites")), "x").await.unwrap_err();
    assert!(matches!(error, E::WrongDigest { .. }), "{error}");
    let error = pulled(&serving(11, Reply::ok(bytes)), "x").await.unwrap_err();
    assert!(matches!(error, E::WrongSize { declared: 11, .. }), "{error}");
    let error = pulled(&serving(13, Reply::ok(bytes)), "x").await.unwrap_err();
    assert!(matches!(error, E::WrongSize { declared: 13, .. }), "{error}");
    let error = pulled(&serving(12, Reply::Endless), "x").await.unwrap_err();
    assert!(matches!(error, E::WrongSize { declared: 12, .. }), "{error}");
    let stub = serving(MOST + 1, Reply::ok(bytes));
    let error = pulled(&stub, "x").await.unwrap_err();
    assert!(matches!(error, E::TooLarge { most: MOST, .. }), "{error}");
    assert!(stub.asked().iter().all(|asked| !asked.path.contains("/blobs/")), "it was not even asked for");
}

#[tokio::test]
async fn answers_without_an_end() {
    for part in
        ["/manifests/keyless", "/manifests/sha256:b5fdcbc2", "/referrers/", "/manifests/sha256-", ".sig", "/blobs/"]
    {
        let started = Instant::now();
        let error = pulled(&but(part, Reply::Endless), "keyless").await.unwrap_err();
        assert!(matches!(error, RegistryError::TooLarge { .. } | RegistryError::WrongSize { .. }), "{part}: {error}");
        assert!(started.elapsed() < Duration::from_secs(2), "{part}");
    }
}

#[tokio::test]
async fn faults_while_looking_for_signatures_are_not_none() {
    for part in ["/referrers/", "/manifests/sha256-", "/manifests/sha256:7db6ada2", "/blobs/sha256:fc196122", ".sig"] {
        for (status, away) in
            [(500, true), (503, true), (429, true), (401, false), (403, false), (400, false), (302, false)]
        {
            let error = pulled(&but(part, Reply::status(status)), "keyless").await.unwrap_err();
            assert_eq!(error.is_away(), away, "{part} {status}: {error}");
        }
    }
    for part in ["/manifests/sha256:7db6ada2", "/blobs/sha256:fc196122"] {
        let error = pulled(&but(part, Reply::status(404)), "keyless").await.unwrap_err();
        assert!(matches!(error, RegistryError::Missing { .. }), "{part}: {error}");
    }
    let error = pulled(&but("/manifests/sha256-", Reply::ok("[")), "keyless").await.unwrap_err();
    assert!(matches!(error, RegistryError::NotManifest { .. }), "{error}");
}

#[tokio::test]
async fn what_a_registry_says_is_quoted_with_care() {
    let said = r#"{"errors":[{"code":"DENIED\u001b[2J","message":"no"}]}"#;
    let error =
        pulled(&but("/manifests/keyless", Reply::Whole(403, Vec::new(), said.into())), "keyless").await.unwrap_err();
    assert!(matches!(error, RegistryError::Refused { status: 403, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("DENIED") && !text.contains('\u{1b}') && text.contains("without credentials"), "{text}");
    assert!(error.mend().contains("docker login"));
    // A refusal that never ends is cut, and stays a refusal.
    let long = Reply::Whole(403, Vec::new(), vec![b'x'; 1 << 20]);
    let error = pulled(&but("/manifests/keyless", long), "keyless").await.unwrap_err();
    assert!(matches!(error, RegistryError::Refused { status: 403, .. }), "{error}");
}

#[tokio::test]
async fn asked_again_only_while_away() {
    let counted = |reply: Reply, faults: usize| {
        let (content, turn) = (Content::new(Lists::Tag), Arc::new(AtomicUsize::new(0)));
        Stub::new(move |asked| match turn.fetch_add(1, Ordering::SeqCst) {
            now if now < faults => reply.clone(),
            _ => content.answer(asked),
        })
    };
    for fault in [Reply::status(503), Reply::CutShort] {
        let stub = counted(fault.clone(), 1);
        impatient().resolve(&reference(&stub.registry(), "keyless")).await.unwrap();
        assert_eq!(stub.asked().len(), 2);
        let stub = counted(fault, 9);
        let error = impatient().resolve(&reference(&stub.registry(), "keyless")).await.unwrap_err();
        assert!(error.is_away() && stub.asked().len() == 2, "{error}");
    }
    let stub = counted(Reply::status(403), 1);
    impatient().resolve(&reference(&stub.registry(), "keyless")).await.unwrap_err();
    assert_eq!(stub.asked().len(), 1);
}

#[tokio::test]
async fn silence_ends_in_time() {
    let stub = Stub::new(|_| Reply::Silence);
    let timeout = Duration::from_millis(300);
    let registry = Registry::new(RegistrySettings { timeout, attempts: 2, ..RegistrySettings::default() }).unwrap();
    let started = Instant::now();
    let error = registry.resolve(&reference(&stub.registry(), "x")).await.unwrap_err();
    assert!(error.is_away() && !error.mend().is_empty(), "{error}");
    assert!(started.elapsed() >= 2 * timeout && started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn redirects_lead_to_storage_and_no_further() {
    let content = Arc::new(Content::new(Lists::Tag));
    let storage = {
        let content = Arc::clone(&content);
        Stub::new(move |asked| content.answer(asked))
    };
    let away = format!("http://{}", storage.registry());
    let stub = Stub::new(move |asked| {
        if asked.path.contains("/blobs/") {
            Reply::redirect(&format!("{away}{}", asked.path))
        } else {
            content.answer(asked)
        }
    });
    assert!(pulled(&stub, "keyless").await.unwrap().starts_with(b"\0asm"));
    assert!(storage.asked().iter().all(|asked| asked.authorization.is_none()));

    for (to, why) in
        [("/v2/round", "more than 3 redirects"), ("file:///etc/passwd", "not HTTP"), ("http://u:p@h/", "password")]
    {
        let stub = Stub::new(move |_| Reply::redirect(to));
        let error = impatient().resolve(&reference(&stub.registry(), "x")).await.unwrap_err();
        assert!(matches!(error, RegistryError::Odd { .. }) && error.to_string().contains(why), "{error}");
        assert!(stub.asked().len() <= 4);
    }
}

#[tokio::test]
async fn a_digest_stands_for_itself() {
    let digest = Digest::of(b"x");
    let stub = Stub::new(|_| Reply::status(500));
    let pinned = reference(&stub.registry(), "x").at(digest);
    assert_eq!(impatient().resolve(&pinned).await.unwrap(), digest);
    assert!(stub.asked().is_empty());
}
