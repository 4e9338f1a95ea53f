use super::*;
use crate::bindings::cofferdam::plugin::types::Context;
use crate::host::fake::{Event, Fake};
use crate::tools::tests::{accept, answered, asked, context, run, run_on, said, without};

fn in_background() -> Context {
    Context { background: true, ..context() }
}

/// The state with which a call goes to the background.
fn gone(answered: Answered) -> Option<Vec<u8>> {
    match answered.unwrap() {
        Outcome::Background(state) => state,
        other => panic!("{other:?}"),
    }
}

#[test]
fn slow_work_goes_to_the_background_of_clients_that_can_wait() {
    let slow = r#"{"seconds":2,"label":"x"}"#;
    assert_eq!(gone(run("slow_compute", slow, &context())), None);
    let host = Fake::default();
    assert_eq!(said(run_on(&host, "slow_compute", slow, &in_background())), "x took 2 seconds");
    assert_eq!(host.events(), [Event::Pause(Duration::from_secs(2))]);
    assert_eq!(said(run("slow_compute", slow, &without(ClientFeatures::TASKS))), "x took 2 seconds");
    assert_eq!(said(run("slow_compute", r#"{"seconds":0,"label":"y"}"#, &context())), "y took 0 seconds");
}

#[test]
fn jobs_that_fail_need_a_client_that_can_wait() {
    for name in ["failing_job", "protocol_error_job"] {
        let refused = run(name, "{}", &without(ClientFeatures::TASKS)).unwrap_err();
        assert!(matches!(refused, ToolError::ClientLacks(ClientFeatures::TASKS)), "{name}: {refused:?}");
        assert_eq!(gone(run(name, "{}", &context())), None, "{name}");
    }
    assert!(matches!(run("failing_job", "{}", &in_background()), Err(ToolError::Internal(_))));
}

#[test]
#[should_panic(expected = "breaks down")]
fn a_job_breaks_down() {
    let _never = run("protocol_error_job", "{}", &in_background());
}

#[test]
fn a_deletion_is_confirmed_in_the_background() {
    let file = r#"{"filename":"a.txt"}"#;
    assert_eq!(gone(run("confirm_delete", file, &context())), None);
    assert_eq!(asked(run("confirm_delete", file, &in_background())).requests.len(), 1);
    let reply = |value: &str| said(run("confirm_delete", file, &answered(in_background(), "confirm", value)));
    assert_eq!(reply(&accept(r#"{"confirm":true}"#)), "Deleted a.txt");
    assert_eq!(reply(&accept(r#"{"confirm":false}"#)), "Kept a.txt");
    assert_eq!(reply(r#"{"action":"decline"}"#), "Kept a.txt");
}

#[test]
fn two_questions_are_asked_at_once() {
    assert_eq!(gone(run("multi_input", "{}", &context())), None);
    assert_eq!(asked(run("multi_input", "{}", &in_background())).requests.len(), 2);
    let one = answered(in_background(), "name", &accept(r#"{"name":"Ada"}"#));
    assert_eq!(asked(run("multi_input", "{}", &one)).requests.len(), 2);
    let both = answered(one, "color", r#"{"action":"decline"}"#);
    assert_eq!(said(run("multi_input", "{}", &both)), "name: accept, color: decline");
}

#[test]
fn a_question_comes_before_the_task() {
    assert_eq!(asked(run("test_tool_with_task", "{}", &context())).requests[0].key, "user_name");
    let named = answered(context(), "user_name", &accept(r#"{"name":"Ada"}"#));
    let state = gone(run("test_tool_with_task", "{}", &named));
    assert_eq!(state.as_deref(), Some(b"Ada".as_slice()));
    assert_eq!(said(run("test_tool_with_task", "{}", &Context { state, ..in_background() })), "Hello, Ada!");
}
