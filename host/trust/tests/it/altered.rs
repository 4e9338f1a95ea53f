//! Bundles that were changed after they were made.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use cofferdam_trust::{Artifact, LogRule, Signature, Signer, TrustRoot};
use serde_json::Value;

use crate::fixtures::{MATRIX, bundle, by_key, ci, read, root, whose};

/// One string, number or truth in a JSON text.
pub(crate) struct Leaf {
    pub(crate) pointer: String,
    value: Value,
}

/// Every leaf, in order.
pub(crate) fn leaves(json: &Value) -> Vec<Leaf> {
    fn walk(json: &Value, pointer: &str, out: &mut Vec<Leaf>) {
        match json {
            Value::Object(fields) => {
                for (key, value) in fields {
                    walk(value, &format!("{pointer}/{key}"), out);
                }
            }
            Value::Array(items) => {
                for (at, value) in items.iter().enumerate() {
                    walk(value, &format!("{pointer}/{at}"), out);
                }
            }
            value => out.push(Leaf { pointer: pointer.to_owned(), value: value.clone() }),
        }
    }
    let mut out = Vec::new();
    walk(json, "", &mut out);
    out
}

/// A few ways to change a text: its bits where it is base64, its characters, its length.
fn mutants(value: &Value) -> Vec<Value> {
    let Value::String(text) = value else { return vec![Value::Null, Value::from(7), Value::from("x")] };
    let mut out = vec![Value::Null, Value::from(""), Value::from(format!("{text}A")), Value::from("AAAA")];
    if let Ok(bytes) = BASE64.decode(text) {
        for at in [0, bytes.len() / 3, bytes.len() / 2, bytes.len().saturating_sub(1)] {
            let mut changed = bytes.clone();
            if let Some(byte) = changed.get_mut(at) {
                *byte ^= 1;
                out.push(Value::from(BASE64.encode(changed)));
            }
        }
        out.push(Value::from(BASE64.encode(&bytes[..bytes.len() / 2])));
    }
    for at in [0, text.len() / 2, text.len().saturating_sub(2)] {
        let mut changed = text.clone().into_bytes();
        if let Some(byte) = changed.get_mut(at) {
            *byte = if *byte == b'1' { b'2' } else { b'1' };
            out.extend(String::from_utf8(changed).ok().map(Value::from));
        }
    }
    out.retain(|mutant| mutant != value);
    out
}

fn accepts(signer: &Signer, root: &TrustRoot, bytes: &[u8], json: &Value) -> bool {
    Signature::bundle(json.to_string().as_bytes())
        .and_then(|signature| signer.check(root, Artifact::Bytes(bytes), &signature))
        .is_ok()
}

/// The leaves of which some change was accepted, and how many changes were tried.
fn accepted(name: &str, signer: &Signer) -> (Vec<String>, usize) {
    let (root, bytes) = (root("trusted_root.json"), read("echo.wasm"));
    let json: Value = serde_json::from_slice(&read(&format!("{name}.sigstore.json"))).unwrap();
    assert!(accepts(signer, &root, &bytes, &json), "{name}");
    let mut tried = 0;
    let mut out = Vec::new();
    for leaf in leaves(&json) {
        let mut changes = mutants(&leaf.value);
        let removed = without(&json, &leaf.pointer);
        changes.iter_mut().for_each(|mutant| {
            let mut changed = json.clone();
            *changed.pointer_mut(&leaf.pointer).unwrap() = mutant.take();
            *mutant = changed;
        });
        changes.push(removed);
        tried += changes.len();
        if changes.iter().any(|changed| accepts(signer, &root, &bytes, changed)) {
            out.push(leaf.pointer);
        }
    }
    (out, tried)
}

fn without(json: &Value, pointer: &str) -> Value {
    let mut json = json.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match json.pointer_mut(parent).unwrap() {
        Value::Object(fields) => drop(fields.remove(key)),
        Value::Array(items) => drop(items.remove(key.parse().unwrap())),
        _ => unreachable!(),
    }
    json
}

