//! Answers, and attacks on the host that takes them.

use crate::arguments::Arguments;
use crate::cofferdam::plugin::types::{Ask, Content, Elicitation, InputRequest, InputRequired, TextContent};
use crate::exports::cofferdam::plugin::tools::{Outcome, ToolResult};
use crate::Reply;
use serde_json::Value;

pub fn text(text: &str) -> Reply {
    complete(vec![content(text)], None)
}

/// The value as text, not as structured content, so that no limit on that is in the way.
pub fn json(value: &Value) -> Reply {
    text(&value.to_string())
}

fn content(text: &str) -> Content {
    Content::Text(TextContent { text: text.to_owned(), hints: None })
}

fn complete(content: Vec<Content>, structured: Option<String>) -> Reply {
    Ok(Outcome::Complete(ToolResult { content, structured }))
}

pub fn huge(arguments: &Arguments) -> Reply {
    let text = "x".repeat(arguments.number("bytes")?);
    complete(vec![Content::Text(TextContent { text, hints: None })], None)
}

pub fn many(arguments: &Arguments) -> Reply {
    complete((0..arguments.number("items")?).map(|_| content("x")).collect(), None)
}

pub fn big_state(arguments: &Arguments) -> Reply {
    let form = Elicitation {
        message: "Go on?".into(),
        schema: r#"{"type":"object","properties":{"go":{"type":"boolean"}}}"#.into(),
    };
    Ok(Outcome::InputRequired(InputRequired {
        requests: vec![InputRequest { key: "go".into(), ask: Ask::Elicit(form) }],
        state: Some(vec![0; arguments.number("bytes")?]),
    }))
}

/// `{"a":{"a":{}}}` and so on, `depth` of `"a":` in each other.
pub fn nested(arguments: &Arguments) -> Reply {
    let depth = arguments.number("depth")?;
    let json = format!("{}{{}}{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    complete(vec![], Some(json))
}

pub fn bad_json(_: &Arguments) -> Reply {
    complete(vec![], Some(r#"{"unfinished": "#.into()))
}

pub fn bad_output(_: &Arguments) -> Reply {
    complete(vec![], Some(r#"{"count":"many"}"#.into()))
}

/// What can make a terminal or a model show something else than what is there: colours, a window
/// title, a cleared line, a zero-width space and joiner, a reversed text, an invisible tag, a NUL.
pub fn control_characters(_: &Arguments) -> Reply {
    text(concat!(
        "\u{1b}[31mred\u{1b}[0m ",
        "\u{1b}]0;title\u{7}",
        "gone\r\u{1b}[2K",
        "zero\u{200b}wi\u{200d}dth ",
        "\u{202e}desrever\u{202c} ",
        "tag\u{e0041} ",
        "\0",
    ))
}

pub fn trap(_: &Arguments) -> Reply {
    std::process::abort()
}

pub fn panic(_: &Arguments) -> Reply {
    panic!("a panic of the guest")
}
