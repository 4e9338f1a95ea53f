//! Resources to read: fixed ones, and one that a template describes.

use serde::Serialize;

use crate::bindings::cofferdam::plugin::types::{ResourceBody, ResourceContents, ToolError};
use crate::bindings::exports::cofferdam::plugin::resources::{ResourceInfo, ResourceTemplate};
use crate::content::PNG;

/// The URI template, which completions name too.
pub(crate) const TEMPLATE: &str = "test://template/{id}/data";

struct Fixed {
    uri: &'static str,
    name: &'static str,
    description: &'static str,
    mime_type: &'static str,
    body: Body,
}

enum Body {
    Text(&'static str),
    Blob(&'static [u8]),
}

const FIXED: [Fixed; 3] = [
    Fixed {
        uri: "test://static-text",
        name: "Static text",
        description: "A text that never changes.",
        mime_type: "text/plain",
        body: Body::Text("This is the content of the static text resource."),
    },
    Fixed {
        uri: "test://static-binary",
        name: "Static binary",
        description: "An image that never changes.",
        mime_type: "image/png",
        body: Body::Blob(PNG),
    },
    Fixed {
        uri: "test://watched-resource",
        name: "Watched resource",
        description: "A resource to subscribe to.",
        mime_type: "text/plain",
        body: Body::Text("This is the content of the watched resource."),
    },
];

pub fn list() -> Vec<ResourceInfo> {
    let info = |fixed: &Fixed| ResourceInfo {
        uri: fixed.uri.into(),
        name: fixed.name.into(),
        title: None,
        description: Some(fixed.description.into()),
        mime_type: Some(fixed.mime_type.into()),
        size: u64::try_from(fixed.body.len()).ok(),
    };
    FIXED.iter().map(info).collect()
}

pub fn templates() -> Vec<ResourceTemplate> {
    vec![ResourceTemplate {
        uri_template: TEMPLATE.into(),
        name: "Template".into(),
        title: None,
        description: Some("Data for any id.".into()),
        mime_type: Some("application/json".into()),
    }]
}

pub fn read(uri: &str) -> Result<Vec<ResourceContents>, ToolError> {
    let fixed = FIXED.iter().find(|fixed| fixed.uri == uri);
    let (mime_type, body) = match (fixed, template_id(uri)) {
        (Some(fixed), _) => (fixed.mime_type, fixed.body.contents()),
        (None, Some(id)) => ("application/json", ResourceBody::Text(data(&id)?)),
        (None, None) => {
            return Err(ToolError::NotFound(format!("there is no resource `{uri}`")));
        }
    };
    Ok(vec![ResourceContents { uri: uri.into(), mime_type: Some(mime_type.into()), body }])
}

impl Body {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Blob(bytes) => bytes.len(),
        }
    }

    fn contents(&self) -> ResourceBody {
        match *self {
            Self::Text(text) => ResourceBody::Text(text.into()),
            Self::Blob(bytes) => ResourceBody::Blob(bytes.into()),
        }
    }
}

// === the template ===

/// What stands for `{id}`, as RFC 6570 expands it: one segment, percent-encoded.
fn template_id(uri: &str) -> Option<String> {
    let (before, after) = TEMPLATE.split_once("{id}")?;
    let id = uri.strip_prefix(before)?.strip_suffix(after)?;
    if id.is_empty() || id.contains('/') {
        return None;
    }
    decode(id)
}

/// Undoes percent-encoding; `None` when it is not well formed, or not of UTF-8.
fn decode(segment: &str) -> Option<String> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16)?.try_into().ok()
}

fn data(id: &str) -> Result<String, ToolError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Data<'a> {
        id: &'a str,
        template_test: bool,
        data: String,
    }
    let data = Data { id, template_test: true, data: format!("Data for ID: {id}") };
    serde_json::to_string(&data).map_err(|error| ToolError::Internal(format!("the resource is not JSON: {error}")))
}

#[cfg(test)]
mod tests;
