//! Tools that end a round with questions and go on in the next.
//!
//! Each reads its answers first and asks for what it did not get, so a first round and a round with
//! a useless answer are the same case. State that is not as this plugin left it cannot arrive (the
//! host refuses it); state that is missing sends the call back to its first question.

use serde::{Deserialize, Serialize};

use crate::answers;
use crate::bindings::cofferdam::plugin::types::{Ask, ClientFeatures, ElicitationUrl, InputRequest, ToolError};
use crate::fixture::{ask, form, need, roots, sample, say, Answered, Call, Fixture};

pub(crate) const FIXTURES: [Fixture; 8] = [
    Fixture::plain("test_input_required_result_elicitation", "Asks the user for a name, then greets.", elicitation),
    Fixture::plain("test_input_required_result_sampling", "Asks the client's model for a capital.", sampling),
    Fixture::plain("test_input_required_result_list_roots", "Asks the client for its folders.", list_roots),
    Fixture::plain(
        "test_input_required_result_request_state",
        "Asks the user to confirm and checks that its state came back.",
        request_state,
    ),
    Fixture::plain(
        "test_input_required_result_tampered_state",
        "Asks the user to confirm; its state must come back as it was.",
        request_state,
    ),
    Fixture::plain(
        "test_input_required_result_multiple_inputs",
        "Asks the user, the model and the client at once.",
        multiple_inputs,
    ),
    Fixture::plain(
        "test_input_required_result_multi_round",
        "Asks the user two questions, one after the other.",
        multi_round,
    ),
    Fixture::plain(
        "test_input_required_result_capabilities",
        "Asks the client for everything it offers, and for nothing else.",
        capabilities,
    ),
];

const NAME: &str = r#"{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}"#;
const COLOR: &str = r#"{"type":"object","properties":{"color":{"type":"string"}},"required":["color"]}"#;
const OK: &str = r#"{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]}"#;

fn user_name() -> InputRequest {
    form("user_name", "What is your name?", NAME)
}

fn capital_question() -> InputRequest {
    sample("capital_question", "What is the capital of France?", 100)
}

// === one question ===

fn elicitation(call: &Call<'_>) -> Answered {
    need(call.context, ClientFeatures::ELICITATION)?;
    match answers::text_field(call.context, "user_name", "name") {
        Some(name) => say(format!("Hello, {name}!")),
        None => ask(vec![user_name()], None),
    }
}

fn sampling(call: &Call<'_>) -> Answered {
    need(call.context, ClientFeatures::SAMPLING)?;
    match answers::sampled(call.context, "capital_question") {
        Some(capital) => say(format!("The model says: {capital}")),
        None => ask(vec![capital_question()], None),
    }
}

fn list_roots(call: &Call<'_>) -> Answered {
    need(call.context, ClientFeatures::ROOTS)?;
    match answers::roots(call.context, "client_roots") {
        Some(found) => say(format!("Client roots: {}", answers::describe(&found))),
        None => ask(vec![roots("client_roots")], None),
    }
}

// === with state ===

const CONFIRMING: &[u8] = b"confirming";

fn request_state(call: &Call<'_>) -> Answered {
    need(call.context, ClientFeatures::ELICITATION)?;
    let asked_before = call.context.state.as_deref() == Some(CONFIRMING);
    match answers::bool_field(call.context, "confirm", "ok") {
        Some(ok) if asked_before => say(format!("state-ok, confirmed: {ok}")),
        _ => ask(vec![form("confirm", "Please confirm", OK)], Some(CONFIRMING)),
    }
}

const GATHERING: &[u8] = b"gathering";

fn multiple_inputs(call: &Call<'_>) -> Answered {
    let features = ClientFeatures::ELICITATION | ClientFeatures::SAMPLING | ClientFeatures::ROOTS;
    need(call.context, features)?;
    let asked_before = call.context.state.as_deref() == Some(GATHERING);
    let name = answers::text_field(call.context, "user_name", "name");
    let greeting = answers::sampled(call.context, "greeting");
    let found = answers::roots(call.context, "client_roots");
    match (name, greeting, found) {
        (Some(name), Some(greeting), Some(found)) if asked_before => {
            say(format!("{name}: {greeting} (roots: {})", answers::describe(&found)))
        }
        _ => ask(
            vec![user_name(), sample("greeting", "Generate a greeting", 50), roots("client_roots")],
            Some(GATHERING),
        ),
    }
}

/// Where a call of several rounds stands.
#[derive(Deserialize, Serialize)]
#[serde(tag = "asked", rename_all = "lowercase")]
enum Step {
    Name,
    Color { name: String },
}

impl Step {
    fn ask(&self) -> Answered {
        let request = match self {
            Self::Name => form("step1", "Step 1: What is your name?", NAME),
            Self::Color { .. } => form("step2", "Step 2: What is your favorite color?", COLOR),
        };
        let state =
            serde_json::to_vec(self).map_err(|error| ToolError::Internal(format!("the state is not JSON: {error}")))?;
        ask(vec![request], Some(&state))
    }
}

fn multi_round(call: &Call<'_>) -> Answered {
    need(call.context, ClientFeatures::ELICITATION)?;
    let state = call.context.state.as_deref();
    let step = state.and_then(|state| serde_json::from_slice(state).ok());
    match step {
        None => Step::Name.ask(),
        Some(Step::Name) => match answers::text_field(call.context, "step1", "name") {
            Some(name) => Step::Color { name }.ask(),
            None => Step::Name.ask(),
        },
        Some(Step::Color { name }) => match answers::text_field(call.context, "step2", "color") {
            Some(color) => say(format!("{name}'s favorite color is {color}.")),
            None => Step::Color { name }.ask(),
        },
    }
}

// === whatever the client offers ===

/// Asks for everything in every round until one round answers it all: what was answered in a round
/// before is not kept.
fn capabilities(call: &Call<'_>) -> Answered {
    let context = call.context;
    let id = &context.request_id;
    let all: Vec<(InputRequest, Option<String>)> = context
        .features
        .iter()
        .filter_map(|feature| match feature {
            ClientFeatures::ELICITATION => {
                let name = answers::text_field(context, "user_name", "name");
                Some((user_name(), name))
            }
            ClientFeatures::ELICITATION_URL => {
                let visited = answers::visited(context, "page");
                Some((page(id), visited.then(|| "page visited".into())))
            }
            ClientFeatures::SAMPLING => {
                let capital = answers::sampled(context, "capital_question");
                Some((capital_question(), capital))
            }
            ClientFeatures::ROOTS => {
                let found = answers::roots(context, "client_roots");
                let found = found.map(|found| answers::describe(&found));
                Some((roots("client_roots"), found))
            }
            _ => None,
        })
        .collect();
    if all.is_empty() {
        // Any of them would do; the contract has no way to say so.
        return Err(ToolError::ClientLacks(ClientFeatures::ELICITATION));
    }
    let (requests, answers): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    match answers.into_iter().collect::<Option<Vec<_>>>() {
        Some(answers) => say(answers.join("; ")),
        None => ask(requests, None),
    }
}

fn page(request_id: &str) -> InputRequest {
    InputRequest {
        key: "page".into(),
        ask: Ask::ElicitUrl(ElicitationUrl {
            message: "Please visit this page.".into(),
            url: "https://example.com/conformance".into(),
            id: format!("page-{request_id}"),
        }),
    }
}

#[cfg(test)]
mod tests;
