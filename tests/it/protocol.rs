//! What clients of the current era are told: lists, results, failures and questions.

use std::collections::BTreeSet;

use cofferdam_tests::{HostBuilder, Reply, StdioHost, TestHost, eventually, forge, guest, plugin, sha256, test_key};
use serde_json::{Value, json};

use crate::http::{Connection, current, request};

const PREFIX: &str = "io.modelcontextprotocol";

fn system() -> HostBuilder {
    HostBuilder::new().plugin("system", &plugin("system"))
}

/// With the bare names that the plugin gives its tools.
fn conformance() -> HostBuilder {
    let bare = "[[plugin]]\nname = \"conformance\"\nprefix = \"\"";
    HostBuilder::new().plugin("conformance", &plugin("conformance")).policy(bare)
}

/// The lines of log about the first `count` calls of a tool, or of whatever has this name.
#[track_caller]
fn calls(host: &TestHost, name: &str, count: usize) -> Vec<Value> {
    eventually(&format!("{count} calls of {name} are in the log"), || {
        let lines = host.lines().into_iter().filter(|l| l["message"] == "call" && l["name"] == name);
        let lines: Vec<Value> = lines.take(count).collect();
        (lines.len() == count).then_some(lines)
    })
}

#[test]
fn arguments_are_checked_before_anything_runs() {
    let host = system().start();
    let cases = [
        (json!({}), "", "message"),
        (json!({ "message": 7 }), "/message", "string"),
        (json!({ "message": null }), "/message", "string"),
        (json!({ "message": "x", "extra": true }), "", "extra"),
        (json!({ "message": "x".repeat(65_537) }), "/message", "65536"),
    ];
    for (at, (arguments, path, says)) in cases.iter().enumerate() {
        let reply = host.rpc().call("system_echo", arguments.clone());
        assert_eq!((reply.status, reply.error_code()), (200, None), "a result, for the model to read");
        let failure = reply.failure();
        assert_eq!((&failure["code"], &failure["retryable"]), (&json!("validation"), &json!(false)));
        let violations = failure["violations"].as_array().unwrap();
        assert_eq!(violations.len(), 1, "{failure}");
        assert_eq!(violations[0]["path"], *path, "{failure}");
        let message = violations[0]["message"].as_str().unwrap();
        assert!(message.contains(says), "{message}");
        // One that a model can mend its call by, and that does not repeat what it sent.
        assert!(reply.text().contains(message) && reply.text().len() < 1000, "{}", reply.text());
        let line = calls(&host, "system_echo", at + 1).pop().unwrap();
        assert_eq!(
            (&line["outcome"], &line["fuel"], &line["host_calls"]),
            (&json!("validation"), &json!(0), &json!(0))
        );
        assert_eq!(line["span"]["request"], failure["requestId"], "what the caller has finds the line of log");
    }
    // Two mistakes are told at once.
    let reply = host.rpc().call("system_echo", json!({ "massage": "x" }));
    let paths: Vec<&str> =
        reply.failure()["violations"].as_array().unwrap().iter().filter_map(|v| v["message"].as_str()).collect();
    assert_eq!(paths.len(), 2, "{paths:?}");
    // What is in the arguments stays out of the log.
    host.rpc().call("system_echo", json!({ "message": "x", "my-secret": "hunter2" }));
    let reply = host.rpc().call("system_echo", json!({ "message": "x" }));
    assert_eq!(reply.text(), "x");
    let last = calls(&host, "system_echo", cases.len() + 3).pop().unwrap();
    assert!(last["fuel"].as_u64().unwrap() > 0, "{last}");
    assert!(!host.log().contains("hunter2") && !host.log().contains("my-secret"), "{}", host.log());
}

#[test]
fn arguments_that_are_no_object_are_no_request() {
    let host = system().start();
    for arguments in [json!([]), json!("message"), json!(1)] {
        let reply = host.rpc().request("tools/call", json!({ "name": "system_echo", "arguments": arguments }));
        assert!(reply.message.get("result").is_none(), "{}", reply.message);
        assert!(
            (400..500).contains(&reply.status) || reply.error_code() == Some(-32602),
            "{} {}",
            reply.status,
            reply.message
        );
    }
    // None at all are as good as none in an object.
    for params in [json!({ "name": "system_health_check" }), json!({ "name": "system_health_check", "arguments": {} })]
    {
        assert!(!host.rpc().request("tools/call", params).failed());
    }
}

