//! Says what it was told, in every way in which a component can say something.

use serde_json::{json, Value};

use crate::cofferdam::plugin::types::{
    Ask, Content, Context, Elicitation, InputRequest, InputRequired, MediaContent, Problem, RateLimit, ResourceBody,
    ResourceContents, ResourceLink, Role, TextContent, ToolError, Unavailability,
};
use crate::exports::cofferdam::plugin::completions::{self, Completion, Reference};
use crate::exports::cofferdam::plugin::prompts::{self, Message, Prompt, PromptArgument, PromptResult};
use crate::exports::cofferdam::plugin::resources::{self, ResourceInfo, ResourceTemplate};
use crate::exports::cofferdam::plugin::tools::{Outcome, ToolResult};
use crate::{complete, given, text, Probe};

/// The test code looks for this in the binary: two components cannot have the same resources.
const MARKER: &str = "RESOURCES!";

static RESOURCES: [u8; 48] = slot::slot(MARKER, "probe://say/");

/// What the URI of every resource begins with.
fn resources_at() -> &'static str {
    slot::read(&RESOURCES, MARKER.len())
}

/// `{ text, as? }`
pub fn say(arguments: &Value) -> Result<Outcome, ToolError> {
    let said = text(arguments, "text").to_owned();
    let with = |content| Ok(Outcome::Complete(ToolResult { content: vec![content], structured: None }));
    let media = || MediaContent { data: said.clone().into_bytes(), mime_type: "image/png".into(), hints: None };
    let uri = format!("{}something", resources_at());
    let resource = |body| Content::Resource(ResourceContents { uri: uri.clone(), mime_type: None, body });
    match text(arguments, "as") {
        "structured" => complete(&json!({ "said": said })),
        // With a key that says it, too.
        "key" => complete(&json!({ said: true })),
        "image" => with(Content::Image(media())),
        "audio" => with(Content::Audio(MediaContent { mime_type: "audio/wav".into(), ..media() })),
        "resource" => with(resource(ResourceBody::Text(said))),
        "blob" => with(resource(ResourceBody::Blob(said.into_bytes()))),
        "link" => with(Content::Link(ResourceLink {
            uri: format!("{}{said}", resources_at()),
            name: said.clone(),
            title: Some(said.clone()),
            description: Some(said),
            mime_type: None,
        })),
        "log" => complete(&given::log(&json!({ "text": said, "fields": { "said": said } }))),
        "progress" => complete(&given::progress(&json!({ "done": 1, "text": said }))),
        "stdout" => {
            println!("{said}");
            complete(&json!({}))
        }
        "stderr" => {
            eprintln!("{said}");
            complete(&json!({}))
        }
        "panic" => panic!("{said}"),
        "validation" => Err(ToolError::Validation(vec![Problem { path: format!("/{said}"), message: said }])),
        "not-found" => Err(ToolError::NotFound(said)),
        "permission-denied" => Err(ToolError::PermissionDenied(said)),
        "conflict" => Err(ToolError::Conflict(said)),
        "rate-limited" => Err(ToolError::RateLimited(RateLimit { message: said, retry_after: None })),
        "unavailable" => Err(ToolError::Unavailable(Unavailability { message: said, retryable: false })),
        "internal" => Err(ToolError::Internal(said)),
        "question" => {
            let schema = json!({ "type": "object", "properties": { "answer": { "type": "string", "title": said } } });
            let ask = Ask::Elicit(Elicitation { message: said, schema: schema.to_string() });
            let requests = vec![InputRequest { key: "question".into(), ask }];
            Ok(Outcome::InputRequired(InputRequired { requests, state: None }))
        }
        _ => with(Content::Text(TextContent { text: said, hints: None })),
    }
}

impl resources::Guest for Probe {
    fn list() -> Vec<ResourceInfo> {
        Vec::new()
    }

    fn templates() -> Vec<ResourceTemplate> {
        vec![ResourceTemplate {
            uri_template: format!("{}{{text}}", resources_at()),
            name: "said".into(),
            title: None,
            description: None,
            mime_type: None,
        }]
    }

    fn read(uri: String, _: Context) -> Result<resources::Outcome, ToolError> {
        let said = uri.strip_prefix(resources_at()).unwrap_or_default().to_owned();
        let body = ResourceBody::Text(said);
        Ok(resources::Outcome::Complete(vec![ResourceContents { uri, mime_type: None, body }]))
    }
}

impl prompts::Guest for Probe {
    fn list() -> Vec<Prompt> {
        let argument = PromptArgument { name: "text".into(), title: None, description: None, required: true };
        vec![Prompt { name: "said".into(), title: None, description: None, arguments: vec![argument] }]
    }

    fn get(_: String, arguments: Vec<(String, String)>, _: Context) -> Result<prompts::Outcome, ToolError> {
        let said = arguments.into_iter().map(|(_, value)| value).next().unwrap_or_default();
        let content = Content::Text(TextContent { text: said.clone(), hints: None });
        let messages = vec![Message { role: Role::User, content }];
        Ok(prompts::Outcome::Complete(PromptResult { description: Some(said), messages }))
    }
}

impl completions::Guest for Probe {
    fn complete(
        _: Reference,
        _: String,
        value: String,
        _: Vec<(String, String)>,
        _: Context,
    ) -> Result<Completion, ToolError> {
        Ok(Completion { values: vec![value], total: None, has_more: false })
    }
}
