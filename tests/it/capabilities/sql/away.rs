//! Databases that are not there.

use std::{fs, sync::Arc};

use cofferdam_policy::Capability;
use cofferdam_tests::{PostgresServer, eventually};
use serde_json::{Value, json};

use super::{WRITE, builder, on, run};
use crate::capabilities::bench::Home;

fn select() -> Value {
    json!({ "database": "main", "op": "query", "statements": [{ "sql": "SELECT 1" }] })
}

#[test]
fn a_database_that_only_the_policy_has_is_told_to_the_operator() {
    let home = Home::of(builder(""));
    let called = home.call("sql", &select());
    assert_eq!(called.structured["error"], "unavailable", "{called:?}");
    assert!(!called.structured.to_string().contains("main"), "{called:?}");
    let effects = called.of(Capability::Sql);
    assert_eq!(effects.len(), 1, "{called:?}");
    assert_eq!(
        (&effects[0]["verdict"], &effects[0]["why"]),
        (
            &json!("failed"),
            &json!(
                "cofferdam.toml names no database main, or it could not be opened when the host started: its log says why"
            )
        )
    );
}

#[test]
fn a_server_that_goes_away_and_comes_back_needs_no_restart_of_the_host() {
    let server = Arc::new(PostgresServer::start());
    let database = server.database("");
    let host = on(&database, builder(""), 2).config("[log]\nlevel = \"trace\"").start();
    let works = json!([[1]]);
    assert_eq!(run(&host, select())["results"][0]["rows"], works);
    server.stop();
    for _ in 0..2 {
        let answer = run(&host, select());
        assert_eq!(
            (&answer["error"], &answer["detail"]),
            (&json!("unavailable"), &json!("the database is not available; try again later"))
        );
    }
    server.start_again();
    let back = eventually("the database works again", || {
        let answer = run(&host, select());
        answer["error"].is_null().then_some(answer)
    });
    assert_eq!(back["results"][0]["rows"], works);
    for secret in database.secrets() {
        assert!(!host.log().contains(secret), "the log has {secret}: {}", host.log());
    }
    // The operator can see what was wrong.
    host.line("why", |line| {
        line["target"] == "effect" && line["verdict"].as_str().is_some_and(|v| v.contains("unavailable"))
    });
}

#[test]
fn a_server_that_was_never_there_does_not_keep_the_host_from_starting() {
    let server = Arc::new(PostgresServer::start());
    let database = server.database("");
    server.stop();
    let host = on(&database, builder(""), 2).start();
    assert_eq!(run(&host, select())["error"], "unavailable");
    server.start_again();
    eventually("the database is there", || run(&host, select())["error"].is_null().then_some(()));
}

#[test]
fn a_file_of_sqlite_is_not_made_unless_that_is_said() {
    let absent = builder("").config("[database.main.sqlite]\nfile = \"absent.db\"");
    let path = absent.path("absent.db");
    let absent = Home::of(absent);
    let called = absent.call("sql", &select());
    assert_eq!(called.structured["error"], "unavailable", "{called:?}");
    assert!(!path.exists());
    // What the operator reads, at the start and in the record.
    assert!(called.beside.contains("database main: there is no such file"), "{called:?}");
    let why = called.of(Capability::Sql)[0]["why"].as_str().unwrap().to_owned();
    assert!(why.contains("could not be opened"), "{why}");
}

#[test]
fn a_file_that_is_no_database_is_left_as_it_is() {
    const TEXT: &str = "this is no database, however long it is";
    let garbage =
        builder(WRITE).file("main.db", TEXT).config("[database.main.sqlite]\nfile = \"main.db\"\ncreate = true");
    let path = garbage.path("main.db");
    let garbage = Home::of(garbage);
    let called = garbage.call("sql", &select());
    assert!(called.structured["error"].is_string(), "{called:?}");
    assert!(!called.structured.to_string().contains("main.db"), "{called:?}");
    assert_eq!(fs::read_to_string(path).unwrap(), TEXT);
}

#[test]
fn a_server_that_lets_nobody_in_is_told_without_saying_as_whom() {
    let database = PostgresServer::shared().database("");
    let [password, address] = database.secrets();
    let right = database.url();
    for (url, said) in [
        (right.replace(password, "wrong-wrong-wrong"), "password"),
        (right.replace("tool:", "nobody-at-all:"), "password"),
        (format!("{right}-that-is-not-there"), "database"),
    ] {
        let builder =
            builder("").file("url", url).config("[database.main]\npostgres = { url_file = \"url\", tls = \"off\" }");
        let called = Home::of(builder).call("sql", &select());
        assert_eq!(called.structured["detail"], "the database is not available; try again later", "{called:?}");
        let why = called.of(Capability::Sql).pop().unwrap()["why"].as_str().unwrap().to_owned();
        assert!(why.contains(said), "{why}");
        for secret in [password, address, "wrong-wrong", "nobody-at-all", "that-is-not-there"] {
            assert!(!format!("{called:?}").contains(secret), "{secret}: {called:?}");
        }
    }
}
