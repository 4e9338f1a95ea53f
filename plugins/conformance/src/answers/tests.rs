use serde_json::json;

use super::*;
use crate::tools::tests::{answered, context};

/// Nobody's answer to anything.
const HOSTILE: [&str; 9] = [
    "",
    "null",
    "12345",
    "\"accept\"",
    "[]",
    "{}",
    "{\"action\":\"accept\"",
    r#"{"action":7,"content":7,"roots":7}"#,
    r#"{"action":"allow","content":"none","roots":[{"name":"no uri"}]}"#,
];

#[test]
fn nothing_can_be_read_from_a_hostile_answer() {
    for hostile in HOSTILE.map(String::from).into_iter().chain(["[".repeat(100_000)]) {
        let context = answered(context(), "key", &hostile);
        assert_eq!(reply(&context, "key"), None);
        assert!(!visited(&context, "key"));
        assert_eq!(text_field(&context, "key", "name"), None);
        assert_eq!(bool_field(&context, "key", "ok"), None);
        assert_eq!(sampled(&context, "key"), None);
        assert_eq!(roots(&context, "key"), None);
    }
}

#[test]
fn a_reply_may_come_without_content() {
    for (value, action) in [
        (json!({ "action": "accept" }), Action::Accept),
        (json!({ "action": "decline", "content": null }), Action::Decline),
        (json!({ "action": "cancel", "_meta": {} }), Action::Cancel),
    ] {
        let context = answered(context(), "key", &value.to_string());
        let content = Map::new();
        assert_eq!(reply(&context, "key"), Some(Reply { action, content }));
        assert_eq!(visited(&context, "key"), action == Action::Accept);
    }
}

#[test]
fn only_the_right_key_counts_and_the_first_of_it() {
    let name = |name: &str| json!({ "action": "accept", "content": { "name": name } }).to_string();
    let context = answered(context(), "other", &name("Mallory"));
    assert_eq!(text_field(&context, "key", "name"), None);
    let context = answered(context, "key", &name("Alice"));
    let context = answered(context, "key", &name("Bob"));
    assert_eq!(text_field(&context, "key", "name"), Some("Alice".into()));
}

#[test]
fn a_field_has_its_own_type_and_an_accepted_form() {
    for content in [json!({}), json!({ "ok": "true", "name": 1 }), json!({ "ok": null, "name": null })] {
        let value = json!({ "action": "accept", "content": content }).to_string();
        let context = answered(context(), "key", &value);
        assert_eq!(text_field(&context, "key", "name"), None);
        assert_eq!(bool_field(&context, "key", "ok"), None);
    }
    for (action, name, ok) in [("accept", Some("A"), Some(false)), ("decline", None, None)] {
        let value = json!({ "action": action, "content": { "ok": false, "name": "A" } }).to_string();
        let context = answered(context(), "key", &value);
        assert_eq!(text_field(&context, "key", "name").as_deref(), name);
        assert_eq!(bool_field(&context, "key", "ok"), ok);
    }
}

#[test]
fn sampled_text_is_in_one_block_or_several() {
    let image = json!({ "type": "image", "data": "", "mimeType": "image/png", "text": "no" });
    let paris = json!({ "type": "text", "text": "Paris" });
    let end = json!({ "type": "text", "text": "That is all." });
    for (content, text) in [
        (paris.clone(), Some("Paris")),
        (json!([paris]), Some("Paris")),
        (json!([paris, image, end]), Some("Paris\nThat is all.")),
        (image, None),
        (json!([]), None),
        (json!({ "type": "text", "text": 5 }), None),
    ] {
        let value = json!({ "role": "assistant", "model": "m", "content": content }).to_string();
        let context = answered(context(), "key", &value);
        assert_eq!(sampled(&context, "key").as_deref(), text, "{content}");
    }
}

#[test]
fn roots_are_described_by_name_and_uri() {
    let value = json!({ "roots": [{ "uri": "file:///a", "name": "A" }, { "uri": "file:///b" }] });
    let context = answered(context(), "key", &value.to_string());
    let roots = roots(&context, "key").unwrap();
    assert_eq!(describe(&roots), "A (file:///a), file:///b");
    assert_eq!(describe(&[]), "none");
}