#[test]
fn a_tool_that_there_is_not_is_the_clients_mistake() {
    let off = "[[plugin]]\nname = \"system\"\ntools.echo.enabled = false";
    let host = system().policy(off).start();
    for name in ["nope", "system", "system_", "System_get_time", "echo", "system_echo"] {
        let reply = host.rpc().request("tools/call", json!({ "name": name, "arguments": {} }));
        assert_eq!((reply.status, reply.error_code()), (200, Some(-32602)), "{name:?}: {}", reply.message);
        // That one is switched off is not told apart from that there is none.
        assert_eq!(reply.message["error"]["message"], format!("unknown tool: {name}"));
        assert_eq!(calls(&host, name, 1)[0]["outcome"], "unknown");
    }
}

#[test]
fn a_client_cannot_fill_the_log() {
    let host = system().start();
    let long = "x".repeat(100_000);
    host.rpc().call("system_echo", json!({ "message": 1, "other": long }));
    let mut connection = Connection::to(host.rpc());
    for (method, params) in [
        ("tools/call", json!({ "name": long, "arguments": {} })),
        ("prompts/get", json!({ "name": long })),
        ("resources/read", json!({ "uri": format!("a:{long}") })),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": long }, "argument": { "name": "a", "value": long } }),
        ),
        (long.as_str(), json!({})),
    ] {
        // Without the headers of its era: it is told so, and may be told at length.
        connection.ask(
            "POST",
            "/mcp",
            &[("content-type", "application/json"), ("accept", "application/json, text/event-stream")],
            &request(1, method, params),
        );
    }
    // By the time of this line, those before it are there.
    host.rpc().call("system_health_check", json!({}));
    calls(&host, "system_health_check", 1);
    let mut stdio = StdioHost::start(system());
    stdio.send_line(&request(1, "tools/call", json!({ "name": long, "arguments": {} })));
    assert_eq!(stdio.answer(1).1["error"]["code"], -32602);
    stdio.send_line(&request(2, &long, json!({})));
    assert_eq!(stdio.answer(2).1["error"]["code"], -32601);
    stdio.send_line(&long);
    stdio.close();
    let (_, _, log) = stdio.wait();
    for (log, which) in [(host.log(), "http"), (log, "stdio")] {
        assert!(!log.contains(&"x".repeat(1000)), "{which}: {} bytes of log", log.len());
    }
}

