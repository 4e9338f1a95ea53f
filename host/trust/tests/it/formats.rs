//! What verifies, and what only looks like it.

use cofferdam_trust::{Artifact, Defect, Identity, LARGEST_SIGNATURE, LogRule, Signature, Signer, Statement};

use crate::fixtures::{
    GITHUB, IDENTITY, MATRIX, SLSA, bundle, by_key, check, ci, key, over_echo, read, refused, root, text, whose,
};

#[test]
fn every_format_verifies_for_its_signer() {
    for name in MATRIX {
        let proof = over_echo(&whose(name), name).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(proof.logged, "{name}");
        assert_eq!(proof.signed_at.unwrap().to_string()[..13], *"2026-11-21T09", "{name}");
        let statement = match name.ends_with("slsa") {
            true => Statement::Attestation { predicate: SLSA.to_owned() },
            false => Statement::Signature,
        };
        assert_eq!(proof.statement, statement, "{name}");
        let claims: Vec<&str> = proof.claims.iter().flat_map(|(name, said)| [name.as_str(), said.as_str()]).collect();
        if name.contains("keyless") {
            let identity = Identity::Certificate { issuer: GITHUB.to_owned(), subject: IDENTITY.to_owned() };
            assert_eq!(proof.identity, identity, "{name}");
            let said = [
                ["build_trigger", "push"],
                ["runner_environment", "github-hosted"],
                ["source_repository_ref", "refs/tags/v1.4.0"],
                ["source_repository_uri", "https://github.com/acme/plugins"],
            ];
            assert_eq!(claims, said.concat(), "{name}");
        } else {
            assert_eq!(proof.identity, Identity::Key { fingerprint: key("test-key.pub").fingerprint() }, "{name}");
            assert!(claims.is_empty(), "{name}");
        }
    }
}

#[test]
fn no_format_verifies_for_another_artefact() {
    for name in MATRIX {
        let result = check(&whose(name), &root("trusted_root.json"), "echo-old.wasm", &bundle(name));
        refused(result, "wrong-artifact");
    }
}

#[test]
fn no_format_verifies_for_another_key() {
    for name in MATRIX.into_iter().filter(|name| !name.contains("keyless")) {
        refused(over_echo(&by_key("test-key-other.pub", LogRule::Required), name), "bad-signature");
        refused(over_echo(&by_key("test-key-other.pub", LogRule::None), name), "bad-signature");
    }
}

#[test]
fn a_key_that_needs_no_log_is_not_helped_by_one() {
    for name in MATRIX.into_iter().filter(|name| !name.contains("keyless")) {
        let proof = over_echo(&by_key("test-key.pub", LogRule::None), name).unwrap();
        assert!(!proof.logged && proof.signed_at.is_none(), "{name}");
    }
}

#[test]
fn a_bare_key_signs_only_where_the_rule_asks_for_no_log() {
    let proof = over_echo(&by_key("test-key.pub", LogRule::None), "key-bare-blob").unwrap();
    assert_eq!((proof.statement, proof.logged, proof.signed_at), (Statement::Signature, false, None));
    refused(over_echo(&by_key("test-key.pub", LogRule::Required), "key-bare-blob"), "not-logged");
    let result = check(
        &by_key("test-key.pub", LogRule::None),
        &root("trusted_root.json"),
        "other.wasm",
        &bundle("key-bare-blob"),
    );
    refused(result, "wrong-artifact");
}

#[test]
fn a_bare_attestation_is_an_attestation() {
    let signer = by_key("test-key.pub", LogRule::None);
    let proof = over_echo(&signer, "key-bare-sbom").unwrap();
    assert_eq!(proof.statement, Statement::Attestation { predicate: "https://cyclonedx.org/bom".to_owned() });
    refused(over_echo(&by_key("test-key.pub", LogRule::Required), "key-bare-sbom"), "not-logged");
    let result = check(&signer, &root("trusted_root.json"), "other.wasm", &bundle("key-bare-sbom"));
    refused(result, "wrong-artifact");
}

