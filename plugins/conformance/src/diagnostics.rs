//! Tools that make one feature of the server visible: logs, changes, headers, capabilities.

use serde::Deserialize;

use crate::bindings::cofferdam::plugin::changes::Listing;
use crate::bindings::cofferdam::plugin::types::ClientFeatures;
use crate::bindings::exports::cofferdam::plugin::tools::ToolHints;
use crate::content::BEAT;
use crate::fixture::{need, say, Answered, Call, Fixture, NO_ARGUMENTS, PURE};

/// A tool that tells every client something.
const TELLS: ToolHints = ToolHints { read_only: Some(false), ..PURE };

pub(crate) const FIXTURES: [Fixture; 7] = [
    Fixture::plain("test_tool_with_logging", "Sends three log lines on its way to a text.", with_logging),
    Fixture::plain(
        "test_reconnection",
        "Takes long enough for a client to lose its connection and come back for the result.",
        |call| {
            call.host.pause(2 * BEAT);
            say("Reconnection test completed.")
        },
    ),
    Fixture::plain("test_missing_capability", "Works only with a client that offers sampling.", |call| {
        need(call.context, ClientFeatures::SAMPLING)?;
        say("The client offers sampling.")
    }),
    Fixture::plain("test_logging_tool", "Sends one log line and returns a text.", |call| {
        call.host.log("Logging tool executed");
        say("Logging tool completed.")
    }),
    Fixture {
        name: "test_trigger_tool_change",
        description: "Tells clients that the list of tools changed.",
        input_schema: NO_ARGUMENTS,
        hints: TELLS,
        run: |call| {
            call.host.announce(Listing::Tools);
            say("Announced a change of the tools.")
        },
    },
    Fixture {
        name: "test_trigger_prompt_change",
        description: "Tells clients that the list of prompts changed.",
        input_schema: NO_ARGUMENTS,
        hints: TELLS,
        run: |call| {
            call.host.announce(Listing::Prompts);
            say("Announced a change of the prompts.")
        },
    },
    Fixture {
        name: "test_custom_header",
        description: "Returns a value that clients send as a header too.",
        input_schema: r#"{
            "type": "object",
            "properties": {
                "value": {
                    "type": "string",
                    "description": "What to return.",
                    "x-mcp-header": "Value"
                }
            },
            "required": ["value"]
        }"#,
        hints: PURE,
        run: custom_header,
    },
];

/// The host passes lines on to clients that asked for their level, and drops the others.
fn with_logging(call: &Call<'_>) -> Answered {
    call.host.log("Tool execution started");
    call.host.pause(BEAT);
    call.host.log("Tool processing data");
    call.host.pause(BEAT);
    call.host.log("Tool execution completed");
    say("Tool with logging completed.")
}

fn custom_header(call: &Call<'_>) -> Answered {
    #[derive(Deserialize)]
    struct Arguments {
        value: String,
    }
    let Arguments { value } = call.arguments()?;
    say(value)
}

#[cfg(test)]
mod tests;
