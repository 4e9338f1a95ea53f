//! Signatures and components that somebody had their hands on.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    bench::{Bench, CI, ops, policy, with_more},
    fixture,
};

const BY_CI: &str = r#"{ any_of = ["ci"] }"#;
const BY_OPS: &str = r#"{ any_of = ["ops"] }"#;

/// A bundle of the fixtures, changed.
fn changed(bundle: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let before: Value = serde_json::from_slice(&fixture(&format!("{bundle}.sigstore.json"))).unwrap();
    let mut after = before.clone();
    change(&mut after);
    assert_ne!(before, after, "nothing was changed");
    after.to_string().into_bytes()
}

/// The part at `place` with one bit of its last byte but `from_end` flipped.
fn flip(bundle: &mut Value, place: &str, from_end: usize) {
    let part = bundle.pointer_mut(place).unwrap_or_else(|| panic!("the bundle has no {place}"));
    let mut bytes = STANDARD.decode(part.as_str().unwrap()).unwrap();
    let at = bytes.len() - 1 - from_end;
    bytes[at] ^= 1;
    *part = json!(STANDARD.encode(bytes));
}

#[test]
fn without_its_signature_a_component_is_unsigned() {
    let mut bench = Bench::new(&policy(BY_CI, "", CI));
    bench.bundle("rekor2-tsa-keyless-blob").accepted(&["ci"]);
    bench.verify("its bundle was deleted", "echo.wasm", &[]).refused("unsigned");
    let bundle = fixture("rekor2-tsa-keyless-blob.sigstore.json");
    bench.verify("under a name that nobody looks for", "echo.wasm", &[(".bundle", &bundle)]).refused("unsigned");
    bench
        .verify("a bare signature in its place", "echo.wasm", &[(".sig", &fixture("echo.wasm.sig"))])
        .refused("wrong-signer");
    bench.golden("trust-unsigned.txt");
}

#[test]
fn one_bit_of_a_component_is_enough() {
    let echo = fixture("echo.wasm");
    let bundle = fixture("rekor2-tsa-keyless-blob.sigstore.json");
    let beside: [(&str, &[u8]); 1] = [(".sigstore.json", &bundle)];
    let mut bench = Bench::new(&policy(BY_CI, "", CI));
    bench.verify_bytes("as it was signed", &echo, &beside).accepted(&["ci"]);
    for at in [8, echo.len() / 2, echo.len() - 1] {
        let mut forged = echo.clone();
        forged[at] ^= 1;
        bench.verify_bytes(&format!("byte {at}"), &forged, &beside).refused("wrong-artifact");
    }
    bench.verify_bytes("a section more", &with_more(&echo), &beside).refused("wrong-artifact");
    bench.verify_bytes("cut short", &echo[..echo.len() - 1], &beside).refused("wrong-artifact");
    bench.verify_bytes("empty", b"", &beside).refused("wrong-artifact");
    bench.say("by a key");
    bench.policy(&policy(BY_OPS, "", &ops("none")));
    let bare = fixture("key-bare-blob.sigstore.json");
    let raw = fixture("echo.wasm.sig");
    for (suffix, bytes, reason) in [(".sigstore.json", &bare, "wrong-artifact"), (".sig", &raw, "bad-signature")] {
        bench.verify_bytes(suffix, &echo, &[(suffix, bytes)]).accepted(&["ops"]);
        bench.verify_bytes(suffix, &with_more(&echo), &[(suffix, bytes)]).refused(reason);
    }
    // A bundle that does not say what it is of is held against what lies there.
    let undigested = changed("key-bare-blob", |b| {
        b["messageSignature"].as_object_mut().unwrap().remove("messageDigest");
    });
    let beside: [(&str, &[u8]); 1] = [(".sigstore.json", &undigested)];
    bench.verify_bytes("without a digest", &echo, &beside).accepted(&["ops"]);
    bench.verify_bytes("without a digest, a section more", &with_more(&echo), &beside).refused("bad-signature");
    bench.golden("trust-forged-component.txt");
}

