//! What others notice of an attack: nothing.

use cofferdam_tests::{HostBuilder, guest};
use serde_json::json;

use super::{Unread, neighbour_answers, running, until_running, with_neighbour};

/// Limits that no attack of a test comes up against.
const BOUNDLESS: &str = "limits = { fuel = \"1000000G\", deadline = \"1h\", host_calls = 1_000_000_000 }";

fn boundless() -> String {
    format!("[[plugin]]\nname = \"hostile\"\n{BOUNDLESS}")
}

#[test]
fn a_neighbour_answers_while_attacks_run() {
    let host = with_neighbour().plugin("hostile", &guest("hostile")).policy(&boundless()).start();
    let attacks = ["hostile_spin", "hostile_sleep_forever", "hostile_host_calls"];
    // More than there are threads to run them on.
    let attackers: Vec<_> = attacks.iter().cycle().take(12).map(|tool| Unread::call(&host, tool)).collect();
    until_running(&host, 12);
    for turn in 0..5 {
        neighbour_answers(&host, "under attack");
        assert!(host.rpc().tools().contains(&"neighbour_greet".to_owned()));
        assert_eq!(running(&host), 12, "after {turn} turns the attackers are still there");
    }
    drop(attackers);
    until_running(&host, 0);
    neighbour_answers(&host, "after it");
}

#[test]
fn a_client_that_goes_away_takes_its_call_with_it() {
    let host = HostBuilder::new().plugin("hostile", &guest("hostile")).policy(&boundless()).start();
    for tool in ["hostile_spin", "hostile_sleep_forever", "hostile_host_calls"] {
        let call = Unread::call(&host, tool);
        until_running(&host, 1);
        drop(call);
        until_running(&host, 0);
        let line = host.line(tool, |l| l["message"] == "call" && l["name"] == tool);
        assert_eq!(line["outcome"], "cancelled", "{line}");
    }
}

#[test]
fn calls_of_one_tool_at_a_time_are_limited() {
    let host = with_neighbour()
        .plugin("hostile", &guest("hostile"))
        .policy(&boundless())
        .policy("tools.sleep_forever.limits = { concurrency = 1, queue = \"200ms\" }")
        .start();
    let first = Unread::call(&host, "hostile_sleep_forever");
    until_running(&host, 1);
    let reply = host.rpc().call("hostile_sleep_forever", json!({}));
    let failure = reply.failure();
    assert_eq!((&failure["limit"], &failure["retryable"]), (&json!("concurrency"), &json!(true)));
    assert!(reply.text().contains("`concurrency`: as many calls run as may, 1"), "{}", reply.text());
    // It is the tool's limit: another of the same plugin has places.
    assert!(!host.rpc().call("hostile_sleep", json!({ "ms": 1 })).failed());
    neighbour_answers(&host, "beside a tool without places");
    drop(first);
    until_running(&host, 0);
    // The place is free again.
    let second = Unread::call(&host, "hostile_sleep_forever");
    until_running(&host, 1);
    drop(second);
    until_running(&host, 0);
}
