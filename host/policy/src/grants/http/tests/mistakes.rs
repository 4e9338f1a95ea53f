//! What people read when they make a mistake.

use super::*;
use crate::Document;

#[test]
fn urls() {
    let long = format!("https://a.example/{}", "a/".repeat(700));
    for (url, expected) in [
        ("", r#""" is no URL of a rule: write the scheme too, as in "https://api.example.com/""#),
        (
            "api.example.com/v1/",
            r#""api.example.com/v1/" is no URL of a rule: write the scheme too, as in "https://api.example.com/v1/""#,
        ),
        (
            "//api.example.com/",
            r#""//api.example.com/" is no URL of a rule: write the scheme too, as in "https://api.example.com/""#,
        ),
        (
            "https:/a.example/",
            r#""https:/a.example/" is no URL of a rule: write the scheme too, as in "https://a.example/""#,
        ),
        ("*", r#""*" is no URL of a rule: write the scheme too, as in "https://api.example.com/""#),
        (
            "*://a.example/",
            r#""*://a.example/" is no URL of a rule: "*" is no scheme to send requests by: write https, or http"#,
        ),
        (
            "ftp://a.example/",
            r#""ftp://a.example/" is no URL of a rule: "ftp" is no scheme to send requests by: write https, or http"#,
        ),
        (
            "file:///etc/passwd",
            r#""file:///etc/passwd" is no URL of a rule: "file" is no scheme to send requests by: write https, or http"#,
        ),
        (
            "wss://a.example/",
            r#""wss://a.example/" is no URL of a rule: "wss" is no scheme to send requests by: write https, or http"#,
        ),
        ("HTTPS://a.example/", r#""HTTPS://a.example/" is no URL of a rule: write "https" in small letters"#),
        (
            "https://a.example",
            r#""https://a.example" is no URL of a rule: write "https://a.example/" for everything there, or name a path"#,
        ),
        (
            "https://a.example:8443",
            r#""https://a.example:8443" is no URL of a rule: write "https://a.example:8443/" for everything there, or name a path"#,
        ),
        ("https:///v1/", r#""" is no host: write "example.com", or an address"#),
        (
            "https://user:pw@a.example/",
            r#""https://user:pw@a.example/" is no URL of a rule: leave out what stands before @: a password comes from a secret, as in secret = { name = "...", as = { basic = "user" } }"#,
        ),
        (
            "https://a.example/?q=1",
            r#""https://a.example/?q=1" is no URL of a rule: leave out what follows ?: a rule says nothing about the query, which is free"#,
        ),
        (
            "https://a.example?q=1",
            r#""https://a.example?q=1" is no URL of a rule: leave out what follows ?: a rule says nothing about the query, which is free"#,
        ),
        (
            "https://a.example/#x",
            r##""https://a.example/#x" is no URL of a rule: leave out what follows #: it is never sent"##,
        ),
        (r"https://a.example\v1", r#""https://a.example\\v1" is no URL of a rule: write / instead of \"#),
        (" https://a.example/", r#"" https://a.example/" is no URL of a rule: it has a space or a control character"#),
        (
            "https://a.example/\n",
            r#""https://a.example/\n" is no URL of a rule: it has a space or a control character"#,
        ),
        (
            "https://a.example/\u{a0}",
            r#""https://a.example/\u{a0}" is no URL of a rule: it has a space or a control character"#,
        ),
        ("https://a.example:/", r#""" is no port: write a number from 1 to 65535"#),
        ("https://a.example:0/", r#""0" is no port: write a number from 1 to 65535"#),
        ("https://a.example:65536/", r#""65536" is no port: write a number from 1 to 65535"#),
        ("https://a.example:0443/", r#""0443" is no port: write a number from 1 to 65535"#),
        ("https://a.example:*/", r#""*" is no port: write a number from 1 to 65535"#),
        ("https://[::1]:x/", r#""x" is no port: write a number from 1 to 65535"#),
        ("https://*/", r#""*" is no host: write "example.com", or "*.example.com" for the names below it"#),
        ("https://*com/", r#""*com" is no host: write "example.com", or "*.example.com" for the names below it"#),
        ("https://A.example/", r#""A.example" has capitals: write "a.example""#),
        ("https://::1/", r#""::1" has another spelling here: write "[::1]""#),
        ("https://2001:db8::1/", r#""2001:db8::1" has another spelling here: write "[2001:db8::1]""#),
        ("https://[::1/", r#""[::1" has another spelling here: write "[::1]""#),
        (
            "https://a.example/v1/%2e%2e/",
            r#""/v1/%2e%2e/" is no path: percent-encoding has many spellings: write the characters themselves, or * for the segment"#,
        ),
        ("https://a.example/v1//x", r#""/v1//x" is no path: it has two slashes in a row"#),
        (long.as_str(), &format!("\"{}\"... is no URL of a rule: it has at most 1400 characters", &long[..80])),
        ("http://10.1.2.3/", r#"10.1.2.3 is no public address: add "10.1.2.3/32" to `networks` if it is meant"#),
    ] {
        assert_eq!(parse(&json!([rule(url)])).unwrap_err(), expected, "for {url}");
    }
}

#[test]
fn rules() {
    const METHODS: &str = r#"write methods = ["GET"], or more of GET, HEAD, OPTIONS, POST, PUT, PATCH and DELETE"#;
    let with = |key: &str, value: Value| {
        let mut rule = rule("https://a.example/");
        rule[key] = value;
        json!([rule])
    };
    let form = r#"a rule is written { url = "https://api.example.com/v1/", methods = ["GET"] }"#;
    for (written, expected) in [
        (
            json!([]),
            r#"`http = []` grants nothing: leave `http` out, or write http = [{ url = "https://api.example.com/v1/", methods = ["GET"] }]"#.into(),
        ),
        (
            json!("https://a.example/"),
            r#"invalid type: string "https://a.example/", expected a list of rules, such as [{ url = "https://api.example.com/v1/", methods = ["GET"] }]"#.into(),
        ),
        (
            json!(["https://a.example/"]),
            r#"invalid type: string "https://a.example/", expected a table, such as { url = "https://api.example.com/v1/", methods = ["GET"] }"#.into(),
        ),
        (json!([{ "methods": ["GET"] }]), format!("`url` is missing: {form}")),
        (json!([{ "url": "https://a.example/" }]), format!("`methods` is missing: {form}")),
        (with("url", json!(3)), r#"invalid type: integer `3`, expected a URL, such as "https://api.example.com/v1/""#.into()),
        (with("methods", json!("GET")), r#"invalid type: string "GET", expected a list of methods, such as ["GET", "POST"]"#.into()),
        (with("methods", json!([])), format!("`methods = []` grants nothing: {METHODS}")),
        (with("methods", json!(["get"])), r#""get" is in small letters: write "GET""#.into()),
        (with("methods", json!(["*"])), format!("methods are named one by one: {METHODS}")),
        (with("methods", json!(["BREW"])), format!("\"BREW\" is no method: {METHODS}")),
        (with("methods", json!([""])), format!("\"\" is no method: {METHODS}")),
        (with("methods", json!(["CONNECT"])), r#""CONNECT" makes a tunnel for anything: grant `sockets` where that is meant"#.into()),
        (with("methods", json!(["TRACE"])), r#""TRACE" sends an attached secret back and is never granted"#.into()),
        (with("methods", json!(["GET", "POST", "GET"])), r#""GET" is there twice: name each method once"#.into()),
        (with("networks", json!([])), r#"`networks = []` grants nothing: leave `networks` out, or write networks = ["10.1.0.0/16"]"#.into()),
        (with("timeout", json!("11m")), r#"`timeout = "11m"` is out of range: at most 10m"#.into()),
        (with("timeout", json!("0s")), r#""0s" is no time: write a time from 1ms to 1day with its unit, such as "30s" or "500ms""#.into()),
        (with("request", json!("257MiB")), r#"`request = "257MiB"` is out of range: at most 256MiB"#.into()),
        (with("response", json!("1GiB")), r#"`response = "1GiB"` is out of range: at most 256MiB"#.into()),
        (with("retry", json!(true)), "invalid type: boolean `true`, expected a table, such as { attempts = 3 }".into()),
        (with("retry", json!({ "attempts": 1 })), "`attempts = 1` sends nothing again: leave `retry` out, or write a number from 2 to 10".into()),
        (with("retry", json!({ "attempts": 11 })), "`attempts = 11` is out of range: 2 to 10, the first included".into()),
        (with("retry", json!({ "longest": "2m" })), r#"`longest = "2m"` is out of range: at most 1m"#.into()),
        (with("retry", json!({ "backoff": "9s", "longest": "8s" })), r#"`backoff = "9s"` is longer than `longest = "8s"`"#.into()),
        (with("breaker", json!({ "failures": 0 })), "`failures = 0` is out of range: 1 to 1000".into()),
        (with("breaker", json!({ "open": "11m" })), r#"`open = "11m"` is out of range: at most 10m"#.into()),
        (
            json!([rule("https://a.example/"), rule("https://a.example/")]),
            "entry 2 of `http` is there already: each thing is granted once".into(),
        ),
        (
            json!([rule("https://*.a.example/"), rule("https://x.a.example/v1")]),
            "entry 2 of `http`, https://x.a.example/v1, is never used: entry 1, https://*.a.example/, comes first and matches all of its requests; put the narrower one first, or leave one of them out".into(),
        ),
        (
            json!((0..257).map(|n| rule(&format!("https://a{n}.example/"))).collect::<Vec<_>>()),
            "has more than 256 entries; nobody reads that many".into(),
        ),
    ] {
        assert_eq!(parse(&written).unwrap_err(), expected, "for {written}");
    }
}

#[test]
fn secrets() {
    const FORM: &str =
        r#"write as = "bearer", "basic", { basic = "user" }, { header = "X-Api-Key" } or { query = "key" }"#;
    let table = r#"write secret = { name = "api-token", as = "bearer" }"#;
    let directs = |name: &str| {
        format!(
            "\"{name}\" is a header that directs the request, and no place for a secret: write one such as \"X-Api-Key\""
        )
    };
    let name = |how: Value| json!({ "name": "s", "as": how });
    for (secret, expected) in [
        (
            json!("s"),
            r#"invalid type: string "s", expected a table, such as { name = "api-token", as = "bearer" }"#.into(),
        ),
        (json!({ "as": "bearer" }), format!("`name` is missing: {table}")),
        (json!({ "name": "s" }), format!("`as` is missing, which says how s goes out: {FORM}")),
        (name(json!(1)), format!("invalid type: integer `1`, expected how a secret goes out: {FORM}")),
        (name(json!("Bearer")), format!("\"Bearer\" is no way for a secret to go out: {FORM}")),
        (name(json!("header")), format!("\"header\" needs a name: {FORM}")),
        (name(json!("query")), format!("\"query\" needs a name: {FORM}")),
        (name(json!({})), format!("a secret goes out in one way: {FORM}")),
        (name(json!({ "header": "a", "query": "b" })), format!("a secret goes out in one way: {FORM}")),
        (name(json!({ "cookie": "a" })), format!("\"cookie\" is no way for a secret to go out: {FORM}")),
        (name(json!({ "bearer": "a" })), format!("a bearer token has nothing to say about it: {FORM}")),
        (name(json!({ "basic": "" })), r#""" is no user name: 1 to 128 of ASCII, without : and spaces"#.into()),
        (name(json!({ "basic": "a:b" })), r#""a:b" is no user name: 1 to 128 of ASCII, without : and spaces"#.into()),
        (name(json!({ "header": "" })), r#""" is no header: write a name such as "X-Api-Key""#.into()),
        (name(json!({ "header": "X Key" })), r#""X Key" is no header: write a name such as "X-Api-Key""#.into()),
        (
            name(json!({ "header": "X-Key\r\nHost" })),
            r#""X-Key\r\nHost" is no header: write a name such as "X-Api-Key""#.into(),
        ),
        (
            name(json!({ "header": ":authority" })),
            r#"":authority" is no header: write a name such as "X-Api-Key""#.into(),
        ),
        (name(json!({ "header": "Host" })), directs("Host")),
        (name(json!({ "header": "Content-Length" })), directs("Content-Length")),
        (name(json!({ "header": "transfer-encoding" })), directs("transfer-encoding")),
        (name(json!({ "header": "Connection" })), directs("Connection")),
        (name(json!({ "header": "TE" })), directs("TE")),
        (name(json!({ "header": "Trailer" })), directs("Trailer")),
        (name(json!({ "header": "Upgrade" })), directs("Upgrade")),
        (name(json!({ "header": "Keep-Alive" })), directs("Keep-Alive")),
        (name(json!({ "header": "Proxy-Authorization" })), directs("Proxy-Authorization")),
        (name(json!({ "header": "X-Forwarded-Host" })), directs("X-Forwarded-Host")),
        (name(json!({ "header": "X-HTTP-Method-Override" })), directs("X-HTTP-Method-Override")),
        (name(json!({ "query": "" })), r#""" is no query parameter: 1 to 64 of A-Z, a-z, 0-9, -, ., _ and ~"#.into()),
        (
            name(json!({ "query": "a&b" })),
            r#""a&b" is no query parameter: 1 to 64 of A-Z, a-z, 0-9, -, ., _ and ~"#.into(),
        ),
        (
            name(json!({ "query": "key[]" })),
            r#""key[]" is no query parameter: 1 to 64 of A-Z, a-z, 0-9, -, ., _ and ~"#.into(),
        ),
    ] {
        let written = json!([{ "url": "https://a.example/", "methods": ["GET"], "secret": secret }]);
        assert_eq!(parse(&written).unwrap_err(), expected, "for {secret}");
    }
    for header in ["authorization", "cookie", "x-api-key", "private-token"] {
        let secret = name(json!({ "header": header }));
        assert!(parse(&json!([{ "url": "https://a.example/", "methods": ["GET"], "secret": secret }])).is_ok());
    }
}

#[test]
fn a_secret_goes_in_clear_to_private_addresses_only() {
    let written = |url: &str, network: &str| json!([{ "url": url, "methods": ["GET"], "secret": { "name": "s", "as": "bearer" }, "networks": [network] }]);
    for (url, network) in [
        ("http://a.example/", "10.0.0.0/8"),
        ("http://*.corp.example/", "10.0.0.0/8"),
        ("http://localhost/", "127.0.0.1/32"),
        ("http://1.1.1.1/", "10.0.0.0/8"),
        ("http://169.254.169.254/", "169.254.169.254/32"),
    ] {
        let expected = format!(
            "{url} would carry the secret s in clear: write https; plain http goes with a secret to an address of a private network only, such as http://10.1.2.3/"
        );
        assert_eq!(parse(&written(url, network)).unwrap_err(), expected);
    }
    for (url, network) in [
        ("https://a.example/", "10.0.0.0/8"),
        ("http://10.1.2.3/", "10.0.0.0/8"),
        ("http://127.0.0.1:8080/", "127.0.0.1/32"),
        ("http://[::1]:8080/", "::1/128"),
    ] {
        grant(written(url, network));
    }
}

/// The same through the parser of files, with the places.
#[test]
fn in_a_file() {
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "what is read is not looked at")]
    struct File {
        version: u32,
        http: Option<HttpGrant>,
        sockets: Option<crate::SocketsGrant>,
    }
    let read = |line: &str| {
        let text = format!("version = 1\n{line}\n");
        let file = Document::parse("p", &text, &schema_for!(File)).and_then(Document::into_value::<File>);
        file.map(drop).map_err(|e| e.to_string())
    };
    let good = r#"http = [
        { url = "https://api.github.com/repos/*/*/issues", methods = ["GET", "POST"], secret = { name = "github-token", as = "bearer" } },
        { url = "https://*.example.com:8443/v1/", methods = ["GET"], secret = { name = "maps", as = { query = "key" } } },
        { url = "http://internal.corp/status", methods = ["GET"], networks = ["10.0.0.0/8"], timeout = "10s", request = "1MiB", response = "8MiB",
          retry = { attempts = 3, backoff = "200ms", longest = "5s" }, breaker = { failures = 5, open = "30s" } },
    ]
    sockets = ["db.example.com:5432", { address = "10.1.2.3:6379", networks = ["10.1.2.3/32"] }]"#;
    assert_eq!(read(good), Ok(()));
    let tables =
        "[[http]]\nurl = \"https://a.example/\"\nmethods = [\"GET\"]\nsecret.name = \"s\"\nsecret.as.basic = \"u\"";
    assert_eq!(read(tables), Ok(()));
    for (line, expected) in [
        (
            r#"http = [{ url = "https://a.example/", method = ["GET"] }]"#,
            "p:2:39: http[0].method: unknown key; did you mean `methods`?",
        ),
        (
            r#"http = [{ url = "https://a.example/", methods = ["GET"], secret = { nam = "x" } }]"#,
            "p:2:69: http[0].secret.nam: unknown key; did you mean `name`?",
        ),
        (
            r#"http = [{ url = "https://a.example/", methods = ["GET"], secret = { name = "x", as = { headr = "X" } } }]"#,
            "p:2:88: http[0].secret.as.headr: unknown key; did you mean `header`?",
        ),
        (
            r#"http = [{ url = "https://a.example/", methods = ["GET"], retry = { attempt = 3 } }]"#,
            "p:2:68: http[0].retry.attempt: unknown key; did you mean `attempts`?",
        ),
        (
            r#"sockets = [{ addres = "a.example:1" }]"#,
            "p:2:14: sockets[0].addres: unknown key; did you mean `address`?",
        ),
        (
            r#"http = [{ url = "https://*com/", methods = ["GET"] }]"#,
            r#"p:2:17: "*com" is no host: write "example.com", or "*.example.com" for the names below it"#,
        ),
        (
            "[[http]]\nurl = \"https://a.example/\"\nmethods = [\"get\"]",
            r#"p:4:12: "get" is in small letters: write "GET""#,
        ),
        (
            r#"sockets = ["db.example.com"]"#,
            r#"p:2:12: "db.example.com" is no host with its port: write "db.example.com:5432", or { address = "db.internal:5432", networks = ["10.1.0.0/16"] }"#,
        ),
    ] {
        assert_eq!(read(line).unwrap_err(), expected, "for {line}");
    }
}
