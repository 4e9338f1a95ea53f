use serde_json::json;

use super::*;
use crate::bindings::cofferdam::plugin::types::{Context, InputRequired};
use crate::tools::tests::{accept, answered, asked, asked_form, context, resumed, run, said, sampling_result, without};

const ROOTS: &str = r#"{"roots":[{"uri":"file:///test/root","name":"Test Root"}]}"#;

fn first_round(tool: &str) -> InputRequired {
    asked(run(&full(tool), "{}", &context()))
}

fn full(tool: &str) -> String {
    format!("test_input_required_result_{tool}")
}

fn schema(field: &str, kind: &str) -> serde_json::Value {
    json!({ "type": "object", "properties": { field: { "type": kind } }, "required": [field] })
}

#[test]
fn elicitation_greets_by_the_name_that_was_given() {
    let asked = first_round("elicitation");
    assert_eq!(asked.state, None);
    let (message, form) = asked_form(&asked, "user_name");
    assert_eq!(message, "What is your name?");
    assert_eq!(form, schema("name", "string"));

    let context = answered(context(), "user_name", &accept(r#"{"name":"Alice"}"#));
    let context = answered(context, "unknown_extra_key", &accept(r#"{"foo":"bar"}"#));
    assert_eq!(said(run(&full("elicitation"), "{}", &context)), "Hello, Alice!");
}

#[test]
fn elicitation_asks_again_for_what_it_did_not_get() {
    let wrong_type = accept(r#"{"name":5}"#);
    let data = accept(r#"{"data":"wrong"}"#);
    let decline = r#"{"action":"decline","content":{"name":"A"}}"#;
    for (key, value) in [
        ("wrong_key", accept(r#"{"name":"A"}"#).as_str()),
        ("user_name", "12345"),
        ("user_name", "null"),
        ("user_name", "not JSON"),
        ("user_name", &wrong_type),
        ("user_name", &data),
        ("user_name", decline),
    ] {
        let context = answered(context(), key, value);
        let again = asked(run(&full("elicitation"), "{}", &context));
        assert_eq!(again, first_round("elicitation"), "{key}: {value}");
    }
}

#[test]
fn sampling_repeats_the_models_answer() {
    let question = sample("capital_question", "What is the capital of France?", 100);
    assert_eq!(first_round("sampling").requests, [question]);

    let context = answered(context(), "capital_question", &sampling_result("Paris."));
    let text = said(run(&full("sampling"), "{}", &context));
    assert_eq!(text, "The model says: Paris.");
}

#[test]
fn list_roots_names_them() {
    assert_eq!(first_round("list_roots").requests, [roots("client_roots")]);

    let context = answered(context(), "client_roots", ROOTS);
    let text = said(run(&full("list_roots"), "{}", &context));
    assert_eq!(text, "Client roots: Test Root (file:///test/root)");
}

#[test]
fn state_must_come_back_with_the_answer() {
    for tool in ["request_state", "tampered_state"] {
        let first = first_round(tool);
        assert!(first.state.is_some());
        let (message, form) = asked_form(&first, "confirm");
        assert_eq!(message, "Please confirm");
        assert_eq!(form, schema("ok", "boolean"));

        let yes = accept(r#"{"ok":true}"#);
        let text = said(run(&full(tool), "{}", &answered(resumed(&first.state), "confirm", &yes)));
        assert!(text.contains("state-ok"), "{text}");

        let other = Some(b"another".to_vec());
        for context in [
            answered(context(), "confirm", &yes),
            answered(resumed(&other), "confirm", &yes),
            answered(resumed(&first.state), "confirm", &accept(r#"{"ok":"yes"}"#)),
            resumed(&first.state),
        ] {
            assert_eq!(asked(run(&full(tool), "{}", &context)), first);
        }
    }
}

#[test]
fn multiple_inputs_completes_when_all_are_there() {
    let first = first_round("multiple_inputs");
    let expected = [
        form("user_name", "What is your name?", NAME),
        sample("greeting", "Generate a greeting", 50),
        roots("client_roots"),
    ];
    assert_eq!(first.requests, expected);
    assert!(first.state.is_some());

    let all = [
        ("user_name", accept(r#"{"name":"Alice"}"#)),
        ("greeting", sampling_result("Hello there!")),
        ("client_roots", ROOTS.into()),
    ];
    let with = |base: Context, left_out: Option<&str>| {
        all.iter()
            .filter(|(key, _)| Some(*key) != left_out)
            .fold(base, |context, (key, value)| answered(context, key, value))
    };
    let text = said(run(&full("multiple_inputs"), "{}", &with(resumed(&first.state), None)));
    assert_eq!(text, "Alice: Hello there! (roots: Test Root (file:///test/root))");

    for (key, _) in &all {
        let partial = with(resumed(&first.state), Some(key));
        assert_eq!(asked(run(&full("multiple_inputs"), "{}", &partial)), first, "{key}");
    }
    let stateless = with(context(), None);
    assert_eq!(asked(run(&full("multiple_inputs"), "{}", &stateless)), first);
}

#[test]
fn multi_round_goes_from_step_to_step() {
    let tool = full("multi_round");
    let first = first_round("multi_round");
    let (message, form) = asked_form(&first, "step1");
    assert_eq!(message, "Step 1: What is your name?");
    assert_eq!(form, schema("name", "string"));

    let name = accept(r#"{"name":"Alice"}"#);
    let second = asked(run(&tool, "{}", &answered(resumed(&first.state), "step1", &name)));
    let (message, form) = asked_form(&second, "step2");
    assert_eq!(message, "Step 2: What is your favorite color?");
    assert_eq!(form, schema("color", "string"));
    assert!(second.state.is_some());
    assert_ne!(second.state, first.state);

    let color = accept(r#"{"color":"blue"}"#);
    let text = said(run(&tool, "{}", &answered(resumed(&second.state), "step2", &color)));
    assert_eq!(text, "Alice's favorite color is blue.");

    // An answer to another step, or none, leaves each step where it is.
    let early = answered(resumed(&first.state), "step2", &color);
    assert_eq!(asked(run(&tool, "{}", &early)), first);
    let late = answered(resumed(&second.state), "step1", &name);
    assert_eq!(asked(run(&tool, "{}", &late)), second);
    let foreign = answered(resumed(&Some(b"{}".to_vec())), "step2", &color);
    assert_eq!(asked(run(&tool, "{}", &foreign)), first);
}

#[test]
fn capabilities_asks_for_what_the_client_offers() {
    let tool = full("capabilities");
    for (features, keys) in [
        (ClientFeatures::SAMPLING, vec!["capital_question"]),
        (ClientFeatures::ELICITATION, vec!["user_name"]),
        (ClientFeatures::ELICITATION_URL, vec!["page"]),
        (ClientFeatures::ROOTS, vec!["client_roots"]),
        (ClientFeatures::all(), vec!["user_name", "page", "capital_question", "client_roots"]),
    ] {
        let context = without(ClientFeatures::all().difference(features));
        let asked = asked(run(&tool, "{}", &context));
        let asked: Vec<_> = asked.requests.into_iter().map(|request| request.key).collect();
        assert_eq!(asked, keys, "{features:?}");
    }
    let error = run(&tool, "{}", &without(ClientFeatures::all())).unwrap_err();
    assert_eq!(error, ToolError::ClientLacks(ClientFeatures::ELICITATION));
}

#[test]
fn capabilities_completes_when_everything_is_answered() {
    let tool = full("capabilities");
    let partly = answered(context(), "user_name", &accept(r#"{"name":"Alice"}"#));
    let partly = answered(partly, "page", r#"{"action":"accept"}"#);
    let partly = answered(partly, "capital_question", &sampling_result("Paris"));
    assert_eq!(asked(run(&tool, "{}", &partly)), first_round("capabilities"));
    let fully = answered(partly, "client_roots", r#"{"roots":[]}"#);
    assert_eq!(said(run(&tool, "{}", &fully)), "Alice; page visited; Paris; none");
}

#[test]
fn the_page_of_each_call_has_its_own_id() {
    let id = |call: &str| match page(call).ask {
        Ask::ElicitUrl(page) => page.id,
        other => panic!("{other:?}"),
    };
    assert_ne!(id("a"), id("b"));
}

#[test]
fn what_the_client_lacks_is_named() {
    let three = ClientFeatures::ELICITATION | ClientFeatures::SAMPLING | ClientFeatures::ROOTS;
    for (tool, features) in [
        ("elicitation", ClientFeatures::ELICITATION),
        ("sampling", ClientFeatures::SAMPLING),
        ("list_roots", ClientFeatures::ROOTS),
        ("request_state", ClientFeatures::ELICITATION),
        ("tampered_state", ClientFeatures::ELICITATION),
        ("multiple_inputs", three),
        ("multi_round", ClientFeatures::ELICITATION),
    ] {
        let error = run(&full(tool), "{}", &without(ClientFeatures::all())).unwrap_err();
        assert_eq!(error, ToolError::ClientLacks(features), "{tool}");
    }
}
