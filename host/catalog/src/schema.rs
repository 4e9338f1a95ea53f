//! A plugin's JSON Schema: hostile twice, once when it is compiled and once each time it is used.

mod cost;

use std::sync::Arc;

use jsonschema::{Draft, PatternOptions, Retrieve, Uri, ValidationError, Validator};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::text::{Lines, deceptive};

/// Bytes of one schema. The largest that public servers serve has some 20,000.
const LARGEST: usize = 64 * 1024;
const DEEPEST: usize = 32;
const MOST_NODES: usize = 5000;
/// Violations told to a caller; a model mends a few at a time.
const MOST_VIOLATIONS: usize = 8;
const LONGEST_VIOLATION: usize = 300;

/// A schema that is safe to validate with, and ready to.
#[derive(Debug)]
pub struct Schema {
    document: Arc<Map<String, Value>>,
    validator: Validator,
}

/// Why a schema is refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SchemaError {
    #[error("it is no JSON: {0}")]
    NotJson(String),
    #[error("it is no JSON object")]
    NotObject,
    #[error("it has {0} bytes, more than {LARGEST}")]
    TooLarge(usize),
    #[error("it is nested deeper than {DEEPEST}")]
    TooDeep,
    #[error("it has more than {MOST_NODES} parts")]
    TooManyParts,
    #[error("it holds the character {0:?}, which readers cannot see")]
    Deceptive(char),
    #[error("its root says `type` {found}, and arguments are an object: write \"type\": \"object\"")]
    NotForObjects { found: String },
    #[error("it refers to {0:?}: only references into itself, beginning with #, are followed")]
    Remote(String),
    #[error("it says `$schema` {0:?}: write https://json-schema.org/draft/2020-12/schema or leave it out")]
    UnknownDraft(String),
    #[error("{0} may only mark a string, integer or boolean property, with a unique header token")]
    HeaderMark(String),
    #[error("{0:?} names more than one part of it: an anchor may stand once, an $id at the root only")]
    Ambiguous(String),
    #[error("it refers to itself without end at {0}")]
    Endless(String),
    #[error("checking a value against it could take too long: it applies more than {0} parts to one value")]
    TooCostly(u64),
    #[error("it is no valid JSON Schema: {0}")]
    Invalid(String),
}

/// One way in which a value is not what a schema asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// JSON Pointer into the value; empty for the whole.
    pub path: String,
    /// What was expected there.
    pub message: String,
}

/// Refuses what a schema would have fetched.
struct FetchesNothing;

impl Retrieve for FetchesNothing {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("{uri} is not fetched").into())
    }
}

impl Schema {
    /// A schema of arguments: its root is an object.
    pub fn of_arguments(text: &str) -> Result<Self, SchemaError> {
        let schema = Self::parse(text)?;
        match schema.document.get("type") {
            Some(Value::String(kind)) if kind == "object" => {}
            other => {
                let found = other.map_or_else(|| "nothing".into(), ToString::to_string);
                return Err(SchemaError::NotForObjects { found });
            }
        }
        header_marks(&schema.document)?;
        Ok(schema)
    }

