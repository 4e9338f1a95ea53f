//! What SQLite stores, as what its columns declare.

use cofferdam_database::{Create, DatabaseSettings, Element, SqlError, Value, open};

use crate::fixture::{Fixture, READ, WRITE, int, one, text};

fn element(element: Element) -> Value {
    Value::Element(element)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_tells_what_its_values_are() {
    let s = str::to_owned;
    for (declared, stored, expected) in [
        ("BOOLEAN", "1", element(Element::Boolean(true))),
        ("bool", "0", element(Element::Boolean(false))),
        ("BOOLEAN", "2", int(2)),
        ("DATE", "'2026-11-21'", element(Element::Date(s("2026-11-21")))),
        ("DATE", "'yesterday'", text("yesterday")),
        ("DATE", "20000", int(20000)),
        ("TIME", "'13:45:00.25'", element(Element::Time(s("13:45:00.25")))),
        ("DATETIME", "'2026-11-21 13:45:00'", element(Element::Timestamp(s("2026-11-21T13:45:00")))),
        ("TIMESTAMP", "'2026-11-21T13:45:00'", element(Element::Timestamp(s("2026-11-21T13:45:00")))),
        ("TIMESTAMP", "'2026-11-21T13:45:00+02:00'", element(Element::Instant(s("2026-11-21T11:45:00Z")))),
        ("DECIMAL TEXT", "'12.30'", element(Element::Decimal(s("12.30")))),
        (
            "DECIMAL TEXT",
            "'123456789012345678901234567890.10'",
            element(Element::Decimal(s("123456789012345678901234567890.10"))),
        ),
        ("DECIMAL(10, 2)", "5", element(Element::Decimal(s("5")))),
        // SQLite stored a float: its digits are gone, and none are made up.
        ("DECIMAL(10, 2)", "'12.30'", element(Element::Float(12.3))),
        (
            "UUID",
            "'0E37DF36-F698-11E6-8DD4-CB9CED3DF976'",
            element(Element::Uuid(s("0e37df36-f698-11e6-8dd4-cb9ced3df976"))),
        ),
        (
            "UUID",
            "x'0e37df36f69811e68dd4cb9ced3df976'",
            element(Element::Uuid(s("0e37df36-f698-11e6-8dd4-cb9ced3df976"))),
        ),
        ("UUID", "x'00'", element(Element::Binary(vec![0]))),
        ("JSON", "'{\"b\": 1.00, \"a\": 2}'", element(Element::Json(s("{\"b\": 1.00, \"a\": 2}")))),
        ("JSON", "'{'", text("{")),
        ("JSON", "7", element(Element::Json(s("7")))),
        ("TEXT", "'2026-11-21'", text("2026-11-21")),
        ("VARCHAR(3)", "'abcd'", text("abcd")),
        ("REAL", "1", element(Element::Float(1.0))),
        ("BLOB", "x'00ff'", element(Element::Binary(vec![0, 255]))),
        ("", "1.5", element(Element::Float(1.5))),
        ("DATE", "NULL", Value::Null),
    ] {
        let fixture = Fixture::sqlite(&format!("CREATE TABLE t (a {declared}); INSERT INTO t VALUES ({stored})")).await;
        assert_eq!(one(&fixture.database, "SELECT a FROM t", vec![]).await, Ok(expected), "{declared} {stored}");
        let rows = fixture.database.query("SELECT a, typeof(a) FROM t", vec![], &READ).await.unwrap();
        assert_eq!(rows.columns[0].type_name, declared.to_lowercase());
        assert_eq!(rows.columns[1].type_name, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_stored_as_what_there_is() {
    let fixture = Fixture::sqlite("").await;
    let s = str::to_owned;
    for (given, kind, stored) in [
        (element(Element::Boolean(true)), "integer", "1"),
        (int(5), "integer", "5"),
        (element(Element::Float(0.5)), "real", "0.5"),
        (element(Element::Decimal(s("12.30"))), "text", "12.30"),
        (element(Element::Date(s("2026-11-21"))), "text", "2026-11-21"),
        (element(Element::Timestamp(s("2026-11-21 13:45:00"))), "text", "2026-11-21T13:45:00"),
        (element(Element::Instant(s("2026-11-21T13:45:00+02:00"))), "text", "2026-11-21T11:45:00Z"),
        (element(Element::Json(s("[1]"))), "text", "[1]"),
        (
            Value::Array(vec![Some(Element::Integer(1)), None, Some(Element::Text(s("a\"")))]),
            "text",
            "[1,null,\"a\\\"\"]",
        ),
        (Value::Vector(vec![1.0, 0.1]), "text", "[1.0,0.1]"),
    ] {
        let rows = fixture
            .database
            .query("SELECT typeof(?1), CAST(?1 AS TEXT)", vec![given.clone()], &READ)
            .await
            .unwrap()
            .rows;
        assert_eq!(rows, [[text(kind), text(stored)]], "{given:?}");
    }
    assert_eq!(
        one(&fixture.database, "SELECT typeof(?1)", vec![element(Element::Binary(vec![1]))]).await,
        Ok(text("blob"))
    );
    let wrong = [
        element(Element::Float(f64::NAN)),
        element(Element::Decimal(s("1e5"))),
        element(Element::Date(s("tomorrow"))),
        element(Element::Uuid(s("x"))),
        element(Element::Json(s("{"))),
        Value::Array(vec![Some(Element::Binary(vec![]))]),
        Value::Vector(vec![f32::NAN]),
    ];
    for given in wrong {
        let error = one(&fixture.database, "SELECT ?1", vec![given.clone()]).await.unwrap_err();
        assert!(matches!(error, SqlError::Parameter { index: 1, .. }), "{given:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_searched_in() {
    let fixture = Fixture::sqlite("CREATE TABLE t (a integer); INSERT INTO t VALUES (1), (2), (3)").await;
    let list = Value::Array(vec![Some(Element::Integer(1)), Some(Element::Integer(3))]);
    let sql = "SELECT count(*) FROM t WHERE a IN (SELECT value FROM json_each($1))";
    assert_eq!(one(&fixture.database, sql, vec![list]).await, Ok(int(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn placeholders_of_each_kind() {
    let fixture = Fixture::sqlite("").await;
    let two = || vec![text("one"), text("two")];
    for sql in ["SELECT $2 || $1 || $2", "SELECT ?2 || ?1 || ?2"] {
        assert_eq!(one(&fixture.database, sql, two()).await, Ok(text("twoonetwo")), "{sql}");
    }
    assert_eq!(one(&fixture.database, "SELECT ? || ?", two()).await, Ok(text("onetwo")));
    for sql in [
        "SELECT :a || :b",
        "SELECT @a || ?2",
        "SELECT $a || $b",
        "SELECT $1 || ?2",
        "SELECT $0 || $1",
        "SELECT $1 || $3",
    ] {
        let error = one(&fixture.database, sql, two()).await.unwrap_err();
        assert!(matches!(error, SqlError::Parameter { .. }), "{sql}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_none_is_told() {
    let fixture = Fixture::sqlite("").await;
    let error = one(&fixture.database, "SELECT CAST(x'ff' AS TEXT) AS it", vec![]).await.unwrap_err();
    assert!(matches!(&error, SqlError::Unrepresentable { column, .. } if column == "it"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_made_only_when_that_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("new.db");
    let settings = |create| DatabaseSettings::Sqlite { file: file.clone(), create };
    let error = open("notes", &settings(Create::Never)).await.unwrap_err().to_string();
    assert!(error.contains("notes") && !error.contains("new.db"), "{error}");
    assert!(!file.exists());
    let database = open("notes", &settings(Create::IfMissing)).await.unwrap();
    assert_eq!(database.check().await, Ok(()));
    assert_eq!(one(&database, "SELECT count(*) FROM sqlite_schema", vec![]).await, Ok(int(0)));
    // Made by the operator, and open for both.
    rusqlite::Connection::open(&file).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let database = open("notes", &settings(Create::IfMissing)).await.unwrap();
    assert_eq!(database.execute("INSERT INTO t VALUES (1)", vec![], &WRITE).await, Ok(1));
    assert_eq!(one(&database, "SELECT a FROM t", vec![]).await, Ok(int(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_database_is_told_without_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret-name");
    std::fs::write(&secret, "not a database, but long enough to be taken for one by its size".repeat(100)).unwrap();
    for file in [secret, directory.path().to_owned(), directory.path().join("no/such/directory"), "".into()] {
        let error = open("notes", &DatabaseSettings::Sqlite { file, create: Create::IfMissing }).await.unwrap_err();
        let all = format!("{error} {error:?}");
        assert!(!all.contains("secret-name") && !all.contains(directory.path().to_str().unwrap()), "{all}");
    }
}
