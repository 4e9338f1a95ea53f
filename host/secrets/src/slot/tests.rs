use super::*;

fn name() -> SecretName {
    "token".parse().unwrap()
}

fn value(text: &str) -> Result<Secret, SecretError> {
    Ok(Secret::new(text.as_bytes()).unwrap())
}

fn away(why: &str) -> Result<Secret, SecretError> {
    Err(SecretError::VaultAway { name: name(), why: why.to_owned() })
}

fn missing() -> Result<Secret, SecretError> {
    Err(SecretError::VaultMissing { name: name(), place: "secret/a".to_owned() })
}

fn odd() -> Result<Secret, SecretError> {
    Err(SecretError::VaultOdd { name: name(), place: "secret/a".to_owned(), why: "it is odd".to_owned() })
}

/// What a row of looks teaches.
fn after(looks: &[Result<Secret, SecretError>]) -> (Known, Vec<Learnt>) {
    let start = Known { version: 0, current: away("not asked"), previous: None, looked: None, trouble: None };
    let mut learnt = Vec::new();
    let known = looks.iter().fold(start, |known, found| {
        let (next, what) = known.after(found.clone());
        learnt.push(what);
        next
    });
    (known, learnt)
}

fn values(known: &Known) -> (Option<&str>, Option<&str>) {
    (known.current.as_ref().ok().map(Secret::expose), known.previous.as_ref().map(Secret::expose))
}

#[test]
fn a_rotation_keeps_the_value_before() {
    let (known, learnt) = after(&[value("value-one"), value("value-one"), value("value-two"), value("value-three")]);
    assert_eq!(learnt, [Learnt::First, Learnt::Nothing, Learnt::Rotated, Learnt::Rotated]);
    assert_eq!(values(&known), (Some("value-three"), Some("value-two")));
    assert_eq!(known.version, 3);
}

#[test]
fn trouble_takes_no_value_away_and_is_told_once() {
    let (known, learnt) =
        after(&[value("value-one"), away("refused"), away("timed out"), odd(), odd(), value("value-one")]);
    assert_eq!(
        learnt,
        [Learnt::First, Learnt::Stale, Learnt::Nothing, Learnt::Stale, Learnt::Nothing, Learnt::Recovered]
    );
    assert_eq!(values(&known), (Some("value-one"), None));
    assert_eq!(known.version, 1);
}

#[test]
fn vaults_own_word_takes_it_away() {
    let (known, learnt) = after(&[value("value-one"), missing(), missing(), away("refused")]);
    assert_eq!(learnt, [Learnt::First, Learnt::Withdrawn, Learnt::Nothing, Learnt::Absent]);
    assert_eq!(values(&known), (None, Some("value-one")));
    assert_eq!(known.version, 2);
    let (known, learnt) = after(&[value("value-one"), missing(), value("value-two")]);
    assert_eq!(learnt.last(), Some(&Learnt::Rotated));
    assert_eq!(values(&known), (Some("value-two"), Some("value-one")));
    // Back to what it was.
    let (known, _) = after(&[value("value-one"), missing(), value("value-one")]);
    assert_eq!(values(&known), (Some("value-one"), Some("value-one")));
    assert_eq!(known.version, 3);
}

#[test]
fn a_secret_that_never_was_says_why() {
    let (known, learnt) = after(&[odd(), odd(), away("refused")]);
    assert_eq!(learnt, [Learnt::Absent, Learnt::Nothing, Learnt::Absent]);
    assert_eq!(known.current.unwrap_err(), away("refused").unwrap_err());
    assert_eq!(known.version, 0);
}

#[test]
fn debug_tells_no_value() {
    let (known, _) = after(&[value("value-one"), value("value-two")]);
    let debug = format!("{known:?}");
    assert!(!debug.contains("value-"), "{debug}");
}
