//! A tool sees nothing of the host, of other calls, or of the protocol's stream.

use cofferdam_tests::{HostBuilder, StdioHost, guest, plugin};
use serde_json::{Value, json};

fn host() -> HostBuilder {
    HostBuilder::new().plugin("hostile", &guest("hostile")).named_plugin("system", &plugin("system"))
}

#[test]
fn environment_arguments_and_files_are_not_there() {
    let host = host().start();
    let reply = host.rpc().call("hostile_environment", json!({}));
    let seen: Value = serde_json::from_str(reply.text()).unwrap();
    assert_eq!((&seen["variables"], &seen["arguments"]), (&json!([]), &json!([])));
    assert!(seen["root"]["error"].is_string(), "{seen}");
    let reply = host.rpc().call("hostile_open_file", json!({ "path": "/etc/passwd" }));
    assert!(reply.text().contains("error") && !reply.text().contains("root:"), "{}", reply.text());
}

#[test]
fn every_call_has_an_instance_of_its_own() {
    let host = host().start();
    for _ in 0..3 {
        assert_eq!(host.rpc().call("hostile_counter", json!({})).text(), "1");
    }
}

#[test]
fn what_a_guest_prints_never_reaches_the_protocol() {
    let mut host = StdioHost::start(host());
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} });
    host.send(&json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": { "name": "hostile_stdout_forge", "arguments": {}, "_meta": meta } }));
    let (before, answer) = host.answer(7);
    assert_eq!(before, Vec::<Value>::new(), "nothing but the answer");
    assert_eq!(answer["result"]["content"][0]["text"], "printed");
    host.close();
    let (status, rest, _) = host.wait();
    assert!(status.success());
    assert_eq!(rest, Vec::<String>::new());
}

#[test]
fn host_info_needs_its_grant() {
    let granted = host().policy("[[plugin]]\nname = \"system\"\ngrants.host_info = true").start();
    let reply = granted.rpc().call("system_system_health", json!({}));
    assert!(!reply.failed());
    assert_eq!(reply.result()["structuredContent"]["plugins"], 2);
    let refused = host().start();
    let reply = refused.rpc().call("system_system_health", json!({}));
    assert_eq!(reply.failure()["code"], "permission_denied");
    // The grant is the plugin's; its tool gave it back.
    let narrowed = host()
        .policy("[[plugin]]\nname = \"system\"\ngrants.host_info = true\ntools.system_health.grants.host_info = false")
        .start();
    assert_eq!(narrowed.rpc().call("system_system_health", json!({})).failure()["code"], "permission_denied");
}
