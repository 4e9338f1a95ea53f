use serde_json::json;

use super::*;
use crate::tools::tests::{accept, answered, asked_form, context, without};

/// The contents of a complete prompt, having checked that every message is the user's.
fn contents(name: &str, arguments: &[(&str, &str)]) -> Vec<Content> {
    match get(name, &owned(arguments), &context()).unwrap() {
        Outcome::Complete(result) => {
            assert!(result.messages.iter().all(|message| message.role == Role::User));
            result.messages.into_iter().map(|message| message.content).collect()
        }
        Outcome::InputRequired(asked) => panic!("asks {asked:?}"),
    }
}

fn owned(arguments: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |&(name, value): &(&str, &str)| (name.into(), value.into());
    arguments.iter().map(owned).collect()
}

#[test]
fn every_prompt_is_listed_with_its_arguments() {
    let listed: Vec<_> = list()
        .into_iter()
        .map(|prompt| {
            assert!(prompt.description.is_some_and(|description| !description.is_empty()));
            assert!(prompt.arguments.iter().all(|argument| argument.required));
            let arguments = prompt.arguments.into_iter().map(|argument| argument.name);
            (prompt.name, arguments.collect::<Vec<_>>())
        })
        .collect();
    let expected = [
        ("test_simple_prompt", vec![]),
        ("test_prompt_with_arguments", vec!["arg1", "arg2"]),
        ("test_prompt_with_embedded_resource", vec!["resourceUri"]),
        ("test_prompt_with_image", vec![]),
        ("test_input_required_result_prompt", vec![]),
    ];
    assert_eq!(json!(listed), json!(expected));
}

#[test]
fn simple() {
    let expected = text("This is a simple prompt for testing.");
    assert_eq!(contents("test_simple_prompt", &[]), [expected]);
}

#[test]
fn with_arguments() {
    let arguments = [("arg2", "world"), ("arg1", "hello")];
    let expected = text("Prompt with arguments: arg1='hello', arg2='world'");
    assert_eq!(contents(WITH_ARGUMENTS, &arguments), [expected]);
}

#[test]
fn with_embedded_resource() {
    let uri = "test://example-resource";
    let expected = [
        resource(uri, "text/plain", "Embedded resource content for testing."),
        text("Please process the embedded resource above."),
    ];
    let contents = contents("test_prompt_with_embedded_resource", &[("resourceUri", uri)]);
    assert_eq!(contents, expected);
}

#[test]
fn with_image() {
    let expected = [png(), text("Please analyze the image above.")];
    assert_eq!(contents("test_prompt_with_image", &[]), expected);
}

#[test]
fn an_argument_that_is_missing_is_named() {
    let error = get(WITH_ARGUMENTS, &owned(&[("arg1", "a")]), &context()).unwrap_err();
    assert_eq!(error, invalid("/arg2", "this argument is required".into()));
}

#[test]
fn an_unknown_prompt_is_not_found() {
    let error = get("test_nothing", &[], &context()).unwrap_err();
    let expected = "this plugin has no prompt `test_nothing`";
    assert_eq!(error, ToolError::NotFound(expected.into()));
}

#[test]
fn the_user_is_asked_first() {
    let name = "test_input_required_result_prompt";
    let schema = json!({
        "type": "object",
        "properties": { "context": { "type": "string" } },
        "required": ["context"],
    });
    let useless = answered(context(), "user_context", &accept(r#"{"context":1}"#));
    for round in [context(), useless] {
        let Outcome::InputRequired(asked) = get(name, &[], &round).unwrap() else {
            panic!("completes without an answer");
        };
        let expected = ("What context should the prompt use?".into(), schema.clone());
        assert_eq!(asked_form(&asked, "user_context"), expected);
    }

    let answer = accept(r#"{"context":"test context"}"#);
    let outcome = get(name, &[], &answered(context(), "user_context", &answer)).unwrap();
    let expected = complete(vec![text("Use this context: test context")]).unwrap();
    assert_eq!(outcome, expected);

    let error = get(name, &[], &without(ClientFeatures::ELICITATION)).unwrap_err();
    assert_eq!(error, ToolError::ClientLacks(ClientFeatures::ELICITATION));
}
