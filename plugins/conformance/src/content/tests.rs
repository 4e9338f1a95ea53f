use serde_json::{json, Value};

use super::*;
use crate::host::fake::{Event, Fake};
use crate::tools::tests::{conforms, contents, context, run, run_on, said};

fn call(name: &str) -> Vec<Content> {
    contents(run(name, "{}", &context()))
}

#[test]
fn simple_text() {
    let expected = "This is a simple text response for testing.";
    assert_eq!(said(run("test_simple_text", "{}", &context())), expected);
}

#[test]
fn image() {
    assert_eq!(call("test_image_content"), [png()]);
    assert!(PNG.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01"));
    assert!(PNG.ends_with(b"IEND\xaeB`\x82"));
}

#[test]
fn audio() {
    let expected = MediaContent { data: WAV.into(), mime_type: "audio/wav".into(), hints: None };
    assert_eq!(call("test_audio_content"), [Content::Audio(expected)]);
    assert_eq!(&WAV[..4], b"RIFF");
    assert_eq!(&WAV[8..16], b"WAVEfmt ");
    let size = u32::from_le_bytes(WAV[4..8].try_into().unwrap());
    assert_eq!(size as usize + 8, WAV.len());
}

#[test]
fn embedded_resource() {
    let text = "This is an embedded resource content.";
    let expected = resource("test://embedded-resource", "text/plain", text);
    assert_eq!(call("test_embedded_resource"), [expected]);
}

#[test]
fn multiple_content_types() {
    let json = r#"{"test":"data","value":123}"#;
    let expected = [
        text("Multiple content types test:"),
        png(),
        resource("test://mixed-content-resource", "application/json", json),
    ];
    assert_eq!(call("test_multiple_content_types"), expected);
}

#[test]
fn error_handling() {
    let error = run("test_error_handling", "{}", &context()).unwrap_err();
    let expected = "This tool intentionally returns an error for testing";
    assert_eq!(error, ToolError::Internal(expected.into()));
}

#[test]
fn progress_comes_in_three_beats() {
    let host = Fake::default();
    let text = said(run_on(&host, "test_tool_with_progress", "{}", &context()));
    assert!(!text.is_empty());
    let expected = [
        Event::Progress(0.0, 100.0),
        Event::Pause(BEAT),
        Event::Progress(50.0, 100.0),
        Event::Pause(BEAT),
        Event::Progress(100.0, 100.0),
    ];
    assert_eq!(host.events(), expected);
}

/// The schema as the suite gives it; the properties of an object have no order.
#[test]
fn json_schema_2020_12() {
    let expected = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": { "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
        } },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    });
    let tool = FIXTURES.iter().find(|fixture| fixture.name == "json_schema_2020_12_tool").unwrap();
    let schema: Value = serde_json::from_str(tool.input_schema).unwrap();
    assert_eq!(schema, expected);
    assert_eq!(tool.description, "Tool with JSON Schema 2020-12 features");

    let arguments = r#"{"contactMethod":"phone","phone":"1"}"#;
    let text = said(run(tool.name, arguments, &context()));
    assert_eq!(text, format!("Called with {arguments}"));
    assert!(!conforms(tool.input_schema, r#"{"contactMethod":"phone","email":"a@b"}"#));
}

#[test]
fn greeting() {
    let text = said(run("greet", r#"{"name":"Ada"}"#, &context()));
    assert_eq!(text, "Hello, Ada!");
}

#[test]
fn a_greeting_needs_a_name() {
    let context = context();
    let call = Call { arguments: "{}", context: &context, host: &Fake::default() };
    assert!(matches!(greet(&call), Err(ToolError::Validation(_))));
}
