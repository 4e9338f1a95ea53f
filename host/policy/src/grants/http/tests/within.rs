//! A tool's grants stay within its plugin's.

use super::*;

#[test]
fn what_goes_beyond_is_told() {
    let wider = grant(json!([
        {
            "url": "https://api.example.com/v1/", "methods": ["GET", "POST"], "timeout": "10s",
            "secret": { "name": "s", "as": "bearer" }, "retry": { "attempts": 3 },
        },
        {
            "url": "https://*.example.org/v1/", "methods": ["GET"], "secret": { "name": "k", "as": { "query": "key" } },
            "breaker": { "failures": 5 },
        },
        { "url": "http://a.corp/", "methods": ["GET"], "networks": ["10.0.0.0/8"] },
    ]));
    let bearer = json!({ "name": "s", "as": "bearer" });
    let key = json!({ "name": "k", "as": { "query": "key" } });
    let rule = |url: &str, more: Value| {
        let mut rule = json!({ "url": url, "methods": ["GET"], "timeout": "10s" });
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        grant(json!([rule]))
    };
    assert_eq!(wider.within(&wider), Ok(()));
    for own in [
        rule("https://api.example.com/v1/", json!({})),
        rule("https://api.example.com/v1/x/*", json!({ "secret": bearer, "methods": ["POST"] })),
        rule("https://api.example.com/v1/", json!({ "retry": { "attempts": 2, "backoff": "1s" } })),
        rule("https://a.example.org/v1/", json!({ "secret": key, "breaker": { "failures": 4, "open": "1m" } })),
        rule("http://a.corp/", json!({})),
        rule("http://a.corp/x", json!({ "networks": ["10.1.0.0/16"], "request": "1KiB", "response": "1KiB" })),
    ] {
        assert_eq!(own.within(&wider), Ok(()), "{own:?}");
    }
    for (own, expected) in [
        (
            rule("https://api.example.net/v1/", json!({})),
            "GET to https://api.example.net/v1/ (the host is not that of https://api.example.com/v1/)",
        ),
        (
            rule("http://api.example.com/v1/", json!({})),
            "GET to http://api.example.com/v1/ (the scheme is not that of https://api.example.com/v1/)",
        ),
        (
            rule("https://api.example.com:1/v1/", json!({})),
            "GET to https://api.example.com:1/v1/ (the port is not that of https://api.example.com/v1/)",
        ),
        (
            rule("https://api.example.com/", json!({})),
            "GET to https://api.example.com/ (the path goes beyond that of https://api.example.com/v1/)",
        ),
        (
            rule("https://api.example.com/v1", json!({})),
            "GET to https://api.example.com/v1 (the path goes beyond that of https://api.example.com/v1/)",
        ),
        (
            rule("https://*.example.com/v1/", json!({})),
            "GET to https://*.example.com/v1/ (the host is not that of https://api.example.com/v1/)",
        ),
        (
            rule("https://api.example.com/v1/", json!({ "methods": ["GET", "PUT"] })),
            "GET and PUT to https://api.example.com/v1/ (https://api.example.com/v1/ allows GET and POST)",
        ),
        (
            rule("https://api.example.com/v1/", json!({ "secret": { "name": "t", "as": "bearer" } })),
            "GET to https://api.example.com/v1/ (with the secret t as bearer token)",
        ),
        (
            rule("https://api.example.com/v1/", json!({ "secret": { "name": "s", "as": { "header": "x" } } })),
            "GET to https://api.example.com/v1/ (with the secret s in the header x)",
        ),
        (
            rule("https://api.example.com/v1/", json!({ "networks": ["10.0.0.0/8"] })),
            "GET to https://api.example.com/v1/ (the network 10.0.0.0/8)",
        ),
        (
            rule("http://a.corp/", json!({ "networks": ["10.0.0.0/8", "127.0.0.1/32"] })),
            "GET to http://a.corp/ (the network 127.0.0.1/32)",
        ),
        (
            rule("https://api.example.com/v1/", json!({ "timeout": "11s" })),
            "GET to https://api.example.com/v1/ (timeout is 11s here and 10s there)",
        ),
        (
            rule("https://api.example.com/v1/", json!({ "request": "2MiB" })),
            "GET to https://api.example.com/v1/ (request is 2MiB here and 1MiB there)",
        ),
        (
            rule("https://api.example.com/v1/", json!({ "response": "9MiB" })),
            "GET to https://api.example.com/v1/ (response is 9MiB here and 8MiB there)",
        ),
        (
            rule("https://api.example.com/v1/", json!({ "retry": { "attempts": 4 } })),
            "GET to https://api.example.com/v1/ (retry is more, or faster, than there)",
        ),
        (
            rule("https://api.example.com/v1/", json!({ "retry": { "backoff": "100ms" } })),
            "GET to https://api.example.com/v1/ (retry is more, or faster, than there)",
        ),
        (
            rule("https://a.example.org/v1/", json!({ "secret": key, "retry": {}, "breaker": {} })),
            "GET to https://a.example.org/v1/ (retry is more, or faster, than there)",
        ),
        (
            rule("https://a.example.org/v1/", json!({ "secret": key })),
            "GET to https://a.example.org/v1/ (breaker gives way later, or for less, than there)",
        ),
        (
            rule("https://a.example.org/v1/", json!({ "breaker": {} })),
            "GET to https://a.example.org/v1/ (without the secret, a guest could write the parameter \"key\" itself)",
        ),
    ] {
        assert_eq!(own.within(&wider), Err(expected.into()));
    }
    // What covers it is not what decides.
    let shadowed = grant(json!([
        { "url": "https://a.example/*", "methods": ["GET"], "secret": key },
        { "url": "https://a.example/", "methods": ["GET"] },
    ]));
    let own = rule("https://a.example/", json!({}));
    assert_eq!(
        own.within(&shadowed),
        Err("GET to https://a.example/ (https://a.example/* comes first and refuses its secret's parameter)".into())
    );
    assert_eq!(rule("https://a.example/x/y", json!({})).within(&shadowed), Ok(()));
}

