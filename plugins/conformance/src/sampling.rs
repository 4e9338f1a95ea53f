//! The tool that asks the client's model what it was told to ask.

use serde::Deserialize;

use crate::answers;
use crate::bindings::cofferdam::plugin::types::ClientFeatures;
use crate::fixture::{ask, need, sample, say, Answered, Call, Fixture, PURE};

pub(crate) const FIXTURES: [Fixture; 1] = [Fixture {
    name: "test_sampling",
    description: "Sends a prompt to the client's model and returns what it says.",
    input_schema: r#"{
        "type": "object",
        "properties": { "prompt": { "type": "string", "description": "What to ask the model." } },
        "required": ["prompt"]
    }"#,
    hints: PURE,
    run: test_sampling,
}];

fn test_sampling(call: &Call<'_>) -> Answered {
    #[derive(Deserialize)]
    struct Arguments {
        prompt: String,
    }
    need(call.context, ClientFeatures::SAMPLING)?;
    let Arguments { prompt } = call.arguments()?;
    match answers::sampled(call.context, "response") {
        Some(response) => say(format!("LLM response: {response}")),
        None => ask(vec![sample("response", &prompt, 100)], None),
    }
}

#[cfg(test)]
mod tests;
