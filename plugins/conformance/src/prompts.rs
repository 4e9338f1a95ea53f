//! Prompts, one of which asks the user first.

use crate::answers;
use crate::bindings::cofferdam::plugin::types::{ClientFeatures, Content, Context, InputRequired, Role, ToolError};
use crate::bindings::exports::cofferdam::plugin::prompts::{Message, Outcome, Prompt, PromptArgument, PromptResult};
use crate::content::{png, resource};
use crate::fixture::{form, invalid, need, text};

/// The prompt whose arguments completions complete.
pub(crate) const WITH_ARGUMENTS: &str = "test_prompt_with_arguments";

type Answered = Result<Outcome, ToolError>;

/// One prompt of the suite; all its arguments are required.
struct Fixture {
    name: &'static str,
    description: &'static str,
    arguments: &'static [(&'static str, &'static str)],
    get: fn(&Given<'_>) -> Answered,
}

struct Given<'a> {
    arguments: &'a [(String, String)],
    context: &'a Context,
}

const FIXTURES: [Fixture; 5] = [
    Fixture {
        name: "test_simple_prompt",
        description: "A prompt without arguments.",
        arguments: &[],
        get: |_| complete(vec![text("This is a simple prompt for testing.")]),
    },
    Fixture {
        name: WITH_ARGUMENTS,
        description: "A prompt that repeats its arguments.",
        arguments: &[("arg1", "The first argument."), ("arg2", "The second argument.")],
        get: |given| {
            let (arg1, arg2) = (given.argument("arg1")?, given.argument("arg2")?);
            let message = format!("Prompt with arguments: arg1='{arg1}', arg2='{arg2}'");
            complete(vec![text(message)])
        },
    },
    Fixture {
        name: "test_prompt_with_embedded_resource",
        description: "A prompt that embeds a resource.",
        arguments: &[("resourceUri", "The URI that the resource bears.")],
        get: |given| {
            let uri = given.argument("resourceUri")?;
            complete(vec![
                resource(uri, "text/plain", "Embedded resource content for testing."),
                text("Please process the embedded resource above."),
            ])
        },
    },
    Fixture {
        name: "test_prompt_with_image",
        description: "A prompt that shows an image.",
        arguments: &[],
        get: |_| complete(vec![png(), text("Please analyze the image above.")]),
    },
    Fixture {
        name: "test_input_required_result_prompt",
        description: "A prompt that asks the user what it is about.",
        arguments: &[],
        get: input_required,
    },
];

pub fn list() -> Vec<Prompt> {
    FIXTURES.iter().map(Fixture::define).collect()
}

pub fn get(name: &str, arguments: &[(String, String)], context: &Context) -> Answered {
    let fixture = FIXTURES
        .iter()
        .find(|fixture| fixture.name == name)
        .ok_or_else(|| ToolError::NotFound(format!("this plugin has no prompt `{name}`")))?;
    (fixture.get)(&Given { arguments, context })
}

impl Fixture {
    fn define(&self) -> Prompt {
        let argument = |&(name, description): &(&str, &str)| PromptArgument {
            name: name.into(),
            title: None,
            description: Some(description.into()),
            required: true,
        };
        Prompt {
            name: self.name.into(),
            title: None,
            description: Some(self.description.into()),
            arguments: self.arguments.iter().map(argument).collect(),
        }
    }
}

impl Given<'_> {
    fn argument(&self, name: &str) -> Result<&str, ToolError> {
        self.arguments
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
            .ok_or_else(|| invalid(&format!("/{name}"), "this argument is required".into()))
    }
}

/// One message of the user for each piece of content.
fn complete(contents: Vec<Content>) -> Answered {
    let message = |content| Message { role: Role::User, content };
    Ok(Outcome::Complete(PromptResult { description: None, messages: contents.into_iter().map(message).collect() }))
}

fn input_required(given: &Given<'_>) -> Answered {
    need(given.context, ClientFeatures::ELICITATION)?;
    if let Some(about) = answers::text_field(given.context, "user_context", "context") {
        return complete(vec![text(format!("Use this context: {about}"))]);
    }
    let schema = r#"{"type":"object","properties":{"context":{"type":"string"}},"required":["context"]}"#;
    let question = form("user_context", "What context should the prompt use?", schema);
    Ok(Outcome::InputRequired(InputRequired { requests: vec![question], state: None }))
}

#[cfg(test)]
mod tests;
