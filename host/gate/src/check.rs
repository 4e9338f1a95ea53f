//! What came back from a component, checked before anybody sees it.

use std::sync::Arc;

use cofferdam_capabilities::{
    Limit,
    exports::cofferdam::plugin::{prompts::PromptResult, tools::ToolResult},
    imports::plugin::types::{Content, ResourceBody, ResourceContents, TextContent},
};
use cofferdam_catalog::{Schema, ToolDefinition, Violation};
use cofferdam_policy::{Bytes, Span};
use serde_json::Value;

use crate::{CallError, Failed, Gate};

/// Values past this size are checked on a thread of their own: a pattern may take a microsecond for
/// each byte, and the runtime's threads belong to everybody.
const CHECKED_ASIDE: usize = 16 * 1024;

/// A result that was read and not yet held against its schema.
pub(crate) struct Parsed {
    pub(crate) content: Vec<Content>,
    pub(crate) structured: Option<Value>,
    /// Bytes of the structured content.
    bytes: usize,
}

/// Reads a tool's result, if it is no larger than it may be.
pub(crate) fn tool_result(mut result: ToolResult, most: Bytes) -> Result<Parsed, CallError> {
    let structured_bytes = result.structured.as_ref().map_or(0, String::len);
    let bytes = result.content.iter().map(content_size).sum::<usize>() + structured_bytes;
    within(bytes, most)?;
    let structured = match &result.structured {
        // The parser bounds the depth.
        Some(text) => Some(
            serde_json::from_str::<Value>(text)
                .map_err(|e| Failed::fault(format!("its structured content is no JSON: {e}")))?,
        ),
        None => None,
    };
    if result.content.is_empty()
        && let Some(text) = result.structured.take()
    {
        // Clients that know no structured content read this.
        result.content.push(Content::Text(TextContent { text, hints: None }));
    }
    Ok(Parsed { content: result.content, structured, bytes: structured_bytes })
}

impl Gate {
    /// Holds arguments of `bytes` bytes against the tool's input schema.
    pub(crate) async fn arguments(
        &self,
        tool: &Arc<ToolDefinition>,
        value: Value,
        bytes: usize,
        deadline: Span,
    ) -> Result<Value, CallError> {
        let (value, violations) = self.checked(tool, |t| Some(&t.input), value, bytes, deadline).await?;
        if violations.is_empty() {
            return Ok(value);
        }
        Err(Failed::validation("the arguments do not match the tool's input schema", violations).into())
    }

    /// Holds a result against what the tool declared.
    pub(crate) async fn result(
        &self,
        tool: &Arc<ToolDefinition>,
        parsed: Parsed,
        deadline: Span,
    ) -> Result<(Vec<Content>, Option<Value>), CallError> {
        let Parsed { content, structured, bytes } = parsed;
        if tool.output.is_none() {
            return Ok((content, structured));
        }
        let Some(value) = structured else {
            return Err(Failed::fault("it declares an output schema and gave no structured content").into());
        };
        let (value, violations) = self.checked(tool, |t| t.output.as_ref(), value, bytes, deadline).await?;
        if let Some(first) = violations.first() {
            let why = format!("its result is not what its output schema says: {}: {}", first.path, first.message);
            return Err(Failed::fault(why).into());
        }
        Ok((content, Some(value)))
    }

    async fn checked(
        &self,
        tool: &Arc<ToolDefinition>,
        schema: fn(&ToolDefinition) -> Option<&Schema>,
        value: Value,
        bytes: usize,
        deadline: Span,
    ) -> Result<(Value, Vec<Violation>), CallError> {
        let violations =
            move |tool: &ToolDefinition, value: &Value| schema(tool).map_or(Vec::new(), |s| s.violations(value));
        if bytes <= CHECKED_ASIDE {
            let found = violations(tool, &value);
            return Ok((value, found));
        }
        let tool = tool.clone();
        let checking = async {
            // Held by the thread itself: one that nobody waits for any more still takes its processor.
            let place = self.checkers.clone().acquire_owned().await.ok();
            let aside = tokio::task::spawn_blocking(move || {
                let found = violations(&tool, &value);
                drop(place);
                (value, found)
            });
            aside.await
        };
        match tokio::time::timeout(deadline.get(), checking).await {
            Ok(Ok(checked)) => Ok(checked),
            Ok(Err(broken)) => Err(Failed::fault(format!("checking against its schema broke down: {broken}")).into()),
            Err(_elapsed) => Err(Failed::limit(Limit::Deadline, ": checking against its schema did not end").into()),
        }
    }
}

pub(crate) fn prompt_result(result: PromptResult, most: Bytes) -> Result<PromptResult, CallError> {
    let messages = result.messages.iter().map(|m| content_size(&m.content)).sum::<usize>();
    within(messages + result.description.as_ref().map_or(0, String::len), most)?;
    Ok(result)
}

pub(crate) fn resource_contents(parts: Vec<ResourceContents>, most: Bytes) -> Result<Vec<ResourceContents>, CallError> {
    within(parts.iter().map(resource_size).sum(), most)?;
    Ok(parts)
}

fn within(bytes: usize, most: Bytes) -> Result<(), CallError> {
    if bytes as u64 > most.get() {
        return Err(Failed::limit(Limit::Output, &format!(": {bytes} bytes of {most}")).into());
    }
    Ok(())
}

/// What an item costs on the wire beside its text.
const ITEM: usize = 32;

fn content_size(content: &Content) -> usize {
    ITEM + match content {
        Content::Text(text) => text.text.len(),
        Content::Image(media) | Content::Audio(media) => media.data.len() * 4 / 3 + media.mime_type.len(),
        Content::Resource(resource) => resource_size(resource),
        Content::Link(link) => {
            let optional = [&link.title, &link.description, &link.mime_type];
            link.uri.len()
                + link.name.len()
                + optional.iter().filter_map(|t| t.as_ref()).map(String::len).sum::<usize>()
        }
    }
}

fn resource_size(resource: &ResourceContents) -> usize {
    let body = match &resource.body {
        ResourceBody::Text(text) => text.len(),
        ResourceBody::Blob(bytes) => bytes.len() * 4 / 3,
    };
    ITEM + resource.uri.len() + body + resource.mime_type.as_ref().map_or(0, String::len)
}
