//! Every row of the fixtures' own README, through `cofferdam verify`.

use super::{
    bench::{ALICE, Bench, CI, key, ops, policy, policy_of},
    fixture,
};

const BY_CI: &str = r#"{ any_of = ["ci"] }"#;
const BY_OPS: &str = r#"{ any_of = ["ops"] }"#;

const LAYOUTS: [&str; 3] = ["rekor1", "rekor1-tsa", "rekor2-tsa"];

#[test]
fn every_format_that_cosign_writes_is_read() {
    let mut bench = Bench::new(&policy(BY_CI, "", CI));
    for layout in LAYOUTS {
        bench.bundle(&format!("{layout}-keyless-blob")).accepted(&["ci"]);
        bench.bundle(&format!("{layout}-keyless-slsa")).refused("not-a-signature");
        bench.bundle(&format!("{layout}-key-blob")).refused("wrong-signer");
        bench.with_bundle("echo-old.wasm", &format!("{layout}-keyless-blob")).refused("wrong-artifact");
        bench.with_bundle("echo-old.wasm", &format!("{layout}-keyless-slsa")).refused("wrong-artifact");
    }
    bench.golden("trust-formats.txt");
}

#[test]
fn a_key_counts_with_its_log_entry_and_without_only_where_the_policy_says_so() {
    let mut bench = Bench::new("version = 1\n");
    for log in ["required", "none"] {
        let (required, none) = (log == "required", log == "none");
        bench.policy(&policy(BY_OPS, "", &ops(log)));
        bench.say(&format!("log = {log}"));
        for layout in LAYOUTS {
            bench.bundle(&format!("{layout}-key-blob")).accepted(&["ops"]);
            bench.bundle(&format!("{layout}-key-slsa")).refused("not-a-signature");
            bench.bundle(&format!("{layout}-keyless-blob")).refused("wrong-signer");
            for kind in ["blob", "slsa"] {
                let another = bench.with_bundle("echo-old.wasm", &format!("{layout}-key-{kind}"));
                another.refused("wrong-artifact");
            }
        }
        let bare = bench.bundle("key-bare-blob");
        let raw = bench.verify("echo.wasm.sig", "echo.wasm", &[(".sig", &fixture("echo.wasm.sig"))]);
        let attestation = bench.bundle("key-bare-sbom");
        if none {
            bare.accepted(&["ops"]);
            raw.accepted(&["ops"]);
            attestation.refused("not-a-signature");
        }
        if required {
            bare.refused("not-logged");
            raw.refused("not-logged");
            attestation.refused("not-logged");
        }
    }
    bench.golden("trust-keys.txt");
}

