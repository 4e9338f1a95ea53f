//! A guest that tries to get out of a read, out of its bounds, or into the next guest's session.

use std::time::Duration;

use cofferdam_database::{Bounds, Database, SqlError, Value};
use tokio::time::Instant;

use crate::fixture::{Fixture, Outside, POOL, READ, WRITE, int, one, text};

const SETUP: &str = "CREATE TABLE t (a integer); INSERT INTO t VALUES (1); CREATE SEQUENCE s;
    CREATE FUNCTION wipe() RETURNS integer LANGUAGE sql AS 'DELETE FROM t; SELECT 1';
    CREATE FUNCTION run(command text) RETURNS integer LANGUAGE plpgsql AS 'BEGIN EXECUTE command; RETURN 1; END';
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO tool";

/// The guest of the worst operator: a superuser.
async fn superuser(fixture: &Fixture) -> Database {
    let Outside::Postgres(postgres) = &fixture.outside else { unreachable!("it is PostgreSQL") };
    postgres.open_as_superuser().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_stays_a_read() {
    let fixture = Fixture::postgres(SETUP).await;
    let superuser = superuser(&fixture).await;
    for sql in [
        "WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x",
        "SELECT wipe()",
        "SELECT nextval('s')",
        "SELECT setval('s', 9)",
        "SELECT lo_create(0)",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT a FROM t FOR UPDATE",
        "EXPLAIN ANALYZE DELETE FROM t",
        "EXPLAIN (ANALYZE) DELETE FROM t",
        "SELECT run('DELETE FROM t')",
        "SELECT run('CREATE TABLE u (a int)')",
        "SELECT run('CREATE TEMP TABLE u (a int)')",
        // The setting itself, at once or step by step.
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT set_config('transaction_read_only', 'off', true), wipe()",
        "SELECT run('SET TRANSACTION READ WRITE')",
        "SELECT run('SET transaction_read_only = off')",
        "SELECT run('RESET transaction_read_only')",
        "SELECT run('COMMIT')",
        "SELECT run('ROLLBACK')",
        "SELECT run('ROLLBACK AND CHAIN')",
        "SELECT query_to_xml('DELETE FROM t', true, true, '')",
        "SELECT query_to_xml('SET transaction_read_only = off', true, true, '')",
    ] {
        for database in [&fixture.database, &superuser] {
            let error = database.query(sql, vec![], &READ).await.unwrap_err();
            assert!(
                matches!(error, SqlError::ReadOnly | SqlError::Denied { .. } | SqlError::Invalid { .. }),
                "{sql}: {error}"
            );
        }
    }
    // What does not fail when it is asked has no effect on what comes after it.
    for sql in [
        "SELECT set_config('default_transaction_read_only', 'off', false)",
        "SELECT set_config('session_characteristics', 'x', false)",
        "SELECT run('SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE')",
    ] {
        let transaction = superuser.begin(&READ).await.unwrap();
        if transaction.query(sql, vec![], &READ).await.is_ok() {
            assert_eq!(transaction.query("SELECT wipe()", vec![], &READ).await, Err(SqlError::ReadOnly), "{sql}");
        }
    }
    assert_eq!(fixture.look("SELECT count(*) FROM t").await, 1);
    assert_eq!(fixture.look("SELECT last_value FROM s").await, 1);
    assert_eq!(fixture.look("SELECT count(*) FROM pg_largeobject_metadata").await, 0);
    assert_eq!(fixture.look("SELECT count(*) FROM pg_class WHERE relname = 'u'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stays_in_a_session_for_the_next() {
    let fixture = Fixture::postgres(SETUP).await;
    let Outside::Postgres(postgres) = &fixture.outside else { unreachable!("it is PostgreSQL") };
    // One connection: the next guest has the same one.
    let database = postgres.open(1).await;
    let id = one(&database, "SELECT pg_backend_pid()", vec![]).await.unwrap();
    let kept = |sql: &'static str| {
        let database = database.clone();
        async move { one(&database, sql, vec![]).await.unwrap() }
    };
    for sql in [
        "SELECT set_config('search_path', 'pg_temp', false)",
        "SELECT set_config('my.secret', 'x', false)",
        "SELECT set_config('statement_timeout', '1', false)",
        "SELECT set_config('default_transaction_read_only', 'on', false)",
        "SELECT set_config('standard_conforming_strings', 'off', false)",
        "SELECT set_config('client_encoding', 'LATIN1', false)",
        "SELECT set_config('timezone', 'Asia/Tokyo', false)",
        "SELECT pg_advisory_lock(7)",
        "SELECT currval('s') FROM (SELECT nextval('s')) AS x",
        "SELECT run('CREATE TEMP TABLE t AS SELECT 666 AS a')",
        "SELECT run('LISTEN x')",
        "SELECT run('DECLARE c CURSOR WITH HOLD FOR SELECT 1')",
    ] {
        database.query(sql, vec![], &WRITE).await.ok();
        database.query(sql, vec![], &READ).await.ok();
        assert_eq!(kept("SELECT a FROM t").await, int(1), "{sql}");
        assert_eq!(kept("SELECT coalesce(current_setting('my.secret', true), '')").await, text(""), "{sql}");
        assert_eq!(kept("SELECT current_setting('default_transaction_read_only')").await, text("off"), "{sql}");
        assert_eq!(kept("SELECT 'ä' || '\\'").await, text("ä\\"), "{sql}");
        assert_eq!(kept("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").await, int(0), "{sql}");
        assert_eq!(kept("SELECT count(*) FROM pg_cursors WHERE name = 'c'").await, int(0), "{sql}");
        assert_eq!(kept("SELECT count(*) FROM pg_listening_channels()").await, int(0), "{sql}");
        assert!(matches!(one(&database, "SELECT currval('s')", vec![]).await, Err(SqlError::Invalid { .. })), "{sql}");
        assert_eq!(kept("SELECT pg_backend_pid()").await, id, "the connection was kept: {sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_cannot_be_cleaned_is_closed() {
    let fixture = Fixture::postgres(SETUP).await;
    let Outside::Postgres(postgres) = &fixture.outside else { unreachable!("it is PostgreSQL") };
    let database = postgres.open(1).await;
    for sql in ["SELECT run('PREPARE s99 AS SELECT 1')", "SELECT run('DEALLOCATE ALL')"] {
        // Types that the client library asks about, with statements that it keeps.
        one(&database, "SELECT 'pg_class'::regclass::oid > 0", vec![]).await.ok();
        for _ in 0..3 {
            database.query(sql, vec![], &WRITE).await.ok();
        }
        assert_eq!(
            one(&database, "SELECT count(*) FROM pg_prepared_statements WHERE from_sql", vec![]).await,
            Ok(int(0))
        );
        assert_eq!(one(&database, "SELECT a FROM t", vec![]).await, Ok(int(1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_client_library_prepared_can_be_taken_away() {
    let setup = format!("{SETUP}; CREATE TYPE mood AS ENUM ('sad'); CREATE TYPE other AS ENUM ('x')");
    let fixture = Fixture::postgres(&setup).await;
    let Outside::Postgres(postgres) = &fixture.outside else { unreachable!("it is PostgreSQL") };
    let database = postgres.open(1).await;
    assert_eq!(one(&database, "SELECT 'sad'::mood", vec![]).await, Ok(text("sad")));
    database.query("SELECT run('DEALLOCATE ALL')", vec![], &WRITE).await.ok();
    // It may fail once, and then the connection is another.
    one(&database, "SELECT 'x'::other", vec![]).await.ok();
    assert_eq!(one(&database, "SELECT 'x'::other", vec![]).await, Ok(text("x")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_was_taken_is_given_back() {
    let fixture = Fixture::postgres(SETUP).await;
    let superuser = superuser(&fixture).await;
    for sql in ["SELECT set_config('role', 'tool', false)", "SELECT set_config('session_authorization', 'tool', false)"]
    {
        for _ in 0..=POOL {
            superuser.query(sql, vec![], &WRITE).await.unwrap();
        }
        for _ in 0..=POOL {
            assert_eq!(one(&superuser, "SELECT current_user::text", vec![]).await, Ok(text("postgres")));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_costs_no_more_than_its_time() {
    let fixture = Fixture::postgres(SETUP).await;
    let short = Bounds { timeout: Duration::from_millis(300), ..READ };
    for sql in [
        "SELECT pg_sleep(60)",
        "SELECT set_config('statement_timeout', '0', true), pg_sleep(60)",
        "SELECT run('BEGIN'), pg_sleep(60)",
        "SELECT run('SET LOCAL statement_timeout = 0'), pg_sleep(60)",
    ] {
        let begun = Instant::now();
        let error = fixture.database.query(sql, vec![], &short).await.unwrap_err();
        assert!(matches!(error, SqlError::Timeout | SqlError::Invalid { .. }), "{sql}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{sql}");
    }
    // In a transaction, what an earlier statement set does not count.
    let transaction = fixture.database.begin(&READ).await.unwrap();
    transaction.query("SELECT set_config('statement_timeout', '0', false)", vec![], &READ).await.unwrap();
    let begun = Instant::now();
    assert_eq!(transaction.query("SELECT pg_sleep(60)", vec![], &short).await, Err(SqlError::Timeout));
    assert!(begun.elapsed() < Duration::from_secs(5));
    drop(transaction);
    assert_eq!(one(&fixture.database, "SELECT 1", vec![]).await, Ok(int(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_that_were_given_up_do_not_go_on() {
    let fixture = Fixture::postgres(SETUP).await;
    let patient = Bounds { timeout: Duration::from_secs(600), ..READ };
    for _ in 0..4 {
        let waiting = fixture.database.query("SELECT pg_sleep(600) -- given up", vec![], &patient);
        assert!(tokio::time::timeout(Duration::from_millis(200), waiting).await.is_err());
    }
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%given up%' AND state = 'active' AND pid <> pg_backend_pid()";
    let patience = Instant::now() + Duration::from_secs(10);
    while fixture.look(sql).await > 0 {
        assert!(Instant::now() < patience, "they still run");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_and_long_errors_are_bounded() {
    let setup = "CREATE FUNCTION shout(n integer) RETURNS integer LANGUAGE plpgsql AS
            'BEGIN FOR i IN 1..n LOOP RAISE NOTICE ''%'', repeat(''x'', 1000); END LOOP; RETURN 1; END';
        CREATE FUNCTION fail(n integer) RETURNS integer LANGUAGE plpgsql AS
            'BEGIN RAISE EXCEPTION ''%'', repeat(''x'', n); END'";
    let fixture = Fixture::postgres(setup).await;
    assert_eq!(one(&fixture.database, "SELECT shout(20000)", vec![]).await, Ok(int(1)));
    let error = one(&fixture.database, "SELECT fail(100000)", vec![]).await.unwrap_err();
    assert!(error.to_guest().len() < 1000, "{}", error.to_guest().len());
    let error = one(&fixture.database, "SELECT fail(100000000)", vec![]).await.unwrap_err();
    assert!(matches!(error, SqlError::TooLarge { .. }), "{error}");
    let error = one(&fixture.database, "SELECT repeat('x', 100000000)::integer", vec![]).await.unwrap_err();
    assert!(matches!(error, SqlError::TooLarge { .. }), "{error}");
    assert_eq!(one(&fixture.database, "SELECT 1", vec![]).await, Ok(int(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_columns_are_bounded() {
    let fixture = Fixture::postgres("").await;
    let bounds = Bounds { rows: u64::MAX, ..READ };
    let error = fixture.database.query("SELECT FROM generate_series(1, 200000)", vec![], &bounds).await.unwrap_err();
    assert!(matches!(error, SqlError::TooLarge { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_makes_no_table() {
    let fixture = Fixture::postgres(SETUP).await;
    let superuser = superuser(&fixture).await;
    for sql in [
        "SELECT 1 AS a INTO u",
        "SELECT 1INTO u",
        "WITH x AS (SELECT 1 AS a) SELECT (a) insert INTO u FROM x",
        "SELECT E'a'\n'\\'', 1 AS a INTO u --'",
        "EXPLAIN ANALYZE SELECT 1 AS a INTO u",
    ] {
        let error = superuser.query(sql, vec![], &WRITE).await.unwrap_err();
        assert!(matches!(error, SqlError::Refused { .. }), "{sql}: {error}");
    }
    assert_eq!(fixture.look("SELECT count(*) FROM pg_class WHERE relname = 'u'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_about_files_and_other_servers_are_not_passed_on() {
    let fixture = Fixture::postgres(SETUP).await;
    let superuser = superuser(&fixture).await;
    for sql in [
        "SELECT pg_read_file('/no/such/file')",
        "SELECT pg_read_file('/etc/shadow')",
        "SELECT pg_ls_dir('/no/such/directory')",
    ] {
        let error = superuser.query(sql, vec![], &READ).await.unwrap_err();
        assert!(!error.to_guest().contains('/') && !error.to_string().contains('/'), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_role_may_not_do_is_told_as_that() {
    let fixture = Fixture::postgres("CREATE TABLE hidden (a integer); CREATE SCHEMA inner1").await;
    let Outside::Postgres(postgres) = &fixture.outside else { unreachable!("it is PostgreSQL") };
    postgres.admin.batch_execute("REVOKE ALL ON hidden FROM tool").await.unwrap();
    let error = one(&fixture.database, "SELECT count(*) FROM hidden", vec![]).await.unwrap_err();
    assert!(matches!(&error, SqlError::Denied { message } if message.contains("hidden")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_dialect_is_not_refused() {
    let fixture = Fixture::postgres(SETUP).await;
    for sql in [
        "TABLE t",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "SELECT DISTINCT ON (a) a FROM t",
        "SELECT * FROM t, LATERAL (SELECT a + 1) AS x",
        "SELECT a FROM t TABLESAMPLE BERNOULLI (100)",
        "SHOW server_version",
        "SELECT jsonb_path_query('{\"a\":1}', '$.a ? (@ > 0)')",
        "SELECT count(*) FILTER (WHERE a > 0) OVER (PARTITION BY a) FROM t",
        "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 3) SEARCH DEPTH FIRST BY x SET o SELECT x FROM c",
        "VALUES (1, 'a'), (2, NULL)",
        "EXPLAIN (FORMAT json) SELECT 1",
    ] {
        let answer = fixture.database.query(sql, vec![], &READ).await;
        assert!(answer.is_ok(), "{sql}: {answer:?}");
    }
    let merge = "MERGE INTO t USING (VALUES (1), (2)) AS s (a) ON t.a = s.a
        WHEN MATCHED THEN UPDATE SET a = 10 WHEN NOT MATCHED THEN INSERT VALUES (s.a)";
    assert_eq!(fixture.database.execute(merge, vec![], &WRITE).await, Ok(2));
    let upsert = "INSERT INTO t VALUES (5) ON CONFLICT DO NOTHING RETURNING a";
    assert_eq!(fixture.database.query(upsert, vec![], &WRITE).await.unwrap().rows, [[int(5)]]);
    assert_eq!(
        one(&fixture.database, "SELECT $1::integer IS NULL", vec![Value::Null]).await.unwrap(),
        Value::Element(cofferdam_database::Element::Boolean(true))
    );
}
