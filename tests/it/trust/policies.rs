//! Policies about trust that cannot mean what they say.

use std::fs;

use super::{
    bench::{ALICE, Bench, CI, key, ops, policy},
    fixtures,
};

const BY_CI: &str = r#"{ any_of = ["ci"] }"#;

#[test]
fn a_policy_that_would_trust_by_accident_is_no_policy() {
    let good = policy(BY_CI, "", CI);
    let with = |signed_by: &str, signers: &str| policy(signed_by, "", signers);
    let garbage = tempfile::NamedTempFile::new().unwrap();
    fs::write(garbage.path(), "no key").unwrap();
    let garbled = garbage.path().display().to_string();
    let public_key = fixtures().join("test-key.pub").display().to_string();
    let root = fixtures().join("trusted_root.json").display().to_string();
    let cases: Vec<(&str, String, &str)> = vec![
        ("an unknown signer", with(r#"{ any_of = ["ci", "bob"] }"#, CI), "no [[signer]] named bob"),
        ("unknown in all_of", with(r#"{ all_of = ["bob"] }"#, CI), "no [[signer]] named bob"),
        ("one signer twice", with(r#"{ any_of = ["ci", "ci"], min = 2 }"#, CI), "ci is there twice"),
        ("more than there are", with(r#"{ any_of = ["ci"], min = 2 }"#, CI), "min is 2, and any_of has 1"),
        ("none of them", with(r#"{ any_of = ["ci"], min = 0 }"#, CI), "min is 0, and any_of has 1"),
        ("min of nothing", with(r#"{ all_of = ["ci"], min = 1 }"#, CI), "min is 1, and any_of has 0"),
        ("a misspelt key", with(r#"{ anyof = ["ci"] }"#, CI), "did you mean `any_of`?"),
        (
            "one key, two names",
            with(BY_CI, &format!("{CI}{}{}", ops("required"), key("again", "test-key.pub", "none"))),
            "has the key of signer ops",
        ),
        (
            "one name, two signers",
            with(BY_CI, &format!("{CI}{}", ALICE.replace("alice\"", "ci\""))),
            "has an entry already",
        ),
        ("two entries for one plugin", format!("{good}\n[[plugin]]\nname = \"echo\"\n"), "echo"),
        (
            "a look-alike prefix",
            with(
                BY_CI,
                &format!(
                    "{CI}{}",
                    ALICE.replace("email = \"alice@example.com\"", "uri_prefix = \"https://github.com/acme\"")
                ),
            ),
            "is no prefix of identities",
        ),
        ("two subjects", with(BY_CI, &format!("{CI}{ALICE}uri = \"https://example.com/a\"\n")), "exactly one of"),
        ("no subject", with(BY_CI, &format!("{CI}{}", ALICE.replace("email", "# email"))), "exactly one of"),
        ("two stars", with(BY_CI, &CI.replace("v*", "**")), "is no pattern"),
        ("no reference", with(BY_CI, &CI.replace("ref =", "# ref =")), "needs it"),
        ("no repository's name", with(BY_CI, &CI.replace("acme/plugins\"", "acme\"")), "no owner/name"),
        ("of another kind", with(BY_CI, &format!("{CI}email = \"a@example.com\"\n")), "means nothing"),
        ("a key that is not there", with(BY_CI, &format!("{CI}{}", key("gone", "gone.pub", "none"))), "cannot read"),
        (
            "a key that is none",
            with(BY_CI, &format!("{CI}{}", ops("none").replace(&public_key, &garbled))),
            "public_key",
        ),
        ("a log that is neither", with(BY_CI, &format!("{CI}{}", ops("maybe"))), "maybe"),
        ("a root that is not there", good.replace("trusted_root.json", "gone.json"), "trust.root"),
        ("a root that is none", good.replace(&root, &garbled), "trust.root"),
        ("an unknown auto_update", policy(BY_CI, "auto_update = [\"bob\"]", CI), "no [[signer]] named bob"),
        ("an unknown first_sight", policy(BY_CI, "first_sight = \"maybe\"", CI), "maybe"),
        ("a short digest", format!("{good}\n[revoked]\nsha256 = [\"abc\"]\n"), "is not a sha256"),
        (
            "an attestation by nobody known",
            policy(BY_CI, "attestations = [{ predicate = \"p\", signed_by = \"bob\" }]", CI),
            "no [[signer]] named bob",
        ),
        ("warn instead of refuse", good.replace("[trust]", "[trust]\nmode = \"warn\""), "mode"),
    ];
    let mut bench = Bench::new(&good);
    bench.names.text(&garbled, "<garbage>");
    bench.run(&["policy", "check"]).0.code.filter(|c| *c == 0).expect("the policy that the others are made of");
    let mut accepted = Vec::new();
    for (what, policy, says) in &cases {
        bench.policy(policy);
        bench.say(what);
        let checked = bench.run(&["policy", "check"]).0;
        if checked.code == Some(0) {
            accepted.push(*what);
            continue;
        }
        assert!(checked.err.contains(says), "{what}: {says:?} in {}", checked.err);
        // Nothing is decided by such a policy.
        let verdict = bench.bundle("rekor2-tsa-keyless-blob").0;
        assert_eq!((verdict.code, verdict.out.as_str()), (Some(1), ""), "{what}: {}", verdict.err);
    }
    assert!(accepted.is_empty(), "{accepted:?}");
    bench.golden("trust-policy-bad.txt");
}

#[test]
fn a_signer_that_nobody_can_be_is_told() {
    let subject = |key: &str| ALICE.replace("email = \"alice@example.com\"", &format!("{key} = \"\""));
    let mut bench = Bench::new("version = 1\n");
    let mut accepted = Vec::new();
    for (key, signer) in [
        ("signer[1].email", subject("email")),
        ("signer[1].uri", subject("uri")),
        // It would be taken for the name of a repository.
        ("signer[1].repository", CI.replace("\"ci\"", "\"all\"").replace("acme/plugins\"", "acme/*\"")),
    ] {
        bench.policy(&policy(BY_CI, "", &format!("{CI}{signer}")));
        let checked = bench.run(&["policy", "check"]).0;
        if checked.code == Some(0) || !checked.err.contains(key) {
            accepted.push(key);
        }
    }
    assert!(accepted.is_empty(), "{accepted:?}");
}

#[test]
fn files_that_a_policy_names_are_beside_it() {
    let mut bench = Bench::new("version = 1\n");
    let written = policy(r#"{ any_of = ["ops"] }"#, "", &ops("required"));
    let directory = format!("{}/", fixtures().display());
    for file in ["trusted_root.json", "test-key.pub"] {
        bench.lay_file(file, &super::fixture(file));
    }
    bench.policy(&written.replace(&directory, ""));
    bench.bundle("rekor1-key-blob").accepted(&["ops"]);
    bench.policy(&written.replace(&directory, "elsewhere/"));
    let verdict = bench.bundle("rekor1-key-blob").0;
    assert!(verdict.code == Some(1) && verdict.err.contains("elsewhere/test-key.pub"), "{}", verdict.err);
}
