//! One client on standard input and output, from its first line to the end of its input.

use cofferdam_tests::{HostBuilder, StdioHost, eventually, guest, plugin};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::http::request;

fn host() -> HostBuilder {
    let bare = "[[plugin]]\nname = \"conformance\"\nprefix = \"\"";
    HostBuilder::new()
        .plugin("system", &plugin("system"))
        .plugin("hostile", &guest("hostile"))
        .plugin("conformance", &plugin("conformance"))
        .policy(bare)
}

fn asked(id: u64, method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

fn told(method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

fn call(id: u64, tool: &str, arguments: Value) -> Value {
    asked(id, "tools/call", &json!({ "name": tool, "arguments": arguments }))
}

/// A call of the current era.
fn current(id: u64, tool: &str, arguments: Value) -> String {
    request(id, "tools/call", json!({ "name": tool, "arguments": arguments }))
}

/// A host that a client of the older era, with these capabilities, has shaken hands with.
#[track_caller]
fn opened(builder: HostBuilder, capabilities: &Value) -> StdioHost {
    let mut host = StdioHost::start(builder);
    let client = json!({ "name": "t", "version": "1" });
    host.send(&asked(
        0,
        "initialize",
        &json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": client }),
    ));
    let opened = host.receive();
    assert_eq!((&opened["id"], &opened["result"]["protocolVersion"]), (&json!(0), &json!("2025-11-25")));
    assert_eq!(opened["result"]["serverInfo"]["name"], "cofferdam");
    host.send(&told("notifications/initialized", &json!({})));
    host
}

#[track_caller]
fn text(message: &Value) -> &str {
    message["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {message}"))
}

/// Ends the input; nothing more is written, and the exit code is 0. The log, line by line.
#[track_caller]
fn ends(mut host: StdioHost) -> Vec<Value> {
    host.close();
    let (status, rest, log) = host.wait();
    assert_eq!((status.code(), rest), (Some(0), Vec::new()), "{log}");
    parsed(&log)
}

/// The lines of a log; each of them is JSON.
#[track_caller]
fn parsed(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

fn calls(log: &[Value]) -> Vec<&Value> {
    log.iter().filter(|line| line["message"] == "call").collect()
}

/// Waits until the host has read everything that was sent: it answers a call that was sent last,
/// and nothing before it.
#[track_caller]
fn read_so_far(host: &mut StdioHost, ping: &str) {
    host.send_line(ping);
    let (before, answer) = host.answer(99);
    assert_eq!(before, Vec::<Value>::new());
    assert!(answer.get("result").is_some(), "{answer}");
}

#[test]
fn a_client_of_the_older_era() {
    let mut host = opened(host(), &json!({}));
    host.send(&asked(1, "tools/list", &json!({})));
    let (_, listed) = host.answer(1);
    let names: Vec<&str> =
        listed["result"]["tools"].as_array().unwrap().iter().filter_map(|t| t["name"].as_str()).collect();
    assert!(names.contains(&"system_echo") && names.contains(&"greet"), "{names:?}");
    // It knows no kinds of results.
    assert!(listed["result"].get("resultType").is_none(), "{listed}");
    host.send(&call(2, "system_echo", json!({ "message": "hi" })));
    let (before, echoed) = host.answer(2);
    assert_eq!((before.len(), text(&echoed)), (0, "hi"));
    assert_eq!(echoed["result"]["structuredContent"], json!({ "message": "hi" }));
    let mut progress = call(3, "test_tool_with_progress", json!({}));
    progress["params"]["_meta"] = json!({ "progressToken": "p" });
    host.send(&progress);
    let (before, done) = host.answer(3);
    assert_eq!(text(&done), "Tool with progress completed.");
    let told: Vec<_> = before
        .iter()
        .map(|m| (m["method"].as_str(), m["params"]["progress"].as_f64(), m["params"]["progressToken"].as_str()))
        .collect();
    assert_eq!(told, [0.0, 50.0, 100.0].map(|d| (Some("notifications/progress"), Some(d), Some("p"))));
    // Ids of any kind come back as they were.
    host.send(&json!({ "jsonrpc": "2.0", "id": "a text", "method": "ping" }));
    assert_eq!(host.receive(), json!({ "jsonrpc": "2.0", "id": "a text", "result": {} }));
    // The era has its own code for what is not there.
    host.send(&asked(4, "resources/read", &json!({ "uri": "test://nope" })));
    let (_, missing) = host.answer(4);
    assert_eq!((&missing["error"]["code"], &missing["error"]["data"]["uri"]), (&json!(-32002), &json!("test://nope")));
    host.send(&asked(5, "server/nonsense", &json!({})));
    assert_eq!(host.answer(5).1["error"]["code"], -32601);
    let log = ends(host);
    let calls = calls(&log);
    assert_eq!(calls.len(), 3, "{log:?}");
    assert!(
        calls.iter().all(|l| l["principal"] == "stdio" && l["span"]["request"].as_str().is_some_and(|r| r.len() == 32)),
        "{calls:?}"
    );
    assert_ne!(calls[0]["span"]["request"], calls[1]["span"]["request"]);
}

#[test]
fn a_session_sets_what_it_wants_to_hear() {
    let mut host = opened(host(), &json!({}));
    let mut lines = |id: u64| {
        host.send(&call(id, "test_tool_with_logging", json!({})));
        let (before, done) = host.answer(id);
        assert_eq!(text(&done), "Tool with logging completed.");
        assert!(
            before.iter().all(|m| m["method"] == "notifications/message" && m["params"]["level"] == "info"),
            "{before:?}"
        );
        let count = before.len();
        let level = if id == 1 { "error" } else { "debug" };
        host.send(&asked(id + 10, "logging/setLevel", &json!({ "level": level })));
        assert_eq!(host.answer(id + 10).1["result"], json!({}));
        count
    };
    assert_eq!([lines(1), lines(2), lines(3)], [3, 0, 3]);
    host.send(&asked(20, "logging/setLevel", &json!({ "level": "loud" })));
    assert!(host.answer(20).1["error"]["code"].is_i64());
    ends(host);
}

#[test]
fn a_session_is_told_of_changes_that_it_follows() {
    let mut host = opened(host(), &json!({}));
    host.send(&call(1, "test_trigger_tool_change", json!({})));
    let (mut seen, _) = host.answer(1);
    while !seen.iter().any(|m| m["method"] == "notifications/tools/list_changed") {
        seen.push(host.receive());
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
    for method in ["resources/subscribe", "resources/unsubscribe"] {
        host.send(&asked(2, method, &json!({ "uri": "test://watched-resource" })));
        assert_eq!(host.answer(2).1["result"], json!({}), "{method}");
    }
    ends(host);
}

#[test]
fn an_older_client_is_asked_while_it_waits() {
    let mut host = opened(host(), &json!({ "elicitation": {}, "sampling": {}, "roots": {} }));
    host.send(&call(1, "test_input_required_result_multi_round", json!({})));
    for (message, content) in [
        ("Step 1: What is your name?", json!({ "name": "Ada" })),
        ("Step 2: What is your favorite color?", json!({ "color": "blue" })),
    ] {
        let question = host.receive();
        assert_eq!(
            (&question["method"], &question["params"]["message"]),
            (&json!("elicitation/create"), &json!(message))
        );
        host.send(
            &json!({ "jsonrpc": "2.0", "id": question["id"], "result": { "action": "accept", "content": content } }),
        );
    }
    assert_eq!(text(&host.answer(1).1), "Ada's favorite color is blue.");
    host.send(&call(2, "test_input_required_result_list_roots", json!({})));
    let question = host.receive();
    assert_eq!(question["method"], "roots/list");
    host.send(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": { "roots": [{ "uri": "file:///work", "name": "Work" }] } }));
    assert_eq!(text(&host.answer(2).1), "Client roots: Work (file:///work)");
    // One that will not answer gets a result that its model can read.
    host.send(&call(3, "test_input_required_result_sampling", json!({})));
    let question = host.receive();
    host.send(&json!({ "jsonrpc": "2.0", "id": question["id"], "error": { "code": -1, "message": "User rejected sampling request" } }));
    let (_, failed) = host.answer(3);
    assert_eq!(failed["result"]["isError"], true, "{failed}");
    assert!(text(&failed).contains("capital_question"), "{failed}");
    // One that has to be asked several times for the same thing is not asked for ever.
    host.send(&call(4, "test_input_required_result_elicitation", json!({})));
    let mut rounds = 0;
    let answer = loop {
        let message = host.receive();
        if message["id"] == 4 && message.get("result").is_some() {
            break message;
        }
        rounds += 1;
        host.send(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": { "action": "decline" } }));
    };
    assert_eq!((rounds, &answer["result"]["isError"]), (8, &json!(true)), "{answer}");
    ends(host);
}

#[test]
fn a_client_of_the_current_era_needs_no_handshake() {
    let mut host = StdioHost::start(host());
    host.send_line(&request(1, "server/discover", json!({})));
    assert_eq!(host.answer(1).1["result"]["resultType"], "complete");
    host.send_line(&request(2, "tools/list", json!({})));
    let (_, listed) = host.answer(2);
    assert!(listed["result"]["ttlMs"].is_u64(), "{listed}");
    host.send_line(&current(3, "system_echo", json!({ "message": "hi" })));
    assert_eq!(text(&host.answer(3).1), "hi");
    // Many at a time, each answered once.
    for id in 10..30 {
        host.send_line(&current(id, "system_echo", json!({ "message": format!("{id}") })));
    }
    let mut answers: Vec<(u64, String)> = (10..30)
        .map(|_| host.receive())
        .map(|message| (message["id"].as_u64().unwrap(), text(&message).to_owned()))
        .collect();
    answers.sort();
    assert_eq!(answers, (10..30).map(|id| (id, id.to_string())).collect::<Vec<_>>());
    // What every request carries is asked of each.
    host.send(&call(40, "system_echo", json!({ "message": "hi" })));
    assert_eq!(host.answer(40).1["error"]["code"], -32602);
    assert_eq!(calls(&ends(host)).len(), 21);
}

#[test]
fn a_client_that_leaves_at_once_is_no_error() {
    assert!(calls(&ends(StdioHost::start(host()))).is_empty(), "it said nothing");
    let mut looked = StdioHost::start(host());
    looked.send_line(&request(1, "server/discover", json!({})));
    assert!(looked.answer(1).1.get("result").is_some());
    ends(looked);
    let mut pinged = StdioHost::start(host());
    pinged.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }));
    assert_eq!(pinged.answer(1).1["result"], json!({}));
    ends(pinged);
    ends(opened(host(), &json!({})));
}

#[test]
fn what_was_asked_before_the_end_of_input_is_answered() {
    // Of one who writes everything and closes, as a script does.
    let mut script = StdioHost::start(host());
    let client = json!({ "name": "t", "version": "1" });
    script.send(&asked(
        0,
        "initialize",
        &json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client }),
    ));
    script.send(&told("notifications/initialized", &json!({})));
    for id in 1..=5 {
        script.send(&call(id, "hostile_sleep", json!({ "ms": id * 200 })));
    }
    script.close();
    let (status, lines, log) = script.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    let answers: Vec<Value> = lines.iter().map(|l| serde_json::from_str(l).unwrap()).collect();
    let mut ids: Vec<Option<u64>> = answers.iter().map(|a| a["id"].as_u64()).collect();
    ids.sort();
    assert_eq!(ids, [0, 1, 2, 3, 4, 5].map(Some), "{lines:?}");
    assert!(answers[1..].iter().all(|a| text(a) == "slept"), "{lines:?}");
    // The same in the current era.
    let mut script = StdioHost::start(host());
    script.send_line(&current(1, "hostile_sleep", json!({ "ms": 500 })));
    script.close();
    let (status, lines, log) = script.wait();
    assert_eq!((status.code(), lines.len()), (Some(0), 1), "{log}");
    assert!(lines[0].contains("slept"), "{lines:?}");
}

