use super::*;

use Dialect::{Postgres, Sqlite};

fn read(sql: &str, dialect: Dialect) -> Result<Kind, &'static str> {
    check(sql, dialect, Access::Read).map_err(|e| e.kind())
}

fn write(sql: &str, dialect: Dialect) -> Result<Kind, &'static str> {
    check(sql, dialect, Access::Write).map_err(|e| e.kind())
}

#[test]
fn reading_is_told_by_the_first_word() {
    for dialect in [Postgres, Sqlite] {
        for sql in [
            "SELECT 1",
            "select*from t",
            "  \t\n\r\u{c}SELECT 1;",
            "-- a comment\nSELECT 1 ; ; -- and one\n",
            "/* DROP TABLE t; */ SELECT ';', \";\" /* ; */",
            "VALUES (1), (2)",
            "SELECT 'it''s; DROP TABLE t'",
        ] {
            assert_eq!(read(sql, dialect), Ok(Kind::Read), "{sql}");
        }
        assert_eq!(read("WITH x AS (SELECT 1) SELECT * FROM x", dialect), Ok(Kind::Either));
        assert_eq!(read("EXPLAIN SELECT 1", dialect), Ok(Kind::Read));
    }
    for sql in
        ["TABLE t", "SHOW server_version", "((SELECT 1) UNION (SELECT 2))", "EXPLAIN (ANALYZE, COSTS off) SELECT 1"]
    {
        assert_eq!(read(sql, Postgres), Ok(Kind::Read), "{sql}");
    }
    for sql in ["EXPLAIN (SELECT 1)", "EXPLAIN ((SELECT 1) UNION (SELECT 2))", "EXPLAIN ANALYZE VERBOSE SELECT 1"] {
        assert_eq!(read(sql, Postgres), Ok(Kind::Read), "{sql}");
    }
    assert_eq!(read("EXPLAIN QUERY PLAN SELECT 1", Sqlite), Ok(Kind::Read));
    // Nothing is run.
    assert_eq!(read("EXPLAIN DELETE FROM t", Postgres), Ok(Kind::Either));
}

#[test]
fn changing_rows_needs_the_grant() {
    for dialect in [Postgres, Sqlite] {
        for sql in ["INSERT INTO t VALUES (1)", "update t set a = 1", "/**/DELETE FROM t"] {
            assert_eq!(write(sql, dialect), Ok(Kind::Write), "{sql}");
            assert_eq!(read(sql, dialect), Err("read_only"), "{sql}");
        }
    }
    assert_eq!(write("MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", Postgres), Ok(Kind::Write));
    assert_eq!(write("REPLACE INTO t VALUES (1)", Sqlite), Ok(Kind::Write));
}

#[test]
fn no_guest_runs_anything_else() {
    let each = [
        "BEGIN",
        "START TRANSACTION",
        "COMMIT",
        "END",
        "ROLLBACK",
        "ABORT",
        "SAVEPOINT a",
        "RELEASE a",
        "SET a = 1",
        "RESET ALL",
        "PREPARE a AS SELECT 1",
        "EXECUTE a",
        "DEALLOCATE a",
        "DECLARE a CURSOR FOR SELECT 1",
        "FETCH a",
        "CLOSE a",
        "LISTEN a",
        "NOTIFY a",
        "UNLISTEN a",
        "COPY t FROM STDIN",
        "COPY t TO PROGRAM 'id'",
        "DO $$ begin end $$",
        "CALL f()",
        "VACUUM",
        "VACUUM INTO '/tmp/x'",
        "ANALYZE",
        "LOCK t",
        "CREATE TABLE t (a int)",
        "ALTER TABLE t ADD b int",
        "DROP TABLE t",
        "TRUNCATE t",
        "GRANT ALL ON t TO public",
        "REINDEX t",
        "CHECKPOINT",
        "DISCARD ALL",
        "LOAD 'x'",
        "ATTACH 'x' AS y",
        "DETACH y",
        "PRAGMA writable_schema = 1",
        "IMPORT FOREIGN SCHEMA a FROM SERVER b INTO c",
        "SECURITY LABEL ON TABLE t IS ''",
        "COMMENT ON TABLE t IS ''",
        "REFRESH MATERIALIZED VIEW v",
        "CLUSTER t",
        "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
        "EXPLAIN (ANALYZE) EXECUTE a",
        "EXPLAIN ANALYZE DECLARE a CURSOR FOR SELECT 1",
        "(COMMIT)",
        "'SELECT'",
        "\"SELECT\" 1",
        "1",
        ")",
        "\u{feff}SELECT 1",
        "\u{a0}SELECT 1",
        "EXPLAIN",
    ];
    for sql in each {
        for dialect in [Postgres, Sqlite] {
            assert_eq!(read(sql, dialect), Err("refused"), "{sql}");
            assert_eq!(write(sql, dialect), Err("refused"), "{sql}");
        }
    }
}