#[test]
fn lists_are_in_order_and_the_same_for_everybody() {
    let host = system().plugin("hostile", &guest("hostile")).plugin("zebra", &guest("greeter")).start();
    let first = host.rpc().request("tools/list", json!({}));
    let names: Vec<&str> =
        first.result()["tools"].as_array().unwrap().iter().filter_map(|t| t["name"].as_str()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(names, sorted);
    assert!(names.len() > 20 && names.contains(&"zebra_greet"), "{names:?}");
    for _ in 0..3 {
        assert_eq!(host.rpc().request("tools/list", json!({})).result(), first.result());
    }
    // In whatever order they came.
    let again = HostBuilder::new().plugin("zebra", &guest("greeter")).plugin("system", &plugin("system")).start();
    again.drop_in("hostile", &guest("hostile"));
    eventually("all are served", || (again.rpc().tools().len() == names.len()).then_some(()));
    assert_eq!(again.rpc().request("tools/list", json!({})).result()["tools"], first.result()["tools"]);
}

/// Follows the cursors of a list; its items, and how many pages they came on.
fn pages(host: &TestHost, method: &str, items: &str) -> (Vec<Value>, usize) {
    let (mut all, mut cursor, mut count) = (Vec::new(), None::<String>, 0);
    loop {
        let params = cursor.map_or(json!({}), |cursor| json!({ "cursor": cursor }));
        let reply = host.rpc().request(method, params);
        let page = reply.result()[items].as_array().unwrap().clone();
        assert!((1..=2).contains(&page.len()), "{method}: {} items", page.len());
        all.extend(page);
        count += 1;
        cursor = reply.result()["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return (all, count);
        }
    }
}

#[test]
fn lists_come_in_pages() {
    let host = conformance().config("mcp.page = 2").start();
    let whole = conformance().start();
    for (method, items) in [
        ("tools/list", "tools"),
        ("prompts/list", "prompts"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
    ] {
        let wanted = whole.rpc().request(method, json!({}));
        let wanted = wanted.result()[items].as_array().unwrap();
        let (all, count) = pages(&host, method, items);
        assert_eq!((&all, count), (wanted, wanted.len().div_ceil(2)), "{method}");
        for cursor in ["nonsense", "!!", "\u{0}", "_w"] {
            let reply = host.rpc().request(method, json!({ "cursor": cursor }));
            assert_eq!(
                (reply.status, reply.error_code()),
                (200, Some(-32602)),
                "{method} {cursor:?}: {}",
                reply.message
            );
        }
    }
}

#[test]
fn everything_that_is_listed_says_how_long_it_holds() {
    let host = conformance().start();
    for (method, params) in [
        ("tools/list", json!({})),
        ("prompts/list", json!({})),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({ "uri": "test://static-text" })),
        ("server/discover", json!({})),
    ] {
        let reply = host.rpc().request(method, params);
        let result = reply.result();
        assert!(result["ttlMs"].is_u64(), "{method}: {result}");
        // What is served may differ from one caller to the next; what the host is does not.
        let scope = if method == "server/discover" { "public" } else { "private" };
        assert_eq!(result["cacheScope"], scope, "{method}");
        assert_eq!(result["resultType"], "complete", "{method}");
    }
    let discovered = host.rpc().request("server/discover", json!({}));
    let versions = &discovered.result()["supportedVersions"];
    assert_eq!(versions, &json!(["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]));
    let capabilities = discovered.result()["capabilities"].as_object().unwrap();
    let names: BTreeSet<&str> = capabilities.keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["completions", "extensions", "logging", "prompts", "resources", "tools"]));
    assert_eq!(discovered.result()["_meta"][format!("{PREFIX}/serverInfo")]["name"], "cofferdam");
}

#[test]
fn annotations_are_always_there_and_never_more_than_is_true() {
    let claims = json!([
        { "name": "silent", "description": "Claims nothing.", "inputSchema": "{\"type\":\"object\"}" },
        { "name": "reader", "description": "Claims to read.", "inputSchema": "{\"type\":\"object\"}",
          "readOnly": true, "destructive": true, "idempotent": true, "openWorld": true },
        { "name": "writer", "description": "Claims to write.", "inputSchema": "{\"type\":\"object\"}",
          "readOnly": false, "destructive": false, "idempotent": false, "openWorld": false },
    ]);
    let liar = forge::patch_definitions(&guest("liar"), &claims.to_string());
    let host = conformance().plugin("system", &plugin("system")).plugin("liar", &liar).start();
    let listed = host.rpc().request("tools/list", json!({}));
    let tools = listed.result()["tools"].as_array().unwrap();
    for tool in tools {
        let annotations = tool["annotations"].as_object().unwrap_or_else(|| panic!("{tool}"));
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(annotations[hint].is_boolean(), "{hint}: {tool}");
        }
        assert_eq!(annotations["openWorldHint"], false, "no plugin reaches the world: {tool}");
    }
    let hints = |name: &str| {
        let tool = tools.iter().find(|t| t["name"] == name).unwrap();
        ["readOnlyHint", "destructiveHint", "idempotentHint"].map(|h| tool["annotations"][h].as_bool().unwrap())
    };
    assert_eq!(hints("liar_silent"), [false, true, false], "as a client would assume");
    assert_eq!(hints("liar_reader"), [true, false, true], "who only reads destroys nothing");
    assert_eq!(hints("liar_writer"), [false, false, false]);
    assert_eq!(hints("system_echo"), [true, false, true]);
}

#[test]
fn every_tool_says_whose_it_is_and_what_it_was_granted() {
    let (system, greeter) = (forge::with_name(&plugin("system"), "system"), guest("greeter"));
    let policy = format!(
        "[[plugin]]\nname = \"system\"\ngrants.host_info = true\ntools.echo.grants = {{}}\n\
         [[plugin]]\nname = \"pinned\"\nsha256 = [\"{}\"]",
        sha256(&greeter)
    );
    let host = HostBuilder::new().plugin("system", &system).unsigned("pinned", &greeter).policy(&policy).start();
    let of_system = |grants: Value| {
        json!({
            "cofferdam/digest": format!("sha256:{}", sha256(&system)),
            "cofferdam/signed": true,
            "cofferdam/signers":
                [{ "name": "test", "kind": "key", "key": format!("sha256:{}", test_key().fingerprint()) }],
            "cofferdam/grants": grants,
        })
    };
    let wanted = [
        (
            "pinned_greet",
            json!({
                "cofferdam/digest": format!("sha256:{}", sha256(&greeter)),
                "cofferdam/signed": false, "cofferdam/signers": [], "cofferdam/grants": [],
            }),
        ),
        // What it keeps of what its plugin has.
        ("system_echo", of_system(json!([]))),
        ("system_get_time", of_system(json!(["host_info"]))),
        ("system_health_check", of_system(json!(["host_info"]))),
        ("system_system_health", of_system(json!(["host_info"]))),
    ];
    let listed = host.rpc().request("tools/list", json!({}));
    let tools = listed.result()["tools"].as_array().unwrap();
    let found: Vec<(&str, &Value)> = tools.iter().map(|t| (t["name"].as_str().unwrap(), &t["_meta"])).collect();
    assert_eq!(found, wanted.iter().map(|(name, meta)| (*name, meta)).collect::<Vec<_>>());
    // A grant takes effect at once, and so does what is told of it.
    host.policy(&policy.replace("host_info = true", "host_info = false"));
    eventually("the grant is gone", || {
        let listed = host.rpc().request("tools/list", json!({}));
        let tools = listed.result()["tools"].as_array().unwrap();
        tools.iter().all(|t| t["_meta"]["cofferdam/grants"] == json!([])).then_some(())
    });
}

#[test]
fn what_a_tool_promises_is_served_and_kept() {
    let host = system().plugin("hostile", &guest("hostile")).start();
    let listed = host.rpc().request("tools/list", json!({}));
    let tools = listed.result()["tools"].as_array().unwrap();
    let tool = |name: &str| tools.iter().find(|t| t["name"] == name).unwrap();
    let time = tool("system_get_time");
    assert_eq!((&time["title"], &time["inputSchema"]["type"]), (&json!("Current time"), &json!("object")));
    let promised: Vec<&str> =
        time["outputSchema"]["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let reply = host.rpc().call("system_get_time", json!({}));
    let structured = reply.result()["structuredContent"].as_object().unwrap();
    assert!(
        !promised.is_empty() && promised.iter().all(|p| structured.contains_key(*p)),
        "{promised:?} {structured:?}"
    );
    // As text too, for clients that know no other.
    let reply = host.rpc().call("system_health_check", json!({}));
    let text: Value = serde_json::from_str(reply.text()).unwrap();
    assert_eq!(text, reply.result()["structuredContent"]);
    assert_eq!(reply.result()["isError"], false);
    // A tool without a promise has no schema, and one that breaks its own is told so to nobody but
    // the operator.
    assert!(tool("hostile_sleep").get("outputSchema").is_none());
    let broken = host.rpc().call("hostile_bad_output", json!({}));
    assert_eq!(broken.failure()["code"], "plugin_fault");
    assert!(
        broken.result().get("structuredContent").is_none() && !broken.text().contains("many"),
        "{}",
        broken.message
    );
    let line = calls(&host, "hostile_bad_output", 1).pop().unwrap();
    assert!(line["error"].as_str().unwrap().contains("/count"), "{line}");
}

#[test]
fn content_of_every_kind_arrives() {
    let host = conformance().start();
    let content = |tool: &str| host.rpc().call(tool, json!({})).result()["content"].clone();
    let image = content("test_image_content");
    assert_eq!((&image[0]["type"], &image[0]["mimeType"]), (&json!("image"), &json!("image/png")));
    assert!(image[0]["data"].as_str().unwrap().starts_with("iVBORw0KGgo"), "{image}");
    let audio = content("test_audio_content");
    assert_eq!((&audio[0]["type"], &audio[0]["mimeType"]), (&json!("audio"), &json!("audio/wav")));
    let embedded = content("test_embedded_resource");
    assert_eq!(embedded[0]["resource"]["uri"], "test://embedded-resource");
    let kinds = content("test_multiple_content_types");
    let kinds: Vec<&str> = kinds.as_array().unwrap().iter().filter_map(|c| c["type"].as_str()).collect();
    assert_eq!(kinds, ["text", "image", "resource"]);
    let failed = host.rpc().call("test_error_handling", json!({}));
    assert_eq!(
        (&failed.failure()["code"], failed.text()),
        (&json!("internal"), "This tool intentionally returns an error for testing")
    );
}

/// The notifications of one method that came before a result.
fn before<'a>(reply: &'a Reply, method: &str) -> Vec<&'a Value> {
    reply.before.iter().filter(|m| m["method"] == method).map(|m| &m["params"]).collect()
}

