use super::*;

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

#[test]
fn tokens_go_over_tls_or_stay_on_the_machine() {
    for good in [
        "https://vault.example:8200",
        "https://gateway.example/vault/",
        "http://127.0.0.1:8200",
        "http://[::1]:8200",
        "http://localhost",
    ] {
        check(&url(good)).unwrap();
    }
    for bad in [
        "http://vault.example",
        "http://127.0.0.1.example",
        "http://10.0.0.1",
        "ftp://vault.example",
        "unix:/run/vault",
        "https://user@vault.example",
        "https://:pass@vault.example",
        "https://vault.example?a=b",
        "https://vault.example#a",
    ] {
        check(&url(bad)).expect_err(bad);
    }
}

#[test]
fn a_path_is_what_it_says() {
    for good in ["github/bot", "a", "with space/ü", "a.b/..c/...", "a:b@c"] {
        check_path(good).unwrap();
    }
    let long = "a".repeat(513);
    for bad in
        ["", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "a?b", "a#b", "a%2fb", "a\\b", "a\nb", "a\0", &long]
    {
        check_path(bad).expect_err(bad);
    }
}

#[test]
fn paths_within_an_address() {
    let within = |address, paths: &[&str]| within(&url(address), paths).to_string();
    assert_eq!(within("https://v", &["secret", "data", "a/b"]), "https://v/v1/secret/data/a/b");
    assert_eq!(within("https://v/x/", &["team/kv", "data", "a b"]), "https://v/x/v1/team/kv/data/a%20b");
    assert_eq!(within("https://v/x", &["secret", "data", "..c"]), "https://v/x/v1/secret/data/..c");
}
