//! Bounds on what a statement costs.

use std::time::Duration;

use cofferdam_database::{Bounds, Element, SqlError, Value, limits};
use tokio::time::Instant;

use crate::fixture::{READ, WRITE, both, int, one, text};

/// Rows without end, that no database makes at once.
const ENDLESS: &str = "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c";
/// The same, with no row to send.
const SILENT: &str = "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";

#[tokio::test(flavor = "multi_thread")]
async fn more_rows_than_asked_for_are_cut() {
    for fixture in both("").await {
        for (rows, truncated) in [(0, true), (1, true), (9, true), (10, false), (1000, false)] {
            let sql = "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 10) SELECT x FROM c";
            let answer = fixture.database.query(sql, vec![], &Bounds { rows, ..READ }).await.unwrap();
            assert_eq!((answer.rows.len() as u64, answer.truncated), (rows.min(10), truncated));
        }
        // The database stops too.
        let begun = Instant::now();
        let answer = fixture.database.query(ENDLESS, vec![], &Bounds { rows: 5, ..READ }).await.unwrap();
        assert_eq!((answer.rows.len(), answer.truncated), (5, true));
        assert!(begun.elapsed() < READ.timeout / 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_bytes_than_asked_for_are_an_error() {
    for fixture in both("").await {
        let few = Bounds { bytes: 1000, rows: u64::MAX, ..READ };
        for sql in [ENDLESS, "SELECT 'x' AS \"a name that is long, with a value of its own\" FROM (SELECT 1) AS s"] {
            let bytes = if sql == ENDLESS { 1000 } else { 60 };
            let error = fixture.database.query(sql, vec![], &Bounds { bytes, ..few }).await.unwrap_err();
            assert!(matches!(error, SqlError::TooLarge { most, .. } if most == bytes), "{error}");
        }
        // Nulls are not for free.
        let sql = "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT NULL FROM c";
        let error = fixture.database.query(sql, vec![], &few).await.unwrap_err();
        assert!(matches!(error, SqlError::TooLarge { .. }), "{error}");
        // And the database can still be used.
        assert_eq!(one(&fixture.database, "SELECT 1", vec![]).await, Ok(int(1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_value_is_bounded_before_it_is_here() {
    for fixture in both("").await {
        let sql = if fixture.is_sqlite() { "SELECT hex(zeroblob(200000000))" } else { "SELECT repeat('x', 200000000)" };
        let error = fixture.database.query(sql, vec![], &READ).await.unwrap_err();
        assert!(matches!(error, SqlError::TooLarge { .. }), "{error}");
        let sql = if fixture.is_sqlite() { "SELECT printf('%.*c', 300000, 'x')" } else { "SELECT repeat('x', 300000)" };
        let error = fixture.database.query(sql, vec![], &Bounds { bytes: 200_000, ..READ }).await.unwrap_err();
        assert!(matches!(error, SqlError::TooLarge { .. }), "{error}");
        assert!(one(&fixture.database, sql, vec![]).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn time_is_up_when_it_is_up() {
    for fixture in both("").await {
        for _ in 0..5 {
            let begun = Instant::now();
            let short = Bounds { timeout: Duration::from_millis(200), ..READ };
            assert_eq!(fixture.database.query(SILENT, vec![], &short).await, Err(SqlError::Timeout));
            assert!(begun.elapsed() < Duration::from_secs(5));
        }
        assert_eq!(one(&fixture.database, "SELECT 1", vec![]).await, Ok(int(1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_and_its_parameters_are_bounded() {
    for fixture in both("CREATE TABLE t (a text)").await {
        let long = format!("SELECT 1 -- {}", "x".repeat(limits::STATEMENT));
        let error = fixture.database.query(&long, vec![], &READ).await.unwrap_err();
        assert!(matches!(error, SqlError::TooLarge { .. }), "{error}");
        let error =
            fixture.database.query("SELECT 1", vec![Value::Null; limits::PARAMETERS + 1], &READ).await.unwrap_err();
        assert!(matches!(error, SqlError::Parameter { .. }), "{error}");
        let huge = Value::Element(Element::Binary(vec![0; 17 << 20]));
        let error = fixture.database.query("SELECT 1", vec![huge], &READ).await.unwrap_err();
        assert!(matches!(error, SqlError::TooLarge { .. }), "{error}");
        assert!(matches!(fixture.database.query("SELECT 1\0", vec![], &READ).await, Err(SqlError::Invalid { .. })));
        // As many as there may be, in one statement.
        let places = (1..=limits::PARAMETERS).map(|n| format!("(${n})")).collect::<Vec<_>>().join(",");
        let values = vec![text("x"); limits::PARAMETERS];
        let count = fixture.database.execute(&format!("INSERT INTO t VALUES {places}"), values, &WRITE).await;
        assert_eq!(count, Ok(limits::PARAMETERS as u64));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wide_answers_are_bounded() {
    for fixture in both("").await {
        let columns = vec!["1"; limits::COLUMNS + 1].join(",");
        let error = fixture.database.query(&format!("SELECT {columns}"), vec![], &READ).await.unwrap_err();
        assert!(matches!(error, SqlError::Invalid { .. }), "{error}");
    }
}
