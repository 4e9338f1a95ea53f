//! Asking and changing: what both kinds of database have in common.

use cofferdam_database::{Column, ConstraintKind, Element, SqlError, Value};

use crate::fixture::{READ, WRITE, both, int, one, text};

const ITEMS: &str =
    "CREATE TABLE items (id integer PRIMARY KEY, name text NOT NULL UNIQUE, price numeric CHECK (price >= 0));
    CREATE TABLE parts (item integer REFERENCES items (id));
    INSERT INTO items VALUES (1, 'bolt', 2), (2, 'nut', NULL)";

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_with_their_columns() {
    for fixture in both(ITEMS).await {
        let rows = fixture.database.query("SELECT id, name FROM items ORDER BY id", vec![], &READ).await.unwrap();
        let (integer, text_type) = if fixture.is_sqlite() { ("integer", "text") } else { ("int4", "text") };
        let expected = [("id", integer), ("name", text_type)]
            .map(|(name, kind)| Column { name: name.to_owned(), type_name: kind.to_owned() });
        assert_eq!(rows.columns, expected);
        assert_eq!(rows.rows, [[int(1), text("bolt")], [int(2), text("nut")]]);
        assert!(!rows.truncated);
        let none = fixture.database.query("SELECT id FROM items WHERE id > $1", vec![int(9)], &READ).await.unwrap();
        assert_eq!((none.columns.len(), none.rows.len()), (1, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_is_a_value_whatever_its_text() {
    let name = "'; DROP TABLE items; -- \" \\ $1 ?1 ünïcödé \u{202e}";
    for fixture in both(ITEMS).await {
        let sql = "INSERT INTO items (id, name, price) VALUES ($1, $2, $3)";
        let values = vec![int(3), text(name), Value::Null];
        assert_eq!(fixture.database.execute(sql, values, &WRITE).await, Ok(1));
        let found = one(&fixture.database, "SELECT id FROM items WHERE name = $1", vec![text(name)]).await;
        assert_eq!(found, Ok(int(3)));
        assert_eq!(fixture.look("SELECT count(*) FROM items").await, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placeholder_has_its_number() {
    for fixture in both("").await {
        let rows = fixture
            .database
            .query("SELECT CAST($2 AS text), CAST($1 AS text), CAST($2 AS text)", vec![text("one"), text("two")], &READ)
            .await
            .unwrap();
        assert_eq!(rows.rows, [[text("two"), text("one"), text("two")]]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_and_too_few_parameters_are_told() {
    for fixture in both(ITEMS).await {
        for (values, at) in [(vec![], 1), (vec![int(1), int(2)], 2)] {
            let error = fixture.database.query("SELECT id FROM items WHERE id = $1", values, &READ).await.unwrap_err();
            assert!(matches!(error, SqlError::Parameter { index, .. } if index == at), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_counted_and_last() {
    for fixture in both(ITEMS).await {
        let database = &fixture.database;
        assert_eq!(database.execute("UPDATE items SET price = 5", vec![], &WRITE).await, Ok(2));
        assert_eq!(database.execute("DELETE FROM items WHERE id = $1", vec![int(2)], &WRITE).await, Ok(1));
        assert_eq!(database.execute("DELETE FROM items WHERE id = $1", vec![int(2)], &WRITE).await, Ok(0));
        let sql = "INSERT INTO items VALUES (7, 'a', 1), (8, 'b', 1) RETURNING id";
        assert_eq!(database.query(sql, vec![], &WRITE).await.unwrap().rows, [[int(7)], [int(8)]]);
        let sql = "WITH x AS (SELECT 9 AS id) INSERT INTO items SELECT id, 'c', 1 FROM x";
        assert_eq!(database.execute(sql, vec![], &WRITE).await, Ok(1));
        assert_eq!(fixture.look("SELECT sum(id) FROM items").await, 1 + 7 + 8 + 9);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_rules_are_named_by_kind() {
    for fixture in both(ITEMS).await {
        for (sql, expected) in [
            ("INSERT INTO items VALUES (1, 'x', 1)", ConstraintKind::Unique),
            ("INSERT INTO items VALUES (3, 'bolt', 1)", ConstraintKind::Unique),
            ("INSERT INTO items VALUES (3, NULL, 1)", ConstraintKind::NotNull),
            ("INSERT INTO items VALUES (3, 'x', -1)", ConstraintKind::Check),
            ("INSERT INTO parts VALUES (77)", ConstraintKind::ForeignKey),
        ] {
            let error = fixture.database.execute(sql, vec![], &WRITE).await.unwrap_err();
            assert!(matches!(&error, SqlError::Constraint { kind, .. } if *kind == expected), "{sql}: {error}");
        }
        assert_eq!(fixture.look("SELECT count(*) FROM items").await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_statement_is_told_in_the_databases_words() {
    for fixture in both(ITEMS).await {
        let ask = async |sql: &str| fixture.database.query(sql, vec![], &READ).await.unwrap_err();
        let error = ask("SELECT nonsense FROM items").await;
        assert!(
            matches!(&error, SqlError::Invalid { message, position: Some(8) } if message.contains("nonsense")),
            "{error}"
        );
        assert!(error.to_guest().contains("nonsense") && error.to_guest().contains("character 8"), "{error}");
        let error = ask("SELECT 'ü', FROM items").await;
        assert!(matches!(&error, SqlError::Invalid { position: Some(13), .. }), "{error}");
        assert!(matches!(ask("SELECT 1 FROM no_such_table").await, SqlError::Invalid { .. }));
        // The words are cut, however long.
        let long = format!("SELECT \"{}\" FROM items", "x".repeat(20_000));
        assert!(ask(&long).await.to_guest().len() < 1000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_what_it_was() {
    for fixture in both("CREATE TABLE t (a text)").await {
        for content in ["", " ", "NULL", "\\", "'", "\u{1f980}\r\n\t", "{\"a\":1}"] {
            let sql = "INSERT INTO t VALUES ($1) RETURNING a";
            let rows = fixture.database.query(sql, vec![text(content)], &WRITE).await.unwrap().rows;
            assert_eq!(rows, [[text(content)]]);
        }
        let nul = fixture.database.query("INSERT INTO t VALUES ($1) RETURNING a", vec![text("a\0b")], &WRITE).await;
        match nul {
            Ok(rows) => assert!(fixture.is_sqlite() && rows.rows == [[text("a\0b")]]),
            Err(error) => assert!(matches!(error, SqlError::Parameter { index: 1, .. }), "{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_keep_their_limits() {
    for fixture in both("CREATE TABLE t (a bigint, b double precision)").await {
        for (a, b) in [(i64::MIN, f64::MIN_POSITIVE), (i64::MAX, f64::MAX), (0, -0.1), (-1, 5e-324), (1, f64::INFINITY)]
        {
            let values = vec![int(a), Value::Element(Element::Float(b))];
            let rows =
                fixture.database.query("INSERT INTO t VALUES ($1, $2) RETURNING a, b", values, &WRITE).await.unwrap();
            assert_eq!(rows.rows, [[int(a), Value::Element(Element::Float(b))]]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_shows_that_it_works() {
    for fixture in both("").await {
        assert_eq!(fixture.database.check().await, Ok(()));
    }
}
