use super::*;
use crate::bindings::cofferdam::plugin::types::ToolError;
use crate::tools::tests::{answered, asked, context, run, said, sampling_result, without};

const ARGUMENTS: &str = r#"{"prompt":"What is 2 + 2?"}"#;

#[test]
fn the_prompt_goes_to_the_model_and_its_answer_comes_back() {
    let asked = asked(run("test_sampling", ARGUMENTS, &context()));
    assert_eq!(asked.requests, [sample("response", "What is 2 + 2?", 100)]);
    assert_eq!(asked.state, None);

    let context = answered(context(), "response", &sampling_result("Four."));
    let text = said(run("test_sampling", ARGUMENTS, &context));
    assert_eq!(text, "LLM response: Four.");
}

#[test]
fn an_answer_without_text_is_asked_for_again() {
    let context = answered(context(), "response", r#"{"content":{"type":"image"}}"#);
    let asked = asked(run("test_sampling", ARGUMENTS, &context));
    assert_eq!(asked.requests, [sample("response", "What is 2 + 2?", 100)]);
}

#[test]
fn a_client_without_a_model_is_told() {
    let error = run("test_sampling", ARGUMENTS, &without(ClientFeatures::SAMPLING)).unwrap_err();
    assert_eq!(error, ToolError::ClientLacks(ClientFeatures::SAMPLING));
}
