//! What a statement may do under which grant.

use serde_json::{Value, json};

use super::{Fixture, WRITE, both, postgres, run};

const T: &str = "CREATE TABLE t (a integer); INSERT INTO t VALUES (1)";

fn untouched(fixture: &Fixture) -> bool {
    fixture.look("SELECT count(*) FROM t") == "1" && fixture.look("SELECT sum(a) FROM t") == "1"
}

#[test]
fn reading_reads_and_changes_nothing() {
    for fixture in both(T, "") {
        let answer =
            fixture.run("query", json!([{ "sql": "SELECT a, 'x' AS b FROM t WHERE a = $1", "parameters": [1] }]));
        assert_eq!(answer["results"][0]["rows"], json!([[1, "x"]]), "{answer}");
        assert_eq!(answer["results"][0]["columns"][1]["name"], "b", "{answer}");
        assert_eq!(answer["results"][0]["truncated"], false);
        for sql in [
            "INSERT INTO t VALUES (2)",
            "UPDATE t SET a = 2",
            "DELETE FROM t",
            "DELETE FROM t RETURNING a",
            "WITH x AS (SELECT 1) DELETE FROM t",
            "WITH x AS (SELECT 1) INSERT INTO t SELECT 2",
            "/* SELECT */ DELETE -- x\nFROM t",
        ] {
            for op in ["query", "execute"] {
                assert_eq!(fixture.error(op, sql), "not-permitted", "{op} {sql}");
                // Nor by way of a transaction.
                let answer = fixture.run("transaction", json!([{ "sql": sql, "op": op }]));
                assert_eq!(answer["error"], "not-permitted", "{op} {sql}: {answer}");
            }
        }
        assert!(untouched(&fixture));
    }
}

/// Where a change hides in something that reads.
#[test]
fn a_change_within_a_query_of_postgres_is_refused() {
    let functions =
        "CREATE SEQUENCE s; CREATE FUNCTION wipe() RETURNS integer LANGUAGE sql AS 'DELETE FROM t; SELECT 1';
        CREATE FUNCTION run(command text) RETURNS integer LANGUAGE plpgsql AS 'BEGIN EXECUTE command; RETURN 1; END';
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO tool";
    // The role may all of this: `ON ALL FUNCTIONS` names it, so it has to be there before.
    let _role = postgres("", "");
    let fixture = postgres(&format!("{T}; {functions}"), "");
    for sql in [
        "WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x",
        "WITH x AS (INSERT INTO t VALUES (2) RETURNING a) SELECT * FROM x",
        "EXPLAIN ANALYZE DELETE FROM t",
        "SELECT wipe()",
        "SELECT nextval('s')",
        "SELECT a FROM t FOR UPDATE",
        "SELECT run('SET transaction_read_only = off')",
        "SELECT run('COMMIT')",
        "SELECT set_config('transaction_read_only', 'off', true), wipe()",
    ] {
        let error = fixture.error("query", sql);
        assert!(error == "not-permitted" || error == "invalid" || error == "refused", "{sql}: {error}");
    }
    assert!(untouched(&fixture));
    assert_eq!(fixture.look("SELECT is_called FROM s"), "f");
}

#[test]
fn one_statement_is_one_and_no_session_or_definition() {
    for more in ["", WRITE] {
        for fixture in both(T, more) {
            for sql in [
                "SELECT 1; DELETE FROM t",
                "COMMIT; DELETE FROM t",
                "SELECT 1;\n-- x\nDELETE FROM t",
                "",
                "-- nothing",
                "BEGIN",
                "COMMIT",
                "ROLLBACK",
                "/* x */ COMMIT -- y",
                "SAVEPOINT a",
                "SET statement_timeout = 0",
                "PRAGMA query_only = 0",
                "ATTACH DATABASE '/tmp/x' AS x",
                "COPY t TO '/tmp/x'",
                "COPY t TO PROGRAM 'true'",
                "DO $$ BEGIN DELETE FROM t; END $$",
                "CREATE TABLE u (a integer)",
                "CREATE TEMP TABLE u (a integer)",
                "DROP TABLE t",
                "ALTER TABLE t ADD COLUMN b integer",
                "TRUNCATE t",
                "VACUUM",
                "VACUUM INTO '/tmp/x'",
            ] {
                for op in ["query", "execute"] {
                    let error = fixture.error(op, sql);
                    // What another kind of database has is not understood by this one.
                    assert!(error == "refused" || error == "invalid", "{op} {sql}: {error}");
                }
            }
            for sql in ["SELECT 1; DELETE FROM t", "", "COMMIT", "CREATE TABLE u (a integer)", "DROP TABLE t"] {
                assert_eq!(fixture.error("query", sql), "refused", "{sql}");
            }
            assert!(untouched(&fixture));
        }
    }
}

