//! A guest that tries to get out of a file, out of a read, or out of its bounds.

use std::time::Duration;

use cofferdam_database::{Bounds, SqlError};
use tokio::time::Instant;

use crate::fixture::{Fixture, Outside, READ, WRITE, int, one, text};

const SETUP: &str = "CREATE TABLE t (id integer PRIMARY KEY AUTOINCREMENT, a integer); INSERT INTO t (a) VALUES (1);
    CREATE VIRTUAL TABLE f USING fts5 (x); INSERT INTO f VALUES ('hello world');
    CREATE TABLE logged (a integer); CREATE TRIGGER log AFTER INSERT ON t BEGIN INSERT INTO logged VALUES (new.a); END";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_rows_is_to_be_had() {
    let fixture = Fixture::sqlite(SETUP).await;
    for sql in [
        "ATTACH DATABASE ':memory:' AS x",
        "ATTACH '/etc/passwd' AS x",
        "DETACH main",
        "PRAGMA writable_schema = 1",
        "PRAGMA query_only = 0",
        "PRAGMA journal_mode = delete",
        "PRAGMA table_info(t)",
        "VACUUM INTO '/tmp/cofferdam-should-not-exist'",
        "REINDEX",
        "SELECT load_extension('/tmp/x.so')",
        "SELECT fts3_tokenizer('simple')",
        "INSERT INTO sqlite_schema VALUES ('table', 'x', 'x', 0, 'CREATE TABLE x (a)')",
        "UPDATE sqlite_master SET sql = ''",
        "DELETE FROM sqlite_schema",
        "UPDATE sqlite_sequence SET seq = 9",
        "INSERT INTO t SELECT 1 FROM pragma_query_only WHERE 0; PRAGMA query_only = 0",
        "SELECT * FROM pragma_writable_schema",
        "SELECT * FROM pragma_journal_mode('delete')",
        "SELECT * FROM pragma_database_list",
        "SELECT writefile('/tmp/x', 'x')",
        "SELECT readfile('/etc/passwd')",
        "SELECT * FROM fsdir('/')",
        "DROP TABLE t",
        "CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END",
        "EXPLAIN PRAGMA writable_schema = 1",
        "EXPLAIN ATTACH 'x' AS y",
        "INSERT INTO f_data VALUES (1, 'x')",
        "INSERT INTO f (f) VALUES ('nonsense')",
    ] {
        for bounds in [READ, WRITE] {
            let answer = fixture.database.query(sql, vec![], &bounds).await;
            assert!(answer.is_err(), "{sql}");
            let error = answer.unwrap_err();
            assert!(!matches!(error, SqlError::Unavailable { .. } | SqlError::Timeout), "{sql}: {error}");
        }
    }
    assert!(!std::path::Path::new("/tmp/cofferdam-should-not-exist").exists());
    let untouched = fixture.look("SELECT count(*) FROM sqlite_schema WHERE name IN ('t', 'f', 'x')").await;
    assert_eq!(untouched, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_of_a_schema_is_answered() {
    let fixture = Fixture::sqlite(SETUP).await;
    for sql in [
        "SELECT name, type FROM pragma_table_info('t')",
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table'",
        "SELECT name FROM pragma_table_list",
        "SELECT x FROM f WHERE f MATCH 'hello'",
        "SELECT snippet(f, 0, '<', '>', '', 5) FROM f WHERE f MATCH 'world'",
        "SELECT value FROM json_each('[1,2]')",
        "SELECT sum(a) OVER (ORDER BY id) FROM t",
        "VALUES (1)",
    ] {
        let rows = fixture.database.query(sql, vec![], &READ).await;
        assert!(rows.as_ref().is_ok_and(|r| !r.rows.is_empty()), "{sql}: {rows:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_and_full_text_tables_work() {
    let fixture = Fixture::sqlite(SETUP).await;
    assert_eq!(fixture.database.execute("INSERT INTO t (a) VALUES (7), (8)", vec![], &WRITE).await, Ok(2));
    assert_eq!(fixture.look("SELECT count(*) FROM logged").await, 2);
    assert_eq!(fixture.database.execute("INSERT INTO f VALUES ($1)", vec![text("more words")], &WRITE).await, Ok(1));
    assert_eq!(one(&fixture.database, "SELECT count(*) FROM f WHERE f MATCH 'words'", vec![]).await, Ok(int(1)));
    let sql = "REPLACE INTO t (id, a) VALUES (1, 5)";
    assert_eq!(fixture.database.execute(sql, vec![], &WRITE).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn work_without_end_is_stopped() {
    let fixture = Fixture::sqlite(SETUP).await;
    let short = Bounds { timeout: Duration::from_millis(300), ..READ };
    let endless = "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)";
    for sql in [
        format!("{endless} SELECT max(x) FROM c"),
        format!("{endless} SELECT x FROM c ORDER BY x DESC"),
        format!("{endless} SELECT sum(length(randomblob(100000))) FROM c"),
        format!("{endless} SELECT count(*) FROM c AS a, c AS b"),
    ] {
        let begun = Instant::now();
        assert_eq!(fixture.database.query(&sql, vec![], &short).await, Err(SqlError::Timeout), "{sql}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{sql}");
    }
    // One function call cannot be stopped, but is not waited for.
    let sql = "SELECT instr(hex(zeroblob(400000)), hex(zeroblob(200000)) || '1')";
    let begun = Instant::now();
    fixture.database.query(sql, vec![], &short).await.ok();
    assert!(begun.elapsed() < Duration::from_secs(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_bounded_where_they_are_made() {
    let fixture = Fixture::sqlite(SETUP).await;
    for sql in [
        "SELECT length(randomblob(1000000000))",
        "SELECT length(zeroblob(1000000000) || 'x')",
        "SELECT length(printf('%.*c', 1000000000, 'x'))",
        "SELECT length(replace(hex(zeroblob(400000)), '0', hex(zeroblob(1000))))",
        "SELECT length(group_concat(hex(zeroblob(10000)))) FROM (WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000) SELECT x FROM c)",
        "SELECT length(json_group_array(hex(zeroblob(10000)))) FROM (WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000) SELECT x FROM c)",
    ] {
        let begun = Instant::now();
        let error = fixture.database.query(sql, vec![], &READ).await.unwrap_err();
        assert!(matches!(error, SqlError::TooLarge { .. }), "{sql}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{sql}");
    }
    // Many of them in one row, each within its bound.
    let many = vec!["randomblob(1000000)"; 900].join(",");
    let error = fixture.database.query(&format!("SELECT {many}"), vec![], &READ).await.unwrap_err();
    assert!(matches!(error, SqlError::TooLarge { .. }), "{error}");
    assert_eq!(one(&fixture.database, "SELECT 1", vec![]).await, Ok(int(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_grammar_is_bounded() {
    let fixture = Fixture::sqlite(SETUP).await;
    for sql in [
        format!("SELECT {}1{}", "(".repeat(2000), ")".repeat(2000)),
        format!("SELECT 1{}", " + 1".repeat(2000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(2000)),
        format!("SELECT 'x' LIKE '{}'", "%_".repeat(1000)),
        format!("SELECT * FROM {}", vec!["t"; 70].join(",")),
    ] {
        let error = fixture.database.query(&sql, vec![], &READ).await.unwrap_err();
        assert!(matches!(error, SqlError::Invalid { .. }), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_error_has_the_path() {
    let fixture = Fixture::sqlite(SETUP).await;
    let Outside::Sqlite(directory) = &fixture.outside else { unreachable!("it is SQLite") };
    std::fs::remove_file(directory.path().join("test.db")).unwrap();
    for bounds in [READ, WRITE] {
        let error = fixture.database.query("SELECT 1", vec![], &bounds).await.unwrap_err();
        assert!(matches!(error, SqlError::Unavailable { .. }), "{error}");
        let all = format!("{error} {error:?} {} {:?}", error.to_guest(), fixture.database);
        assert!(!all.contains("test.db") && !all.contains(directory.path().to_str().unwrap()), "{all}");
    }
    assert!(!directory.path().join("test.db").exists(), "it is not made anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_do_not_wait_for_a_writer() {
    let fixture = Fixture::sqlite(SETUP).await;
    let writer = fixture.database.begin(&WRITE).await.unwrap();
    writer.execute("INSERT INTO logged VALUES (5)", vec![], &WRITE).await.unwrap();
    let begun = Instant::now();
    assert_eq!(one(&fixture.database, "SELECT count(*) FROM logged", vec![]).await, Ok(int(0)));
    // With the grant to write, reading needs no turn either.
    assert!(fixture.database.query("SELECT count(*) FROM logged", vec![], &WRITE).await.is_ok());
    assert!(begun.elapsed() < READ.timeout / 2);
    writer.commit().await.unwrap();
    assert_eq!(one(&fixture.database, "SELECT count(*) FROM logged", vec![]).await, Ok(int(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_another_journal_is_read_as_it_is_and_written_with_a_log() {
    let fixture = Fixture::sqlite(SETUP).await;
    let Outside::Sqlite(directory) = &fixture.outside else { unreachable!("it is SQLite") };
    let outside = || rusqlite::Connection::open(directory.path().join("test.db")).unwrap();
    let journal = || outside().query_row("PRAGMA journal_mode", (), |row| row.get::<_, String>(0)).unwrap();
    outside().pragma_update(None, "journal_mode", "delete").unwrap();
    assert_eq!(one(&fixture.database, "SELECT count(*) FROM t", vec![]).await, Ok(int(1)));
    assert_eq!(journal(), "delete");
    let reading = fixture.database.begin(&READ).await.unwrap();
    // Not before the reader has gone, and soon enough told.
    let short = Bounds { timeout: Duration::from_millis(500), ..WRITE };
    let error = fixture.database.execute("DELETE FROM t", vec![], &short).await.unwrap_err();
    assert!(matches!(error, SqlError::Conflict { .. } | SqlError::Timeout), "{error}");
    reading.rollback().await.unwrap();
    assert_eq!(fixture.database.execute("DELETE FROM t", vec![], &WRITE).await, Ok(1));
    assert_eq!(journal(), "wal");
}