#[test]
fn another_key_is_refused_whatever_its_hint_says() {
    let mut bench = Bench::new(&policy(BY_OPS, "", &ops("none")));
    bench.bundle("key-other-blob").refused("bad-signature");
    bench.bundle("key-other-hint-lies").refused("bad-signature");
    bench
        .verify("old.wasm, echo.wasm.sig", "echo-old.wasm", &[(".sig", &fixture("echo.wasm.sig"))])
        .refused("bad-signature");
    bench.policy(&policy(BY_OPS, "", &ops("required")));
    bench.bundle("key-other-blob").refused("not-logged");
    bench.say("the policy names the other key");
    for log in ["none", "required"] {
        bench.policy(&policy(r#"{ any_of = ["other"] }"#, "", &key("other", "test-key-other.pub", log)));
        for layout in LAYOUTS {
            bench.bundle(&format!("{layout}-key-blob")).refused("bad-signature");
        }
    }
    bench.policy(&policy(r#"{ any_of = ["other"] }"#, "", &key("other", "test-key-other.pub", "none")));
    bench.bundle("key-other-blob").accepted(&["other"]);
    bench.bundle("key-other-hint-lies").accepted(&["other"]);
    bench.bundle("key-bare-blob").refused("bad-signature");
    bench.golden("trust-other-key.txt");
}

#[test]
fn the_old_bundle_of_cosign_is_told_how_to_be_converted() {
    let old = fixture("cosign2-old-bundle.json");
    let mut bench = Bench::new(&policy(BY_OPS, "", &ops("none")));
    let verdict = bench.verify("cosign2-old-bundle", "echo.wasm", &[(".sigstore.json", &old)]);
    verdict.refused("unsupported-format");
    assert!(verdict.0.out.contains("cosign bundle create"), "{}", verdict.0.out);
    bench.bundle("key-bare-blob").accepted(&["ops"]);
    bench.golden("trust-old-bundle.txt");
}

/// Sound signatures by somebody who is not the workflow of the policy.
const SOMEBODY_ELSE: [&str; 13] = [
    "who-repo-prefix",
    "who-owner-prefix",
    "who-other-workflow",
    "who-workflow-suffix",
    "who-branch",
    "who-tag-suffix",
    "who-pull-request",
    "who-self-hosted",
    "who-claims-differ",
    "who-no-claims",
    "who-other-issuer",
    "who-email",
    "who-email-as-uri",
];

#[test]
fn a_sound_signature_by_somebody_else_is_refused() {
    let mut bench = Bench::new(&policy(BY_CI, "", CI));
    for bundle in SOMEBODY_ELSE {
        bench.bundle(bundle).refused("wrong-signer");
    }
    bench.bundle("rekor2-tsa-keyless-blob").accepted(&["ci"]);
    bench.golden("trust-who.txt");
}

#[test]
fn an_address_is_believed_as_an_address_alone() {
    let mut bench = Bench::new(&policy(r#"{ any_of = ["alice"] }"#, "", ALICE));
    bench.bundle("who-email").accepted(&["alice"]);
    for bundle in SOMEBODY_ELSE.into_iter().filter(|b| *b != "who-email") {
        bench.bundle(bundle).refused("wrong-signer");
    }
    let uri = ALICE.replace("email =", "uri =");
    bench.say("the policy wants it as a URI");
    bench.policy(&policy(r#"{ any_of = ["alice"] }"#, "", &uri));
    bench.bundle("who-email").refused("wrong-signer");
    bench.bundle("who-email-as-uri").accepted(&["alice"]);
    bench.golden("trust-email.txt");
}

/// The release workflow's identity, as a signer that looks at nothing else.
const EXACT: &str = r#"
[[signer]]
name = "exact"
kind = "oidc"
issuer = "https://token.actions.githubusercontent.com"
uri = "https://github.com/acme/plugins/.github/workflows/release.yml@refs/tags/v1.4.0"
"#;

#[test]
fn an_exact_identity_is_the_whole_of_what_an_oidc_signer_asks() {
    let mut bench = Bench::new(&policy(r#"{ any_of = ["exact"] }"#, "", EXACT));
    for bundle in SOMEBODY_ELSE {
        let verdict = bench.bundle(bundle);
        // What a github-actions signer is for: here the identity is right, and the claims are not.
        match bundle {
            "who-self-hosted" | "who-claims-differ" | "who-no-claims" => verdict.accepted(&["exact"]),
            _ => verdict.refused("wrong-signer"),
        }
    }
    bench.bundle("rekor2-tsa-keyless-blob").accepted(&["exact"]);
    bench.golden("trust-exact.txt");
}

#[test]
fn a_prefix_of_identities_takes_no_look_alike() {
    let prefixed = |prefix: &str| {
        let signer = EXACT.replace("uri =", "uri_prefix =");
        let from = signer.rfind("https://github.com").unwrap();
        policy(r#"{ any_of = ["exact"] }"#, "", &format!("{}{prefix}\"\n", &signer[..from]))
    };
    let mut bench = Bench::new(&prefixed("https://github.com/acme/plugins/"));
    bench.bundle("rekor2-tsa-keyless-blob").accepted(&["exact"]);
    bench.bundle("who-branch").accepted(&["exact"]);
    bench.bundle("who-repo-prefix").refused("wrong-signer");
    bench.bundle("who-owner-prefix").refused("wrong-signer");
    bench.bundle("who-other-issuer").refused("wrong-signer");
    bench.bundle("who-email").refused("wrong-signer");
    bench.say("a prefix that stops in the middle of a name");
    for prefix in ["https://github.com/acme", "https://github.com/acme/plugins", "https://github.com/acme/plugins-", ""]
    {
        bench.policy(&prefixed(prefix));
        let verdict = bench.bundle("who-repo-prefix");
        assert_eq!((verdict.0.code, verdict.0.out.as_str()), (Some(1), ""), "{prefix}");
        assert!(verdict.0.err.contains("uri_prefix"), "{}", verdict.0.err);
    }
    bench.golden("trust-prefix.txt");
}

#[test]
fn what_was_signed_has_to_be_this_very_version_of_this_very_component() {
    let mut bench = Bench::new(&policy(BY_CI, "", CI));
    bench.bundle("what-old-version").refused("wrong-artifact");
    bench.bundle("what-other").refused("wrong-artifact");
    bench.bundle("what-sbom").refused("not-a-signature");
    bench.bundle("what-vuln").refused("not-a-signature");
    bench.bundle("what-sign").accepted(&["ci"]);
    bench.with_bundle("echo-old.wasm", "what-old-version").accepted(&["ci"]);
    bench.say("min_version = 1.4.0");
    bench.policy(&policy(BY_CI, "min_version = \"1.4.0\"", CI));
    bench.with_bundle("echo-old.wasm", "what-old-version").refused("too-old");
    bench.bundle("rekor2-tsa-keyless-blob").accepted(&["ci"]);
    bench.golden("trust-what.txt");
}

#[test]
fn a_component_cannot_run_under_the_name_of_another() {
    let mut bench = Bench::new(&policy(BY_CI, "", CI));
    bench.with_bundle("other.wasm", "what-other").refused("wrong-name");
    // Its own name is not in the policy's way.
    let other = fixture("what-other.sigstore.json");
    bench.lay(("acme-other.wasm", &fixture("other.wasm")), &[(".sigstore.json", &other)]);
    bench.policy(&policy(BY_CI, "", CI).replace("[trust]", "[trust]\nsigned_by = { any_of = [\"ci\"] }"));
    bench.run(&["verify", "acme-other.wasm"]).accepted(&["ci"]);
    bench.run(&["verify", "acme-other.wasm", "--name", "echo"]).refused("wrong-name");
    bench.run(&["verify", "acme-other.wasm", "--name", "acme-echo"]).refused("wrong-name");
    bench.say("without `component`, the name of the plugin is what it has to call itself");
    bench.policy(&policy(BY_CI, "", CI).replace("component = \"acme-echo\"\n", ""));
    bench.bundle("rekor2-tsa-keyless-blob").refused("wrong-name");
    bench.golden("trust-names.txt");
}

#[test]
fn a_signature_from_outside_the_validity_of_its_certificate_is_refused() {
    let mut bench = Bench::new(&policy(BY_CI, "", CI));
    bench.bundle("when-log-before-cert").refused("outside-validity");
    bench.bundle("when-tsa-before-cert").refused("outside-validity");
    bench.bundle("when-tsa-after-cert").refused("outside-validity");
    bench.bundle("when-tsa-in-validity").accepted(&["ci"]);
    bench.golden("trust-when.txt");
}

#[test]
fn an_authority_counts_for_what_was_signed_while_it_was_valid() {
    let mut bench = Bench::new("version = 1\n");
    let signers = format!("{CI}{}", ops("required"));
    // Which layouts are still good, for a certificate and for a key.
    let roots: [(&str, &[&str], &[&str]); 5] = [
        ("trusted_root.json", &LAYOUTS, &LAYOUTS),
        ("trusted_root.foreign.json", &[], &[]),
        ("trusted_root.ca-ended.json", &[], &LAYOUTS),
        ("trusted_root.tsa-ended.json", &["rekor1"], &["rekor1"]),
        // A version 2 log tells no time of its own: the timestamp stands for it.
        ("trusted_root.log-ended.json", &[], &[]),
    ];
    for (root, keyless, key) in roots {
        bench.say(root);
        bench.policy(&policy_of(root, r#"{ any_of = ["ci", "ops"] }"#, "", &signers));
        for layout in LAYOUTS {
            for (kind, signer, good) in [("keyless", "ci", keyless), ("key", "ops", key)] {
                let verdict = bench.bundle(&format!("{layout}-{kind}-blob"));
                if good.contains(&layout) {
                    verdict.accepted(&[signer]);
                } else {
                    assert_eq!(verdict.0.code, Some(1), "{root} {layout}-{kind}: {}", verdict.0.out);
                }
            }
        }
    }
    bench.say("a key that needs no log needs no authority either");
    bench.policy(&policy_of("trusted_root.foreign.json", BY_OPS, "", &ops("none")));
    bench.bundle("key-bare-blob").accepted(&["ops"]);
    bench.golden("trust-roots.txt");
}