#[test]
fn what_takes_long_is_answered_after_the_end_of_input_too() {
    let mut host = StdioHost::start(host());
    host.send_line(&current(1, "hostile_sleep", json!({ "ms": 6500 })));
    host.close();
    let (status, lines, log) = host.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(lines.len() == 1 && lines[0].contains("slept"), "lost: {lines:?}\n{log}");
}

#[test]
fn what_is_told_on_the_way_is_told_after_the_end_of_input_too() {
    let mut host = opened(host(), &json!({}));
    let mut progress = call(1, "test_tool_with_progress", json!({}));
    progress["params"]["_meta"] = json!({ "progressToken": "p" });
    host.send(&progress);
    host.send(&call(2, "test_tool_with_logging", json!({})));
    host.close();
    let (status, lines, log) = host.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    let messages: Vec<Value> = lines.iter().map(|l| serde_json::from_str(l).unwrap()).collect();
    for id in [1, 2] {
        assert!(
            messages.iter().any(|m| m["id"] == id && m.get("result").is_some()),
            "{id} has no answer: {lines:?}\n{log}"
        );
    }
    let count = |method: &str| messages.iter().filter(|m| m["method"] == method).count();
    assert_eq!((count("notifications/progress"), count("notifications/message")), (3, 3), "{lines:?}");
}

