use super::*;

#[test]
fn a_field() {
    let body = br#"{"request_id":"1","data":{"data":{"n":1,"f":1.5,"b":true,"o":{"a":[1]},"l":["x"],"z":null,"token":"12345678\u00e9"},"metadata":{}}}"#;
    assert_eq!(field(body, "token").unwrap().expose(), "12345678é");
    for other in ["n", "f", "b", "o", "l", "z"] {
        assert_eq!(field(body, other).unwrap_err(), Trouble::Odd(format!("its field {other:?} is no text")));
    }
    assert_eq!(field(body, "none").unwrap_err(), Trouble::Odd(r#"it has no field "none""#.to_owned()));
}

#[test]
fn a_deleted_version() {
    assert_eq!(
        field(br#"{"data":{"data":null,"metadata":{"deletion_time":"x"}}}"#, "a").unwrap_err(),
        Trouble::Missing
    );
}

#[test]
fn nothing_of_an_answer_is_repeated() {
    for body in [
        r#"{"data":{"data":"hunter2-hunter2"}}"#,
        r#"{"data":{"token":"hunter2-hunter2"}}"#,
        r#"hunter2-hunter2"#,
        r#"{"data":{"data":{"a":"hunter2"#,
        r#"{"data":{"data":{"a":"hunter2"}}}"#,
        r#"{"auth":{"client_token":["hunter2"]}}"#,
        &format!("{}hunter2", "[".repeat(100_000)),
    ] {
        let error = field(body.as_bytes(), "a").unwrap_err();
        assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
        let error = token(body.as_bytes()).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
    }
}

#[test]
fn a_token_and_its_time() {
    let (text, lease) = token(br#"{"auth":{"client_token":"s.abc","lease_duration":3600,"renewable":true}}"#).unwrap();
    assert_eq!((text.as_str(), lease), ("s.abc", Some(Duration::from_secs(3600))));
    let (_, lease) = token(br#"{"auth":{"client_token":"s.abc","lease_duration":0}}"#).unwrap();
    assert_eq!(lease, None);
}