#[test]
fn a_hint_decides_nothing() {
    for name in ["key-other-blob", "key-other-hint-lies"] {
        refused(over_echo(&by_key("test-key.pub", LogRule::None), name), "bad-signature");
        over_echo(&by_key("test-key-other.pub", LogRule::None), name).unwrap();
    }
}

#[test]
fn a_raw_signature_is_by_a_key_that_needs_no_log() {
    let raw = Signature::raw(&read("echo.wasm.sig")).unwrap();
    let root = root("trusted_root.json");
    let proof = check(&by_key("test-key.pub", LogRule::None), &root, "echo.wasm", &raw).unwrap();
    assert_eq!((proof.statement, proof.logged), (Statement::Signature, false));
    refused(check(&by_key("test-key.pub", LogRule::Required), &root, "echo.wasm", &raw), "not-logged");
    refused(check(&by_key("test-key-other.pub", LogRule::None), &root, "echo.wasm", &raw), "bad-signature");
    refused(check(&by_key("test-key.pub", LogRule::None), &root, "echo-old.wasm", &raw), "bad-signature");
    refused(check(&ci(), &root, "echo.wasm", &raw), "wrong-signer");
}

#[test]
fn a_raw_signature_is_one_line_of_base64() {
    for wrong in [&b""[..], b"\n", b"no base64!", &read("echo.wasm"), &b"A".repeat(20_000), &read("test-key.pub")] {
        assert_eq!(Signature::raw(wrong).unwrap_err().label(), "unreadable-signature");
    }
    let once_more = [b"  ".as_slice(), &read("echo.wasm.sig"), b"\r\n"].concat();
    Signature::raw(&once_more).unwrap();
}

#[test]
fn the_old_bundle_of_cosign_names_the_way_out() {
    let defect = Signature::bundle(&read("cosign2-old-bundle.json")).unwrap_err();
    assert_eq!(defect.label(), "unsupported-format");
    assert!(defect.mend().contains("cosign bundle create --artifact"), "{}", defect.mend());
}

#[test]
fn a_later_bundle_is_unsupported_and_other_texts_are_none() {
    let later = String::from_utf8(read("key-bare-blob.sigstore.json")).unwrap().replace("v0.3", "v9.9");
    assert_eq!(Signature::bundle(later.as_bytes()).unwrap_err().label(), "unsupported-format");
    let deep = [b"[".repeat(200_000), b"]".repeat(200_000)].concat();
    let deep_inside = format!("{{\"x\":{}1{}}}", "[".repeat(200_000), "]".repeat(200_000));
    let large = vec![b' '; usize::try_from(LARGEST_SIGNATURE).unwrap() + 1];
    for wrong in [
        &b""[..],
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        &read("echo.wasm"),
        &read("sbom.json"),
        &deep,
        deep_inside.as_bytes(),
        &large,
    ] {
        assert_eq!(Signature::bundle(wrong).unwrap_err().label(), "unreadable-signature");
    }
}