/// What nobody signs, and what therefore decides nothing.
///
/// A bundle without a media type is read as version 0.1, a key is found without its hint, and Rekor 2
/// repeats in an entry what its signed checkpoint says.
const UNSIGNED: [&str; 6] = [
    "/mediaType",
    "/verificationMaterial/publicKey/hint",
    "/verificationMaterial/tlogEntries/0/logId/keyId",
    "/verificationMaterial/tlogEntries/0/inclusionProof/logIndex",
    "/verificationMaterial/tlogEntries/0/inclusionProof/rootHash",
    "/verificationMaterial/tlogEntries/0/inclusionProof/treeSize",
];

#[test]
fn only_what_nobody_signs_may_change() {
    let bare = by_key("test-key.pub", LogRule::None);
    let logged = MATRIX.into_iter().map(|name| (name, whose(name)));
    for (name, signer) in logged.chain([("what-sign", ci()), ("key-bare-blob", bare.clone()), ("key-bare-sbom", bare)])
    {
        let (accepted, tried) = accepted(name, &signer);
        assert!(tried > 50, "{name}: {tried}");
        for pointer in accepted {
            let repeated = pointer.contains("tlogEntries");
            assert!(UNSIGNED.contains(&pointer.as_str()), "{name}: {pointer} may change");
            assert!(!repeated || name.contains("rekor2") || name == "what-sign", "{name}: {pointer} may change");
        }
    }
}

/// In Rekor 2 an entry may name any log. It must not matter to what a log's validity says.
#[test]
fn an_ended_log_cannot_be_renamed() {
    let (root, bytes) = (root("trusted_root.log-ended.json"), read("echo.wasm"));
    for name in ["rekor2-tsa-keyless-blob", "rekor2-tsa-key-blob"] {
        let json: Value = serde_json::from_slice(&read(&format!("{name}.sigstore.json"))).unwrap();
        let leaf = "/verificationMaterial/tlogEntries/0/logId/keyId";
        for mutant in mutants(json.pointer(leaf).unwrap()) {
            let mut changed = json.clone();
            *changed.pointer_mut(leaf).unwrap() = mutant;
            assert!(!accepts(&whose(name), &root, &bytes, &changed), "{name}");
        }
    }
}

/// Through the whole of each part, not only at a few places.
#[test]
fn no_bit_of_a_signed_part_may_flip() {
    let (root, bytes) = (root("trusted_root.json"), read("echo.wasm"));
    let json: Value = serde_json::from_slice(&read("rekor1-keyless-blob.sigstore.json")).unwrap();
    let entry = "/verificationMaterial/tlogEntries/0";
    for leaf in [
        "/messageSignature/signature".to_owned(),
        "/verificationMaterial/certificate/rawBytes".to_owned(),
        format!("{entry}/canonicalizedBody"),
        format!("{entry}/inclusionPromise/signedEntryTimestamp"),
        format!("{entry}/inclusionProof/checkpoint/envelope"),
    ] {
        let text = json.pointer(&leaf).unwrap().as_str().unwrap();
        let envelope = leaf.ends_with("envelope");
        // Of a signed note, the name before each signature is nobody's word.
        let name = if envelope { text.find("\n\n").unwrap()..text.rfind(' ').unwrap() } else { 0..0 };
        let part = if envelope { text.as_bytes().to_vec() } else { BASE64.decode(text).unwrap() };
        for at in (0..part.len()).step_by(7).filter(|at| !name.contains(at)) {
            let mut flipped = part.clone();
            flipped[at] ^= 1;
            let mut changed = json.clone();
            let flipped = if envelope { String::from_utf8(flipped).ok() } else { Some(BASE64.encode(flipped)) };
            let Some(flipped) = flipped else { continue };
            *changed.pointer_mut(&leaf).unwrap() = flipped.into();
            assert!(!accepts(&ci(), &root, &bytes, &changed), "{leaf} {at}");
        }
    }
}

#[test]
fn one_bit_of_the_artefact_is_another_artefact() {
    let root = root("trusted_root.json");
    let bytes = read("echo.wasm");
    for name in MATRIX {
        let (signer, signature) = (whose(name), bundle(name));
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            signer.check(&root, Artifact::Bytes(&changed), &signature).expect_err(name);
        }
        signer.check(&root, Artifact::Bytes(&bytes[1..]), &signature).expect_err(name);
        signer.check(&root, Artifact::Bytes(&[]), &signature).expect_err(name);
    }
}
