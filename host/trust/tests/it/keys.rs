//! Keys of our own.

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use cofferdam_trust::{
    Artifact, Defect, Digest, Instance, LogRule, Proof, PublicKey, Rule, Signature, SigningKey, TrustRoot,
};

use crate::fixtures::{read, refused, root, signer};

fn check(key: &SigningKey, log: LogRule, artifact: Artifact<'_>, signature: &Signature) -> Result<Proof, Defect> {
    let rule = Rule::Key { key: key.public_key(), log };
    signer("ops-key", rule).check(&root("trusted_root.json"), artifact, signature)
}

#[test]
fn what_a_key_signs_is_its_own() {
    let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    assert_ne!(key.public_key(), other.public_key());
    let bytes = read("echo.wasm");
    let bundle = Signature::bundle(key.sign_blob(&bytes).unwrap().as_bytes()).unwrap();
    let raw = Signature::raw(key.sign_raw(&bytes).unwrap().as_bytes()).unwrap();
    for signature in [&bundle, &raw] {
        for artifact in [Artifact::Bytes(&bytes), Artifact::Digest(Digest::of(&bytes))] {
            check(&key, LogRule::None, artifact, signature).unwrap();
            refused(check(&other, LogRule::None, artifact, signature), "bad-signature");
            refused(check(&key, LogRule::Required, artifact, signature), "not-logged");
        }
        assert!(check(&key, LogRule::None, Artifact::Bytes(b"another"), signature).is_err());
    }
    let nothing = Signature::bundle(key.sign_blob(b"").unwrap().as_bytes()).unwrap();
    check(&key, LogRule::None, Artifact::Bytes(b""), &nothing).unwrap();
}

#[test]
fn a_bundle_of_ours_has_the_shape_of_cosigns() {
    let key = SigningKey::generate().unwrap();
    let ours: serde_json::Value = serde_json::from_str(&key.sign_blob(&read("echo.wasm")).unwrap()).unwrap();
    let theirs: serde_json::Value = serde_json::from_slice(&read("key-bare-blob.sigstore.json")).unwrap();
    assert_eq!(ours["mediaType"], theirs["mediaType"]);
    assert_eq!(ours["messageSignature"]["messageDigest"], theirs["messageSignature"]["messageDigest"]);
    assert_eq!(leaves(&ours), leaves(&theirs));
}

fn leaves(json: &serde_json::Value) -> Vec<String> {
    crate::altered::leaves(json).into_iter().map(|leaf| leaf.pointer).collect()
}

/// The certificates of the fixtures are by no authority of a built-in root.
#[test]
fn a_built_in_root_takes_no_fixture() {
    for instance in [Instance::PublicGood, Instance::Staging, Instance::GitHub] {
        let root = TrustRoot::embedded(instance).unwrap();
        let bundle = crate::fixtures::bundle("rekor1-keyless-blob");
        crate::fixtures::ci().check(&root, Artifact::Bytes(&read("echo.wasm")), &bundle).unwrap_err();
    }
}

/// Keys of other kinds than ours verify too; most of them only over the bytes themselves.
#[test]
fn other_kinds_of_keys_sign_bytes() {
    let bytes = read("echo.wasm");
    let ed25519 = Ed25519KeyPair::generate().unwrap();
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap();
    let spki = |der: PublicKeyX509Der<'_>| {
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64.encode(der.as_ref()));
        PublicKey::from_pem(&pem).unwrap()
    };
    for (key, signature) in [
        (spki(ed25519.public_key().as_der().unwrap()), ed25519.sign(&bytes)),
        (spki(p384.public_key().as_der().unwrap()), p384.sign(&SystemRandom::new(), &bytes).unwrap()),
    ] {
        let signer = signer("ops-key", Rule::Key { key, log: LogRule::None });
        let signature = Signature::raw(BASE64.encode(signature.as_ref()).as_bytes()).unwrap();
        let root = root("trusted_root.json");
        signer.check(&root, Artifact::Bytes(&bytes), &signature).unwrap();
        refused(signer.check(&root, Artifact::Bytes(&bytes[1..]), &signature), "bad-signature");
        refused(signer.check(&root, Artifact::Digest(Digest::of(&bytes)), &signature), "unsupported-format");
    }
}
