//! Takes secrets out of what a component answered.
//!
//! A component never holds a secret. A server may have told it one in a form that the scan of its
//! response let through in pieces, so everything it says is looked at once more before it leaves.

use cofferdam_capabilities::{
    Masker,
    exports::cofferdam::plugin::{
        completions::Completion,
        prompts::{self, PromptResult},
        resources, tools,
    },
    imports::plugin::types::{
        Ask, Content, Elicitation, ElicitationUrl, InputRequest, InputRequired, RateLimit, ResourceBody,
        ResourceContents, Sampling, ToolError, Unavailability,
    },
};
use cofferdam_sandbox::Reply;

/// The same reply without secrets.
///
/// What a plugin remembers is left alone: it is sealed before it leaves, and comes back to this plugin
/// only.
pub(crate) fn reply(reply: &mut Reply, masker: &Masker) {
    if masker.is_empty() {
        return;
    }
    let mask = Mask(masker);
    match reply {
        // Of an instance without grants.
        Reply::Definitions(_) => {}
        Reply::Tool(Ok(tools::Outcome::Complete(result))) => {
            result.content.iter_mut().for_each(|c| mask.content(c));
            // JSON text: what stands for a secret needs no escaping.
            mask.maybe(&mut result.structured);
        }
        Reply::Tool(Ok(tools::Outcome::InputRequired(wanted)))
        | Reply::Resource(Ok(resources::Outcome::InputRequired(wanted)))
        | Reply::Prompt(Ok(prompts::Outcome::InputRequired(wanted))) => mask.wanted(wanted),
        Reply::Tool(Ok(tools::Outcome::Background(_))) => {}
        Reply::Resource(Ok(resources::Outcome::Complete(contents))) => {
            contents.iter_mut().for_each(|c| mask.resource(c));
        }
        Reply::Prompt(Ok(prompts::Outcome::Complete(PromptResult { description, messages }))) => {
            mask.maybe(description);
            messages.iter_mut().for_each(|m| mask.content(&mut m.content));
        }
        Reply::Completion(Ok(Completion { values, .. })) => values.iter_mut().for_each(|v| mask.text(v)),
        Reply::Tool(Err(error))
        | Reply::Resource(Err(error))
        | Reply::Prompt(Err(error))
        | Reply::Completion(Err(error)) => mask.error(error),
    }
}

struct Mask<'a>(&'a Masker);

impl Mask<'_> {
    fn text(&self, text: &mut String) {
        if let std::borrow::Cow::Owned(masked) = self.0.text(text) {
            *text = masked;
        }
    }

    fn maybe(&self, text: &mut Option<String>) {
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn bytes(&self, bytes: &mut Vec<u8>) {
        if let std::borrow::Cow::Owned(masked) = self.0.bytes(bytes) {
            *bytes = masked;
        }
    }

    fn content(&self, content: &mut Content) {
        match content {
            Content::Text(text) => self.text(&mut text.text),
            Content::Image(media) | Content::Audio(media) => {
                self.bytes(&mut media.data);
                self.text(&mut media.mime_type);
            }
            Content::Resource(resource) => self.resource(resource),
            Content::Link(link) => {
                self.text(&mut link.uri);
                self.text(&mut link.name);
                for text in [&mut link.title, &mut link.description, &mut link.mime_type] {
                    self.maybe(text);
                }
            }
        }
    }

    fn resource(&self, resource: &mut ResourceContents) {
        self.text(&mut resource.uri);
        self.maybe(&mut resource.mime_type);
        match &mut resource.body {
            ResourceBody::Text(text) => self.text(text),
            ResourceBody::Blob(bytes) => self.bytes(bytes),
        }
    }

    fn wanted(&self, wanted: &mut InputRequired) {
        for InputRequest { key, ask } in &mut wanted.requests {
            self.text(key);
            match ask {
                Ask::Elicit(Elicitation { message, schema }) => {
                    self.text(message);
                    self.text(schema);
                }
                Ask::ElicitUrl(ElicitationUrl { message, url, id }) => {
                    self.text(message);
                    self.text(url);
                    self.text(id);
                }
                Ask::Sample(Sampling { messages, system_prompt, .. }) => {
                    messages.iter_mut().for_each(|m| self.content(&mut m.content));
                    self.maybe(system_prompt);
                }
                Ask::Roots => {}
            }
        }
    }

    fn error(&self, error: &mut ToolError) {
        match error {
            ToolError::Validation(problems) => {
                for problem in problems {
                    self.text(&mut problem.path);
                    self.text(&mut problem.message);
                }
            }
            ToolError::NotFound(message)
            | ToolError::PermissionDenied(message)
            | ToolError::Conflict(message)
            | ToolError::Internal(message)
            | ToolError::RateLimited(RateLimit { message, .. })
            | ToolError::Unavailable(Unavailability { message, .. }) => self.text(message),
            ToolError::ClientLacks(_) => {}
        }
    }
}