#[test]
fn one_bit_of_a_bundle_is_enough() {
    const LOG: &str = "/verificationMaterial/tlogEntries/0";
    let places: [(&str, &str, usize); 9] = [
        ("rekor2-tsa-keyless-blob", "/messageSignature/signature", 0),
        ("rekor2-tsa-keyless-blob", "/messageSignature/messageDigest/digest", 0),
        ("rekor2-tsa-keyless-blob", "/verificationMaterial/certificate/rawBytes", 0),
        ("rekor2-tsa-keyless-blob", "/verificationMaterial/certificate/rawBytes", 200),
        ("rekor2-tsa-keyless-blob", "/verificationMaterial/tlogEntries/0/canonicalizedBody", 20),
        ("rekor2-tsa-keyless-blob", "/verificationMaterial/tlogEntries/0/inclusionProof/hashes/0", 0),
        (
            "rekor2-tsa-keyless-blob",
            "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp",
            0,
        ),
        ("rekor1-keyless-blob", "/verificationMaterial/tlogEntries/0/inclusionPromise/signedEntryTimestamp", 0),
        ("rekor1-key-blob", "/messageSignature/signature", 0),
    ];
    let signers = format!("{CI}{}", ops("required"));
    let mut bench = Bench::new(&policy(r#"{ any_of = ["ci", "ops"] }"#, "", &signers));
    let mut refused = |what: String, forged: &[u8]| {
        let verdict = bench.verify(&what, "echo.wasm", &[(".sigstore.json", forged)]);
        assert_eq!((verdict.0.code, verdict.0.err.as_str()), (Some(1), ""), "{what}: {}", verdict.0.out);
        assert!(verdict.0.out.contains(" is refused ("), "{what}: {}", verdict.0.out);
    };
    for (bundle, place, from_end) in places {
        refused(format!("{bundle}{place}"), &changed(bundle, |b| flip(b, place, from_end)));
    }
    let checkpoint = format!("{LOG}/inclusionProof/checkpoint/envelope");
    let forged = changed("rekor2-tsa-keyless-blob", |b| {
        let text = b.pointer_mut(&checkpoint).unwrap();
        *text = json!(text.as_str().unwrap().replacen('2', "3", 1));
    });
    refused("the checkpoint".into(), &forged);
    let forged =
        changed("rekor1-keyless-blob", |b| b.pointer_mut(LOG).unwrap()["integratedTime"] = json!("1795253000"));
    refused("the time of the log".into(), &forged);
    // The pieces of two good bundles are no good bundle.
    let other: Value = serde_json::from_slice(&fixture("who-branch.sigstore.json")).unwrap();
    let certificate = "/verificationMaterial/certificate";
    let forged = changed("rekor2-tsa-keyless-blob", |b| {
        *b.pointer_mut(certificate).unwrap() = other.pointer(certificate).unwrap().clone();
    });
    refused("the certificate of another signature".into(), &forged);
    for (bundle, signer) in
        [("rekor2-tsa-keyless-blob", "ci"), ("rekor1-keyless-blob", "ci"), ("rekor1-key-blob", "ops")]
    {
        bench.bundle(bundle).accepted(&[signer]);
    }
    bench.golden("trust-forged-bundle.txt");
}

#[test]
fn a_log_entry_that_is_wanted_cannot_be_left_out() {
    let stripped = |bundle: &str, part: &'static str| {
        changed(bundle, |b| {
            b["verificationMaterial"].as_object_mut().unwrap().remove(part);
        })
    };
    let mut bench = Bench::new(&policy(BY_CI, "", CI));
    let refused = |bench: &mut Bench, bundle: &str, part: &'static str| {
        let bytes = stripped(bundle, part);
        let verdict = bench.verify(&format!("{bundle} without {part}"), "echo.wasm", &[(".sigstore.json", &bytes)]);
        verdict.refused("not-logged");
    };
    refused(&mut bench, "rekor1-keyless-blob", "tlogEntries");
    refused(&mut bench, "rekor1-tsa-keyless-blob", "tlogEntries");
    refused(&mut bench, "rekor2-tsa-keyless-blob", "tlogEntries");
    // A version 2 log tells no time of its own.
    let unstamped = stripped("rekor2-tsa-keyless-blob", "timestampVerificationData");
    let beside: [(&str, &[u8]); 1] = [(".sigstore.json", &unstamped)];
    bench.verify("rekor2-tsa-keyless-blob without its stamp", "echo.wasm", &beside).refused("outside-validity");
    bench.bundle("rekor1-keyless-blob").accepted(&["ci"]);
    bench.policy(&policy(BY_OPS, "", &ops("required")));
    refused(&mut bench, "rekor1-key-blob", "tlogEntries");
    refused(&mut bench, "rekor2-tsa-key-blob", "tlogEntries");
    bench.bundle("rekor1-key-blob").accepted(&["ops"]);
    bench.say("log = none");
    bench.policy(&policy(BY_OPS, "", &ops("none")));
    let bytes = stripped("rekor1-key-blob", "tlogEntries");
    bench.verify("rekor1-key-blob without tlogEntries", "echo.wasm", &[(".sigstore.json", &bytes)]).accepted(&["ops"]);
    bench.golden("trust-log-stripped.txt");
}

