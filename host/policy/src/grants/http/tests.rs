mod mistakes;
mod requests;
mod within;

use schemars::schema_for;
use serde_json::{Value, json};

use super::*;

fn parse(json: &Value) -> Result<HttpGrant, String> {
    serde_json::from_str(&json.to_string()).map_err(|e| e.to_string().split(" at line").next().unwrap().to_owned())
}

fn grant(json: Value) -> HttpGrant {
    serde_json::from_value(json).unwrap()
}

fn rule(url: &str) -> Value {
    json!({ "url": url, "methods": ["GET"] })
}

#[test]
fn what_is_left_out_has_its_default() {
    assert_eq!(
        serde_json::to_value(grant(json!([rule("https://api.example.com:443/v1/**")]))).unwrap(),
        json!([{
            "url": "https://api.example.com/v1/",
            "methods": ["GET"],
            "timeout": "30s",
            "request": "1MiB",
            "response": "8MiB",
        }])
    );
    let retry = grant(json!([{ "url": "https://a.example/", "methods": ["GET"], "retry": {}, "breaker": {} }]));
    assert_eq!(
        serde_json::to_value(retry).unwrap()[0],
        json!({
            "url": "https://a.example/", "methods": ["GET"], "timeout": "30s", "request": "1MiB", "response": "8MiB",
            "retry": { "attempts": 3, "backoff": "200ms", "longest": "5s" },
            "breaker": { "failures": 5, "open": "30s" },
        })
    );
}

#[test]
fn what_is_written_can_be_read_again() {
    for secret in [
        json!("bearer"),
        json!("basic"),
        json!({ "basic": "user-name" }),
        json!({ "header": "x-api-key" }),
        json!({ "query": "key" }),
    ] {
        let full = json!([{
            "url": "https://*.example.com:8443/v1/*/issues",
            "methods": ["GET", "POST", "DELETE"],
            "secret": { "name": "github-token", "as": secret },
            "networks": ["10.0.0.0/8"],
            "timeout": "10s",
            "request": "2MiB",
            "response": "16MiB",
            "retry": { "attempts": 4, "backoff": "100ms", "longest": "10s" },
            "breaker": { "failures": 3, "open": "1m" },
        }]);
        let read = grant(full.clone());
        assert_eq!(serde_json::to_value(&read).unwrap(), full);
        assert_eq!(read.secrets().map(ToString::to_string).collect::<Vec<_>>(), ["github-token"]);
    }
}

#[test]
fn is_described_in_plain_words() {
    let grant = grant(json!([
        {
            "url": "https://api.github.com/repos/*/*/issues",
            "methods": ["GET", "POST"],
            "secret": { "name": "github-token", "as": "bearer" },
        },
        { "url": "https://*.example.com:8443/v1/", "methods": ["GET"] },
        {
            "url": "http://internal.corp/status", "methods": ["GET"], "networks": ["10.0.0.0/8"], "timeout": "10s",
            "retry": { "attempts": 3 }, "breaker": { "failures": 5, "open": "30s" },
        },
    ]));
    assert_eq!(
        grant.describe(),
        [
            "send GET and POST requests to https://api.github.com/repos/*/*/issues, with the secret github-token as bearer token: 1MiB out, 8MiB back and 30s each at most",
            "send GET requests to https://*.example.com:8443/v1/ and all below it: 1MiB out, 8MiB back and 30s each at most",
            "send GET requests to http://internal.corp/status, also where that is an address in 10.0.0.0/8: 1MiB out, 8MiB back and 10s each at most, sent up to 3 times, with a rest of 30s after 5 failures",
        ]
    );
}

#[test]
fn methods_that_only_read_write_nothing() {
    for (methods, writes) in [(["GET", "HEAD"], false), (["GET", "OPTIONS"], false), (["GET", "PATCH"], true)] {
        let grant = grant(json!([{ "url": "https://a.example/", "methods": methods }]));
        assert_eq!(grant.writes(), writes, "{methods:?}");
    }
}

/// Editors and the parser read the same schema: each key is in it, with words, and no other.
#[test]
fn the_schema_knows_each_key() {
    let schema = schema_for!(HttpGrant);
    let schema = schema.as_value();
    let keys = |name: &str| {
        let table = schema.pointer(&format!("/$defs/{name}")).unwrap();
        assert_eq!(table["additionalProperties"], json!(false), "{name}");
        let properties = table["properties"].as_object().unwrap();
        for (key, property) in properties {
            assert!(property["description"].as_str().is_some_and(|text| text.len() > 10), "{name}.{key}");
        }
        let mut keys: Vec<_> = properties.keys().cloned().collect();
        keys.sort();
        (keys.join(" "), table["required"].clone())
    };
    assert_eq!(
        keys("HttpRule"),
        ("breaker methods networks request response retry secret timeout url".into(), json!(["url", "methods"]))
    );
    assert_eq!(keys("Attach"), ("as name".into(), json!(["name", "as"])));
    assert_eq!(keys("Attach/properties/as/anyOf/0"), ("basic header query".into(), Value::Null));
    assert_eq!(keys("Retry"), ("attempts backoff longest".into(), Value::Null));
    assert_eq!(keys("Breaker"), ("failures open".into(), Value::Null));
    assert_eq!(schema["minItems"], 1);
}
