//! Tools that go to the background.
//!
//! A tool of this kind answers `background` when the client can wait for a task, and does its work
//! when it is called again there. Input it asks for in the background parks the task.

use std::time::Duration;

use serde::Deserialize;

use crate::answers;
use crate::bindings::cofferdam::plugin::types::{ClientFeatures, ToolError};
use crate::bindings::exports::cofferdam::plugin::tools::Outcome;
use crate::fixture::{ask, form, need, say, Answered, Call, Fixture, PURE};

pub(crate) const FIXTURES: [Fixture; 6] = [
    Fixture {
        name: "slow_compute",
        description: "Takes as many seconds as it is told to.",
        input_schema: r#"{
            "type": "object",
            "properties": {
                "seconds": { "type": "number", "minimum": 0, "maximum": 3600, "description": "How long to take." },
                "label": { "type": "string", "description": "What to call the result." }
            }
        }"#,
        hints: PURE,
        run: slow_compute,
    },
    Fixture::plain("failing_job", "Fails in the background after a second.", failing_job),
    Fixture::plain("protocol_error_job", "Breaks down in the background.", protocol_error_job),
    Fixture {
        name: "confirm_delete",
        description: "Asks for confirmation in the background. Deletes nothing.",
        input_schema: r#"{
            "type": "object",
            "properties": { "filename": { "type": "string", "description": "What to pretend to delete." } },
            "required": ["filename"]
        }"#,
        hints: PURE,
        run: confirm_delete,
    },
    Fixture::plain("multi_input", "Asks two questions at once in the background.", multi_input),
    Fixture::plain("test_tool_with_task", "Asks for a name first, then greets in the background.", test_tool_with_task),
];

const CONFIRM: &str = r#"{"type":"object","properties":{"confirm":{"type":"boolean"}},"required":["confirm"]}"#;
const NAME: &str = r#"{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}"#;
const COLOR: &str = r#"{"type":"object","properties":{"color":{"type":"string"}},"required":["color"]}"#;

/// Goes on in the background, with what has to be known there.
fn background(state: Option<&[u8]>) -> Answered {
    Ok(Outcome::Background(state.map(Into::into)))
}

/// Whether the client can wait for a task, and is not waiting for one already.
fn can_go(call: &Call<'_>) -> bool {
    call.context.features.contains(ClientFeatures::TASKS) && !call.context.background
}

#[derive(Deserialize)]
struct Slow {
    #[serde(default)]
    seconds: f64,
    #[serde(default)]
    label: String,
}

fn slow_compute(call: &Call<'_>) -> Answered {
    let Slow { seconds, label } = call.arguments()?;
    if seconds > 0.0 && can_go(call) {
        return background(None);
    }
    call.host.pause(Duration::from_secs_f64(seconds));
    say(format!("{label} took {seconds} seconds"))
}

fn failing_job(call: &Call<'_>) -> Answered {
    need(call.context, ClientFeatures::TASKS)?;
    if can_go(call) {
        return background(None);
    }
    call.host.pause(Duration::from_secs(1));
    Err(ToolError::Internal("This job always fails".into()))
}

// Breaking down is its purpose.
#[allow(clippy::panic)]
fn protocol_error_job(call: &Call<'_>) -> Answered {
    need(call.context, ClientFeatures::TASKS)?;
    if can_go(call) {
        return background(None);
    }
    // No answer of the contract ends a task with an error of the protocol; breaking down does.
    panic!("this job breaks down, as it is meant to");
}

#[derive(Deserialize)]
struct Delete {
    filename: String,
}

fn confirm_delete(call: &Call<'_>) -> Answered {
    need(call.context, ClientFeatures::TASKS | ClientFeatures::ELICITATION)?;
    let Delete { filename } = call.arguments()?;
    if can_go(call) {
        return background(None);
    }
    match answers::reply(call.context, "confirm") {
        None => ask(vec![form("confirm", &format!("Delete {filename}?"), CONFIRM)], None),
        Some(_) if answers::bool_field(call.context, "confirm", "confirm") == Some(true) => {
            say(format!("Deleted {filename}"))
        }
        Some(_) => say(format!("Kept {filename}")),
    }
}

fn multi_input(call: &Call<'_>) -> Answered {
    need(call.context, ClientFeatures::TASKS | ClientFeatures::ELICITATION)?;
    if can_go(call) {
        return background(None);
    }
    // Whatever the user did with a form answers it: a form that is cancelled is not shown again.
    let name = answers::reply(call.context, "name");
    let color = answers::reply(call.context, "color");
    match (name, color) {
        (Some(name), Some(color)) => say(format!("name: {}, color: {}", name.action.name(), color.action.name())),
        _ => {
            ask(vec![form("name", "What is your name?", NAME), form("color", "Which color do you like?", COLOR)], None)
        }
    }
}

fn test_tool_with_task(call: &Call<'_>) -> Answered {
    need(call.context, ClientFeatures::TASKS | ClientFeatures::ELICITATION)?;
    if call.context.background {
        let name = call.context.state.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        return say(format!("Hello, {name}!"));
    }
    match answers::text_field(call.context, "user_name", "name") {
        None => ask(vec![form("user_name", "What is your name?", NAME)], None),
        Some(name) => background(Some(name.as_bytes())),
    }
}

#[cfg(test)]
mod tests;
