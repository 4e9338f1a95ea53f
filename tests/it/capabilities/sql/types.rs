//! Values go in and come out as what they are.

use serde_json::{Value, json};

use super::{both, postgres};

#[test]
fn values_of_either_database_come_back_as_they_were() {
    for fixture in both("", "") {
        let kind = |sqlite: &'static str, postgres: &'static str| if fixture.is_sqlite() { sqlite } else { postgres };
        for (sql, value) in [
            ("SELECT CAST($1 AS text)", json!("ünï 'quoted' \"\\ \u{1f30a}; --")),
            ("SELECT CAST($1 AS text)", json!("")),
            (kind("SELECT ?1", "SELECT $1::bigint"), json!(i64::MAX)),
            (kind("SELECT ?1", "SELECT $1::bigint"), json!(i64::MIN)),
            (kind("SELECT ?1", "SELECT $1::bytea"), json!({ "binary": "00ff27" })),
            (kind("SELECT ?1", "SELECT $1::float8"), json!({ "float": 0.1 })),
            (kind("SELECT ?1", "SELECT $1::text"), Value::Null),
        ] {
            assert_eq!(fixture.one(sql, json!([value])), value, "{sql}");
        }
    }
}

#[test]
fn types_of_postgres_come_back_exactly() {
    let setup = "CREATE EXTENSION vector; CREATE TABLE v (id integer, at vector(3));
        INSERT INTO v VALUES (1, '[1,0,0]'), (2, '[0,1,0]'), (3, '[0,0.5,0.5]')";
    let fixture = postgres(setup, "");
    for (kind, value) in [
        ("numeric", json!({ "decimal": "123456789012345678901234567890.1200" })),
        ("numeric(10, 2)", json!({ "decimal": "12.30" })),
        ("boolean", json!(true)),
        ("date", json!({ "date": "2026-11-21" })),
        ("time", json!({ "time": "13:45:00.25" })),
        ("timestamp", json!({ "timestamp": "2026-11-21T13:45:00" })),
        ("timestamptz", json!({ "instant": "2026-11-21T13:45:00.123456Z" })),
        ("uuid", json!({ "uuid": "0e37df36-f698-11e6-8dd4-cb9ced3df976" })),
        ("jsonb", json!({ "json": "{\"a\": [1, null]}" })),
        ("text[]", json!({ "array": ["a,b", null, "\"\\{}", "'; --"] })),
        ("int8[]", json!({ "array": [1, null, -3] })),
        ("numeric[]", json!({ "array": [{ "decimal": "1.50" }] })),
        ("vector", json!({ "vector": [1.0, 0.5, -2.0] })),
    ] {
        assert_eq!(fixture.one(&format!("SELECT $1::{kind}"), json!([value])), value, "{kind}");
    }
    let near = json!([{ "vector": [0.0, 1.0, 0.0] }]);
    let answer =
        fixture.run("query", json!([{ "sql": "SELECT id, at FROM v ORDER BY at <-> $1 LIMIT 2", "parameters": near }]));
    assert_eq!(
        answer["results"][0]["rows"],
        json!([[2, { "vector": [0.0, 1.0, 0.0] }], [3, { "vector": [0.0, 0.5, 0.5] }]]),
        "{answer}"
    );
    // What this interface has no value for is told with its column, and never another value.
    let answer = fixture.run("query", json!([{ "sql": "SELECT 1, '1 day'::interval AS it" }]));
    assert_eq!(
        (&answer["error"], &answer["detail"]),
        (&json!("unsupported-type"), &json!({ "column": "it", "type": "interval" }))
    );
    // A parameter is a value, whatever it looks like.
    let answer =
        fixture.run("query", json!([{ "sql": "SELECT id FROM v WHERE id = $1", "parameters": ["1 OR true"] }]));
    assert_eq!(answer["error"], "parameter", "{answer}");
}