#[test]
fn progress_is_told_to_who_asked_for_it() {
    let host = conformance().start();
    let call = json!({ "name": "test_tool_with_progress", "arguments": {} });
    for token in [json!("a token"), json!(7)] {
        let reply = host.rpc().request_with("tools/call", call.clone(), json!({ "progressToken": token }));
        assert_eq!(reply.text(), "Tool with progress completed.");
        let reports = before(&reply, "notifications/progress");
        let told: Vec<_> = reports.iter().map(|r| (r["progress"].as_f64(), r["total"].as_f64())).collect();
        assert_eq!(told, [0.0, 50.0, 100.0].map(|done| (Some(done), Some(100.0))));
        assert!(reports.iter().all(|r| r["progressToken"] == token), "{reports:?}");
    }
    let reply = host.rpc().request("tools/call", call);
    assert_eq!((reply.text(), reply.before.len()), ("Tool with progress completed.", 0));
}

#[test]
fn log_lines_are_told_to_who_asked_for_their_level() {
    let host = conformance().start();
    let call = json!({ "name": "test_tool_with_logging", "arguments": {} });
    let told = |meta: Value| -> Vec<String> {
        let reply = host.rpc().request_with("tools/call", call.clone(), meta);
        assert_eq!(reply.text(), "Tool with logging completed.");
        let lines = before(&reply, "notifications/message");
        assert_eq!(lines.len(), reply.before.len(), "{:?}", reply.before);
        assert!(lines.iter().all(|l| l["level"] == "info"), "{lines:?}");
        lines.iter().map(|l| l["data"].as_str().unwrap().to_owned()).collect()
    };
    let all = ["Tool execution started", "Tool processing data", "Tool execution completed"];
    let level = format!("{PREFIX}/logLevel");
    assert_eq!(told(json!({ level.as_str(): "debug" })), all);
    assert_eq!(told(json!({ level.as_str(): "info" })), all);
    assert_eq!(told(json!({ level.as_str(): "warning" })), Vec::<String>::new());
    assert_eq!(told(json!({})), Vec::<String>::new());
    // The operator has them all, as the guest's words.
    calls(&host, "test_tool_with_logging", 4);
    let guests: Vec<Value> = host.lines().into_iter().filter(|l| l["target"] == "guest").collect();
    assert_eq!(guests.len(), 12, "{guests:?}");
    assert_eq!((&guests[0]["plugin"], &guests[0]["text"]), (&json!("conformance"), &json!(all[0])));
    assert!(guests[0]["span"]["request"].is_string(), "{}", guests[0]);
}

