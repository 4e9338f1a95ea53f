//! Bounds on what a statement costs.

use std::time::{Duration, Instant};

use cofferdam_tests::eventually;
use serde_json::json;

use super::{WRITE, both, postgres};

/// Rows without end, that no database makes at once.
const ENDLESS: &str = "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c";
/// The same, with no row to send.
const SILENT: &str = "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";
/// Much later than a second, for a machine that is busy, and much sooner than a statement ends by itself.
const LATE: Duration = Duration::from_secs(15);
const TEN: &str = "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 10) SELECT x FROM c";

#[test]
fn more_rows_than_granted_are_cut() {
    for (rows, truncated) in [(9, true), (10, false)] {
        for fixture in both("", &format!("rows = {rows}")) {
            let answer = fixture.run("query", json!([{ "sql": TEN }, { "sql": ENDLESS }]));
            let result = |n: usize| {
                (answer["results"][n]["rows"].as_array().unwrap().len(), answer["results"][n]["truncated"] == true)
            };
            assert_eq!(result(0), (rows, truncated), "{answer}");
            assert_eq!(result(1), (rows, true), "the database stops too");
        }
    }
}

#[test]
fn more_bytes_than_granted_are_an_error() {
    for fixture in both("", "bytes = \"2KiB\", rows = 1000000") {
        assert_eq!(fixture.error("query", ENDLESS), "too-large");
        let long = if fixture.is_sqlite() { "SELECT printf('%.*c', 3000, 'x')" } else { "SELECT repeat('x', 3000)" };
        assert_eq!(fixture.error("query", long), "too-large");
        let huge =
            if fixture.is_sqlite() { "SELECT hex(zeroblob(200000000))" } else { "SELECT repeat('x', 200000000)" };
        assert_eq!(fixture.error("query", huge), "too-large");
        // And the database can still be used.
        assert_eq!(fixture.one("SELECT 1", json!([])), 1);
    }
}

#[test]
fn a_statement_ends_when_its_time_is_up() {
    for fixture in both("", "timeout = \"1s\"") {
        let asked = Instant::now();
        assert_eq!(fixture.error("query", SILENT), "timeout");
        assert!(asked.elapsed() < LATE, "{:?}", asked.elapsed());
        // A new connection counts as well, on a machine that is busy.
        eventually("the database can be used", || fixture.error("query", "SELECT 1").is_null().then_some(()));
    }
    let fixture = postgres("", "timeout = \"1s\"");
    let asked = Instant::now();
    assert_eq!(fixture.error("query", "SELECT pg_sleep(60)"), "timeout");
    assert!(asked.elapsed() < LATE, "{:?}", asked.elapsed());
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'";
    eventually("the server ends it, too", || (fixture.look(sleeping) == "0").then_some(()));
}

#[test]
fn statements_and_parameters_are_bounded() {
    for fixture in both("CREATE TABLE t (a text)", WRITE) {
        let long = format!("SELECT 1 -- {}", "x".repeat(64 << 10));
        assert_eq!(fixture.error("query", &long), "too-large");
        let answer = fixture.run("query", json!([{ "sql": "SELECT 1", "parameters": vec![1; 1001] }]));
        assert_eq!(answer["error"], "parameter", "{answer}");
        let answer = fixture.run("query", json!([{ "sql": "SELECT $1", "parameters": [] }]));
        assert_eq!(answer["error"], "parameter", "{answer}");
        assert_eq!(fixture.error("query", "SELECT 1\0"), "invalid");
        assert_eq!(fixture.look("SELECT count(*) FROM t"), "0");
    }
}
