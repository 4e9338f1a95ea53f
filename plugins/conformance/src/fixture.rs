//! What a fixture is, and the answers it can give.

use serde::de::DeserializeOwned;

use crate::bindings::cofferdam::plugin::types::{
    Ask, ClientFeatures, Content, Context, Elicitation, InputRequest, InputRequired, Problem, Role, Sampling,
    SamplingMessage, TextContent, ToolError,
};
use crate::bindings::exports::cofferdam::plugin::tools::{Outcome, ToolHints, ToolResult};
use crate::host::Host;

/// The schema of arguments for a tool that takes none.
pub(crate) const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{}}"#;

/// A tool that looks and touches nothing.
pub(crate) const PURE: ToolHints =
    ToolHints { read_only: Some(true), destructive: Some(false), idempotent: Some(true), open_world: Some(false) };

/// One tool of the suite: what clients are told, and what runs.
pub struct Fixture {
    pub name: &'static str,
    pub description: &'static str,
    pub input_schema: &'static str,
    pub hints: ToolHints,
    pub run: fn(&Call<'_>) -> Answered,
}

pub type Answered = Result<Outcome, ToolError>;

impl Fixture {
    /// A fixture as most are: no arguments, no effect.
    pub(crate) const fn plain(name: &'static str, description: &'static str, run: fn(&Call<'_>) -> Answered) -> Self {
        Self { name, description, input_schema: NO_ARGUMENTS, hints: PURE, run }
    }
}

/// One call of one fixture.
pub struct Call<'a> {
    pub arguments: &'a str,
    pub context: &'a Context,
    pub host: &'a dyn Host,
}

impl Call<'_> {
    /// The arguments as the tool's own type. The host has checked them against the schema, so a
    /// failure here means that the schema promises less than the type asks.
    pub(crate) fn arguments<T: DeserializeOwned>(&self) -> Result<T, ToolError> {
        serde_json::from_str(self.arguments).map_err(|error| invalid("", error.to_string()))
    }
}

pub(crate) fn invalid(path: &str, message: String) -> ToolError {
    ToolError::Validation(vec![Problem { path: path.into(), message }])
}

/// Goes on only with a client that offers all of these.
pub(crate) fn need(context: &Context, features: ClientFeatures) -> Result<(), ToolError> {
    let lacking = features.difference(context.features);
    if lacking.is_empty() {
        Ok(())
    } else {
        Err(ToolError::ClientLacks(lacking))
    }
}

// === complete ===

pub(crate) fn text(text: impl Into<String>) -> Content {
    Content::Text(TextContent { text: text.into(), hints: None })
}

pub(crate) fn complete(content: Vec<Content>) -> Answered {
    Ok(Outcome::Complete(ToolResult { content, structured: None }))
}

/// Completes with one text.
pub(crate) fn say(message: impl Into<String>) -> Answered {
    complete(vec![text(message)])
}

// === input required ===

/// Ends this round: the client is asked, and the fixture called again.
pub(crate) fn ask(requests: Vec<InputRequest>, state: Option<&[u8]>) -> Answered {
    Ok(Outcome::InputRequired(InputRequired { requests, state: state.map(Into::into) }))
}

/// A form for the user; `schema` is that of its fields.
pub(crate) fn form(key: &str, message: &str, schema: &str) -> InputRequest {
    InputRequest { key: key.into(), ask: Ask::Elicit(Elicitation { message: message.into(), schema: schema.into() }) }
}

/// A question to the client's model.
pub(crate) fn sample(key: &str, question: &str, max_tokens: u32) -> InputRequest {
    let message = SamplingMessage { role: Role::User, content: text(question) };
    InputRequest {
        key: key.into(),
        ask: Ask::Sample(Sampling { messages: vec![message], max_tokens, system_prompt: None, temperature: None }),
    }
}

pub(crate) fn roots(key: &str) -> InputRequest {
    InputRequest { key: key.into(), ask: Ask::Roots }
}
