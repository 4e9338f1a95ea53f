//! From the contract's types to the protocol's.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cofferdam_catalog::{Plugin, PromptDefinition, ResourceDefinition, TemplateDefinition, ToolDefinition};
use cofferdam_gate::contract::{Content, ContentHints, MediaContent, ResourceBody, ResourceContents, Role};
use cofferdam_trust::Identity;
use rmcp::model::{
    Annotations, AudioContent, CallToolResult, ContentBlock, EmbeddedResource, ImageContent, MetaObject, Prompt,
    PromptArgument, Resource, ResourceContents as WireContents, ResourceTemplate, Role as WireRole, TextContent, Tool,
    ToolAnnotations,
};
use serde_json::{Value, json};

/// What the host knows of a tool's origin, beside what the tool says of itself: clients that pin or
/// show it need not ask elsewhere.
fn origin(definition: &ToolDefinition, plugin: &Plugin) -> MetaObject {
    let signers: Vec<Value> = plugin
        .provenance
        .vouches()
        .iter()
        .map(|v| match &v.identity {
            Identity::Key { fingerprint } => {
                json!({ "name": v.signer, "kind": v.kind, "key": format!("sha256:{fingerprint}") })
            }
            Identity::Certificate { issuer, subject } => {
                json!({ "name": v.signer, "kind": v.kind, "issuer": issuer, "identity": subject })
            }
        })
        .collect();
    let mut meta = MetaObject::default();
    meta.insert("cofferdam/digest".into(), format!("sha256:{}", plugin.digest).into());
    meta.insert("cofferdam/signed".into(), plugin.provenance.is_signed().into());
    meta.insert("cofferdam/signers".into(), signers.into());
    meta.insert("cofferdam/grants".into(), json!(definition.grants));
    meta
}

pub(crate) fn tool(definition: &ToolDefinition, plugin: &Plugin) -> Tool {
    let hints = definition.hints;
    let annotations = ToolAnnotations::new()
        .read_only(hints.read_only)
        .destructive(hints.destructive)
        .idempotent(hints.idempotent)
        .open_world(hints.open_world);
    let mut tool =
        Tool::new(definition.id.to_string(), definition.description.clone(), definition.input.document().clone())
            .with_annotations(annotations);
    tool.meta = Some(origin(definition, plugin));
    tool.title.clone_from(&definition.title);
    tool.output_schema = definition.output.as_ref().map(|s| s.document().clone());
    tool
}

pub(crate) fn prompt(definition: &PromptDefinition) -> Prompt {
    let arguments = definition.arguments.iter().map(|argument| {
        let mut wire = PromptArgument::new(argument.name.clone()).with_required(argument.required);
        wire.title.clone_from(&argument.title);
        wire.description.clone_from(&argument.description);
        wire
    });
    let arguments: Vec<_> = arguments.collect();
    let arguments = (!arguments.is_empty()).then_some(arguments);
    let mut prompt = Prompt::new(definition.id.to_string(), definition.description.clone(), arguments);
    prompt.title.clone_from(&definition.title);
    prompt
}

pub(crate) fn resource(definition: &ResourceDefinition) -> Resource {
    let mut resource = Resource::new(definition.uri.clone(), definition.name.clone());
    resource.title.clone_from(&definition.title);
    resource.description.clone_from(&definition.description);
    resource.mime_type.clone_from(&definition.mime_type);
    resource.size = definition.size;
    resource
}

pub(crate) fn template(definition: &TemplateDefinition) -> ResourceTemplate {
    let mut template = ResourceTemplate::new(definition.uri_template.clone(), definition.name.clone());
    template.title.clone_from(&definition.title);
    template.description.clone_from(&definition.description);
    template.mime_type.clone_from(&definition.mime_type);
    template
}

pub(crate) fn tool_result(parts: Vec<Content>, structured: Option<Value>) -> CallToolResult {
    let mut result = CallToolResult::success(parts.into_iter().map(content).collect());
    result.structured_content = structured;
    result
}

pub(crate) fn role(role: Role) -> WireRole {
    match role {
        Role::User => WireRole::User,
        Role::Assistant => WireRole::Assistant,
    }
}

pub(crate) fn content(content: Content) -> ContentBlock {
    match content {
        Content::Text(text) => {
            let mut wire = TextContent::new(text.text);
            wire.annotations = text.hints.and_then(hints);
            ContentBlock::Text(wire)
        }
        Content::Image(MediaContent { data, mime_type, hints: h }) => {
            let mut wire = ImageContent::new(STANDARD.encode(data), mime_type);
            wire.annotations = h.and_then(hints);
            ContentBlock::Image(wire)
        }
        Content::Audio(MediaContent { data, mime_type, hints: h }) => {
            let mut wire = AudioContent::new(STANDARD.encode(data), mime_type);
            wire.annotations = h.and_then(hints);
            ContentBlock::Audio(wire)
        }
        Content::Resource(resource) => ContentBlock::Resource(EmbeddedResource::new(contents(resource))),
        Content::Link(link) => {
            let mut wire = Resource::new(link.uri, link.name);
            wire.title = link.title;
            wire.description = link.description;
            wire.mime_type = link.mime_type;
            ContentBlock::ResourceLink(wire)
        }
    }
}

pub(crate) fn contents(resource: ResourceContents) -> WireContents {
    let ResourceContents { uri, mime_type, body } = resource;
    match body {
        ResourceBody::Text(text) => WireContents::TextResourceContents { uri, mime_type, text, meta: None },
        ResourceBody::Blob(bytes) => {
            WireContents::BlobResourceContents { uri, mime_type, blob: STANDARD.encode(bytes), meta: None }
        }
    }
}

fn hints(hints: ContentHints) -> Option<Annotations> {
    let audience: Vec<_> = hints.audience.into_iter().map(role).collect();
    let mut wire = Annotations::default();
    wire.audience = (!audience.is_empty()).then_some(audience);
    // What is out of range, or no number at all, would make the whole message invalid.
    wire.priority = hints.priority.filter(|p| (0.0..=1.0).contains(p)).map(|p| p as f32);
    (wire.audience.is_some() || wire.priority.is_some()).then_some(wire)
}
