//! Values out of a row, by what is stored and what the column declares.

use rusqlite::types::ValueRef;

use crate::{Element, SqlError, Value, text};

/// What a column's declaration hints at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    None,
    Boolean,
    Date,
    Time,
    Timestamp,
    Decimal,
    Uuid,
    Json,
}

impl Hint {
    /// The hint of a declared type in lower case, such as `decimal(10, 2)`: by its first word.
    pub(crate) fn of(declared: &str) -> Self {
        let end = declared.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(declared.len());
        match &declared[..end] {
            "boolean" | "bool" => Self::Boolean,
            "date" => Self::Date,
            "time" => Self::Time,
            "datetime" | "timestamp" | "timestamptz" => Self::Timestamp,
            "decimal" | "numeric" => Self::Decimal,
            "uuid" => Self::Uuid,
            "json" => Self::Json,
            _ => Self::None,
        }
    }
}

/// The value. `fits` is asked before content is copied. The inner error is a value that cannot be told.
pub(crate) fn value(
    stored: ValueRef<'_>,
    hint: Hint,
    fits: impl Fn(u64) -> Result<(), SqlError>,
) -> Result<Result<Value, &'static str>, SqlError> {
    let element = match (stored, hint) {
        (ValueRef::Null, _) => return Ok(Ok(Value::Null)),
        (ValueRef::Integer(number @ 0..=1), Hint::Boolean) => Element::Boolean(number == 1),
        (ValueRef::Integer(number), Hint::Decimal) => Element::Decimal(number.to_string()),
        (ValueRef::Integer(number), Hint::Json) => Element::Json(number.to_string()),
        (ValueRef::Integer(number), _) => Element::Integer(number),
        (ValueRef::Real(number), _) => Element::Float(number),
        (ValueRef::Text(bytes), hint) => {
            fits(bytes.len() as u64)?;
            match std::str::from_utf8(bytes) {
                Ok(text) => textual(text, hint),
                Err(_) => return Ok(Err("text that is not UTF-8")),
            }
        }
        (ValueRef::Blob(bytes), hint) => {
            fits(bytes.len() as u64)?;
            match (hint, uuid::Uuid::from_slice(bytes)) {
                (Hint::Uuid, Ok(uuid)) => Element::Uuid(uuid.to_string()),
                _ => Element::Binary(bytes.to_vec()),
            }
        }
    };
    Ok(Ok(Value::Element(element)))
}

/// A text, as what the column declares if it is that.
fn textual(text: &str, hint: Hint) -> Element {
    let told = match hint {
        Hint::Date => text::date(text).map(Element::Date),
        Hint::Time => text::time(text).map(Element::Time),
        Hint::Timestamp => {
            text::timestamp(text).map(Element::Timestamp).or_else(|| text::instant(text).map(Element::Instant))
        }
        Hint::Decimal => text::is_decimal(text).then(|| Element::Decimal(text.to_owned())),
        Hint::Uuid => text::uuid(text).map(Element::Uuid),
        Hint::Json => text::is_json(text).then(|| Element::Json(text.to_owned())),
        Hint::Boolean | Hint::None => None,
    };
    told.unwrap_or_else(|| Element::Text(text.to_owned()))
}