#[test]
fn resources_are_listed_and_read() {
    let host = conformance().start();
    let read = |uri: &str| host.rpc().request("resources/read", json!({ "uri": uri }));
    let listed = host.rpc().request("resources/list", json!({}));
    let listed = listed.result()["resources"].as_array().unwrap();
    let uris: Vec<&str> = listed.iter().filter_map(|r| r["uri"].as_str()).collect();
    assert_eq!(uris, ["test://static-binary", "test://static-text", "test://watched-resource"]);
    for resource in listed {
        let contents = read(resource["uri"].as_str().unwrap()).result()["contents"].clone();
        assert_eq!((&contents[0]["uri"], &contents[0]["mimeType"]), (&resource["uri"], &resource["mimeType"]));
        assert!(contents[0]["text"].is_string() != contents[0]["blob"].is_string(), "{contents}");
    }
    let templates = host.rpc().request("resources/templates/list", json!({}));
    assert_eq!(templates.result()["resourceTemplates"][0]["uriTemplate"], "test://template/{id}/data");
    let text = read("test://template/123/data").result()["contents"][0]["text"].clone();
    let data: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    assert_eq!(data, json!({ "id": "123", "templateTest": true, "data": "Data for ID: 123" }));
    // Not listed, nor of a template, nor one that the template's plugin has.
    for uri in [
        "test://nonexistent",
        "file:///etc/passwd",
        "test://template/123/other",
        "test://template//data",
        "TEST://static-text",
    ] {
        let reply = read(uri);
        assert_eq!((reply.status, reply.error_code()), (200, Some(-32602)), "{uri}: {}", reply.message);
        assert_eq!(reply.message["error"]["data"]["uri"], uri, "{}", reply.message);
    }
}