#[test]
fn a_write_grant_changes_data_and_transactions_end_as_they_say() {
    for fixture in both(T, WRITE) {
        assert_eq!(
            fixture.run("execute", json!([{ "sql": "INSERT INTO t VALUES ($1), ($2)", "parameters": [2, 3] }])),
            json!({ "results": [{ "changed": 2 }] })
        );
        assert_eq!(fixture.one("UPDATE t SET a = a + 10 WHERE a = 2 RETURNING a", json!([])), 12);
        let count = || fixture.look("SELECT count(*) FROM t");
        for (end, left) in [("rollback", "3"), ("drop", "3"), ("commit", "0")] {
            let statements = json!([{ "sql": "DELETE FROM t", "op": "execute" }, { "sql": "SELECT count(*) FROM t" }]);
            let answer = run(
                &fixture.host,
                json!({ "database": "main", "op": "transaction", "statements": statements, "end": end }),
            );
            assert!(answer["error"].is_null(), "{end}: {answer}");
            // It sees its own change, whatever becomes of that.
            assert_eq!(answer["results"][1]["rows"], json!([[0]]), "{end}: {answer}");
            assert_eq!(count(), left, "{end}");
        }
        // What fails half-way leaves nothing.
        let statements = json!([{ "sql": "INSERT INTO t VALUES (1)", "op": "execute" }, { "sql": "SELECT nonsense" }]);
        assert_eq!(fixture.run("transaction", statements)["error"], "invalid");
        assert_eq!(count(), "0");
    }
}

#[test]
fn a_rule_that_does_not_hold_is_told_by_its_kind() {
    let setup = "CREATE TABLE p (id integer PRIMARY KEY);
        CREATE TABLE c (p integer REFERENCES p, n integer NOT NULL, k integer CHECK (k > 0))";
    for fixture in both(setup, WRITE) {
        let add = |sql: &str| fixture.run("execute", json!([{ "sql": sql }]));
        assert_eq!(add("INSERT INTO p VALUES (1)")["error"], Value::Null);
        for (sql, kind) in [
            ("INSERT INTO p VALUES (1)", "unique constraint"),
            ("INSERT INTO c VALUES (7, 1, 1)", "foreign key"),
            ("INSERT INTO c VALUES (1, NULL, 1)", "value required"),
            ("INSERT INTO c VALUES (1, 1, 0)", "check"),
        ] {
            let answer = add(sql);
            assert_eq!(
                (&answer["error"], &answer["detail"]["kind"]),
                (&json!("constraint"), &json!(kind)),
                "{sql}: {answer}"
            );
            assert!(answer["detail"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
        }
    }
}

#[test]
fn another_tool_and_another_name_have_nothing() {
    for fixture in both(T, "") {
        let statements = json!([{ "sql": "SELECT 1" }]);
        for name in ["other", "MAIN", "", "main ", "main.db", "../main"] {
            let answer = run(&fixture.host, json!({ "database": name, "op": "query", "statements": statements }));
            assert_eq!(answer["error"], "not-permitted", "{name:?}: {answer}");
        }
        let arguments = json!({ "database": "main", "op": "query", "statements": statements });
        let reply = fixture.host.rpc().call("probe_sql_too", arguments);
        assert_eq!(reply.result()["structuredContent"]["error"], "not-permitted", "{}", reply.message);
    }
}
