use super::*;

fn grant(json: &str) -> Result<SocketsGrant, String> {
    serde_json::from_str(json).map_err(|e| e.to_string().split(" at line").next().unwrap().to_owned())
}

const INTERNAL: &str = r#"[{"address":"db.internal:5432","networks":["10.1.0.0/16"]}]"#;

#[test]
fn rules_are_texts_or_tables() {
    for json in [
        r#"["db.example.com:5432"]"#,
        r#"["1.1.1.1:53","[2606:4700::1111]:53"]"#,
        INTERNAL,
        r#"[{"address":"127.0.0.1:6379","networks":["127.0.0.1/32"]}]"#,
        r#"["a.example.com:1","a.example.com:2"]"#,
    ] {
        assert_eq!(serde_json::to_string(&grant(json).unwrap()).unwrap(), json);
    }
    assert_eq!(grant(r#"[{"address":"a.example.com:1"}]"#), grant(r#"["a.example.com:1"]"#));
}

/// What people read when they make a mistake.
#[test]
fn mistakes_are_answered_with_the_right_form() {
    for (json, expected) in [
        ("[]", r#"`sockets = []` grants nothing: leave `sockets` out, or write sockets = ["db.example.com:5432"]"#),
        (
            r#""db.example.com:5432""#,
            r#"invalid type: string "db.example.com:5432", expected a list, such as ["db.example.com:5432"]"#,
        ),
        (
            "[5432]",
            r#"invalid type: integer `5432`, expected a host with its port: write "db.example.com:5432", or { address = "db.internal:5432", networks = ["10.1.0.0/16"] }"#,
        ),
        (
            r#"["db.example.com"]"#,
            r#""db.example.com" is no host with its port: write "db.example.com:5432", or { address = "db.internal:5432", networks = ["10.1.0.0/16"] }"#,
        ),
        (
            r#"["tcp://db.example.com:5432"]"#,
            r#""tcp://db.example.com:5432" is no host with its port: write "db.example.com:5432", or { address = "db.internal:5432", networks = ["10.1.0.0/16"] }"#,
        ),
        (
            r#"["[::1]"]"#,
            r#""[::1]" is no host with its port: write "db.example.com:5432", or { address = "db.internal:5432", networks = ["10.1.0.0/16"] }"#,
        ),
        (
            r#"["*.example.com:5432"]"#,
            r#""*.example.com:5432" is no host with its port: a connection goes to one host, which is named in full, such as "db.example.com:5432""#,
        ),
        (r#"["db.example.com:"]"#, r#""" is no port: write a number from 1 to 65535"#),
        (r#"["db.example.com:0"]"#, r#""0" is no port: write a number from 1 to 65535"#),
        (r#"["db.example.com:65536"]"#, r#""65536" is no port: write a number from 1 to 65535"#),
        (r#"["db.example.com:+1"]"#, r#""+1" is no port: write a number from 1 to 65535"#),
        (r#"["db.example.com:*"]"#, r#""*" is no port: write a number from 1 to 65535"#),
        (r#"["db.example.com:postgres"]"#, r#""postgres" is no port: write a number from 1 to 65535"#),
        (r#"["::1:5432"]"#, r#""::1" has another spelling here: write "[::1]""#),
        (r#"["DB.example.com:5432"]"#, r#""DB.example.com" has capitals: write "db.example.com""#),
        (r#"["10.1.2.3:6379"]"#, r#"10.1.2.3 is no public address: add "10.1.2.3/32" to `networks` if it is meant"#),
        (r#"["[::1]:6379"]"#, r#"::1 is no public address: add "::1/128" to `networks` if it is meant"#),
        (
            r#"[{"address":"10.1.2.3:6379","networks":["10.2.0.0/16"]}]"#,
            r#"10.1.2.3 is no public address: add "10.1.2.3/32" to `networks` if it is meant"#,
        ),
        (
            r#"[{"networks":["10.2.0.0/16"]}]"#,
            r#"`address` is missing: write "db.example.com:5432", or { address = "db.internal:5432", networks = ["10.1.0.0/16"] }"#,
        ),
        (
            r#"[{"address":"db.example.com:1","network":["10.2.0.0/16"]}]"#,
            "unknown field `network`, expected `address` or `networks`",
        ),
        (
            r#"["a.example.com:1","a.example.com:1"]"#,
            "entry 2 of `sockets` is there already: each thing is granted once",
        ),
        (
            r#"["a.example.com:1",{"address":"a.example.com:1","networks":["10.2.0.0/16"]}]"#,
            "a.example.com:1 is there already: put the networks of both into one",
        ),
    ] {
        assert_eq!(grant(json).unwrap_err(), expected, "for {json}");
    }
}

#[test]
fn a_name_is_looked_up_for_a_rule_about_it() {
    let grant = grant(r#"["db.example.com:5432","1.1.1.1:53"]"#).unwrap();
    for (name, expected) in [
        ("db.example.com", true),
        ("DB.Example.com", true),
        ("1.1.1.1", true),
        ("example.com", false),
        ("x.db.example.com", false),
        ("db.example.com.", false),
        ("1.1", false),
        ("", false),
    ] {
        assert_eq!(grant.permits_name(name), expected, "{name}");
    }
}

#[test]
fn what_is_within_what() {
    let wider = grant(r#"["a.example.com:1",{"address":"db.internal:5432","networks":["10.1.0.0/16"]}]"#).unwrap();
    let within = |json: &str| grant(json).unwrap().within(&wider);
    assert_eq!(within(r#"["a.example.com:1"]"#), Ok(()));
    assert_eq!(within(INTERNAL), Ok(()));
    assert_eq!(within(r#"["db.internal:5432"]"#), Ok(()));
    assert_eq!(within(r#"[{"address":"db.internal:5432","networks":["10.1.2.0/24"]}]"#), Ok(()));
    for (json, why) in [
        (r#"["a.example.com:2"]"#, "a.example.com:2"),
        (r#"["b.example.com:1"]"#, "b.example.com:1"),
        (r#"[{"address":"a.example.com:1","networks":["10.1.0.0/16"]}]"#, "a.example.com:1 (the network 10.1.0.0/16)"),
    ] {
        assert_eq!(within(json), Err(why.to_owned()));
    }
}

#[test]
fn is_described_in_plain_words() {
    assert_eq!(
        grant(INTERNAL).unwrap().describe(),
        ["connect to db.internal:5432 by TCP, also where that is an address in 10.1.0.0/16, and say anything there"]
    );
}
