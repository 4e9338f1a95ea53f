//! What came back from a component, checked before anybody sees it.

use cofferdam_capabilities::{
    Limit,
    exports::cofferdam::plugin::{prompts::PromptResult, tools::ToolResult},
    imports::plugin::types::{Content, ResourceBody, ResourceContents, TextContent},
};
use cofferdam_catalog::Schema;
use cofferdam_policy::Bytes;
use serde_json::Value;

use crate::{CallError, Failed};

/// A tool's result that is what the tool declared, and its structured content as a value.
pub(crate) fn tool_result(
    mut result: ToolResult,
    output: Option<&Schema>,
    most: Bytes,
) -> Result<(Vec<Content>, Option<Value>), CallError> {
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
    match (output, &structured) {
        (Some(schema), Some(value)) => {
            let violations = schema.violations(value);
            if let Some(first) = violations.first() {
                let why = format!("its result is not what its output schema says: {}: {}", first.path, first.message);
                return Err(Failed::fault(why).into());
            }
        }
        (Some(_), None) => {
            return Err(Failed::fault("it declares an output schema and gave no structured content").into());
        }
        (None, _) => {}
    }
    if result.content.is_empty()
        && let Some(text) = result.structured.take()
    {
        // Clients that know no structured content read this.
        result.content.push(Content::Text(TextContent { text, hints: None }));
    }
    Ok((result.content, structured))
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
