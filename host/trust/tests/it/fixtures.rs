//! The fixtures, and the rules they are read with.

use std::{fs, path::PathBuf};

use cofferdam_trust::{
    Artifact, Defect, Digest, GithubActions, LogRule, Proof, PublicKey, Rule, Signature, Signer, Subject, TrustRoot,
};

pub(crate) const GITHUB: &str = "https://token.actions.githubusercontent.com";
pub(crate) const IDENTITY: &str = "https://github.com/acme/plugins/.github/workflows/release.yml@refs/tags/v1.4.0";

/// The twelve that verify, without `.sigstore.json`.
pub(crate) const MATRIX: [&str; 12] = [
    "rekor1-keyless-blob",
    "rekor1-keyless-slsa",
    "rekor1-key-blob",
    "rekor1-key-slsa",
    "rekor1-tsa-keyless-blob",
    "rekor1-tsa-keyless-slsa",
    "rekor1-tsa-key-blob",
    "rekor1-tsa-key-slsa",
    "rekor2-tsa-keyless-blob",
    "rekor2-tsa-keyless-slsa",
    "rekor2-tsa-key-blob",
    "rekor2-tsa-key-slsa",
];

pub(crate) const SLSA: &str = "https://slsa.dev/provenance/v1";

pub(crate) fn read(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/sigstore").join(name);
    fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub(crate) fn text(name: &str) -> String {
    String::from_utf8(read(name)).unwrap()
}

pub(crate) fn bundle(name: &str) -> Signature {
    Signature::bundle(&read(&format!("{name}.sigstore.json"))).unwrap_or_else(|e| panic!("{name}: {e}"))
}

pub(crate) fn root(name: &str) -> TrustRoot {
    TrustRoot::from_json(&text(name)).unwrap()
}

pub(crate) fn key(name: &str) -> PublicKey {
    PublicKey::from_pem(&text(name)).unwrap()
}

pub(crate) fn signer(name: &str, rule: Rule) -> Signer {
    Signer { name: name.parse().unwrap(), rule }
}

/// The workflow that every keyless fixture but `who-*` is by.
pub(crate) fn ci() -> Signer {
    signer(
        "ci",
        Rule::GithubActions(GithubActions {
            repository: "acme/plugins".to_owned(),
            workflow: ".github/workflows/release.yml".to_owned(),
            reference: "refs/tags/v*".parse().unwrap(),
            runner: "github-hosted".to_owned(),
            triggers: vec!["push".to_owned(), "release".to_owned()],
        }),
    )
}

pub(crate) fn by_key(file: &str, log: LogRule) -> Signer {
    signer("ops-key", Rule::Key { key: key(file), log })
}

pub(crate) fn oidc(issuer: &str, subject: Subject) -> Signer {
    signer("alice", Rule::Oidc { issuer: issuer.to_owned(), subject })
}

/// The signer whose a fixture of the matrix is.
pub(crate) fn whose(name: &str) -> Signer {
    if name.contains("keyless") { ci() } else { by_key("test-key.pub", LogRule::Required) }
}

/// Checks a bundle over the bytes of an artefact and over their digest, which must agree.
pub(crate) fn check(signer: &Signer, root: &TrustRoot, artifact: &str, signature: &Signature) -> Result<Proof, Defect> {
    let bytes = read(artifact);
    let by_bytes = signer.check(root, Artifact::Bytes(&bytes), signature);
    let by_digest = signer.check(root, Artifact::Digest(Digest::of(&bytes)), signature);
    assert_eq!(by_bytes, by_digest, "{artifact}");
    by_bytes
}

/// Checks a bundle over `echo.wasm` with the root it was made with.
pub(crate) fn over_echo(signer: &Signer, name: &str) -> Result<Proof, Defect> {
    check(signer, &root("trusted_root.json"), "echo.wasm", &bundle(name))
}

#[track_caller]
pub(crate) fn refused(result: Result<Proof, Defect>, label: &str) -> Defect {
    let defect = result.expect_err(label);
    assert_eq!(defect.label(), label, "{defect}");
    defect
}
