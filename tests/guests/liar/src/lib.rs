//! A component that lists whatever tools a test wrote into its binary.
//!
//! The slot holds a JSON array of [`Definition`]s. Names, descriptions and schemas go to the host as
//! they stand there, however hostile or malformed: the schemas are texts for this reason.

use cofferdam::plugin::types::{Content, Context, TextContent, ToolError};
use exports::cofferdam::plugin::tools::{Guest, Outcome, Tool, ToolHints, ToolResult};
use serde::Deserialize;

wit_bindgen::generate!({ world: "tool-plugin", path: "../../../wit" });

/// The test code looks for this in the binary.
const MARKER: &str = "DEFINITIONS!";

static DEFINITIONS: [u8; 65536] =
    slot::slot(MARKER, r#"[{"name":"honest","description":"Says its name.","inputSchema":"{\"type\":\"object\"}"}]"#);

/// One tool, in the words of the protocol.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Definition {
    name: String,
    title: Option<String>,
    description: String,
    /// JSON text, or what pretends to be.
    input_schema: String,
    output_schema: Option<String>,
    read_only: Option<bool>,
    destructive: Option<bool>,
    idempotent: Option<bool>,
    open_world: Option<bool>,
}

impl From<Definition> for Tool {
    fn from(definition: Definition) -> Self {
        Tool {
            name: definition.name,
            title: definition.title,
            description: definition.description,
            input_schema: definition.input_schema,
            output_schema: definition.output_schema,
            hints: ToolHints {
                read_only: definition.read_only,
                destructive: definition.destructive,
                idempotent: definition.idempotent,
                open_world: definition.open_world,
            },
        }
    }
}

struct Liar;

impl Guest for Liar {
    /// Traps when the slot does not hold definitions: a test that misspelt one must not pass.
    fn list() -> Vec<Tool> {
        let definitions: Vec<Definition> =
            serde_json::from_str(slot::read(&DEFINITIONS, MARKER.len())).expect("definitions");
        definitions.into_iter().map(Tool::from).collect()
    }

    fn call(name: String, _arguments: String, _: Context) -> Result<Outcome, ToolError> {
        let text = TextContent { text: format!("called {name}"), hints: None };
        Ok(Outcome::Complete(ToolResult { content: vec![Content::Text(text)], structured: None }))
    }
}

export!(Liar);