#[test]
fn garbage_does_not_end_a_session() {
    let mut host = opened(host(), &json!({}));
    for line in [
        "garbage",
        "",
        "{\"jsonrpc\":",
        "{}",
        "[]",
        "null",
        "\u{feff}{}",
        "{\"jsonrpc\":\"1.0\",\"id\":50,\"method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":51}",
        "{\"jsonrpc\":\"2.0\",\"id\":52,\"result\":{}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/unheard/of\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":12345}}",
        &"[".repeat(100_000),
    ] {
        host.send_line(line);
    }
    host.send(&call(1, "system_echo", json!({ "message": "still here" })));
    let (before, answer) = host.answer(1);
    assert_eq!(text(&answer), "still here");
    // Whatever it says to garbage, it answers nobody.
    assert!(
        before.iter().all(|m| m.get("error").is_some() && (m["id"].is_null() || m["id"].as_u64() >= Some(50))),
        "{before:?}"
    );
    ends(host);
}

#[test]
fn garbage_before_the_first_request_does_not_matter() {
    for first in [
        "garbage",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}",
    ] {
        let mut host = StdioHost::start(host());
        host.send_line(first);
        host.send_line(&current(1, "system_echo", json!({ "message": "hi" })));
        host.close();
        let (status, lines, log) = host.wait();
        assert_eq!(status.code(), Some(0), "{first}: {log}");
        assert!(lines.iter().any(|l| l.contains("\"id\":1") && l.contains("\"hi\"")), "{first}: {lines:?}\n{log}");
    }
}