#[test]
fn one_statement_and_no_more() {
    for dialect in [Postgres, Sqlite] {
        for sql in ["", "  ", ";", "-- only a comment", "/* never ends", ";;"] {
            assert_eq!(read(sql, dialect), Err("not_one_statement"), "{sql}");
        }
        for sql in [
            "SELECT 1; DROP TABLE t",
            "COMMIT; DROP TABLE t",
            ";SELECT 1",
            "SELECT 1;;SELECT 2",
            "SELECT ''';';SELECT 2",
        ] {
            assert_eq!(write(sql, dialect), Err("not_one_statement"), "{sql}");
        }
    }
}

#[test]
fn comments_end_where_the_database_says() {
    // PostgreSQL ends a line comment at a carriage return too.
    assert_eq!(write("--\rDROP TABLE --\nexplain", Postgres), Err("refused"));
    assert_eq!(read("--\rDROP TABLE t\nSELECT 1", Sqlite), Ok(Kind::Read));
    // Its comments nest; SQLite's do not.
    assert_eq!(write("/* /* */ SELECT 1 */ DROP TABLE t", Postgres), Err("refused"));
    assert_eq!(write("/* /* */ DROP TABLE t -- */ SELECT 1", Sqlite), Err("refused"));
    assert_eq!(read("SELECT 1 /* ; /* ; */ ; */", Postgres), Ok(Kind::Read));
}

#[test]
fn strings_end_where_the_database_says() {
    for (sql, expected) in [
        (r"SELECT E'\'; DROP TABLE t; --'", Ok(Kind::Read)),
        (r"SELECT '\'; DROP TABLE t; --'", Err("not_one_statement")),
        ("SELECT $a$ ; $$ ; $a$", Ok(Kind::Read)),
        ("SELECT $1 ; SELECT $1", Err("not_one_statement")),
        ("SELECT a$b$ ; SELECT $b$", Err("not_one_statement")),
        ("SELECT E'a'\n'b\\'; DROP TABLE t; --'", Ok(Kind::Read)),
        ("SELECT E'a''b\\'; DROP TABLE t; --'", Ok(Kind::Read)),
    ] {
        assert_eq!(write(sql, Postgres), expected, "{sql}");
    }
    assert_eq!(read("SELECT [;], `;`", Sqlite), Ok(Kind::Read));
}

#[test]
fn an_answer_is_not_made_a_table() {
    for sql in [
        "SELECT 1 INTO t",
        "SELECT*INTO t FROM s",
        "SELECT 1INTO t",
        "SELECT a AS as INTO t FROM s",
        "SELECT 1 insert INTO t",
        "SELECT (1) insert INTO t",
        "(SELECT 1 INTO t)",
        "WITH x AS (SELECT 1) SELECT * INTO t FROM x",
        "WITH x AS (SELECT 1) (SELECT * INTO t FROM x)",
        "WITH insert AS (SELECT 1) SELECT * INTO t FROM insert",
        "WITH insert (a) AS (SELECT 1) SELECT * INTO t FROM insert",
        "WITH x AS (SELECT 1) SELECT (1) insert INTO t FROM x",
        "WITH x AS (INSERT INTO s VALUES (1) RETURNING a) SELECT a INTO t FROM x",
        "EXPLAIN ANALYZE SELECT 1 INTO t",
        "SELECT E'a'\n'\\'', 1 INTO t --'",
    ] {
        assert_eq!(write(sql, Postgres), Err("refused"), "{sql}");
    }
    for sql in [
        "INSERT INTO t SELECT 1",
        "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
        "WITH x (a) AS (SELECT 1) INSERT INTO t SELECT * FROM x",
        "WITH x AS (INSERT INTO t VALUES (1) RETURNING a) SELECT a FROM x",
        "WITH x AS (INSERT INTO t VALUES (1) RETURNING a), y AS (SELECT 1) DELETE FROM s USING x",
        "SELECT 'INTO', \"into\" FROM t -- INTO",
    ] {
        assert!(write(sql, Postgres).is_ok(), "{sql}");
    }
}
