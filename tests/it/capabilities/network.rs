//! Attacks over the network: by a guest, by the servers it talks to, and by whoever runs their names.

mod addresses;
mod answers;
mod bounds;
mod connections;
mod requests;
mod sockets;

use cofferdam_tests::{HostBuilder, TestHost, guest};
use serde_json::{Value, json};

use super::bench::Home;

/// Every address of this machine.
const LOOPBACK: &str = r#"networks = ["127.0.0.0/8"]"#;

/// A host whose plugin `probe` has this under `grants`, with more in its policy and configuration.
fn builder(grants: &str, policy: &str, config: &str) -> HostBuilder {
    HostBuilder::new()
        .named_plugin("probe", &guest("probe"))
        .policy(&format!("[[plugin]]\nname = \"probe\"\n{policy}\n[plugin.grants]\n{grants}"))
        .config(config)
}

/// The same for one call after the other, each in a process of its own, with its record.
fn calls(grants: &str, policy: &str, config: &str) -> Home {
    Home::of(builder(grants, policy, config))
}

/// A rule for all below a URL.
fn rule(url: &str, more: &str) -> String {
    let comma = if more.is_empty() { "" } else { ", " };
    format!("http = [{{ url = \"{url}\", methods = [\"GET\", \"POST\"]{comma}{more} }}]")
}

/// Calls a tool of `probe`, which has to answer.
#[track_caller]
fn call(host: &TestHost, tool: &str, arguments: Value) -> Value {
    let reply = host.rpc().call(&format!("probe_{tool}"), arguments);
    assert!(!reply.failed(), "{tool}: {}", reply.message);
    reply.result()["structuredContent"].clone()
}

#[track_caller]
fn fetch(host: &TestHost, url: &str) -> Value {
    call(host, "fetch", json!({ "url": url }))
}

/// That an answer broke off for this reason, in the middle of its body.
///
/// The engine has no code for what goes wrong with a body that was begun: its text has to do.
#[track_caller]
fn broke_off(answer: &Value, code: &str, text: &str) {
    assert_eq!((&answer["at"], &answer["whole"]), (&json!("body"), &json!(false)), "{answer}");
    let told = answer["detail"].as_str().is_some_and(|detail| detail.contains(text));
    assert!(answer["error"] == code || told, "{answer}");
}
