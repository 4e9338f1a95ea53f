//! Reads what the client answered.
//!
//! Answers are hostile: a key may be missing or one that nobody asked for, a value anything at
//! all. Each function here gives the answer if it is one to the question asked, else `None`, and
//! the fixture asks again. Of two answers with one key the first counts.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::bindings::cofferdam::plugin::types::Context;

fn value<'de, T: Deserialize<'de>>(context: &'de Context, key: &str) -> Option<T> {
    let answer = context.answers.iter().find(|answer| answer.key == key)?;
    serde_json::from_str(&answer.value).ok()
}

// === elicitation ===

/// What the user did with a form.
#[derive(Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) action: Action,
    pub(crate) content: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Accept,
    Decline,
    Cancel,
}

impl Action {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Decline => "decline",
            Self::Cancel => "cancel",
        }
    }
}

/// The answer to an elicitation, whatever the user decided.
pub(crate) fn reply(context: &Context, key: &str) -> Option<Reply> {
    #[derive(Deserialize)]
    struct ElicitResult {
        action: Action,
        content: Option<Map<String, Value>>,
    }
    let ElicitResult { action, content } = value(context, key)?;
    let content = content.unwrap_or_default();
    Some(Reply { action, content })
}

/// The content of a form that the user accepted.
fn accepted(context: &Context, key: &str) -> Option<Map<String, Value>> {
    reply(context, key).filter(|reply| reply.action == Action::Accept).map(|reply| reply.content)
}

/// Whether the user agreed to visit a page; there is nothing to fill in.
pub(crate) fn visited(context: &Context, key: &str) -> bool {
    accepted(context, key).is_some()
}

/// One text field of a form that the user accepted.
pub(crate) fn text_field(context: &Context, key: &str, field: &str) -> Option<String> {
    match accepted(context, key)?.remove(field)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// One yes-or-no field of a form that the user accepted.
pub(crate) fn bool_field(context: &Context, key: &str, field: &str) -> Option<bool> {
    accepted(context, key)?.get(field)?.as_bool()
}

// === sampling ===

/// The text of the model's message: its content is one block, or several.
pub(crate) fn sampled(context: &Context, key: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct CreateMessageResult {
        content: Blocks,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Blocks {
        Several(Vec<Value>),
        One(Value),
    }
    let CreateMessageResult { content } = value(context, key)?;
    let blocks = match content {
        Blocks::Several(blocks) => blocks,
        Blocks::One(block) => vec![block],
    };
    let texts: Vec<&str> = blocks.iter().filter_map(block_text).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn block_text(block: &Value) -> Option<&str> {
    let is_text = block.get("type").and_then(Value::as_str) == Some("text");
    block.get("text").filter(|_| is_text)?.as_str()
}

// === roots ===

/// A folder the user works in.
#[derive(Debug, Deserialize, PartialEq)]
pub(crate) struct Root {
    uri: String,
    name: Option<String>,
}

/// The client's folders; none at all is an answer too.
pub(crate) fn roots(context: &Context, key: &str) -> Option<Vec<Root>> {
    #[derive(Deserialize)]
    struct ListRootsResult {
        roots: Vec<Root>,
    }
    value(context, key).map(|ListRootsResult { roots }| roots)
}

/// The roots in words.
pub(crate) fn describe(roots: &[Root]) -> String {
    if roots.is_empty() {
        return "none".into();
    }
    let each = roots.iter().map(|root| match &root.name {
        Some(name) => format!("{name} ({})", root.uri),
        None => root.uri.clone(),
    });
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
