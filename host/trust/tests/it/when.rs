//! Signatures of the wrong time, and roots that have ended.

use cofferdam_trust::LogRule;

use crate::fixtures::{MATRIX, bundle, by_key, check, ci, over_echo, refused, root, whose};

#[test]
fn a_signature_is_made_while_its_certificate_is_valid() {
    over_echo(&ci(), "when-tsa-in-validity").unwrap();
    for name in ["when-log-before-cert", "when-tsa-before-cert", "when-tsa-after-cert"] {
        refused(over_echo(&ci(), name), "outside-validity");
    }
}

/// Which of the matrix a root takes.
fn taken(root_file: &str) -> Vec<&'static str> {
    let root = root(root_file);
    MATRIX.into_iter().filter(|name| check(&whose(name), &root, "echo.wasm", &bundle(name)).is_ok()).collect()
}

#[test]
fn the_root_takes_what_was_made_with_it() {
    assert_eq!(taken("trusted_root.json"), MATRIX);
}

#[test]
fn a_strangers_root_takes_nothing() {
    assert!(taken("trusted_root.foreign.json").is_empty());
    // Its names are the same; a key that needs no log needs no root.
    let proof = check(
        &by_key("test-key.pub", LogRule::None),
        &root("trusted_root.foreign.json"),
        "echo.wasm",
        &bundle("key-bare-blob"),
    );
    proof.unwrap();
}

#[test]
fn an_authority_that_has_ended_certifies_nothing() {
    let keys: Vec<&str> = MATRIX.into_iter().filter(|name| !name.contains("keyless")).collect();
    assert_eq!(taken("trusted_root.ca-ended.json"), keys);
    let result = check(&ci(), &root("trusted_root.ca-ended.json"), "echo.wasm", &bundle("rekor1-keyless-blob"));
    refused(result, "outside-validity");
}

#[test]
fn a_timestamp_authority_that_has_ended_stamps_nothing() {
    let unstamped: Vec<&str> = MATRIX.into_iter().filter(|name| !name.contains("tsa")).collect();
    assert_eq!(taken("trusted_root.tsa-ended.json"), unstamped);
}

/// Entries of Rekor 2 too, which carry no time of their own.
#[test]
fn a_log_that_has_ended_proves_nothing() {
    assert!(taken("trusted_root.log-ended.json").is_empty());
    for name in ["rekor2-tsa-keyless-blob", "rekor2-tsa-key-blob"] {
        refused(
            check(&whose(name), &root("trusted_root.log-ended.json"), "echo.wasm", &bundle(name)),
            "outside-validity",
        );
    }
}
