//! A component that uses everything a host can grant, as its arguments say.
//!
//! Each tool does one small thing and tells what came of it as structured JSON. A refusal is part of
//! the result, under `error`, in the words of the interface that refused; so a test can tell it from
//! a call that the host ended. Each tool is there twice, as `x` and as `x_too`, for tests of what is
//! granted to one tool and not to another.

mod files;
mod given;
mod http;
mod kv;
mod say;
mod sockets;
mod sql;
mod tools;

use cofferdam::plugin::types::{Context, ToolError};
use exports::cofferdam::plugin::tools::{Guest, Outcome, Tool, ToolResult};
use serde_json::Value;

wit_bindgen::generate!({ world: "everything", path: "../../../wit", generate_all });

struct Probe;

impl Guest for Probe {
    fn list() -> Vec<Tool> {
        tools::ALL.iter().flat_map(|tool| [tool.definition(""), tool.definition(tools::TOO)]).collect()
    }

    fn call(name: String, arguments: String, _: Context) -> Result<Outcome, ToolError> {
        let plain = name.strip_suffix(tools::TOO).unwrap_or(&name);
        let tool = tools::ALL
            .iter()
            .find(|tool| tool.name == plain)
            .ok_or_else(|| ToolError::NotFound(format!("there is no tool {name}")))?;
        // The host has checked that it is JSON.
        let arguments: Value = serde_json::from_str(&arguments).unwrap_or_default();
        (tool.run)(&arguments)
    }
}

/// A result with this as its structured content.
fn complete(structured: &Value) -> Result<Outcome, ToolError> {
    Ok(Outcome::Complete(ToolResult { content: Vec::new(), structured: Some(structured.to_string()) }))
}

/// An argument that is a text; empty when it is absent.
fn text<'a>(arguments: &'a Value, name: &str) -> &'a str {
    arguments[name].as_str().unwrap_or_default()
}

/// An argument that is a number, or `otherwise`.
fn number(arguments: &Value, name: &str, otherwise: u64) -> u64 {
    arguments[name].as_u64().unwrap_or(otherwise)
}

/// Texts that stand in a list.
fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
}

/// Bytes as text, whatever they are.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

export!(Probe);