#[test]
fn what_is_no_signature_is_told_apart() {
    let bundle = fixture("rekor2-tsa-keyless-blob.sigstore.json");
    let mut bench = Bench::new(&policy(BY_CI, "", CI));
    let newer = String::from_utf8(bundle.clone())
        .unwrap()
        .replace("v0.3+json", "v0.9+json")
        .replace("version=0.3", "version=0.9");
    let broken: [(&str, Vec<u8>, &str); 7] = [
        ("empty", Vec::new(), "unreadable-signature"),
        ("no JSON", b"\0\xff\x1b[31m not a bundle".to_vec(), "unreadable-signature"),
        ("no bundle", b"{\"a\":1}".to_vec(), "unreadable-signature"),
        ("cut short", bundle[..bundle.len() / 2].to_vec(), "unreadable-signature"),
        ("nested", [vec![b'['; 100_000], vec![b']'; 100_000]].concat(), "unreadable-signature"),
        ("of a later version", newer.into_bytes(), "unsupported-format"),
        ("twice in one file", [bundle.clone(), bundle.clone()].concat(), "unreadable-signature"),
    ];
    for (what, bytes, reason) in broken {
        let verdict = bench.verify(what, "echo.wasm", &[(".sigstore.json", &bytes)]);
        assert!(!verdict.0.out.contains('\x1b'), "{what}: {:?}", verdict.0.out);
        verdict.refused(reason);
    }
    bench.policy(&policy(BY_OPS, "", &ops("none")));
    let raw: [(&str, &[u8]); 4] =
        [("no base64", b"not base64!"), ("an empty one", b""), ("zeros", b"AAAA"), ("two lines", b"AAAA\nAAAA\n")];
    for (what, bytes) in raw {
        let verdict = bench.verify(what, "echo.wasm", &[(".sig", bytes)]);
        assert_eq!(verdict.0.code, Some(1), "{what}: {}", verdict.0.out);
    }
    // A line end that editors and echo add is no part of it.
    let ended = [fixture("echo.wasm.sig"), b"\r\n".to_vec()].concat();
    bench.verify("with a line end", "echo.wasm", &[(".sig", &ended)]).accepted(&["ops"]);
    bench.golden("trust-unreadable.txt");
}

#[test]
fn a_signature_has_a_mebibyte_and_no_byte_more() {
    const MOST: usize = 1 << 20;
    let bundle = fixture("rekor2-tsa-keyless-blob.sigstore.json");
    let padded = |size: usize| [bundle.clone(), vec![b' '; size - bundle.len()]].concat();
    let mut bench = Bench::new(&policy(BY_CI, "", CI));
    bench.verify("just fits", "echo.wasm", &[(".sigstore.json", &padded(MOST))]).accepted(&["ci"]);
    bench.verify("one byte more", "echo.wasm", &[(".sigstore.json", &padded(MOST + 1))]).refused("read");
    // Not even beside a good one: what is not read cannot be judged.
    let both: [(&str, &[u8]); 2] = [(".sigstore.json", &bundle), (".x.sigstore.json", &padded(64 * MOST))];
    bench.verify("a large one beside a good one", "echo.wasm", &both).refused("read");
    bench.golden("trust-large.txt");
}

#[test]
fn a_component_has_sixteen_signatures_and_no_more() {
    let bundle = fixture("rekor2-tsa-keyless-blob.sigstore.json");
    let suffixes: Vec<String> = (0..17).map(|at| format!(".{at}.sigstore.json")).collect();
    let all: Vec<(&str, &[u8])> = suffixes.iter().map(|s| (s.as_str(), bundle.as_slice())).collect();
    let mut bench = Bench::new(&policy(BY_CI, "", CI));
    bench.verify("sixteen", "echo.wasm", &all[..16]).accepted(&["ci"]);
    bench.verify("seventeen", "echo.wasm", &all).refused("read");
    bench.golden("trust-many.txt");
}