    /// Any schema.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        if text.len() > LARGEST {
            return Err(SchemaError::TooLarge(text.len()));
        }
        let value: Value = serde_json::from_str(text).map_err(|e| SchemaError::NotJson(e.to_string()))?;
        let mut parts = 0;
        look_through(&value, 0, &mut parts)?;
        let Value::Object(document) = &value else { return Err(SchemaError::NotObject) };
        let draft = match document.get("$schema").and_then(Value::as_str).map(|s| s.trim_end_matches('#')) {
            None | Some("https://json-schema.org/draft/2020-12/schema") => Draft::Draft202012,
            Some("https://json-schema.org/draft/2019-09/schema") => Draft::Draft201909,
            Some("http://json-schema.org/draft-07/schema") => Draft::Draft7,
            Some(other) => return Err(SchemaError::UnknownDraft(other.to_owned())),
        };
        cost::check(&value)?;
        let validator = jsonschema::options()
            .with_draft(draft)
            .with_retriever(FetchesNothing)
            // The other engine backtracks: a pattern could hold a thread for minutes.
            .with_pattern_options(PatternOptions::regex().size_limit(1 << 20).dfa_size_limit(1 << 20))
            .build(&value)
            .map_err(|e| SchemaError::Invalid(cut(e.to_string())))?;
        let Value::Object(document) = value else { return Err(SchemaError::NotObject) };
        Ok(Self { document: Arc::new(document), validator })
    }

    /// The schema as its author wrote it.
    pub fn document(&self) -> &Arc<Map<String, Value>> {
        &self.document
    }

    /// How `value` departs from the schema; nothing when it does not.
    pub fn violations(&self, value: &Value) -> Vec<Violation> {
        if self.validator.is_valid(value) {
            return Vec::new();
        }
        let errors = self.validator.iter_errors(value).take(MOST_VIOLATIONS);
        let message = |e: &ValidationError<'_>| {
            let whole = e.to_string();
            // A caller knows what it sent; a long value would only push what was expected out of sight.
            if whole.len() > LONGEST_VIOLATION / 2 { cut(e.masked().to_string()) } else { whole }
        };
        errors.map(|e| Violation { path: e.instance_path().to_string(), message: message(&e) }).collect()
    }
}

fn cut(mut text: String) -> String {
    if text.len() > LONGEST_VIOLATION {
        text.truncate(text.floor_char_boundary(LONGEST_VIOLATION));
        text.push('…');
    }
    text
}

/// Bounds depth and count, and looks at each text and reference.
fn look_through(value: &Value, depth: usize, parts: &mut usize) -> Result<(), SchemaError> {
    *parts += 1;
    if *parts > MOST_NODES {
        return Err(SchemaError::TooManyParts);
    }
    if depth > DEEPEST {
        return Err(SchemaError::TooDeep);
    }
    let clean = |text: &str| deceptive(text, Lines::Many).map_or(Ok(()), |c| Err(SchemaError::Deceptive(c)));
    match value {
        Value::String(text) => clean(text),
        Value::Array(items) => items.iter().try_for_each(|v| look_through(v, depth + 1, parts)),
        Value::Object(members) => members.iter().try_for_each(|(key, member)| {
            clean(key)?;
            if let ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(to)) = (key.as_str(), member)
                && !to.starts_with('#')
            {
                return Err(SchemaError::Remote(to.chars().take(100).collect()));
            }
            look_through(member, depth + 1, parts)
        }),
        _ => Ok(()),
    }
}

/// The key by which a schema asks clients to repeat an argument as an HTTP header.
const HEADER_MARK: &str = "x-mcp-header";

/// Clients drop a tool whose marks break the protocol's rules, without a word; better refused here.
fn header_marks(document: &Map<String, Value>) -> Result<(), SchemaError> {
    fn marked(value: &Value) -> bool {
        match value {
            Value::Object(members) => members.contains_key(HEADER_MARK) || members.values().any(marked),
            Value::Array(items) => items.iter().any(marked),
            _ => false,
        }
    }
    fn walk(schema: &Map<String, Value>, seen: &mut Vec<String>) -> Result<(), SchemaError> {
        let wrong = || SchemaError::HeaderMark(HEADER_MARK.to_owned());
        if let Some(mark) = schema.get(HEADER_MARK) {
            let token = mark.as_str().filter(|t| is_token(t)).ok_or_else(wrong)?.to_ascii_lowercase();
            let kind = schema.get("type").and_then(Value::as_str);
            if !matches!(kind, Some("string" | "integer" | "boolean")) || seen.contains(&token) {
                return Err(wrong());
            }
            seen.push(token);
        }
        for (key, member) in schema {
            match (key.as_str(), member) {
                ("properties", Value::Object(properties)) => {
                    for property in properties.values() {
                        match property {
                            Value::Object(inner) => walk(inner, seen)?,
                            other if marked(other) => return Err(wrong()),
                            _ => {}
                        }
                    }
                }
                (HEADER_MARK | "default" | "const" | "enum" | "examples", _) => {}
                (_, other) if marked(other) => return Err(wrong()),
                _ => {}
            }
        }
        Ok(())
    }
    walk(document, &mut Vec::new())
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests;
