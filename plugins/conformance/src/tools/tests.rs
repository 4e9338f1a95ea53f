use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::bindings::cofferdam::plugin::types::{Answer, Ask, ClientFeatures, Content, Context, InputRequired};
use crate::bindings::exports::cofferdam::plugin::tools::Outcome;
use crate::host::fake::Fake;

// === what the tests of every family use ===

/// The first round of a call by a client that offers everything.
pub(crate) fn context() -> Context {
    Context {
        request_id: "r-1".into(),
        traceparent: None,
        caller: None,
        tenant: None,
        features: ClientFeatures::all(),
        answers: Vec::new(),
        state: None,
        background: false,
    }
}

pub(crate) fn without(features: ClientFeatures) -> Context {
    Context { features: ClientFeatures::all().difference(features), ..context() }
}

pub(crate) fn answered(mut context: Context, key: &str, value: &str) -> Context {
    context.answers.push(Answer { key: key.into(), value: value.into() });
    context
}

/// The round after one that returned this state.
pub(crate) fn resumed(state: &Option<Vec<u8>>) -> Context {
    Context { state: state.clone(), ..context() }
}

/// A client's result for a form that its user accepted.
pub(crate) fn accept(content: &str) -> String {
    format!(r#"{{"action":"accept","content":{content}}}"#)
}

pub(crate) fn sampling_result(text: &str) -> String {
    let content = serde_json::json!({ "type": "text", "text": text });
    serde_json::json!({ "role": "assistant", "model": "m", "content": content }).to_string()
}

/// Runs a tool as the host would: the arguments are checked against its schema.
pub(crate) fn run_on(host: &Fake, name: &str, arguments: &str, context: &Context) -> Answered {
    let tool = list().into_iter().find(|tool| tool.name == name).unwrap();
    assert!(conforms(&tool.input_schema, arguments), "{name} {arguments}");
    let request = Call { arguments, context, host };
    call(name, &request)
}

pub(crate) fn run(name: &str, arguments: &str, context: &Context) -> Answered {
    run_on(&Fake::default(), name, arguments, context)
}

pub(crate) fn conforms(schema: &str, instance: &str) -> bool {
    let schema = serde_json::from_str(schema).unwrap();
    let instance = serde_json::from_str(instance).unwrap();
    jsonschema::draft202012::new(&schema).unwrap().is_valid(&instance)
}

pub(crate) fn contents(answered: Answered) -> Vec<Content> {
    match answered.unwrap() {
        Outcome::Complete(result) => result.content,
        other => panic!("{other:?}"),
    }
}

/// The one text of a complete result.
pub(crate) fn said(answered: Answered) -> String {
    match contents(answered).as_slice() {
        [Content::Text(text)] => text.text.clone(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn asked(answered: Answered) -> InputRequired {
    match answered.unwrap() {
        Outcome::InputRequired(asked) => asked,
        other => panic!("{other:?}"),
    }
}

/// Message and schema of the one form that is asked for under this key.
pub(crate) fn asked_form(asked: &InputRequired, key: &str) -> (String, Value) {
    match asked.requests.as_slice() {
        [request] if request.key == key => match &request.ask {
            Ask::Elicit(form) => {
                let schema = serde_json::from_str(&form.schema).unwrap();
                (form.message.clone(), schema)
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

// === the table ===

/// Every fixture tool that the suite looks for, in the order of the listing.
const EXPECTED: [&str; 35] = [
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_error_handling",
    "test_tool_with_progress",
    "json_schema_2020_12_tool",
    "greet",
    "test_sampling",
    "test_elicitation",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
    "test_streaming_elicitation",
    "test_tool_with_logging",
    "test_reconnection",
    "test_missing_capability",
    "test_logging_tool",
    "test_trigger_tool_change",
    "test_trigger_prompt_change",
    "test_custom_header",
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_tampered_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
    "test_input_required_result_capabilities",
    "slow_compute",
    "failing_job",
    "protocol_error_job",
    "confirm_delete",
    "multi_input",
    "test_tool_with_task",
];

#[test]
fn every_fixture_is_listed_once_and_in_order() {
    let names: Vec<_> = list().into_iter().map(|tool| tool.name).collect();
    assert_eq!(names, EXPECTED);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

#[test]
fn every_definition_is_one_that_a_host_admits() {
    for tool in list() {
        assert!(tool.name.len() <= 64, "{}", tool.name);
        assert!(!tool.description.is_empty(), "{}", tool.name);
        let schema: Value = serde_json::from_str(&tool.input_schema).unwrap();
        jsonschema::draft202012::meta::validate(&schema).unwrap();
        assert_eq!(schema["type"], "object", "{}", tool.name);
    }
}

#[test]
fn the_first_tool_needs_no_arguments() {
    assert!(conforms(&list()[0].input_schema, "{}"));
}

#[test]
fn an_unknown_tool_is_not_found() {
    let context = context();
    let host = Fake::default();
    let request = Call { arguments: "{}", context: &context, host: &host };
    let error = call("no_such_tool", &request).unwrap_err();
    assert_eq!(error, ToolError::NotFound("this plugin has no tool `no_such_tool`".into()));
}
