//! The arguments of a call.

use crate::cofferdam::plugin::types::{Problem, ToolError};
use serde_json::{Map, Value};

/// One argument that a tool takes; all are required.
pub enum Parameter {
    Number(&'static str),
    Text(&'static str),
}

impl Parameter {
    pub fn name(&self) -> &'static str {
        match self {
            Parameter::Number(name) | Parameter::Text(name) => name,
        }
    }

    pub fn schema(&self) -> Value {
        match self {
            Parameter::Number(_) => serde_json::json!({ "type": "integer", "minimum": 0 }),
            Parameter::Text(_) => serde_json::json!({ "type": "string" }),
        }
    }
}

pub struct Arguments(Map<String, Value>);

impl Arguments {
    pub fn parse(json: &str) -> Result<Self, ToolError> {
        serde_json::from_str(json).map(Self).map_err(|_| invalid("", "an object"))
    }

    pub fn number(&self, name: &str) -> Result<usize, ToolError> {
        self.0
            .get(name)
            .and_then(Value::as_u64)
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(|| invalid(name, "a number of 32 bits"))
    }

    pub fn text(&self, name: &str) -> Result<&str, ToolError> {
        self.0.get(name).and_then(Value::as_str).ok_or_else(|| invalid(name, "a string"))
    }
}

fn invalid(name: &str, expected: &str) -> ToolError {
    let path = if name.is_empty() { String::new() } else { format!("/{name}") };
    ToolError::Validation(vec![Problem { path, message: format!("expected {expected}") }])
}
