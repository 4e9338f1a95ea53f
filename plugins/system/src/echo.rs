//! `echo`: what came in goes out.

use serde::{Deserialize, Serialize};

use crate::bindings::cofferdam::plugin::types::ToolError;
use crate::bindings::exports::cofferdam::plugin::tools::ToolResult;
use crate::host::Host;
use crate::tools::{answer, parse, Entry};

pub(crate) const ECHO: Entry = Entry {
    name: "echo",
    title: "Echo",
    description: "Returns the given message unchanged. Use it to check that the connection to \
        this server works end to end, or to see how a text arrives there. Returns the message as \
        text and as `message`.",
    input_schema: r#"{
        "type": "object",
        "properties": {
            "message": {
                "type": "string",
                "maxLength": 65536,
                "description": "The text to return, at most 65536 characters."
            }
        },
        "required": ["message"],
        "additionalProperties": false
    }"#,
    output_schema: r#"{
        "type": "object",
        "properties": {
            "message": {
                "type": "string",
                "description": "The text that was given."
            }
        },
        "required": ["message"],
        "additionalProperties": false
    }"#,
    run: echo,
};

/// The arguments, and the result.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Echo {
    message: String,
}

fn echo(arguments: &str, _: &dyn Host) -> Result<ToolResult, ToolError> {
    let echo: Echo = parse(arguments)?;
    answer(&echo, Some(&echo.message))
}

#[cfg(test)]
mod tests;
