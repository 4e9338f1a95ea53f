//! `cofferdam:plugin/sql`.
//!
//! A value is written as JSON: what JSON has is itself, and the rest is an object with one key, such
//! as `{ "decimal": "12.30" }` or `{ "binary": "00ff" }`.

use serde_json::{json, Map, Value as Json};

use crate::cofferdam::plugin::sql::{self as contract, Database, Element, Error, Rows, Transaction, Value};
use crate::{given::hex, text};

/// `{ database, op: "query"|"execute"|"transaction", statements: [{ sql, parameters?, op? }], end? }`
///
/// In a transaction each statement says its own `op`, and `end` is commit (the default), rollback or
/// drop.
pub fn sql(arguments: &Json) -> Json {
    let mut results = Vec::new();
    let error = run(arguments, &mut results).err().map(|error| told(&error));
    let mut all = Map::from_iter([("results".to_owned(), results.into())]);
    all.extend(error.unwrap_or_default());
    all.into()
}

fn run(arguments: &Json, results: &mut Vec<Json>) -> Result<(), Error> {
    let database = contract::open(text(arguments, "database"))?;
    let statements = arguments["statements"].as_array().cloned().unwrap_or_default();
    if text(arguments, "op") == "transaction" {
        let transaction = database.begin()?;
        for statement in &statements {
            results.push(in_transaction(&transaction, statement)?);
        }
        return match text(arguments, "end") {
            "rollback" => Transaction::rollback(transaction),
            "drop" => Ok(()),
            _ => Transaction::commit(transaction),
        };
    }
    for statement in &statements {
        results.push(alone(&database, text(arguments, "op"), statement)?);
    }
    Ok(())
}

fn alone(database: &Database, op: &str, statement: &Json) -> Result<Json, Error> {
    let (sql, parameters) = (text(statement, "sql"), parameters(statement));
    match op {
        "execute" => Ok(json!({ "changed": database.execute(sql, &parameters)? })),
        _ => Ok(rows(database.query(sql, &parameters)?)),
    }
}

fn in_transaction(transaction: &Transaction, statement: &Json) -> Result<Json, Error> {
    let (sql, parameters) = (text(statement, "sql"), parameters(statement));
    match text(statement, "op") {
        "execute" => Ok(json!({ "changed": transaction.execute(sql, &parameters)? })),
        _ => Ok(rows(transaction.query(sql, &parameters)?)),
    }
}

fn rows(rows: Rows) -> Json {
    let columns: Vec<_> = rows.columns.into_iter().map(|c| json!({ "name": c.name, "type": c.type_name })).collect();
    let rows_of = |row: Vec<Value>| row.into_iter().map(shown).collect::<Vec<_>>();
    let all: Vec<_> = rows.rows.into_iter().map(rows_of).collect();
    json!({ "columns": columns, "rows": all, "truncated": rows.truncated })
}

fn told(error: &Error) -> Map<String, Json> {
    let (code, detail) = match error {
        Error::NotPermitted => ("not-permitted", Json::Null),
        Error::Invalid(why) => ("invalid", json!(why)),
        Error::Refused(why) => ("refused", json!(why)),
        Error::Constraint(broken) => ("constraint", json!({ "kind": broken.kind, "message": broken.message })),
        Error::UnsupportedType(of) => ("unsupported-type", json!({ "column": of.column, "type": of.type_name })),
        Error::Parameter(bad) => ("parameter", json!({ "index": bad.index, "message": bad.message })),
        Error::Timeout => ("timeout", Json::Null),
        Error::TooLarge(why) => ("too-large", json!(why)),
        Error::Conflict(why) => ("conflict", json!(why)),
        Error::Unavailable(why) => ("unavailable", json!(why)),
        Error::Closed => ("closed", Json::Null),
    };
    Map::from_iter([("error".to_owned(), code.into()), ("detail".to_owned(), detail)])
}

fn parameters(statement: &Json) -> Vec<Value> {
    statement["parameters"].as_array().map(|list| list.iter().map(parameter).collect()).unwrap_or_default()
}

fn parameter(json: &Json) -> Value {
    if json.is_null() {
        return Value::Null;
    }
    match json.as_object().and_then(|object| object.iter().next()) {
        Some((key, list)) if key == "array" => {
            let list = list.as_array().cloned().unwrap_or_default();
            Value::Array(list.iter().map(|e| (!e.is_null()).then(|| element(e))).collect())
        }
        Some((key, list)) if key == "vector" => {
            let list = list.as_array().cloned().unwrap_or_default();
            Value::Vector(list.iter().map(|e| e.as_f64().unwrap_or_default() as f32).collect())
        }
        _ => Value::Element(element(json)),
    }
}

fn element(json: &Json) -> Element {
    match json {
        Json::Bool(value) => Element::Boolean(*value),
        Json::Number(value) => match value.as_i64() {
            Some(value) => Element::Integer(value),
            None => Element::Float(value.as_f64().unwrap_or_default()),
        },
        Json::Object(object) => object.iter().next().map_or(Element::Text(String::new()), named),
        other => Element::Text(other.as_str().unwrap_or_default().to_owned()),
    }
}

fn named((kind, value): (&String, &Json)) -> Element {
    let text = value.as_str().unwrap_or_default().to_owned();
    match kind.as_str() {
        "float" => Element::Float(value.as_f64().unwrap_or_default()),
        "decimal" => Element::Decimal(text),
        "binary" => Element::Binary(unhex(&text)),
        "date" => Element::Date(text),
        "time" => Element::Time(text),
        "timestamp" => Element::Timestamp(text),
        "instant" => Element::Instant(text),
        "uuid" => Element::Uuid(text),
        "json" => Element::Json(text),
        _ => Element::Text(text),
    }
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|p| u8::from_str_radix(p, 16).ok()).unwrap_or_default())
        .collect()
}

fn shown(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Element(element) => shown_element(element),
        Value::Array(list) => json!({ "array": list.into_iter().map(|e| e.map(shown_element)).collect::<Vec<_>>() }),
        Value::Vector(list) => json!({ "vector": list }),
    }
}

fn shown_element(element: Element) -> Json {
    match element {
        Element::Boolean(value) => json!(value),
        Element::Integer(value) => json!(value),
        Element::Float(value) => json!({ "float": value }),
        Element::Decimal(text) => json!({ "decimal": text }),
        Element::Text(text) => json!(text),
        Element::Binary(bytes) => json!({ "binary": hex(&bytes) }),
        Element::Date(text) => json!({ "date": text }),
        Element::Time(text) => json!({ "time": text }),
        Element::Timestamp(text) => json!({ "timestamp": text }),
        Element::Instant(text) => json!({ "instant": text }),
        Element::Uuid(text) => json!({ "uuid": text }),
        Element::Json(text) => json!({ "json": text }),
    }
}
