//! Tools that ask the user and report what the user did.
//!
//! A user who declines has answered, and that is what these report. Only what is no answer at all
//! is asked for again.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answers::{self, Action};
use crate::bindings::cofferdam::plugin::types::ClientFeatures;
use crate::fixture::{ask, form, need, say, Answered, Call, Fixture, PURE};

/// The one request of each of these tools.
const KEY: &str = "response";

pub(crate) const FIXTURES: [Fixture; 4] = [
    Fixture {
        name: "test_elicitation",
        description: "Shows the user a message with two fields to fill in.",
        input_schema: r#"{
            "type": "object",
            "properties": { "message": { "type": "string", "description": "What to show." } },
            "required": ["message"]
        }"#,
        hints: PURE,
        run: test_elicitation,
    },
    Fixture::plain(
        "test_elicitation_sep1034_defaults",
        "Shows the user a form with a default in each field.",
        |call| {
            let message = "Please review the form and change what is not right.";
            elicit(call, message, DEFAULTS, completed)
        },
    ),
    Fixture::plain("test_elicitation_sep1330_enums", "Shows the user a form with every kind of choice.", |call| {
        elicit(call, "Please choose.", ENUMS, completed)
    }),
    Fixture::plain(
        "test_streaming_elicitation",
        "Asks the user for a name, and sends nothing else meanwhile.",
        |call| elicit(call, "Please give your name.", NAME, completed),
    ),
];

const USER: &str = r#"{
    "type": "object",
    "properties": {
        "username": { "type": "string", "description": "User's response" },
        "email": { "type": "string", "description": "User's email address" }
    },
    "required": ["username", "email"]
}"#;

const DEFAULTS: &str = r#"{
    "type": "object",
    "properties": {
        "name": { "type": "string", "description": "Your name", "default": "John Doe" },
        "age": { "type": "integer", "description": "Your age", "default": 30 },
        "score": { "type": "number", "description": "Your score", "default": 95.5 },
        "status": {
            "type": "string",
            "description": "Your status",
            "enum": ["active", "inactive", "pending"],
            "default": "active"
        },
        "verified": { "type": "boolean", "description": "Whether you are verified", "default": true }
    },
    "required": []
}"#;

const ENUMS: &str = r#"{
    "type": "object",
    "properties": {
        "untitledSingle": {
            "type": "string",
            "description": "One of three",
            "enum": ["option1", "option2", "option3"]
        },
        "titledSingle": {
            "type": "string",
            "description": "One of three, with titles",
            "oneOf": [
                { "const": "value1", "title": "First Option" },
                { "const": "value2", "title": "Second Option" },
                { "const": "value3", "title": "Third Option" }
            ]
        },
        "legacyEnum": {
            "type": "string",
            "description": "One of three, with titles as they used to be",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"]
        },
        "untitledMulti": {
            "type": "array",
            "description": "Some of three",
            "items": { "type": "string", "enum": ["option1", "option2", "option3"] }
        },
        "titledMulti": {
            "type": "array",
            "description": "Some of three, with titles",
            "items": {
                "anyOf": [
                    { "const": "value1", "title": "First Choice" },
                    { "const": "value2", "title": "Second Choice" },
                    { "const": "value3", "title": "Third Choice" }
                ]
            }
        }
    },
    "required": []
}"#;

const NAME: &str = r#"{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}"#;

fn test_elicitation(call: &Call<'_>) -> Answered {
    #[derive(Deserialize)]
    struct Arguments {
        message: String,
    }
    let Arguments { message } = call.arguments()?;
    elicit(call, &message, USER, |action, content| {
        format!("User response: <action: {}, content: {content}>", action.name())
    })
}

/// Asks until there is an answer, then reports it.
fn elicit(call: &Call<'_>, message: &str, schema: &str, report: fn(Action, Value) -> String) -> Answered {
    need(call.context, ClientFeatures::ELICITATION)?;
    match answers::reply(call.context, KEY) {
        Some(reply) => say(report(reply.action, filled_in(reply.action, reply.content))),
        None => ask(vec![form(KEY, message, schema)], None),
    }
}

/// What is in a form counts only when the user accepted it.
fn filled_in(action: Action, content: Map<String, Value>) -> Value {
    match action {
        Action::Accept => Value::Object(content),
        Action::Decline | Action::Cancel => Value::Object(Map::new()),
    }
}

fn completed(action: Action, content: Value) -> String {
    format!("Elicitation completed: action={}, content={content}", action.name())
}

#[cfg(test)]
mod tests;
