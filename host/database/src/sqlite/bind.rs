//! Parameters, as what SQLite has.

use rusqlite::{
    Statement, ToSql,
    types::{ToSqlOutput, ValueRef},
};
use serde_json::json;

use crate::{Element, SqlError, Value, text};

/// Why a statement has not got its parameters.
pub(crate) enum Error {
    Ours(SqlError),
    Sqlite(rusqlite::Error),
}

/// A parameter as it is stored.
enum Stored<'v> {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(&'v [u8]),
}

impl ToSql for Stored<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Gives the statement its parameters.
pub(crate) fn bind(statement: &mut Statement<'_>, values: &[Value]) -> Result<(), Error> {
    let places = places(statement, values.len()).map_err(Error::Ours)?;
    for (at, place) in places.into_iter().enumerate() {
        let stored =
            stored(&values[place]).map_err(|message| Error::Ours(SqlError::Parameter { index: place + 1, message }))?;
        statement.raw_bind_parameter(at + 1, stored).map_err(Error::Sqlite)?;
    }
    Ok(())
}

/// Which value goes into each placeholder. SQLite counts `$1`, a name for it, in order of appearance.
fn places(statement: &Statement<'_>, given: usize) -> Result<Vec<usize>, SqlError> {
    let wrong = |index, message: String| SqlError::Parameter { index, message };
    let names: Vec<_> = (1..=statement.parameter_count()).map(|at| statement.parameter_name(at)).collect();
    let dollars = names.iter().flatten().any(|name| name.starts_with('$'));
    if dollars && names.iter().any(|name| !name.is_some_and(|name| name.starts_with('$'))) {
        return Err(wrong(1, "the statement mixes $1 with other placeholders".to_owned()));
    }
    let places: Result<Vec<usize>, SqlError> = names
        .iter()
        .enumerate()
        .map(|(at, name)| match name {
            Some(name) if name.starts_with('$') => match name[1..].parse::<usize>() {
                Ok(number) if number > 0 => Ok(number - 1),
                _ => Err(wrong(at + 1, "a placeholder is ?1, $1 or ?, and has no name".to_owned())),
            },
            Some(name) if !name.starts_with('?') => {
                Err(wrong(at + 1, "a placeholder is ?1, $1 or ?, and has no name".to_owned()))
            }
            _ => Ok(at),
        })
        .collect();
    let places = places?;
    let needed = places.iter().map(|place| place + 1).max().unwrap_or(0);
    if needed != given {
        return Err(wrong(
            needed.min(given) + 1,
            format!("the statement has {needed} parameters, and {given} were given"),
        ));
    }
    Ok(places)
}

fn stored(value: &Value) -> Result<Stored<'_>, String> {
    match value {
        Value::Null => Ok(Stored::Null),
        Value::Element(element) => stored_element(element),
        Value::Array(elements) => {
            let parts: Result<Vec<_>, _> =
                elements.iter().map(|e| e.as_ref().map_or(Ok(serde_json::Value::Null), json)).collect();
            Ok(Stored::Text(serde_json::Value::Array(parts?).to_string()))
        }
        Value::Vector(numbers) if numbers.iter().any(|n| !n.is_finite()) => {
            Err("a vector has finite numbers only".to_owned())
        }
        Value::Vector(numbers) => {
            // The shortest digits of each; a JSON library would make them longer floats first.
            let numbers: Vec<String> = numbers.iter().map(|n| format!("{n:?}")).collect();
            Ok(Stored::Text(format!("[{}]", numbers.join(","))))
        }
    }
}

fn stored_element(element: &Element) -> Result<Stored<'_>, String> {
    Ok(match element {
        Element::Boolean(value) => Stored::Integer((*value).into()),
        Element::Integer(number) => Stored::Integer(*number),
        // SQLite would store it as null.
        Element::Float(number) if number.is_nan() => return Err("SQLite has no NaN".to_owned()),
        Element::Float(number) => Stored::Real(*number),
        Element::Binary(bytes) => Stored::Blob(bytes),
        textual => Stored::Text(normal(textual)?),
    })
}

/// An element in an array.
fn json(element: &Element) -> Result<serde_json::Value, String> {
    Ok(match element {
        Element::Boolean(value) => json!(value),
        Element::Integer(number) => json!(number),
        Element::Float(number) if !number.is_finite() => return Err("JSON has finite numbers only".to_owned()),
        Element::Float(number) => json!(number),
        Element::Binary(_) => return Err("an array is bound as JSON, which has no binary data".to_owned()),
        textual => json!(normal(textual)?),
    })
}

/// The one form of what has a text form.
fn normal(element: &Element) -> Result<String, String> {
    let normal = match element {
        Element::Text(text) => Some(text.clone()),
        Element::Decimal(text) => text::is_decimal(text).then(|| text.clone()),
        Element::Date(text) => text::date(text),
        Element::Time(text) => text::time(text),
        Element::Timestamp(text) => text::timestamp(text),
        Element::Instant(text) => text::instant(text),
        Element::Uuid(text) => text::uuid(text),
        Element::Json(text) => text::is_json(text).then(|| text.clone()),
        Element::Boolean(_) | Element::Integer(_) | Element::Float(_) | Element::Binary(_) => None,
    };
    normal.ok_or_else(|| format!("this is not the form of {}", element.kind()))
}
