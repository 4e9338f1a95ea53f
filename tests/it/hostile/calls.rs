//! What a tool does to its own call.

use std::collections::BTreeSet;

use cofferdam_tests::{HostBuilder, StdioHost, TestHost, guest};
use serde_json::{Value, json};

use super::{neighbour_answers, with_neighbour};

/// A tool of the guest `hostile`, and the limit that stops it.
struct Attack {
    /// The plugin it is called through, which has limits of its own.
    name: &'static str,
    tool: &'static str,
    arguments: Value,
    /// What its policy says beside the defaults.
    limits: &'static str,
    stopped_by: &'static str,
    /// What the limit was, in the words of the error.
    was: &'static str,
}

fn attack(
    name: &'static str,
    (tool, arguments): (&'static str, Value),
    limits: &'static str,
    (stopped_by, was): (&'static str, &'static str),
) -> Attack {
    Attack { name, tool, arguments, limits, stopped_by, was }
}

const MIB: usize = 1 << 20;

fn attacks() -> Vec<Attack> {
    let none = || json!({});
    let bytes = |bytes: usize| json!({ "bytes": bytes });
    vec![
        attack("endless-loop", ("spin", none()), "", ("fuel", "200M")),
        attack("loop-with-fuel", ("spin", none()), r#"fuel = "1000G", deadline = "300ms""#, ("deadline", "300ms")),
        attack("endless-wait", ("sleep_forever", none()), r#"deadline = "300ms""#, ("deadline", "300ms")),
        attack("endless-host-calls", ("host_calls", none()), "", ("host_calls", "100000")),
        attack("few-host-calls", ("host_calls", none()), "host_calls = 50", ("host_calls", "50")),
        attack("memory", ("grow_memory", none()), "", ("memory", "64MiB")),
        attack("little-memory", ("grow_memory", none()), r#"memory = "8MiB""#, ("memory", "8MiB")),
        attack("recursion", ("recurse", none()), "", ("stack", "")),
        attack("long-result", ("huge_result", bytes(2 * MIB)), "", ("output", "1MiB")),
        attack("short-output", ("huge_result", bytes(2000)), r#"output = "1KiB""#, ("output", "1KiB")),
        attack("result-for-the-host", ("huge_result", bytes(16 * MIB)), "", ("host_call_bytes", "8MiB")),
        attack("list", ("huge_list", json!({ "items": 50_000 })), "", ("output", "1MiB")),
        attack("list-for-the-host", ("huge_list", json!({ "items": 300_000 })), "", ("host_call_bytes", "8MiB")),
        attack("structured", ("echo_nested", json!({ "depth": 100 })), r#"output = "512B""#, ("output", "512B")),
        attack("printing", ("stdout_flood", bytes(MIB)), "", ("stdio", "64KiB")),
        attack("log-lines", ("log_flood", json!({ "lines": 2000, "bytes_each": 1 })), "", ("log_lines", "1000")),
        attack("log-bytes", ("log_flood", json!({ "lines": 100, "bytes_each": 4096 })), "", ("log", "64KiB")),
        attack("handles", ("many_handles", none()), "", ("handles", "1000")),
        attack("few-handles", ("many_handles", none()), "handles = 20", ("handles", "20")),
    ]
}

/// A host where each attack is a plugin of its own, so that each has limits of its own.
fn under_attack(attacks: &[Attack]) -> TestHost {
    let component = guest("hostile");
    attacks
        .iter()
        .fold(with_neighbour(), |host, Attack { name, limits, .. }| {
            host.plugin(name, &component).policy(&format!("[[plugin]]\nname = \"{name}\"\nlimits = {{ {limits} }}"))
        })
        .start()
}

#[test]
fn each_limit_stops_its_own_attack() {
    let attacks = attacks();
    let host = under_attack(&attacks);
    for Attack { name, tool, arguments, stopped_by, was, .. } in attacks {
        let reply = host.rpc().call(&format!("{name}_{tool}"), arguments);
        let failure = reply.failure();
        assert_eq!(
            (&failure["code"], &failure["limit"]),
            (&json!("limit_exceeded"), &json!(stopped_by)),
            "{name}: {failure}"
        );
        let text = reply.text();
        assert!(text.contains(&format!("`{stopped_by}`")) && text.contains(was), "{name}: {text}");
        let line = host.line(name, |l| l["message"] == "call" && l["name"] == format!("{name}_{tool}"));
        assert_eq!((&line["outcome"], &line["error"]), (&json!("limit_exceeded"), &json!(stopped_by)), "{name}");
        neighbour_answers(&host, name);
    }
    // All of it through one host, which has nothing left to do.
    assert_eq!(super::running(&host), 0);
}

#[test]
fn a_tool_has_limits_of_its_own() {
    let host = HostBuilder::new()
        .plugin("hostile", &guest("hostile"))
        .policy(
            "[[plugin]]\nname = \"hostile\"\nlimits = { fuel = \"3M\", host_calls = 1_000_000_000 }\n\
             tools.spin.limits.fuel = \"2M\"\ntools.huge_result.limits.output = \"1KiB\"",
        )
        .start();
    let fuel = |tool: &str| {
        let reply = host.rpc().call(tool, json!({}));
        assert_eq!(reply.failure()["limit"], "fuel", "{tool}");
        let spent = host.line(tool, |l| l["message"] == "call" && l["name"] == tool)["fuel"].as_u64().unwrap();
        (reply.text().to_owned(), spent)
    };
    let (text, spent) = fuel("hostile_spin");
    assert!(text.contains("2M") && spent == 2_000_000, "{text} {spent}");
    let (text, spent) = fuel("hostile_host_calls");
    assert!(text.contains("3M") && spent == 3_000_000, "{text} {spent}");
    // Two thousand bytes from one tool are too many, and from another they are not.
    let long = host.rpc().call("hostile_huge_result", json!({ "bytes": 2000 }));
    assert_eq!(long.failure()["limit"], "output");
    assert!(!host.rpc().call("hostile_huge_list", json!({ "items": 60 })).failed());
}

#[test]
fn what_fits_its_limits_passes() {
    let host = HostBuilder::new().plugin("hostile", &guest("hostile")).start();
    let passes = [
        ("grow_memory_to", json!({ "mib": 48 })),
        ("huge_result", json!({ "bytes": 1_000_000 })),
        ("huge_list", json!({ "items": 1000 })),
        ("echo_nested", json!({ "depth": 100 })),
        ("stdout_flood", json!({ "bytes": 64 << 10 })),
        ("log_flood", json!({ "lines": 1000, "bytes_each": 64 })),
        ("sleep", json!({ "ms": 1 })),
    ];
    for (tool, arguments) in passes {
        let reply = host.rpc().call(&format!("hostile_{tool}"), arguments);
        assert!(!reply.failed(), "{tool}: {}", reply.text());
    }
}

#[test]
fn a_plugin_that_breaks_its_contract_tells_the_caller_nothing_of_the_host() {
    let host = with_neighbour().plugin("hostile", &guest("hostile")).start();
    // The tool, and what the operator is told.
    let faults = [
        ("trap", json!({}), "unreachable"),
        ("panic", json!({}), "a panic of the guest"),
        ("bad_json", json!({}), "its structured content is no JSON"),
        ("bad_output", json!({}), "its result is not what its output schema says: /count"),
        ("echo_nested", json!({ "depth": 10_000 }), "recursion limit"),
    ];
    for (tool, arguments, why) in faults {
        let tool = format!("hostile_{tool}");
        let reply = host.rpc().call(&tool, arguments);
        assert_eq!(
            (&reply.failure()["code"], &reply.failure()["limit"]),
            (&json!("plugin_fault"), &Value::Null),
            "{tool}"
        );
        let told = reply.message.to_string().to_lowercase();
        for inside in ["wasm", "trap", "unreachable", "panic", "backtrace", "recursion", "schema", ".rs", "0x"] {
            assert!(!told.contains(inside), "{tool}: {inside} in {told}");
        }
        let line = host.line(&tool, |l| l["message"] == "call" && l["name"] == tool);
        assert_eq!(line["outcome"], "plugin_fault", "{line}");
        assert!(line["error"].as_str().unwrap().contains(why), "{line}");
        neighbour_answers(&host, &tool);
    }
}

#[test]
fn what_a_plugin_remembers_is_bounded() {
    let host = HostBuilder::new().plugin("hostile", &guest("hostile")).start();
    let remember = |bytes: usize| {
        let params = json!({ "name": "hostile_big_state", "arguments": { "bytes": bytes } });
        let meta = json!({ "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} } });
        host.rpc().request_with("tools/call", params, meta)
    };
    assert_eq!(remember(64 << 10).result()["resultType"], "input_required");
    let reply = remember((64 << 10) + 1);
    assert_eq!(reply.failure()["code"], "plugin_fault");
    let line = host.line("the fault", |l| l["message"] == "call" && l["outcome"] == "plugin_fault");
    assert!(line["error"].as_str().unwrap().contains("it remembers 65537 bytes"), "{line}");
}

#[test]
fn reports_and_announcements_beyond_their_limit_are_dropped() {
    let mut host = StdioHost::start(HostBuilder::new().plugin("hostile", &guest("hostile")));
    let initialize =
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    host.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize }));
    host.answer(1);
    host.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    let mut flood = |id: u64, tool: &str| {
        let params = json!({ "name": tool, "arguments": { "count": 20_000 }, "_meta": { "progressToken": "p" } });
        host.send(&json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }));
        let (before, answer) = host.answer(id);
        (before, answer["result"]["content"][0]["text"].clone())
    };
    let (before, text) = flood(2, "hostile_progress_flood");
    assert_eq!(text, "reported");
    assert_eq!(methods(&before), BTreeSet::from(["notifications/progress"]));
    assert_eq!(before.len(), 1000, "as many as the limit `reports`");

    let (mut announced, text) = flood(3, "hostile_announce_flood");
    assert_eq!(text, "announced");
    // Once says it all; it may come after the answer.
    if announced.is_empty() {
        announced.push(host.receive());
    }
    host.send(&json!({ "jsonrpc": "2.0", "id": 4, "method": "ping" }));
    announced.extend(host.answer(4).0);
    assert_eq!(announced, [json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" })]);
    host.close();
    let (_, rest, _) = host.wait();
    assert_eq!(rest, Vec::<String>::new());
}

fn methods(messages: &[Value]) -> BTreeSet<&str> {
    messages.iter().filter_map(|m| m["method"].as_str()).collect()
}
