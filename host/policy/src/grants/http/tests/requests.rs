//! Which requests are permitted, and what is said about the others.

use super::*;

fn uri(text: &str) -> Uri {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn sample() -> HttpGrant {
    grant(json!([
        {
            "url": "https://api.github.com/repos/*/*/issues",
            "methods": ["GET", "POST"],
            "secret": { "name": "github-token", "as": "bearer" },
        },
        { "url": "https://*.example.com:8443/v1/", "methods": ["GET"] },
        { "url": "http://internal.corp/status", "methods": ["GET"], "networks": ["10.0.0.0/8"] },
        { "url": "https://[2606:4700::1111]/", "methods": ["GET"] },
        {
            "url": "https://maps.example.org/",
            "methods": ["GET"],
            "secret": { "name": "maps", "as": { "query": "api_key" } },
        },
    ]))
}

/// What is permitted, with the rule it is under.
#[test]
fn what_a_rule_is_about_is_permitted() {
    let grant = sample();
    for (method, url, rule) in [
        (Method::GET, "https://api.github.com/repos/a/b/issues", 0),
        (Method::POST, "https://api.github.com/repos/a/b/issues", 0),
        (Method::GET, "https://API.GitHub.COM:443/repos/a/b/issues?state=open&x=%2e%2e", 0),
        (Method::GET, "HTTPS://api.github.com/rep%6Fs/a%20b/b/issues", 0),
        (Method::GET, "https://a.example.com:8443/v1/", 1),
        (Method::GET, "https://a.example.com:8443/v1/x/y", 1),
        (Method::GET, "http://internal.corp/status", 2),
        (Method::GET, "http://internal.corp:80/status", 2),
        (Method::GET, "https://[2606:4700::1111]", 3),
        (Method::GET, "https://[2606:4700::1111]:443/x", 3),
        (Method::GET, "https://maps.example.org/tile?x=1&y=2&my_api_key=3", 4),
    ] {
        assert_eq!(grant.permit(&method, &uri(url)), Ok(&grant.rules()[rule]), "{url}");
    }
}

/// What the operator reads about all else.
#[test]
fn what_no_rule_is_about_is_denied() {
    let grant = sample();
    let unknown: Method = "BREW".parse().unwrap();
    let long: Method = "X".repeat(10_000).parse().unwrap();
    let deep = format!("https://api.github.com/{}", "a".repeat(300));
    let cut = format!(
        "GET https://api.github.com/{}... is not granted: its path is not that of the nearest rule, https://api.github.com/repos/*/*/issues",
        "a".repeat(199)
    );
    for (method, url, kind, expected) in [
        (
            Method::GET,
            "https://evil.example/repos/a/b/issues?token=x",
            "host",
            "GET https://evil.example/repos/a/b/issues is not granted: no rule is about its host; the nearest is https://api.github.com/repos/*/*/issues",
        ),
        (
            Method::GET,
            "https://example.com:8443/v1/",
            "host",
            "GET https://example.com:8443/v1/ is not granted: no rule is about its host; the nearest is https://*.example.com:8443/v1/",
        ),
        (
            Method::GET,
            "https://a.b.example.com:8443/v1/",
            "host",
            "GET https://a.b.example.com:8443/v1/ is not granted: no rule is about its host; the nearest is https://*.example.com:8443/v1/",
        ),
        (
            Method::GET,
            "http://api.github.com/repos/a/b/issues",
            "scheme",
            "GET http://api.github.com/repos/a/b/issues is not granted: the rule for https://api.github.com/repos/*/*/issues is about another scheme",
        ),
        (
            Method::GET,
            "https://a.example.com/v1/",
            "port",
            "GET https://a.example.com/v1/ is not granted: the rule for https://*.example.com:8443/v1/ is about another port",
        ),
        (
            Method::GET,
            "https://api.github.com/user",
            "path",
            "GET https://api.github.com/user is not granted: its path is not that of the nearest rule, https://api.github.com/repos/*/*/issues",
        ),
        (Method::GET, deep.as_str(), "path", cut.as_str()),
        (
            Method::DELETE,
            "https://api.github.com/repos/a/b/issues",
            "method",
            "DELETE https://api.github.com/repos/a/b/issues is not granted: the rule for https://api.github.com/repos/*/*/issues allows GET and POST",
        ),
        (
            unknown,
            "https://a.example.com:8443/v1/x",
            "method",
            "BREW https://a.example.com:8443/v1/x is not granted: the rule for https://*.example.com:8443/v1/ allows GET",
        ),
        (
            long,
            "https://a.example.com:8443/v1/x",
            "method",
            "XXXXXXXXXXXXXXXX https://a.example.com:8443/v1/x is not granted: the rule for https://*.example.com:8443/v1/ allows GET",
        ),
        (
            Method::HEAD,
            "https://api.github.com/repos/a/b/issues",
            "method",
            "HEAD https://api.github.com/repos/a/b/issues is not granted: the rule for https://api.github.com/repos/*/*/issues allows GET and POST",
        ),
        (
            Method::CONNECT,
            "api.github.com:443",
            "unsafe-host",
            "the URL cannot be compared with any rule: it has no scheme or no host",
        ),
        (
            Method::GET,
            "/repos/a/b/issues",
            "unsafe-host",
            "the URL cannot be compared with any rule: it has no scheme or no host",
        ),
        (Method::GET, "ftp://api.github.com/", "scheme", "requests are sent by https and http, and not by \"ftp\""),
        (
            Method::GET,
            "https://token@api.github.com/repos/a/b/issues",
            "unsafe-host",
            "the URL cannot be compared with any rule: it has a name or a password before its host",
        ),
        (
            Method::GET,
            "https://api.github.com:443@evil.example/repos/a/b/issues",
            "unsafe-host",
            "the URL cannot be compared with any rule: it has a name or a password before its host",
        ),
        (
            Method::GET,
            "https://api.github.com./repos/a/b/issues",
            "unsafe-host",
            "the URL cannot be compared with any rule: its host is in no usual form",
        ),
        (
            Method::GET,
            "https://0x7f.1/",
            "unsafe-host",
            "the URL cannot be compared with any rule: its host is in no usual form",
        ),
        (
            Method::GET,
            "https://api.github.com:0443/repos/a/b/issues",
            "unsafe-host",
            "the URL cannot be compared with any rule: its port is no number from 1 to 65535",
        ),
        (
            Method::GET,
            "https://api.github.com:/repos/a/b/issues",
            "unsafe-host",
            "the URL cannot be compared with any rule: its port is no number from 1 to 65535",
        ),
        (
            Method::GET,
            "https://a.example.com:8443/v1/../admin",
            "unsafe-path",
            "the path cannot be compared with any rule: it has a segment of dots, which some servers take for a way up",
        ),
        (
            Method::GET,
            "https://a.example.com:8443/v1/..%2fadmin",
            "unsafe-path",
            "the path cannot be compared with any rule: it has a percent-encoded slash or backslash, which some servers take for a slash",
        ),
    ] {
        let denied = grant.permit(&method, &uri(url)).unwrap_err();
        assert_eq!(denied.to_string(), expected, "{url}");
        assert_eq!(denied.kind(), kind, "{url}");
    }
}

/// A parameter that the host adds is the host's, in each spelling that some server takes for it.
#[test]
fn a_guest_cannot_write_the_parameter_of_a_secret() {
    let grant = sample();
    for query in [
        "api_key=x",
        "a=1&api_key=x",
        "api_key",
        "API_KEY=x",
        "api%5Fkey=x",
        "%61pi_key=x",
        "a=1;api_key=x",
        "api_key[]=x",
        "api_key%5B0%5D=x",
        "+api_key=x",
        "%20api_key=x",
        "api.key=x",
        "api+key=x",
        "api_key%00=x",
        "&&api_key=x",
    ] {
        let denied = grant.permit(&Method::GET, &uri(&format!("https://maps.example.org/tile?{query}"))).unwrap_err();
        assert_eq!(
            denied.to_string(),
            "GET https://maps.example.org/tile has the query parameter \"api_key\", which the host adds: the rule for https://maps.example.org/ attaches a secret as it",
            "{query}"
        );
        assert_eq!(denied.kind(), "query");
    }
    // No other rule takes up what this one refused.
    let two = self::grant(json!([
        {
            "url": "https://maps.example.org/*", "methods": ["GET"],
            "secret": { "name": "maps", "as": { "query": "key" } },
        },
        rule("https://maps.example.org/"),
    ]));
    let permit = |url| two.permit(&Method::GET, &uri(url)).map(|rule| rule.url.to_string());
    assert!(permit("https://maps.example.org/tile?key=x").is_err());
    assert_eq!(permit("https://maps.example.org/tile").unwrap(), "https://maps.example.org/*");
    assert_eq!(permit("https://maps.example.org/a/b?key=x").unwrap(), "https://maps.example.org/");
}

#[test]
fn the_first_rule_that_matches_is_the_one() {
    let grant = grant(json!([
        { "url": "https://a.example/v1/*", "methods": ["GET"], "timeout": "1s" },
        { "url": "https://a.example/v1/", "methods": ["GET", "POST"], "timeout": "2s" },
    ]));
    let timeout =
        |method, url| grant.permit(&method, &uri(url)).map(|rule| rule.timeout.to_string()).unwrap_or_default();
    assert_eq!(timeout(Method::GET, "https://a.example/v1/x"), "1s");
    assert_eq!(timeout(Method::GET, "https://a.example/v1/x/y"), "2s");
    assert_eq!(timeout(Method::POST, "https://a.example/v1/x"), "2s");
}
