use super::*;

fn read(header: &str) -> Option<Challenge> {
    parse([header].into_iter())
}

fn bearer(realm: &str, service: Option<&str>) -> Option<Challenge> {
    Some(Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) })
}

#[test]
fn reads_what_registries_send() {
    assert_eq!(
        read(r#"Bearer realm="https://auth.example.com/token",service="registry",scope="repository:a/b:pull""#),
        bearer("https://auth.example.com/token", Some("registry"))
    );
    assert_eq!(read(r#"bearer realm=https://auth.example.com , service="x\"y, z""#), {
        bearer("https://auth.example.com", Some("x\"y, z"))
    });
    assert_eq!(read(r#"Basic realm="basic-realm""#), Some(Challenge::Basic));
    assert_eq!(read(r#"Negotiate, Basic realm="x", Bearer realm="y""#), bearer("y", None));
    assert_eq!(parse(["Basic", r#"Bearer realm="y""#].into_iter()), bearer("y", None));
}

#[test]
fn skips_what_it_does_not_know() {
    for odd in [
        "",
        ",",
        "Negotiate",
        "Digest realm=\"x\"",
        "realm=\"x\"",
        "Bearer",
        "Bearer service=\"x\"",
        "=",
        "\"",
        "==\"\\",
    ] {
        assert_eq!(read(odd), None, "{odd:?}");
    }
}

#[test]
fn ends_with_an_unfinished_quote() {
    assert_eq!(read(r#"Bearer realm="x"#), bearer("x", None));
    assert_eq!(read("Bearer realm=\"x\\"), bearer("x", None));
}
