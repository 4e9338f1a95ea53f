//! A schema is a program that the host runs: it has the call's deadline, and no thread of the
//! runtime.

use std::thread;

use cofferdam_tests::{HostBuilder, forge, guest};
use serde_json::json;

use super::neighbour_answers;

/// Letters without a pattern of their own, so that no state of the matcher comes twice.
fn noise(letters: usize) -> String {
    let mut seed = 1_u64;
    let mut letter = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if seed >> 63 == 0 { 'a' } else { 'b' }
    };
    let mut text: String = (0..letters).map(|_| letter()).collect();
    text.push('c');
    text
}

#[test]
fn a_pattern_that_takes_long_is_held_to_the_deadline() {
    // Each of a million characters may be the one that the rest is counted from.
    let schema = json!({
        "type": "object",
        "properties": { "text": { "type": "string", "pattern": "[ab]*a[ab]{300}c" } },
    });
    let definitions = json!([{ "name": "match", "description": "Matches.", "inputSchema": schema.to_string() }]);
    let host = HostBuilder::new()
        .plugin("liar", &forge::patch_definitions(&guest("liar"), &definitions.to_string()))
        .plugin("neighbour", &guest("greeter"))
        .policy("[[plugin]]\nname = \"liar\"\nlimits.deadline = \"500ms\"")
        .start();
    assert_eq!(host.rpc().call("liar_match", json!({ "text": "b" })).failure()["code"], "validation");
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let rpc = host.rpc().clone();
            thread::spawn(move || rpc.call("liar_match", json!({ "text": noise(2_000_000) })))
        })
        .collect();
    neighbour_answers(&host, "while patterns are matched");
    for call in calls {
        assert_eq!(call.join().unwrap().failure()["limit"], "deadline");
    }
    neighbour_answers(&host, "after it");
}
