//! Kinds of statements that a guest does not run, tried for real.

use cofferdam_database::SqlError;

use crate::fixture::{Fixture, READ, WRITE, both};

const T: &str = "CREATE TABLE t (a integer); INSERT INTO t VALUES (1)";

async fn untouched(fixture: &Fixture) -> bool {
    fixture.look("SELECT count(*) FROM t").await == 1
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_changes_nothing() {
    for fixture in both(T).await {
        for sql in [
            "INSERT INTO t VALUES (2)",
            "UPDATE t SET a = 2",
            "DELETE FROM t",
            "WITH x AS (SELECT 1) DELETE FROM t",
            "WITH x AS (SELECT 1) INSERT INTO t SELECT 2",
        ] {
            assert_eq!(fixture.database.query(sql, vec![], &READ).await, Err(SqlError::ReadOnly), "{sql}");
            assert_eq!(fixture.database.execute(sql, vec![], &READ).await, Err(SqlError::ReadOnly), "{sql}");
            // Nor in a transaction that may write, when the statement may not.
            let transaction = fixture.database.begin(&WRITE).await.unwrap();
            if !sql.starts_with("WITH") || fixture.is_sqlite() {
                assert_eq!(transaction.query(sql, vec![], &READ).await, Err(SqlError::ReadOnly), "{sql}");
            }
            transaction.rollback().await.unwrap();
            // And a transaction for reading is none for writing.
            let transaction = fixture.database.begin(&READ).await.unwrap();
            assert_eq!(transaction.execute(sql, vec![], &WRITE).await, Err(SqlError::ReadOnly), "{sql}");
        }
        assert!(untouched(&fixture).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_statement_is_one() {
    for fixture in both(T).await {
        for sql in [
            "SELECT 1; DELETE FROM t",
            "COMMIT; DROP TABLE t",
            "SELECT 1;\n-- x\nDELETE FROM t",
            "DELETE FROM t WHERE a = 7; DELETE FROM t",
            "INSERT INTO t VALUES (2); SELECT 1",
            "",
            "-- nothing",
            ";",
        ] {
            for bounds in [READ, WRITE] {
                let error = fixture.database.query(sql, vec![], &bounds).await.unwrap_err();
                assert!(matches!(error, SqlError::NotOneStatement { .. } | SqlError::ReadOnly), "{sql}: {error}");
            }
        }
        assert!(untouched(&fixture).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_transactions_and_definitions_are_not_the_guests() {
    for fixture in both(T).await {
        for sql in [
            "BEGIN",
            "COMMIT",
            "ROLLBACK",
            "/* x */ COMMIT -- y",
            "SAVEPOINT a",
            "SET statement_timeout = 0",
            "CREATE TABLE u (a integer)",
            "CREATE TEMP TABLE u (a integer)",
            "DROP TABLE t",
            "ALTER TABLE t ADD COLUMN b integer",
            "TRUNCATE t",
            "VACUUM",
            "ANALYZE",
            "EXPLAIN ANALYZE CREATE TABLE u AS SELECT 1",
        ] {
            for bounds in [READ, WRITE] {
                let error = fixture.database.query(sql, vec![], &bounds).await.unwrap_err();
                assert!(matches!(error, SqlError::Refused { .. }), "{sql}: {error}");
                let transaction = fixture.database.begin(&bounds).await.unwrap();
                let error = transaction.query(sql, vec![], &bounds).await.unwrap_err();
                assert!(matches!(error, SqlError::Refused { .. }), "{sql}: {error}");
            }
        }
        assert!(untouched(&fixture).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_shown() {
    for fixture in both(T).await {
        let sql = if fixture.is_sqlite() { "EXPLAIN QUERY PLAN SELECT * FROM t" } else { "EXPLAIN SELECT * FROM t" };
        assert!(!fixture.database.query(sql, vec![], &READ).await.unwrap().rows.is_empty());
    }
}
