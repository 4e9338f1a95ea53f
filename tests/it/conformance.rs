//! The official conformance suite, against plugins that have nothing special in the host.

use std::process::Command;

use cofferdam_tests::{HostBuilder, plugin, repository};

#[test]
fn both_revisions_pass() {
    let host = HostBuilder::new()
        .plugin("conformance", &plugin("conformance"))
        .policy("[[plugin]]\nname = \"conformance\"\nprefix = \"\"")
        .start();
    let out = host.path("conformance");
    let run = Command::new(repository().join("tests/conformance/run.sh"))
        .arg(format!("{}/mcp", host.rpc().base()))
        .arg(&out)
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{text}");
    for revision in ["2026-07-28", "2025-11-25"] {
        let counted = text.lines().find(|l| l.starts_with("conformance: ") && l.contains(revision));
        assert!(counted.is_some(), "no count for {revision}:\n{text}");
    }
}
