//! PostgreSQL's types, both ways.

use cofferdam_database::{Element, SqlError, Value};

use crate::fixture::{Fixture, READ, WRITE, int, one, text};

const MOODS: &str = "CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN short AS varchar(5);
    CREATE DOMAIN positive AS integer CHECK (VALUE > 0); CREATE TYPE pair AS (a integer, b text); CREATE EXTENSION vector";

fn element(element: Element) -> Value {
    Value::Element(element)
}

fn decimal(text: &str) -> Value {
    element(Element::Decimal(text.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_comes_out_as_what_it_is() {
    let fixture = Fixture::postgres(MOODS).await;
    let s = str::to_owned;
    for (sql, expected) in [
        ("true", element(Element::Boolean(true))),
        ("(-32768)::int2", int(-32768)),
        ("2147483647", int(2_147_483_647)),
        ("(-9223372036854775808)::int8", int(i64::MIN)),
        ("4294967295::oid", int(4_294_967_295)),
        ("0.5::float4", element(Element::Float(0.5))),
        ("0.1::float8", element(Element::Float(0.1))),
        ("'-Infinity'::float8", element(Element::Float(f64::NEG_INFINITY))),
        ("'ä'::text", text("ä")),
        ("'ab'::varchar", text("ab")),
        ("'ab'::char(4)", text("ab  ")),
        ("'x'::\"char\"", text("x")),
        ("'name'::name", text("name")),
        ("'\\x00ff'::bytea", element(Element::Binary(vec![0, 255]))),
        ("'2026-11-21'::date", element(Element::Date(s("2026-11-21")))),
        ("'0001-01-01'::date", element(Element::Date(s("0001-01-01")))),
        ("'9999-12-31'::date", element(Element::Date(s("9999-12-31")))),
        ("'13:45:00.25'::time", element(Element::Time(s("13:45:00.25")))),
        ("'00:00'::time", element(Element::Time(s("00:00:00")))),
        ("'2026-11-21 13:45'::timestamp", element(Element::Timestamp(s("2026-11-21T13:45:00")))),
        ("'1999-12-31 23:59:59.999999'::timestamp", element(Element::Timestamp(s("1999-12-31T23:59:59.999999")))),
        ("'2026-11-21 13:45:00.123456+02'::timestamptz", element(Element::Instant(s("2026-11-21T11:45:00.123456Z")))),
        (
            "'0e37df36-f698-11e6-8dd4-cb9ced3df976'::uuid",
            element(Element::Uuid(s("0e37df36-f698-11e6-8dd4-cb9ced3df976"))),
        ),
        ("'{\"b\": 1.00,  \"a\":1}'::json", element(Element::Json(s("{\"b\": 1.00,  \"a\":1}")))),
        (
            "'{\"b\": 1.00, \"a\":123456789012345678901234567890}'::jsonb",
            element(Element::Json(s("{\"a\": 123456789012345678901234567890, \"b\": 1.00}"))),
        ),
        ("'happy'::mood", text("happy")),
        ("'abc'::short", text("abc")),
        ("7::positive", int(7)),
        ("'10.1.2.3'::inet", text("10.1.2.3")),
        ("'10.1.2.3/8'::inet", text("10.1.2.3/8")),
        ("'10.0.0.0/8'::cidr", text("10.0.0.0/8")),
        ("'10.1.2.3/32'::cidr", text("10.1.2.3/32")),
        ("'2001:db8::1/64'::inet", text("2001:db8::1/64")),
        ("'08:00:2b:01:02:03'::macaddr", text("08:00:2b:01:02:03")),
        ("'08:00:2b:01:02:03:04:05'::macaddr8", text("08:00:2b:01:02:03:04:05")),
        ("B'1010000011'", text("1010000011")),
        ("B''::varbit", text("")),
        ("NULL", Value::Null),
        ("NULL::int[]", Value::Null),
        ("pg_sleep(0)", Value::Null),
        ("'[1,-2.5,3e-5]'::vector", Value::Vector(vec![1.0, -2.5, 3e-5])),
        ("'[1,-2.5]'::halfvec", Value::Vector(vec![1.0, -2.5])),
    ] {
        assert_eq!(one(&fixture.database, &format!("SELECT {sql}"), vec![]).await, Ok(expected), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_types_are_the_ones_people_know() {
    let fixture = Fixture::postgres(MOODS).await;
    let rows =
        fixture.database.query("SELECT 1, '{}'::text[], 'sad'::mood, '[1]'::vector", vec![], &READ).await.unwrap();
    let names: Vec<_> = rows.columns.iter().map(|c| c.type_name.as_str()).collect();
    assert_eq!(names, ["int4", "text[]", "mood", "vector"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn numeric_loses_no_digit() {
    let fixture = Fixture::postgres("CREATE TABLE n (a numeric)").await;
    let long = format!("-{}.{}", "1234567890".repeat(1000), "0987654321".repeat(500));
    let numbers = [
        "0",
        "0.00",
        "12.30",
        "-12.30",
        "1",
        "10",
        "100",
        "1000",
        "10000",
        "100000",
        "99999999",
        "0.1",
        "0.01",
        "0.001",
        "0.0001",
        "0.00001",
        "123456789012345678901234567890.12345678901234567890",
        "10000.0001",
        "20000000.0000000200",
        "NaN",
        "Infinity",
        "-Infinity",
        &long,
    ];
    for number in numbers {
        // As a parameter in, out in binary, and what the server itself says.
        let sql = "INSERT INTO n VALUES ($1) RETURNING a, a::text";
        let rows = fixture.database.query(sql, vec![decimal(number)], &WRITE).await.unwrap().rows;
        assert_eq!(rows, [[decimal(number), text(number)]]);
    }
    // Whatever the places of zeros are.
    let sql = "SELECT a, a::text FROM (SELECT (random() * 10 ^ (i % 17))::numeric * 10::numeric ^ (i % 41 - 20) AS a
               FROM generate_series(1, 900) AS i) AS s";
    for row in fixture.database.query(sql, vec![], &READ).await.unwrap().rows {
        let [Value::Element(Element::Decimal(ours)), Value::Element(Element::Text(theirs))] = row.as_slice() else {
            panic!("{row:?}");
        };
        assert_eq!(ours, theirs);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_value_here_is_told_with_its_column() {
    let fixture = Fixture::postgres(MOODS).await;
    for (sql, kind) in [
        ("'1 day'::interval", "interval"),
        ("'1.00'::money", "money"),
        ("'13:45:00+02'::timetz", "timetz"),
        ("'[1,2)'::int4range", "int4range"),
        ("'{[1,2)}'::int4multirange", "int4multirange"),
        ("ROW(1, 'x')::pair", "pair"),
        ("ROW(1, 'x')", "record"),
        ("'(1,2)'::point", "point"),
        ("'a & b'::tsquery", "tsquery"),
        ("ARRAY['1 day'::interval]", "interval[]"),
        ("ARRAY['[1]'::vector]", "vector[]"),
        ("'{1:1}/3'::sparsevec", "sparsevec"),
        ("'0/0'::pg_lsn", "pg_lsn"),
    ] {
        let error = fixture.database.query(&format!("SELECT 1, {sql} AS it"), vec![], &READ).await.unwrap_err();
        let SqlError::UnsupportedType { column, type_name, .. } = &error else { panic!("{sql}: {error}") };
        assert_eq!((column.as_str(), type_name.as_str()), ("it", kind), "{sql}");
        // As its text it comes.
        assert!(one(&fixture.database, &format!("SELECT CAST({sql} AS text)"), vec![]).await.is_ok(), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_change_returns_is_checked_before_it_changes() {
    let fixture = Fixture::postgres("CREATE TABLE t (a interval)").await;
    let error = fixture.database.query("INSERT INTO t VALUES ('1 day') RETURNING a", vec![], &WRITE).await.unwrap_err();
    assert!(matches!(error, SqlError::UnsupportedType { .. }));
    assert_eq!(fixture.look("SELECT count(*) FROM t").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_cannot_be_told_is_never_another() {
    let fixture = Fixture::postgres("").await;
    for sql in [
        "'infinity'::date",
        "'-infinity'::date",
        "'infinity'::timestamp",
        "'-infinity'::timestamp",
        "'infinity'::timestamptz",
        "'-infinity'::timestamptz",
        "'0044-03-15 BC'::date",
        "'0044-03-15 BC'::timestamp",
        "'0044-03-15 BC'::timestamptz",
        "'10000-01-01'::date",
        "'294276-12-31 23:59:59'::timestamp",
        "'24:00'::time",
        "'{{1,2},{3,4}}'::int[]",
        "'\\377'::\"char\"",
        "ARRAY['infinity'::date]",
    ] {
        let error = one(&fixture.database, &format!("SELECT {sql} AS it"), vec![]).await.unwrap_err();
        assert!(matches!(&error, SqlError::Unrepresentable { column, .. } if column == "it"), "{sql}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn arrays_go_both_ways() {
    let fixture = Fixture::postgres(MOODS).await;
    let array = |elements: Vec<Option<Element>>| Value::Array(elements);
    let s = |text: &str| Some(Element::Text(text.to_owned()));
    for (kind, given) in [
        ("int[]", array(vec![Some(Element::Integer(1)), None, Some(Element::Integer(-3))])),
        ("int8[]", array(vec![])),
        ("text[]", array(vec![s(""), s("NULL"), None, s("a,b"), s("\"\\\"{}"), s("'; --"), s(" x ")])),
        ("mood[]", array(vec![s("sad"), s("happy")])),
        ("bool[]", array(vec![Some(Element::Boolean(true)), Some(Element::Boolean(false))])),
        ("numeric[]", array(vec![Some(Element::Decimal("1.50".into())), Some(Element::Decimal("NaN".into()))])),
        ("date[]", array(vec![Some(Element::Date("2026-11-21".into()))])),
        ("timestamptz[]", array(vec![Some(Element::Instant("2026-11-21T13:45:00Z".into()))])),
        ("uuid[]", array(vec![Some(Element::Uuid("0e37df36-f698-11e6-8dd4-cb9ced3df976".into()))])),
        ("bytea[]", array(vec![Some(Element::Binary(vec![0, 92, 34]))])),
        ("jsonb[]", array(vec![Some(Element::Json("{\"a\": [\"\\\"\"]}".into()))])),
        ("float8[]", array(vec![Some(Element::Float(0.1)), Some(Element::Float(f64::INFINITY))])),
    ] {
        let back = one(&fixture.database, &format!("SELECT $1::{kind}"), vec![given.clone()]).await;
        assert_eq!(back, Ok(given), "{kind}");
    }
    let wrong = array(vec![Some(Element::Integer(1)), Some(Element::Integer(1 << 40))]);
    let error = one(&fixture.database, "SELECT $1::int[]", vec![wrong]).await.unwrap_err();
    assert!(matches!(&error, SqlError::Parameter { index: 1, message } if message.contains("element 2")), "{error}");
    assert_eq!(
        one(&fixture.database, "SELECT 2 = ANY ($1)", vec![array(vec![Some(Element::Integer(2))])]).await,
        Ok(element(Element::Boolean(true)))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_are_searched() {
    let setup = "CREATE EXTENSION vector; CREATE TABLE v (id integer, at vector(3));
        INSERT INTO v VALUES (1, '[1,0,0]'), (2, '[0,1,0]'), (3, '[0,0.9,0.1]')";
    let fixture = Fixture::postgres(setup).await;
    let near = Value::Vector(vec![0.0, 1.0, 0.0]);
    let sql = "SELECT id, at FROM v ORDER BY at <-> $1 LIMIT 2";
    let rows = fixture.database.query(sql, vec![near.clone()], &READ).await.unwrap().rows;
    assert_eq!(rows, [[int(2), near], [int(3), Value::Vector(vec![0.0, 0.9, 0.1])]]);
    let extreme = Value::Vector(vec![f32::MIN_POSITIVE, f32::MAX, 0.1]);
    assert_eq!(one(&fixture.database, "SELECT $1::vector", vec![extreme.clone()]).await, Ok(extreme));
    for (wrong, said) in [(vec![1.0], "dimensions"), (vec![f32::NAN; 3], "finite")] {
        let error = fixture.database.query(sql, vec![Value::Vector(wrong)], &READ).await.unwrap_err();
        assert!(error.to_guest().contains(said), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_go_in_as_what_the_statement_has() {
    let fixture = Fixture::postgres(MOODS).await;
    let s = |t: &str| t.to_owned();
    for (kind, given, out) in [
        ("int2", int(-5), "-5"),
        ("int4", text("42"), "42"),
        ("float8", int(3), "3"),
        ("float4", element(Element::Float(0.5)), "0.5"),
        ("float8", text("1.25"), "1.25"),
        ("numeric", int(7), "7"),
        ("numeric", element(Element::Float(1e22)), "10000000000000000000000"),
        ("numeric", element(Element::Float(0.1)), "0.1"),
        ("bool", text("true"), "true"),
        ("date", text("2026-11-21"), "2026-11-21"),
        ("timestamp", text("2026-11-21T13:45:00"), "2026-11-21 13:45:00"),
        ("timestamptz AT TIME ZONE 'UTC'", text("2026-11-21T13:45:00+02:00"), "2026-11-21 11:45:00"),
        ("time", element(Element::Time(s("13:45:00.25"))), "13:45:00.25"),
        ("uuid", text("0E37DF36F69811E68DD4CB9CED3DF976"), "0e37df36-f698-11e6-8dd4-cb9ced3df976"),
        ("jsonb", text("[1, {\"a\":null}]"), "[1, {\"a\": null}]"),
        ("json", element(Element::Json(s("[1]"))), "[1]"),
        ("mood", text("sad"), "sad"),
        ("short", text("abc"), "abc"),
        ("positive", int(1), "1"),
        ("inet", text("10.0.0.1"), "10.0.0.1/32"),
        ("interval", text("1 day"), "1 day"),
        ("int4range", text("[1,3)"), "[1,3)"),
        (
            "text",
            element(Element::Uuid(s("0e37df36-f698-11e6-8dd4-cb9ced3df976"))),
            "0e37df36-f698-11e6-8dd4-cb9ced3df976",
        ),
        ("bytea", element(Element::Binary(vec![0, 171])), "\\x00ab"),
    ] {
        let sql = format!("SELECT CAST(($1::{kind}) AS text)");
        assert_eq!(one(&fixture.database, &sql, vec![given]).await, Ok(text(out)), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_that_does_not_fit_is_named() {
    let fixture = Fixture::postgres(MOODS).await;
    let s = |t: &str| t.to_owned();
    for (kind, given) in [
        ("int2", int(32768)),
        ("int4", int(-2_147_483_649)),
        ("oid", int(-1)),
        ("int4", text("x")),
        ("int4", element(Element::Boolean(true))),
        ("int4", element(Element::Float(1.0))),
        ("float4", element(Element::Float(1e300))),
        ("float8", int((1 << 53) + 1)),
        ("float8", decimal("0.1")),
        ("numeric", text("1e5")),
        ("text", int(1)),
        ("text", text("a\0b")),
        ("text", Value::Vector(vec![1.0])),
        ("text", Value::Array(vec![])),
        ("int[]", int(1)),
        ("bytea", text("x")),
        ("bool", int(1)),
        ("date", text("21.11.2026")),
        ("date", text("2026-02-30")),
        ("date", element(Element::Timestamp(s("2026-11-21T00:00:00")))),
        ("timestamp", element(Element::Instant(s("2026-11-21T13:45:00Z")))),
        ("timestamp", text("2026-11-21T13:45:00+02:00")),
        ("timestamp", text("infinity")),
        ("timestamp", element(Element::Timestamp(s("2026-11-21T13:45:00.1234567")))),
        ("timestamptz", text("2026-11-21T13:45:00")),
        ("timestamptz", element(Element::Timestamp(s("2026-11-21T13:45:00")))),
        ("time", text("24:00:00")),
        ("uuid", text("x")),
        ("jsonb", text("{")),
        ("mood", text("angry")),
        ("positive", int(1 << 40)),
        ("interval", int(1)),
        ("inet", text("localhost")),
        ("vector", text("[x]")),
    ] {
        let error = one(&fixture.database, &format!("SELECT CAST($1::{kind} AS text)"), vec![given]).await.unwrap_err();
        assert!(matches!(error, SqlError::Parameter { index: 1, .. }), "{kind}: {error}");
    }
}
