use super::*;

#[test]
fn what_begins_alike_is_offered() {
    let prompt = Reference::Prompt("test_prompt_with_arguments".into());
    let template = Reference::Resource("test://template/{id}/data".into());
    for (subject, argument, value, expected) in [
        (&prompt, "arg1", "par", vec!["paris", "park", "party"]),
        (&prompt, "arg1", "part", vec!["party"]),
        (&prompt, "arg1", "x", vec![]),
        (&prompt, "arg2", "", vec!["word", "work", "world"]),
        (&template, "id", "12", vec!["12", "123"]),
    ] {
        let completion = complete(subject, argument, value).unwrap();
        assert_eq!(completion.values, expected, "{argument} {value}");
        assert_eq!(completion.total, Some(expected.len() as u32));
        assert!(!completion.has_more);
    }
}

#[test]
fn what_is_not_known_is_not_found() {
    for (subject, argument) in [
        (Reference::Prompt("test_simple_prompt".into()), "arg1"),
        (Reference::Prompt("test_prompt_with_arguments".into()), "arg3"),
        (Reference::Resource("test://static-text".into()), "id"),
    ] {
        let error = complete(&subject, argument, "").unwrap_err();
        assert!(matches!(error, ToolError::NotFound(_)), "{error:?}");
    }
}
