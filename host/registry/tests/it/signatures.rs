//! Signatures are found in both layouts, whoever lists them.

use cofferdam_registry::FoundSignature;
use serde_json::json;

use crate::{
    content::{Content, Lists, impatient, reference},
    stub::Stub,
};

const BOTH: [Lists; 2] = [Lists::Registry, Lists::Tag];

async fn found(stub: &Stub, tag: &str) -> Vec<FoundSignature> {
    let registry = impatient();
    let reference = reference(&stub.registry(), tag);
    let digest = registry.resolve(&reference).await.unwrap();
    registry.signatures(&reference, digest).await.unwrap()
}

fn predicates(found: &[FoundSignature]) -> Vec<String> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let read = |found: &FoundSignature| match found {
        FoundSignature::Bundle(bytes) => {
            let bundle: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            let payload = STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
            let statement: serde_json::Value = serde_json::from_slice(&payload).unwrap();
            statement["predicateType"].as_str().unwrap().to_owned()
        }
        FoundSignature::SimpleSigning { .. } => "cosign 2".to_owned(),
    };
    found.iter().map(read).collect()
}

#[tokio::test]
async fn of_cosign_3() {
    for lists in BOTH {
        let stub = Content::new(lists).serve();
        let mut keyless = predicates(&found(&stub, "keyless").await);
        keyless.sort();
        assert_eq!(keyless, ["https://sigstore.dev/cosign/sign/v1", "https://slsa.dev/provenance/v1"], "{lists:?}");
        assert_eq!(predicates(&found(&stub, "key").await), ["https://sigstore.dev/cosign/sign/v1"], "{lists:?}");
    }
}

#[tokio::test]
async fn of_cosign_2() {
    for lists in BOTH {
        let content = Content::new(lists);
        let digest = content.digest("legacy");
        let found = found(&content.serve(), "legacy").await;
        let [FoundSignature::SimpleSigning { payload, signature }] = found.as_slice() else { panic!("{found:?}") };
        assert!(String::from_utf8_lossy(payload).contains(&digest.to_string()));
        assert!(signature.starts_with("MEYCIQD1LB8UvD5v"), "{signature}");
    }
}

#[tokio::test]
async fn of_nobody() {
    for lists in BOTH {
        assert_eq!(found(&Content::new(lists).serve(), "unsigned").await, []);
    }
}

#[tokio::test]
async fn of_a_registry_that_learnt_to_list_later() {
    let content = Content::new(Lists::Tag);
    let stub = Stub::new(move |asked| {
        if asked.path.contains("/referrers/") {
            return crate::stub::Reply::ok(r#"{"schemaVersion":2,"manifests":[]}"#);
        }
        content.answer(asked)
    });
    assert_eq!(found(&stub, "keyless").await.len(), 2);
}

#[tokio::test]
async fn of_the_older_media_type() {
    let mut content = Content::new(Lists::Registry);
    let subject = content.digest("unsigned");
    let bundle = content.add("{\"a\":1}");
    let referrer = referrer(&subject.to_string(), "application/vnd.dev.sigstore.bundle+json; version=0.3", bundle, 7);
    let referrer = content.add(referrer);
    list(&mut content, subject, &[(referrer, 500)]);
    assert_eq!(found(&content.serve(), "unsigned").await, [FoundSignature::Bundle(b"{\"a\":1}".to_vec())]);
}

#[tokio::test]
async fn not_of_another_manifest() {
    for lists in BOTH {
        let mut content = Content::new(lists);
        let (subject, other) = (content.digest("unsigned"), content.digest("keyless"));
        let index: serde_json::Value =
            serde_json::from_slice(&content.blob(content.digest(&format!("sha256-{other}")))).unwrap();
        let stolen = content.add(index.to_string());
        content.tag(&format!("sha256-{subject}"), stolen);
        assert_eq!(found(&content.serve(), "unsigned").await, [], "{lists:?}");
    }
}

#[tokio::test]
async fn not_hidden_by_what_is_none() {
    let mut content = Content::new(Lists::Registry);
    let subject = content.digest("unsigned");
    let bundle = content.add("{}");
    let subject_text = subject.to_string();
    let kind = "application/vnd.dev.sigstore.bundle.v0.3+json";
    let good = content.add(referrer(&subject_text, kind, bundle, 2));
    let huge_bundle = content.add(referrer(&subject_text, kind, bundle, 2 << 20));
    let other_kind = content.add(referrer(&subject_text, "application/spdx+json", bundle, 2));
    let no_manifest = content.add("not JSON");
    let index = content.add(r#"{"schemaVersion":2,"manifests":[]}"#);
    // Listed as too large to be read, and not there at all: nobody asks for it.
    let huge = cofferdam_trust::Digest::of(b"huge");
    let all = [
        (huge, 1 << 20),
        (huge_bundle, 500),
        (other_kind, 500),
        (no_manifest, 8),
        (index, 34),
        (good, 500),
        (good, 500),
    ];
    list(&mut content, subject, &all);
    assert_eq!(found(&content.serve(), "unsigned").await, [FoundSignature::Bundle(b"{}".to_vec())]);
}

#[tokio::test]
async fn no_more_than_a_few_of_very_many() {
    let mut content = Content::new(Lists::Registry);
    let subject = content.digest("unsigned");
    let bundle = content.add("{}");
    let many: Vec<_> = (0..10_000)
        .map(|number| {
            let mut referrer: serde_json::Value = serde_json::from_slice(&referrer(
                &subject.to_string(),
                "application/vnd.dev.sigstore.bundle.v0.3+json",
                bundle,
                2,
            ))
            .unwrap();
            referrer["annotations"] = json!({ "number": number.to_string() });
            (content.add(referrer.to_string()), 600)
        })
        .collect();
    list(&mut content, subject, &many);
    let stub = content.serve();
    assert_eq!(found(&stub, "unsigned").await.len(), 32);
    // The tag, the list, 32 times a manifest and its layer, cosign 2's tag.
    assert_eq!(stub.asked().len(), 67);
}

fn referrer(subject: &str, media_type: &str, layer: cofferdam_trust::Digest, size: u64) -> Vec<u8> {
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "layers": [{ "mediaType": media_type, "digest": format!("sha256:{layer}"), "size": size }],
        "subject": { "digest": format!("sha256:{subject}"), "size": 1, "mediaType": "x" },
    })
    .to_string()
    .into_bytes()
}

fn list(content: &mut Content, subject: cofferdam_trust::Digest, entries: &[(cofferdam_trust::Digest, u64)]) {
    let entries: Vec<_> =
        entries.iter().map(|(digest, size)| json!({ "digest": format!("sha256:{digest}"), "size": size })).collect();
    let index = content.add(json!({ "schemaVersion": 2, "manifests": entries }).to_string());
    content.tag(&format!("sha256-{subject}"), index);
}
