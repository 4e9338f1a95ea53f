//! Tools that return content, of every kind there is.

use std::time::Duration;

use serde::Deserialize;

use crate::bindings::cofferdam::plugin::types::{Content, MediaContent, ResourceBody, ResourceContents, ToolError};
use crate::fixture::{complete, say, text, Answered, Call, Fixture, PURE};

/// One red pixel.
pub(crate) const PNG: &[u8] = include_bytes!("../assets/pixel.png");

/// A millisecond of silence.
const WAV: &[u8] = include_bytes!("../assets/silence.wav");

/// Between two reports of progress, or two log lines.
pub(crate) const BEAT: Duration = Duration::from_millis(50);

pub(crate) const FIXTURES: [Fixture; 9] = [
    Fixture::plain("test_simple_text", "Returns one text.", |_| say("This is a simple text response for testing.")),
    Fixture::plain("test_image_content", "Returns a PNG image.", |_| complete(vec![png()])),
    Fixture::plain("test_audio_content", "Returns a WAV sound.", |_| complete(vec![wav()])),
    Fixture::plain("test_embedded_resource", "Returns the contents of a resource as part of its result.", |_| {
        let text = "This is an embedded resource content.";
        complete(vec![resource("test://embedded-resource", "text/plain", text)])
    }),
    Fixture::plain("test_multiple_content_types", "Returns a text, an image and a resource.", |_| {
        let json = r#"{"test":"data","value":123}"#;
        complete(vec![
            text("Multiple content types test:"),
            png(),
            resource("test://mixed-content-resource", "application/json", json),
        ])
    }),
    Fixture::plain("test_error_handling", "Always fails.", |_| {
        let message = "This tool intentionally returns an error for testing";
        Err(ToolError::Internal(message.into()))
    }),
    Fixture::plain("test_tool_with_progress", "Reports progress three times on its way to a text.", with_progress),
    Fixture {
        name: "json_schema_2020_12_tool",
        description: "Tool with JSON Schema 2020-12 features",
        input_schema: include_str!("../assets/json_schema_2020_12.json"),
        hints: PURE,
        run: |call| say(format!("Called with {}", call.arguments)),
    },
    Fixture {
        name: "greet",
        description: "Greets by name.",
        input_schema: r#"{
            "type": "object",
            "properties": { "name": { "type": "string", "description": "Whom to greet." } },
            "required": ["name"]
        }"#,
        hints: PURE,
        run: greet,
    },
];

/// The host passes reports on to clients that gave a progress token, and drops the others.
fn with_progress(call: &Call<'_>) -> Answered {
    call.host.progress(0.0, 100.0);
    call.host.pause(BEAT);
    call.host.progress(50.0, 100.0);
    call.host.pause(BEAT);
    call.host.progress(100.0, 100.0);
    say("Tool with progress completed.")
}

fn greet(call: &Call<'_>) -> Answered {
    #[derive(Deserialize)]
    struct Arguments {
        name: String,
    }
    let Arguments { name } = call.arguments()?;
    say(format!("Hello, {name}!"))
}

pub(crate) fn png() -> Content {
    Content::Image(MediaContent { data: PNG.into(), mime_type: "image/png".into(), hints: None })
}

fn wav() -> Content {
    Content::Audio(MediaContent { data: WAV.into(), mime_type: "audio/wav".into(), hints: None })
}

pub(crate) fn resource(uri: &str, mime_type: &str, text: &str) -> Content {
    Content::Resource(ResourceContents {
        uri: uri.into(),
        mime_type: Some(mime_type.into()),
        body: ResourceBody::Text(text.into()),
    })
}

#[cfg(test)]
mod tests;
