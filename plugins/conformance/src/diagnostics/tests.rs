use serde_json::Value;

use super::*;
use crate::bindings::cofferdam::plugin::types::ToolError;
use crate::host::fake::{Event, Fake};
use crate::tools;
use crate::tools::tests::{context, run, run_on, said, without};

/// What a tool makes the host do, having checked that it ends with a text.
fn events(name: &str) -> Vec<Event> {
    let host = Fake::default();
    assert!(!said(run_on(&host, name, "{}", &context())).is_empty());
    host.events()
}

#[test]
fn three_lines_are_logged_a_beat_apart() {
    let log = |line: &str| Event::Log(line.into());
    let expected = [
        log("Tool execution started"),
        Event::Pause(BEAT),
        log("Tool processing data"),
        Event::Pause(BEAT),
        log("Tool execution completed"),
    ];
    assert_eq!(events("test_tool_with_logging"), expected);
}

#[test]
fn the_logging_tool_always_logs() {
    let expected = [Event::Log("Logging tool executed".into())];
    assert_eq!(events("test_logging_tool"), expected);
}

#[test]
fn reconnection_takes_its_time() {
    assert_eq!(events("test_reconnection"), [Event::Pause(2 * BEAT)]);
}

#[test]
fn changes_are_announced() {
    for (name, what) in [("test_trigger_tool_change", Listing::Tools), ("test_trigger_prompt_change", Listing::Prompts)]
    {
        assert_eq!(events(name), [Event::Announce(what)]);
        let tool = tools::list().into_iter().find(|tool| tool.name == name).unwrap();
        assert_eq!(tool.hints.read_only, Some(false), "{name}");
    }
}

#[test]
fn a_capability_that_is_missing_is_named() {
    let name = "test_missing_capability";
    assert!(!said(run(name, "{}", &context())).is_empty());
    let error = run(name, "{}", &without(ClientFeatures::SAMPLING)).unwrap_err();
    assert_eq!(error, ToolError::ClientLacks(ClientFeatures::SAMPLING));
}

#[test]
fn the_custom_header_is_declared_and_its_value_returned() {
    let tools = tools::list();
    let marked: Vec<_> = tools.iter().filter(|tool| tool.input_schema.contains("x-mcp-header")).collect();
    assert_eq!(marked.len(), 1);
    assert_eq!(marked[0].name, "test_custom_header");
    let schema: Value = serde_json::from_str(&marked[0].input_schema).unwrap();
    let property = &schema["properties"]["value"];
    assert_eq!(property["type"], "string");
    assert_eq!(property["x-mcp-header"], "Value");
    assert_eq!(schema["required"], serde_json::json!(["value"]));

    let text = said(run("test_custom_header", r#"{"value":"Grüße"}"#, &context()));
    assert_eq!(text, "Grüße");
}
