//! With real cosign: what it attaches is found, and what is attached here it verifies.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Output},
};

use cofferdam_registry::FoundSignature;

use crate::{
    content::{impatient, reference},
    process::{Server, program},
};

/// Cosign with a directory of its own for all that it keeps.
fn cosign(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program("cosign"));
    command.args(arguments).current_dir(home).env("HOME", home).env("COSIGN_PASSWORD", "test");
    command.output().unwrap()
}

fn done(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn there_and_back() {
    let server = Server::start().await;
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    done(&cosign(home, &["generate-key-pair", "--output-key-prefix", "key"]));
    // Without any service named, nothing is asked of the network.
    done(&cosign(home, &["signing-config", "create", "--out", "none.json"]));
    let roots = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/sigstore/trusted_root.json");
    let roots = roots.to_str().unwrap();

    let (registry, signed) = (impatient(), reference(&server.registry, "1"));
    let digest = registry.push(&signed, b"component", &BTreeMap::new()).await.unwrap();
    let image = format!("{}/acme/echo@sha256:{digest}", server.registry);
    done(&cosign(
        home,
        &["sign", "--yes", "--trusted-root", roots, "--signing-config", "none.json", "--key", "key.key", &image],
    ));
    let found = registry.signatures(&signed, digest).await.unwrap();
    let [FoundSignature::Bundle(bundle)] = found.as_slice() else { panic!("{found:?}") };

    // The same component elsewhere has the same digest, and no signature until it is attached.
    let other = format!("oci://{}/acme/copy:1", server.registry).parse().unwrap();
    assert_eq!(registry.push(&other, b"component", &BTreeMap::new()).await.unwrap(), digest);
    let image = format!("{}/acme/copy@sha256:{digest}", server.registry);
    let verify = ["verify", "--key", "key.pub", "--insecure-ignore-tlog", "--trusted-root", roots, &image];
    assert!(!cosign(home, &verify).status.success());
    assert_eq!(registry.signatures(&other, digest).await.unwrap(), []);
    let attached = registry.attach(&other, digest, bundle).await.unwrap();
    assert_eq!(registry.signatures(&other, digest).await.unwrap(), found);
    done(&cosign(home, &verify));

    // Attached again it is the same, and another one stands beside it.
    assert_eq!(registry.attach(&other, digest, bundle).await.unwrap(), attached);
    let mut second: serde_json::Value = serde_json::from_slice(bundle).unwrap();
    second["another"] = serde_json::json!(1);
    let second = second.to_string().into_bytes();
    assert_ne!(registry.attach(&other, digest, &second).await.unwrap(), attached);
    let both = registry.signatures(&other, digest).await.unwrap();
    assert_eq!(both, [FoundSignature::Bundle(bundle.clone()), FoundSignature::Bundle(second)]);
}
