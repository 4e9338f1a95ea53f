use super::*;

#[test]
fn names() {
    for good in ["a", "github-token", "db.password_2", &"a".repeat(64)] {
        assert_eq!(good.parse::<SecretName>().unwrap().to_string(), good);
    }
    for bad in ["", "A", "1a", "-a", "a b", "a/b", "é", "a\n", &"a".repeat(65)] {
        bad.parse::<SecretName>().unwrap_err();
    }
    let error = "Github".parse::<SecretName>().unwrap_err();
    assert_eq!(
        error.to_string(),
        r#""Github" is no secret's name: 1 to 64 of a-z, 0-9, -, _ and ., beginning with a letter"#
    );
    assert!("\u{1b}".repeat(10_000).parse::<SecretName>().unwrap_err().to_string().len() < 1000);
}

#[test]
fn names_in_files() {
    let name: SecretName = serde_json::from_str(r#""token""#).unwrap();
    assert_eq!(serde_json::to_string(&name).unwrap(), r#""token""#);
    let error = serde_json::from_str::<SecretName>(r#""Token""#).unwrap_err();
    assert!(error.to_string().contains("beginning with a letter"), "{error}");
}