#[test]
fn prompts_are_filled_in() {
    let host = conformance().start();
    let get = |name: &str, arguments: Value| {
        host.rpc().request("prompts/get", json!({ "name": name, "arguments": arguments }))
    };
    let listed = host.rpc().request("prompts/list", json!({}));
    let prompt =
        listed.result()["prompts"].as_array().unwrap().iter().find(|p| p["name"] == "test_prompt_with_arguments");
    let arguments = prompt.unwrap()["arguments"].as_array().unwrap();
    assert!(arguments.len() == 2 && arguments.iter().all(|a| a["required"] == true), "{arguments:?}");
    let filled = get("test_prompt_with_arguments", json!({ "arg1": "hello", "arg2": "world" }));
    let message = &filled.result()["messages"][0];
    assert_eq!(
        (&message["role"], &message["content"]["text"]),
        (&json!("user"), &json!("Prompt with arguments: arg1='hello', arg2='world'"))
    );
    assert_eq!(get("test_prompt_with_image", json!({})).result()["messages"][0]["content"]["type"], "image");
    // The second field: which call of this name it is.
    for (name, nth, arguments, says) in [
        ("test_prompt_with_arguments", 2, json!({ "arg1": "hello" }), "argument arg2 is missing"),
        ("test_prompt_with_arguments", 3, json!({}), "argument arg1 is missing"),
        (
            "test_prompt_with_arguments",
            4,
            json!({ "arg1": "a", "arg2": "b", "arg3": "c" }),
            "there is no argument \"arg3\"",
        ),
        ("nope", 1, json!({}), "unknown prompt: nope"),
    ] {
        let reply = get(name, arguments);
        assert_eq!((reply.status, reply.error_code()), (200, Some(-32602)), "{}", reply.message);
        let message = reply.message["error"]["message"].as_str().unwrap();
        assert!(message.contains(says), "{message}");
        assert_eq!(calls(&host, name, nth).pop().unwrap()["fuel"], 0, "nothing ran for it");
    }
}

#[test]
fn arguments_are_completed() {
    let host = conformance().start();
    let complete = |subject: Value, name: &str, value: &str| {
        host.rpc()
            .request("completion/complete", json!({ "ref": subject, "argument": { "name": name, "value": value } }))
    };
    let prompt = json!({ "type": "ref/prompt", "name": "test_prompt_with_arguments" });
    let found = complete(prompt.clone(), "arg1", "par");
    assert_eq!(
        found.result()["completion"],
        json!({ "values": ["paris", "park", "party"], "total": 3, "hasMore": false })
    );
    assert_eq!(complete(prompt.clone(), "arg1", "pari").result()["completion"]["values"], json!(["paris"]));
    assert_eq!(complete(prompt.clone(), "arg1", "zzz").result()["completion"]["values"], json!([]));
    let template = json!({ "type": "ref/resource", "uri": "test://template/{id}/data" });
    assert_eq!(complete(template, "id", "12").result()["completion"]["values"], json!(["12", "123"]));
    for subject in
        [json!({ "type": "ref/prompt", "name": "nope" }), json!({ "type": "ref/resource", "uri": "test://nope" })]
    {
        assert_eq!(complete(subject, "arg1", "").error_code(), Some(-32602));
    }
    assert_eq!(complete(prompt, "arg9", "").error_code(), Some(-32602));
}

/// A call by a client that can be asked for whatever there is, with the answers it has.
fn answered(host: &TestHost, tool: &str, arguments: &Value, responses: &Value, state: Option<&str>) -> Reply {
    let mut params = json!({ "name": tool, "arguments": arguments, "inputResponses": responses });
    if let Some(state) = state {
        params["requestState"] = state.into();
    }
    let capabilities = json!({ "elicitation": { "form": {} }, "sampling": {}, "roots": {} });
    let key = format!("{PREFIX}/clientCapabilities");
    host.rpc().request_with("tools/call", params, json!({ key.as_str(): capabilities }))
}

#[track_caller]
fn state(reply: &Reply) -> String {
    assert_eq!(reply.result()["resultType"], "input_required", "{}", reply.message);
    reply.result()["requestState"].as_str().expect("a state").to_owned()
}

#[track_caller]
fn refused(reply: &Reply) {
    assert_eq!((reply.status, reply.error_code()), (200, Some(-32602)), "{}", reply.message);
    let message = reply.message["error"]["message"].as_str().unwrap();
    assert_eq!(message, "requestState was altered or belongs to another call");
}