#[test]
fn a_cancelled_call_ends_and_has_no_answer() {
    let mut host = opened(host(), &json!({}));
    host.send(&call(1, "hostile_sleep_forever", json!({})));
    read_so_far(&mut host, &call(99, "system_echo", json!({ "message": "x" })).to_string());
    host.send(&told("notifications/cancelled", &json!({ "requestId": 1, "reason": "enough" })));
    // Time enough for an answer that is not to come.
    host.send(&call(2, "hostile_sleep", json!({ "ms": 300 })));
    assert_eq!(host.answer(2).0, Vec::<Value>::new());
    let log = ends(host);
    let cancelled: Vec<_> = calls(&log).into_iter().filter(|l| l["outcome"] == "cancelled").collect();
    assert_eq!(cancelled.len(), 1, "{log:?}");
    assert_eq!(cancelled[0]["name"], "hostile_sleep_forever");
}

#[test]
fn a_call_of_the_current_era_is_cancelled_too() {
    let mut host = StdioHost::start(host());
    host.send_line(&current(1, "hostile_sleep_forever", json!({})));
    read_so_far(&mut host, &current(99, "system_echo", json!({ "message": "x" })));
    host.send(&told("notifications/cancelled", &json!({ "requestId": 1 })));
    host.send_line(&current(2, "hostile_sleep", json!({ "ms": 300 })));
    assert_eq!(host.answer(2).0, Vec::<Value>::new());
    let log = ends(host);
    let outcomes: Vec<_> =
        calls(&log).iter().map(|l| (l["name"].as_str().unwrap(), l["outcome"].as_str().unwrap())).collect();
    assert!(outcomes.contains(&("hostile_sleep_forever", "cancelled")), "{outcomes:?}");
}

