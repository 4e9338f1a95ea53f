//! A plugin that does what a plugin should: one tool, `greet`, and nothing else.
//!
//! Tests overwrite the greeting in the binary to get other, equally honest plugins.

use cofferdam::plugin::types::{Content, Context, Problem, TextContent, ToolError};
use exports::cofferdam::plugin::tools::{Guest, Outcome, Tool, ToolHints, ToolResult};

wit_bindgen::generate!({ world: "tool-plugin", path: "../../../wit" });

/// The test code looks for this in the binary.
const MARKER: &str = "GREETING!";

static GREETING: [u8; 32] = slot::slot(MARKER, "Hello");

struct Greeter;

impl Guest for Greeter {
    fn list() -> Vec<Tool> {
        vec![Tool {
            name: "greet".into(),
            title: Some("Greet".into()),
            description: "Greets somebody by name.".into(),
            input_schema: serde_json::json!({
                "type": "object",
                "properties": { "name": { "type": "string", "description": "Who to greet." } },
                "required": ["name"],
                "additionalProperties": false,
            })
            .to_string(),
            output_schema: None,
            hints: ToolHints {
                read_only: Some(true),
                destructive: Some(false),
                idempotent: Some(true),
                open_world: Some(false),
            },
        }]
    }

    fn call(name: String, arguments: String, _: Context) -> Result<Outcome, ToolError> {
        if name != "greet" {
            return Err(ToolError::NotFound(format!("there is no tool {name}")));
        }
        let greeted = greeted(&arguments)?;
        let greeting = slot::read(&GREETING, MARKER.len());
        let text = format!("{greeting}, {greeted}!");
        let content = vec![Content::Text(TextContent { text, hints: None })];
        Ok(Outcome::Complete(ToolResult { content, structured: None }))
    }
}

/// The argument `name`.
fn greeted(arguments: &str) -> Result<String, ToolError> {
    let arguments: serde_json::Value = serde_json::from_str(arguments).unwrap_or_default();
    arguments["name"]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| ToolError::Validation(vec![Problem { path: "/name".into(), message: "a string".into() }]))
}

export!(Greeter);
