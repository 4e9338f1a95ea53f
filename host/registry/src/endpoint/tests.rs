use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[test]
fn speaks_tls_but_to_loopback_and_what_is_listed() {
    let listed = ["registry.lan:5000".to_owned()];
    for (registry, address) in [
        ("registry.example.com", "https://registry.example.com/v2/"),
        ("registry.lan", "https://registry.lan/v2/"),
        ("registry.lan:5000", "http://registry.lan:5000/v2/"),
        ("localhost:5000", "http://localhost:5000/v2/"),
        ("localhost.example.com", "https://localhost.example.com/v2/"),
        ("127.9.9.9", "http://127.9.9.9/v2/"),
        ("[::1]:5000", "http://[::1]:5000/v2/"),
        ("192.0.2.1:5000", "https://192.0.2.1:5000/v2/"),
        ("docker.io", "https://registry-1.docker.io/v2/"),
    ] {
        assert_eq!(root(registry, &listed).unwrap().as_str(), address);
    }
}

#[test]
fn follows_to_storage_only() {
    let tls = url("https://registry.example.com/v2/");
    let plain = url("http://registry.lan:5000/v2/");
    let here = url("http://127.0.0.1:5000/v2/");
    let storage = url("https://storage.example.com/blob?signature=x");
    for root in [&tls, &plain, &here] {
        assert_eq!(may_lead_to(root, &storage), Ok(()));
    }
    assert_eq!(may_lead_to(&plain, &url("http://storage.lan/blob")), Ok(()));
    assert_eq!(may_lead_to(&here, &url("http://127.0.0.1:9000/blob")), Ok(()));
    for refused in [
        "http://storage.example.com/blob",
        "ftp://storage.example.com/blob",
        "file:///etc/passwd",
        "https://user@storage.example.com/blob",
        "https://:password@storage.example.com/blob",
        "https://localhost/blob",
        "https://x.localhost/blob",
        "https://127.1/blob",
        "https://2130706433/blob",
        "https://0.0.0.0/blob",
        "https://[::1]/blob",
        "https://[::ffff:127.0.0.1]/blob",
    ] {
        assert!(may_lead_to(&tls, &url(refused)).is_err(), "{refused}");
    }
}
