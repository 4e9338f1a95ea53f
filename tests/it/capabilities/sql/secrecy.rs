//! What nobody reads: where a database is, as whom the host connects, and values.

use cofferdam_policy::Capability;
use cofferdam_tests::{PostgresServer, eventually};
use serde_json::json;

use super::{WRITE, builder, on, run};
use crate::capabilities::bench::Home;

const VALUE: &str = "4111-1111-1111-1111";

#[test]
fn nothing_says_where_a_database_is_or_what_is_in_its_values() {
    let database = PostgresServer::shared().database("CREATE TABLE t (a text UNIQUE, b integer)");
    let [password, address] = database.secrets();
    let host = on(&database, builder(WRITE), 2).config("[log]\nlevel = \"trace\"").start();
    let mut said = String::new();
    for (op, sql, parameters) in [
        ("execute", "INSERT INTO t VALUES ($1, 1)", json!([VALUE])),
        ("query", "SELECT b FROM t WHERE a = $1", json!([VALUE])),
        // The database puts the value into its own words.
        ("execute", "INSERT INTO t VALUES ($1, 1)", json!([VALUE])),
        ("query", "SELECT b FROM t WHERE b = $1", json!([VALUE])),
        ("query", "SELECT nonsense FROM t WHERE a = $1", json!([VALUE])),
        ("execute", "DELETE FROM nothing WHERE a = $1", json!([VALUE])),
        ("query", "SELECT CAST(CAST($1 AS text) AS integer)", json!([VALUE])),
    ] {
        let statements = json!([{ "sql": sql, "parameters": parameters }]);
        let answer = run(&host, json!({ "database": "main", "op": op, "statements": statements }));
        said.push_str(&answer.to_string());
    }
    assert!(said.contains("constraint") && said.contains("invalid"), "{said}");
    eventually("the last statement is in the log", || host.log().contains("main: SELECT CAST(CAST").then_some(()));
    let log = host.log();
    for secret in [password, address] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
    // Not even at this level, at which libraries would say everything.
    for secret in [password, address, VALUE] {
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(secret)).collect();
        assert!(lines.is_empty(), "{secret} is in the log: {lines:#?}");
    }
    assert!(log.contains("INSERT INTO t VALUES ($1, 1)"), "the statement is not in the log: {log}");
}

#[test]
fn the_record_has_statements_and_no_values() {
    let database = PostgresServer::shared().database("CREATE TABLE t (a text UNIQUE)");
    let home = Home::of(on(&database, builder(WRITE), 2));
    let statements = json!([
        { "sql": "INSERT INTO t\n  VALUES ($1)", "parameters": [VALUE], "op": "execute" },
        { "sql": "SELECT count(*) FROM t WHERE a = $1", "parameters": [VALUE] },
        { "sql": "INSERT INTO t VALUES ($1)", "parameters": [VALUE], "op": "execute" },
    ]);
    let called = home.call("sql", &json!({ "database": "main", "op": "transaction", "statements": statements }));
    assert_eq!(called.structured["error"], "constraint", "{called:?}");
    let effects: Vec<_> = called
        .of(Capability::Sql)
        .iter()
        .map(|e| (e["operation"].clone(), e["target"].clone(), e["verdict"].clone()))
        .collect();
    let effect = |operation: &str, target: &str, verdict: &str| (json!(operation), json!(target), json!(verdict));
    assert_eq!(
        effects,
        [
            effect("open", "main", "allowed"),
            effect("begin", "main", "allowed"),
            effect("execute", "main: INSERT INTO t VALUES ($1)", "allowed"),
            effect("query", "main: SELECT count(*) FROM t WHERE a = $1", "allowed"),
            effect("execute", "main: INSERT INTO t VALUES ($1)", "failed"),
        ]
    );
    let [password, address] = database.secrets();
    let all = format!("{} {}", called.effects, called.beside);
    for secret in [VALUE, password, address] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
    // What a tool may not do is there, too.
    let called =
        home.call("sql", &json!({ "database": "main", "op": "query", "statements": [{ "sql": "DROP TABLE t" }] }));
    let refused = called.of(Capability::Sql).pop().unwrap();
    assert_eq!(
        (&refused["target"], &refused["verdict"]),
        (&json!("main: DROP TABLE t"), &json!("refused")),
        "{called:?}"
    );
}
