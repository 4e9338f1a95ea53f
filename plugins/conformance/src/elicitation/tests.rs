use serde_json::json;

use super::*;
use crate::bindings::cofferdam::plugin::types::ToolError;
use crate::tools::tests::{accept, answered, asked, asked_form, context, run, said, without};

const MESSAGE: &str = r#"{"message":"Who are you?"}"#;

fn arguments(name: &str) -> &'static str {
    if name == "test_elicitation" {
        MESSAGE
    } else {
        "{}"
    }
}

/// The message and the schema that the first round of a tool shows.
fn first_round(name: &str) -> (String, Value) {
    let asked = asked(run(name, arguments(name), &context()));
    assert_eq!(asked.state, None);
    asked_form(&asked, KEY)
}

fn reported(name: &str, value: &str) -> String {
    said(run(name, arguments(name), &answered(context(), KEY, value)))
}

#[test]
fn the_message_and_two_required_fields_are_shown() {
    let (message, schema) = first_round("test_elicitation");
    assert_eq!(message, "Who are you?");
    let expected = json!({
        "type": "object",
        "properties": {
            "username": { "type": "string", "description": "User's response" },
            "email": { "type": "string", "description": "User's email address" },
        },
        "required": ["username", "email"],
    });
    assert_eq!(schema, expected);
}

#[test]
fn what_the_user_did_is_reported() {
    let filled = accept(r#"{"username":"ada","email":"ada@example.com"}"#);
    for (value, expected) in [
        (filled.as_str(), r#"User response: <action: accept, content: {"email":"ada@example.com","username":"ada"}>"#),
        (r#"{"action":"accept"}"#, "User response: <action: accept, content: {}>"),
        (r#"{"action":"decline"}"#, "User response: <action: decline, content: {}>"),
        (r#"{"action":"cancel","content":{"username":"ada"}}"#, "User response: <action: cancel, content: {}>"),
    ] {
        assert_eq!(reported("test_elicitation", value), expected);
    }
}

#[test]
fn every_default_is_offered() {
    let (_, schema) = first_round("test_elicitation_sep1034_defaults");
    let fields = [
        ("name", "string", json!("John Doe")),
        ("age", "integer", json!(30)),
        ("score", "number", json!(95.5)),
        ("status", "string", json!("active")),
        ("verified", "boolean", json!(true)),
    ];
    assert_eq!(schema["properties"].as_object().unwrap().len(), fields.len());
    for (name, kind, default) in fields {
        let field = &schema["properties"][name];
        assert_eq!((&field["type"], &field["default"]), (&json!(kind), &default), "{name}");
    }
    let status = &schema["properties"]["status"]["enum"];
    assert_eq!(status, &json!(["active", "inactive", "pending"]));
    assert_eq!(
        reported("test_elicitation_sep1034_defaults", &accept(r#"{"age":31}"#)),
        r#"Elicitation completed: action=accept, content={"age":31}"#
    );
}

#[test]
fn every_kind_of_choice_is_offered() {
    let (_, mut schema) = first_round("test_elicitation_sep1330_enums");
    let properties = schema["properties"].as_object_mut().unwrap();
    for property in properties.values_mut() {
        assert!(property.as_object_mut().unwrap().remove("description").is_some());
    }
    let options = json!(["option1", "option2", "option3"]);
    let titled = |noun: &str| {
        let pair = |value: &str, nth: &str| json!({ "const": value, "title": format!("{nth} {noun}") });
        json!([pair("value1", "First"), pair("value2", "Second"), pair("value3", "Third")])
    };
    let expected = json!({
        "untitledSingle": { "type": "string", "enum": options },
        "titledSingle": { "type": "string", "oneOf": titled("Option") },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": { "type": "array", "items": { "type": "string", "enum": options } },
        "titledMulti": { "type": "array", "items": { "anyOf": titled("Choice") } },
    });
    assert_eq!(schema["properties"], expected);
    assert_eq!(
        reported("test_elicitation_sep1330_enums", r#"{"action":"decline"}"#),
        "Elicitation completed: action=decline, content={}"
    );
}

#[test]
fn streaming_elicitation_asks_once_and_completes() {
    let (_, schema) = first_round("test_streaming_elicitation");
    assert_eq!(schema["required"], json!(["name"]));
    let text = reported("test_streaming_elicitation", &accept(r#"{"name":"Ada"}"#));
    assert_eq!(text, r#"Elicitation completed: action=accept, content={"name":"Ada"}"#);
}

#[test]
fn what_is_no_answer_is_asked_for_again() {
    for fixture in &FIXTURES {
        for value in ["7", "{}", r#"{"action":"maybe"}"#, r#"{"action":"accept","content":[]}"#] {
            let context = answered(context(), KEY, value);
            let again = asked(run(fixture.name, arguments(fixture.name), &context));
            assert_eq!(asked_form(&again, KEY), first_round(fixture.name), "{value}");
        }
    }
}

#[test]
fn a_client_without_forms_is_told() {
    for fixture in &FIXTURES {
        let context = without(ClientFeatures::ELICITATION);
        let error = run(fixture.name, arguments(fixture.name), &context).unwrap_err();
        assert_eq!(error, ToolError::ClientLacks(ClientFeatures::ELICITATION));
    }
}