#[test]
fn a_host_that_is_told_to_end_finishes_its_calls() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut host = opened(host(), &json!({}));
        host.send(&call(1, "hostile_sleep", json!({ "ms": 2000 })));
        read_so_far(&mut host, &call(99, "system_echo", json!({ "message": "x" })).to_string());
        kill_process(host.pid(), signal).unwrap();
        assert_eq!(text(&host.answer(1).1), "slept");
        // Its input is open all the while.
        let (status, rest, log) = host.wait();
        assert_eq!((status.code(), rest), (Some(0), Vec::new()), "{log}");
    }
}

#[test]
fn calls_that_wait_for_their_turn_are_finished_too() {
    let one = "[[plugin]]\nname = \"hostile\"\nlimits.concurrency = 1";
    let mut host = opened(host().policy(one), &json!({}));
    for id in 1..=3 {
        host.send(&call(id, "hostile_sleep", json!({ "ms": 1000 })));
    }
    read_so_far(&mut host, &call(99, "system_echo", json!({ "message": "x" })).to_string());
    kill_process(host.pid(), Signal::TERM).unwrap();
    let (status, rest, log) = host.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(rest.iter().filter(|l| l.contains("slept")).count(), 3, "{rest:?}\n{log}");
}

#[test]
fn a_host_without_calls_ends_when_it_is_told_to() {
    // Before anybody spoke, and in a session.
    let fresh = StdioHost::start(host());
    let pid = fresh.pid();
    // Until it handles the signal, it would end by it.
    eventually("it catches the signal", || caught(pid).then_some(()));
    kill_process(pid, Signal::TERM).unwrap();
    let (status, rest, log) = fresh.wait();
    assert_eq!((status.code(), rest), (Some(0), Vec::new()), "{log}");
    let idle = opened(host(), &json!({}));
    kill_process(idle.pid(), Signal::TERM).unwrap();
    let (status, rest, log) = idle.wait();
    assert_eq!((status.code(), rest), (Some(0), Vec::new()), "{log}");
}

/// Whether a process has a handler for SIGTERM.
fn caught(pid: rustix::process::Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|l| l.strip_prefix("SigCgt:")).map(str::trim).unwrap_or("0");
    let bit = 1_u64 << (Signal::TERM.as_raw() - 1);
    u64::from_str_radix(mask, 16).unwrap_or(0) & bit != 0
}

#[test]
fn everything_else_goes_to_standard_error() {
    let mut host = opened(host().unsigned("other", &guest("liar")), &json!({}));
    for tool in ["hostile_stdout_forge", "hostile_panic"] {
        host.send(&call(1, tool, json!({})));
        assert_eq!(host.answer(1).0, Vec::<Value>::new(), "{tool}");
    }
    host.send(&call(2, "hostile_stdout_flood", json!({ "bytes": 200_000 })));
    assert_eq!(host.answer(2).1["result"]["isError"], true);
    let log = ends(host);
    for line in &log {
        let known = ["timestamp", "level", "target"].iter().all(|key| line[key].is_string());
        assert!(known && line["message"].as_str().is_none_or(|m| !m.contains('\u{1b}')), "{line}");
    }
    assert!(log.iter().any(|l| l["message"] == "refused" && l["plugin"] == "other"), "{log:?}");
    let panicked = log.iter().find(|l| l["message"] == "call" && l["name"] == "hostile_panic").unwrap();
    assert_eq!(panicked["outcome"], "plugin_fault");
    assert!(panicked["error"].as_str().unwrap().contains("a panic of the guest"), "{panicked}");
}
