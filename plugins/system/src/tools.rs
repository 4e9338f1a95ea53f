//! The table of tools, and the way from a name to an answer.

use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::bindings::cofferdam::plugin::types::{Content, Problem, TextContent, ToolError};
use crate::bindings::exports::cofferdam::plugin::tools::{Tool, ToolHints, ToolResult};
use crate::host::Host;
use crate::{echo, health, time};

/// The schema of arguments for a tool that takes none.
pub(crate) const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{},"additionalProperties":false}"#;

/// One tool: what clients are told, and what runs.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    pub(crate) input_schema: &'static str,
    pub(crate) output_schema: &'static str,
    pub(crate) run: fn(arguments: &str, host: &dyn Host) -> Result<ToolResult, ToolError>,
}

const ENTRIES: [&Entry; 4] = [&echo::ECHO, &time::GET_TIME, &health::HEALTH_CHECK, &health::SYSTEM_HEALTH];

pub fn list() -> Vec<Tool> {
    ENTRIES.iter().map(|entry| entry.define()).collect()
}

pub fn call(name: &str, arguments: &str, host: &dyn Host) -> Result<ToolResult, ToolError> {
    let entry = ENTRIES
        .iter()
        .find(|entry| entry.name == name)
        .ok_or_else(|| ToolError::NotFound(format!("this plugin has no tool `{name}`")))?;
    (entry.run)(arguments, host)
}

impl Entry {
    fn define(&self) -> Tool {
        Tool {
            name: self.name.into(),
            title: Some(self.title.into()),
            description: self.description.into(),
            input_schema: self.input_schema.into(),
            output_schema: Some(self.output_schema.into()),
            // Every tool here looks and touches nothing.
            hints: ToolHints {
                read_only: Some(true),
                destructive: Some(false),
                idempotent: Some(true),
                open_world: Some(false),
            },
        }
    }
}

/// The arguments as the tool's own type. The host has checked them against the schema, so a
/// failure here means that the schema promises less than the type asks.
pub(crate) fn parse<T: DeserializeOwned>(arguments: &str) -> Result<T, ToolError> {
    serde_json::from_str(arguments).map_err(|error| invalid("", error.to_string()))
}

pub(crate) fn invalid(path: &str, message: String) -> ToolError {
    ToolError::Validation(vec![Problem { path: path.into(), message }])
}

/// A structured result; the host shows it as text too when `text` is `None`.
pub(crate) fn answer(value: &impl Serialize, text: Option<&str>) -> Result<ToolResult, ToolError> {
    let structured = serde_json::to_string(value)
        .map_err(|error| ToolError::Internal(format!("the result is not JSON: {error}")))?;
    let content = text.map(|text| Content::Text(TextContent { text: text.into(), hints: None }));
    Ok(ToolResult { content: content.into_iter().collect(), structured: Some(structured) })
}

#[cfg(test)]
pub(crate) mod tests;