/// Numbers that look random and are the same each time (xorshift, Marsaglia).
struct Dice(u64);

impl Dice {
    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        &choices[usize::try_from(self.0 % choices.len() as u64).unwrap()]
    }

    fn url(&mut self) -> String {
        let host = self.of(&["a.x.example", "b.x.example", "*.x.example", "x.example"]);
        let path = self.of(&["/", "/v1", "/v1/", "/*", "/*/", "/v1/*", "/*/x", "/v1/x"]);
        let scheme = self.of(&["https", "https", "https", "http"]);
        let port = self.of(&["", "", ":8443"]);
        format!("{scheme}://{host}{port}{path}")
    }

    fn rule(&mut self) -> Value {
        let methods = [json!(["GET"]), json!(["POST"]), json!(["GET", "POST"])];
        let ways = [Value::Null, Value::Null, json!("bearer"), json!({ "query": "key" }), json!({ "query": "k" })];
        let mut rule = json!({ "url": self.url(), "methods": self.of(&methods) });
        let way = self.of(&ways);
        if !way.is_null() {
            rule["secret"] = json!({ "name": "s", "as": way });
        }
        rule
    }

    /// Some have a secret in clear or a rule that is never used, and are refused.
    fn grant(&mut self) -> Option<HttpGrant> {
        let count = *self.of(&[1, 2, 3]);
        parse(&(0..count).map(|_| self.rule()).collect()).ok()
    }

    /// Rules of `wider` with other URLs: more often within it than what has nothing to do with it.
    fn like(&mut self, wider: &HttpGrant) -> Option<HttpGrant> {
        let count = *self.of(&[1, 2]);
        let rules = (0..count).map(|_| {
            let mut rule = serde_json::to_value(self.of(wider.rules())).unwrap();
            rule["url"] = json!(self.url());
            rule
        });
        parse(&rules.collect()).ok()
    }
}

/// Whenever one grant is within another, all that it permits is permitted there.
#[test]
fn within_is_what_it_says() {
    let mut requests = Vec::new();
    for scheme in ["https", "http"] {
        for host in ["a.x.example", "b.x.example", "c.x.example", "x.example"] {
            for port in ["", ":8443"] {
                for path in ["/", "/v1", "/v1/", "/v1/x", "/v1/x/", "/v2", "/v2/x", "/v1/y/z"] {
                    for query in ["", "?key=1", "?k=1"] {
                        requests.push(format!("{scheme}://{host}{port}{path}{query}").parse::<Uri>().unwrap());
                    }
                }
            }
        }
    }
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut pairs, mut inside) = (0, 0);
    while inside < 100 {
        pairs += 1;
        assert!(pairs < 200_000, "only {inside} pairs were compared");
        let Some(wider) = dice.grant() else { continue };
        let Some(own) = dice.like(&wider) else { continue };
        if own.within(&wider).is_err() {
            continue;
        }
        inside += 1;
        for uri in &requests {
            for method in [Method::GET, Method::POST] {
                if own.permit(&method, uri).is_ok() {
                    assert!(wider.permit(&method, uri).is_ok(), "{method} {uri}: {own:?} is not within {wider:?}");
                }
            }
        }
    }
}