#[test]
fn a_tool_asks_and_goes_on_with_the_answers() {
    let host = conformance().start();
    let tool = "test_input_required_result_multi_round";
    let none = json!({});
    let first = answered(&host, tool, &none, &none, None);
    let question = &first.result()["inputRequests"]["step1"];
    assert_eq!(
        (&question["method"], &question["params"]["message"]),
        (&json!("elicitation/create"), &json!("Step 1: What is your name?"))
    );
    assert_eq!(question["params"]["requestedSchema"]["required"], json!(["name"]));
    let name = json!({ "step1": { "action": "accept", "content": { "name": "Ada" } } });
    let second = answered(&host, tool, &none, &name, Some(&state(&first)));
    assert!(second.result()["inputRequests"]["step2"].is_object(), "{}", second.message);
    assert_ne!(state(&first), state(&second));
    let color = json!({ "step2": { "action": "accept", "content": { "color": "blue" } } });
    let last = answered(&host, tool, &none, &color, Some(&state(&second)));
    assert_eq!(last.text(), "Ada's favorite color is blue.");
    // A useless answer is asked for again, and one to nothing is not heard.
    for useless in [
        json!({}),
        json!({ "step1": { "action": "decline" } }),
        json!({ "other": { "action": "accept", "content": { "name": "Eve" } } }),
    ] {
        let first = answered(&host, tool, &none, &none, None);
        let again = answered(&host, tool, &none, &useless, Some(&state(&first)));
        assert!(again.result()["inputRequests"]["step1"].is_object(), "{}", again.message);
    }
    // What the plugin remembers is not for the client to read.
    for hidden in ["Ada", "asked", "QWRh"] {
        assert!(!state(&second).contains(hidden), "{}", state(&second));
    }
}

#[test]
fn state_comes_back_as_it_was_to_the_call_it_was_of() {
    let host = conformance().start();
    let tool = "test_input_required_result_request_state";
    let none = json!({});
    let confirmed = json!({ "confirm": { "action": "accept", "content": { "ok": true } } });
    let sealed = state(&answered(&host, tool, &none, &none, None));
    let with = |tool: &str, arguments: &Value, state: &str| answered(&host, tool, arguments, &confirmed, Some(state));
    // Altered in any way.
    let mut flipped = sealed.clone().into_bytes();
    let middle = flipped.len() / 2;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    for altered in [
        format!("{sealed}-TAMPERED"),
        flipped,
        sealed[1..].to_owned(),
        sealed[..sealed.len() - 4].to_owned(),
        String::new(),
        "e30".into(),
        "x".repeat(100_000),
    ] {
        refused(&with(tool, &none, &altered));
    }
    // Another tool's, though the plugin and what it remembers are the same.
    refused(&with("test_input_required_result_tampered_state", &none, &sealed));
    refused(&with("test_input_required_result_multi_round", &none, &sealed));
    // A tool that asks for nothing takes none either.
    refused(&with("test_simple_text", &none, &sealed));
    // Another call's.
    refused(&with(tool, &json!({ "amount": 1_000_000 }), &sealed));
    // Another host's.
    let other = conformance().start();
    refused(&answered(&other, tool, &none, &confirmed, Some(&sealed)));
    let lines = calls(&host, tool, 9);
    let spent: Vec<_> = lines.iter().filter(|l| l["outcome"] == "bad_state").map(|l| l["fuel"].clone()).collect();
    assert_eq!(spent, vec![json!(0); 8], "no guest sees it");
    // All of that took nothing from the one it belongs to.
    assert_eq!(with(tool, &none, &sealed).text(), "state-ok, confirmed: true");
    // What was answered once is not answered again by sending it again.
    let replayed = with(tool, &none, &sealed);
    let message = replayed.message["error"]["message"].as_str().unwrap();
    assert_eq!(message, "requestState was used already: call again without it");
}

#[test]
fn a_prompt_asks_too() {
    let host = conformance().start();
    let get = |responses: Value| {
        let params =
            json!({ "name": "test_input_required_result_prompt", "arguments": {}, "inputResponses": responses });
        let key = format!("{PREFIX}/clientCapabilities");
        host.rpc().request_with("prompts/get", params, json!({ key.as_str(): { "elicitation": {} } }))
    };
    assert!(get(json!({})).result()["inputRequests"]["user_context"].is_object());
    let told = get(json!({ "user_context": { "action": "accept", "content": { "context": "a test" } } }));
    assert_eq!(told.result()["messages"][0]["content"]["text"], "Use this context: a test");
}

