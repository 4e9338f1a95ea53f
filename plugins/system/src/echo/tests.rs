use super::*;
use crate::bindings::cofferdam::plugin::types::{Content, TextContent};
use crate::host::fake::Fake;
use crate::tools::tests::conforms;

#[test]
fn the_message_comes_back_as_text_and_structured() {
    let message = "Grüße, \"世界\" \u{1F30A}\n\u{0}";
    let arguments = serde_json::json!({ "message": message }).to_string();
    let result = echo(&arguments, &Fake::default()).unwrap();
    let text = TextContent { text: message.into(), hints: None };
    assert_eq!(result.content, [Content::Text(text)]);
    assert_eq!(result.structured, Some(arguments));
}

#[test]
fn the_schema_says_what_the_tool_takes() {
    let message = |length| serde_json::json!({ "message": "ä".repeat(length) }).to_string();
    assert!(conforms(ECHO.input_schema, &message(0)));
    assert!(conforms(ECHO.input_schema, &message(65_536)));
    assert!(!conforms(ECHO.input_schema, &message(65_537)));
    assert!(!conforms(ECHO.input_schema, "{}"));
    assert!(!conforms(ECHO.input_schema, r#"{"message":1}"#));
    assert!(!conforms(ECHO.input_schema, r#"{"message":"a","loud":true}"#));
}

#[test]
fn arguments_that_the_schema_refuses_are_refused_here_too() {
    for arguments in ["{}", r#"{"message":1}"#, r#"{"message":"a","loud":true}"#, "["] {
        let error = echo(arguments, &Fake::default()).unwrap_err();
        assert!(matches!(error, ToolError::Validation(_)), "{arguments}");
    }
}