#[test]
fn parts_are_counted_before_they_are_verified() {
    let mut json: serde_json::Value = serde_json::from_slice(&read("rekor1-tsa-key-blob.sigstore.json")).unwrap();
    for list in
        ["/verificationMaterial/tlogEntries", "/verificationMaterial/timestampVerificationData/rfc3161Timestamps"]
    {
        let mut many = json.clone();
        let parts = many.pointer_mut(list).unwrap().as_array_mut().unwrap();
        *parts = vec![parts[0].clone(); 17];
        let defect = Signature::bundle(many.to_string().as_bytes()).unwrap_err();
        assert!(defect.to_string().contains("more than 16"), "{defect}");
    }
    // Both media types of version 0.3.
    json["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.3".into();
    Signature::bundle(json.to_string().as_bytes()).unwrap();
}

#[test]
fn a_key_and_a_certificate_do_not_stand_in_for_each_other() {
    for (signer, name) in [
        (by_key("test-key.pub", LogRule::Required), "rekor1-keyless-blob"),
        (by_key("test-key.pub", LogRule::None), "rekor1-keyless-blob"),
        (ci(), "rekor1-key-blob"),
        (ci(), "key-bare-blob"),
    ] {
        let defect = refused(over_echo(&signer, name), "wrong-signer");
        let Defect::WrongSigner { found, rule } = &defect else { panic!("{defect}") };
        assert!(found.contains("signed with a"), "{defect}");
        assert!(rule.starts_with(&format!("signer {} wants ", signer.name)), "{defect}");
    }
}

#[test]
fn a_stripped_log_is_a_missing_log() {
    for name in ["rekor1-keyless-blob", "rekor1-tsa-keyless-blob", "rekor1-tsa-key-blob", "rekor2-tsa-key-blob"] {
        let mut json: serde_json::Value = serde_json::from_slice(&read(&format!("{name}.sigstore.json"))).unwrap();
        json["verificationMaterial"]["tlogEntries"] = serde_json::json!([]);
        let stripped = Signature::bundle(json.to_string().as_bytes()).unwrap();
        let result = whose(name).check(&root("trusted_root.json"), Artifact::Bytes(&read("echo.wasm")), &stripped);
        refused(result, "not-logged");
    }
}

#[test]
fn a_bundle_holds_one_signature_by_one_signer() {
    let mut both: serde_json::Value = serde_json::from_slice(&read("key-bare-blob.sigstore.json")).unwrap();
    let sbom: serde_json::Value = serde_json::from_slice(&read("key-bare-sbom.sigstore.json")).unwrap();
    both["dsseEnvelope"] = sbom["dsseEnvelope"].clone();
    assert_eq!(Signature::bundle(both.to_string().as_bytes()).unwrap_err().label(), "unreadable-signature");
    let mut signers: serde_json::Value = serde_json::from_slice(&read("rekor1-keyless-blob.sigstore.json")).unwrap();
    signers["verificationMaterial"]["publicKey"] = serde_json::json!({ "hint": "" });
    assert_eq!(Signature::bundle(signers.to_string().as_bytes()).unwrap_err().label(), "unreadable-signature");
    let twice = text("key-bare-blob.sigstore.json").replacen('{', "{\"mediaType\":\"x\",", 1);
    assert_eq!(Signature::bundle(twice.as_bytes()).unwrap_err().label(), "unreadable-signature");
}

/// The messages as an operator reads them; changing one is a decision.
#[test]
fn a_defect_says_what_was_found_and_what_was_wanted() {
    let says = |signer: &Signer, name: &str| over_echo(signer, name).unwrap_err().to_string();
    assert_eq!(
        says(&ci(), "who-owner-prefix"),
        "it was signed by https://github.com/acme-evil/plugins/.github/workflows/release.yml@refs/tags/v1.4.0 (issuer \
         https://token.actions.githubusercontent.com), and signer ci wants repository acme/plugins"
    );
    assert_eq!(
        says(&ci(), "rekor1-key-blob"),
        "it was signed with a bare key, which names nobody, and signer ci wants a certificate of a workflow of \
         repository acme/plugins"
    );
    let ops = by_key("test-key.pub", LogRule::Required);
    let fingerprint = key("test-key.pub").fingerprint();
    assert_eq!(
        says(&ops, "rekor1-keyless-blob"),
        format!(
            "it was signed with a certificate, not with a bare key, and signer ops-key wants key sha256:{fingerprint}"
        )
    );
    assert_eq!(says(&ops, "key-bare-blob"), "the signature is not in a transparency log: the bundle has no log entry");
    assert_eq!(
        says(&by_key("test-key.pub", LogRule::None), "key-other-blob"),
        format!(
            "the signature is not good: key sha256:{fingerprint} did not make it, or the file or the signature was \
             changed since"
        )
    );
    assert_eq!(
        says(&ci(), "when-tsa-after-cert"),
        "the signature was not made in time: its certificate was not valid when it was logged or stamped"
    );
}
