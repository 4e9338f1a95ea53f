//! Signatures by the right signer, of something else.

use cofferdam_trust::{Artifact, Digest, LogRule, Signature, Statement};
use serde_json::Value;

use crate::fixtures::{bundle, by_key, check, ci, over_echo, read, refused, root};

#[test]
fn another_artefacts_bundle_is_that_artefacts() {
    let root = root("trusted_root.json");
    for (name, artifact) in [("what-old-version", "echo-old.wasm"), ("what-other", "other.wasm")] {
        let proof = check(&ci(), &root, artifact, &bundle(name)).unwrap();
        assert_eq!(proof.statement, Statement::Signature);
        refused(over_echo(&ci(), name), "wrong-artifact");
    }
}

#[test]
fn a_statement_about_an_artefact_is_no_signature() {
    for (name, predicate) in
        [("what-sbom", "https://cyclonedx.org/bom"), ("what-vuln", "https://cosign.sigstore.dev/attestation/vuln/v1")]
    {
        let proof = over_echo(&ci(), name).unwrap();
        assert_eq!(proof.statement, Statement::Attestation { predicate: predicate.to_owned() }, "{name}");
    }
}

#[test]
fn the_statement_that_says_signed_is_a_signature() {
    assert_eq!(over_echo(&ci(), "what-sign").unwrap().statement, Statement::Signature);
}

/// A blob of the registry's copy.
fn blob(digest: &str) -> Vec<u8> {
    read(&format!("oci/blobs/{}", digest.strip_prefix("sha256:").unwrap()))
}

fn tag(name: &str) -> String {
    let tags: Value = serde_json::from_slice(&read("oci/tags.json")).unwrap();
    tags[name].as_str().unwrap().to_owned()
}

/// The bundles that refer to a tag's manifest.
fn referring_to(manifest: &str) -> Vec<Signature> {
    let index: Value = serde_json::from_slice(&blob(&tag(&manifest.replace(':', "-")))).unwrap();
    let referrers = index["manifests"].as_array().unwrap();
    referrers
        .iter()
        .map(|referrer| {
            let referrer: Value = serde_json::from_slice(&blob(referrer["digest"].as_str().unwrap())).unwrap();
            Signature::bundle(&blob(referrer["layers"][0]["digest"].as_str().unwrap())).unwrap()
        })
        .collect()
}

#[test]
fn a_manifest_in_a_registry_is_signed_by_digest() {
    let root = root("trusted_root.json");
    let digest = |manifest: &str| manifest.parse::<Digest>().unwrap();
    let (keyless, key) = (tag("keyless"), tag("key"));

    let mut statements: Vec<Statement> = referring_to(&keyless)
        .iter()
        .map(|s| ci().check(&root, Artifact::Digest(digest(&keyless)), s).unwrap().statement)
        .collect();
    statements.sort_by_key(|statement| *statement != Statement::Signature);
    let provenance = Statement::Attestation { predicate: "https://slsa.dev/provenance/v1".to_owned() };
    assert_eq!(statements, [Statement::Signature, provenance]);
    for signature in referring_to(&keyless) {
        refused(ci().check(&root, Artifact::Digest(digest(&key)), &signature), "wrong-artifact");
    }

    let [signature] = &referring_to(&key)[..] else { panic!("one signature") };
    let signer = by_key("test-key.pub", LogRule::None);
    let proof = signer.check(&root, Artifact::Digest(digest(&key)), signature).unwrap();
    assert_eq!(proof.statement, Statement::Signature);
    refused(signer.check(&root, Artifact::Digest(digest(&keyless)), signature), "wrong-artifact");
    let other = by_key("test-key-other.pub", LogRule::None);
    refused(other.check(&root, Artifact::Digest(digest(&key)), signature), "bad-signature");
}

#[test]
fn cosign_2_binds_a_manifest_through_a_text() {
    let root = root("trusted_root.json");
    let manifest = tag("legacy");
    let layout: Value = serde_json::from_slice(&blob(&tag(&format!("{}.sig", manifest.replace(':', "-"))))).unwrap();
    let layer = &layout["layers"][0];
    let payload = blob(layer["digest"].as_str().unwrap());
    let base64 = layer["annotations"]["dev.cosignproject.cosign/signature"].as_str().unwrap();
    let signature = Signature::simple_signing(&payload, base64).unwrap();
    let artifact = Artifact::Digest(manifest.parse().unwrap());
    let signer = by_key("test-key.pub", LogRule::None);

    let proof = signer.check(&root, artifact, &signature).unwrap();
    assert_eq!((proof.statement, proof.logged), (Statement::Signature, false));
    refused(signer.check(&root, Artifact::Digest(Digest::of(b"another")), &signature), "wrong-artifact");
    refused(signer.check(&root, Artifact::Bytes(&read("other.wasm")), &signature), "wrong-artifact");
    refused(by_key("test-key-other.pub", LogRule::None).check(&root, artifact, &signature), "bad-signature");
    refused(by_key("test-key.pub", LogRule::Required).check(&root, artifact, &signature), "not-logged");
    refused(ci().check(&root, artifact, &signature), "wrong-signer");

    // The same promise about another manifest, which nobody signed.
    let text = String::from_utf8(payload).unwrap();
    let forged = text.replace(&manifest, &tag("unsigned"));
    assert_ne!(text, forged);
    let forged = Signature::simple_signing(forged.as_bytes(), base64).unwrap();
    refused(signer.check(&root, Artifact::Digest(tag("unsigned").parse().unwrap()), &forged), "bad-signature");
    for wrong in ["", "{}", &text.replace("cosign container image signature", "x"), &text.replace("sha256:", "sha512:")]
    {
        assert_eq!(Signature::simple_signing(wrong.as_bytes(), base64).unwrap_err().label(), "unreadable-signature");
    }
}