#[test]
fn a_client_is_asked_for_nothing_that_it_does_not_offer() {
    let host = conformance().start();
    let call = |tool: &str, capabilities: Value| {
        let key = format!("{PREFIX}/clientCapabilities");
        host.rpc().request_with(
            "tools/call",
            json!({ "name": tool, "arguments": {} }),
            json!({ key.as_str(): capabilities }),
        )
    };
    let lacking = |tool: &str, capabilities: Value, wanted: Value| {
        let reply = call(tool, capabilities);
        assert_eq!((reply.status, reply.error_code()), (400, Some(-32021)), "{tool}: {}", reply.message);
        assert_eq!(reply.message["error"]["data"]["requiredCapabilities"], wanted, "{tool}");
    };
    let form = json!({ "elicitation": { "form": {} } });
    lacking("test_input_required_result_elicitation", json!({}), form.clone());
    lacking("test_input_required_result_elicitation", json!({ "elicitation": { "url": {} } }), form.clone());
    lacking("test_input_required_result_sampling", form.clone(), json!({ "sampling": {} }));
    lacking("test_missing_capability", json!({}), json!({ "sampling": {} }));
    lacking("test_input_required_result_multiple_inputs", form.clone(), json!({ "sampling": {}, "roots": {} }));
    // An empty object means forms, as it did before there were pages.
    for offered in [form, json!({ "elicitation": {} })] {
        let asked = call("test_input_required_result_elicitation", offered);
        assert!(asked.result()["inputRequests"]["user_name"].is_object(), "{}", asked.message);
    }
    let asked = call("test_input_required_result_capabilities", json!({ "sampling": {} }));
    let keys: Vec<&String> = asked.result()["inputRequests"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["capital_question"]);
}

#[test]
fn an_argument_that_is_a_header_too_is_the_same_in_both() {
    let host = conformance().start();
    let body = request(1, "tools/call", json!({ "name": "test_custom_header", "arguments": { "value": "blue" } }));
    let mut connection = Connection::to(host.rpc());
    let mut with = |header: Option<&str>| {
        let more = header.map(|value| ("mcp-param-value", value));
        let headers: Vec<_> = current("tools/call", "test_custom_header").into_iter().chain(more).collect();
        let answer = connection.ask("POST", "/mcp", &headers, &body);
        let message: Value = serde_json::from_str(&answer.body).unwrap();
        (answer.head.status, message)
    };
    for good in ["blue", "  blue  ", "=?base64?Ymx1ZQ==?="] {
        let (status, message) = with(Some(good));
        assert_eq!((status, &message["result"]["content"][0]["text"]), (200, &json!("blue")), "{good}: {message}");
    }
    for bad in [None, Some("red"), Some(""), Some("=?base64?cmVk?=")] {
        let (status, message) = with(bad);
        assert_eq!((status, &message["error"]["code"]), (400, &json!(-32020)), "{bad:?}: {message}");
    }
}

#[test]
fn who_listens_is_told_of_what_was_asked_for() {
    let greeter = guest("greeter");
    let host = HostBuilder::new().plugin("conformance", &plugin("conformance")).start();
    let listen = |filter: Value| {
        let body = request(9, "subscriptions/listen", json!({ "notifications": filter }));
        let mut events = Connection::to(host.rpc()).stream("POST", "/mcp", &current("subscriptions/listen", ""), &body);
        let first = events.message();
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
        assert_eq!(first["params"]["_meta"][format!("{PREFIX}/subscriptionId")], 9, "{first}");
        (events, first)
    };
    let (mut tools, first) = listen(json!({ "toolsListChanged": true }));
    assert_eq!(first["params"]["notifications"], json!({ "toolsListChanged": true }), "{first}");
    let (mut prompts, _) = listen(json!({ "promptsListChanged": true }));
    host.drop_in("hello", &greeter);
    let changed = tools.message();
    assert_eq!(changed["method"], "notifications/tools/list_changed", "{changed}");
    assert_eq!(changed["params"]["_meta"][format!("{PREFIX}/subscriptionId")], 9, "{changed}");
    assert!(changed.get("id").is_none(), "{changed}");
    // By then it is so.
    assert!(host.rpc().tools().contains(&"hello_greet".to_owned()));
    // What a plugin announces is heard too, by who asked for it and nobody else.
    assert!(!host.rpc().call("conformance_test_trigger_prompt_change", json!({})).failed());
    assert_eq!(
        prompts.message()["method"],
        "notifications/prompts/list_changed",
        "of prompts first: nothing of tools came"
    );
    assert!(!host.rpc().call("conformance_test_trigger_tool_change", json!({})).failed());
    assert_eq!(tools.message()["method"], "notifications/tools/list_changed", "of tools next: nothing of prompts came");
    // Nobody waits for listeners.
    host.signal(rustix::process::Signal::TERM);
    assert_eq!(host.wait().code(), Some(0), "{}", host.log());
}
