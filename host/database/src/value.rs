//! Values, as a guest sees them.

/// A value that is not null and has no parts. Texts have one form each, which is what comes out of a query; a
/// parameter in another form is an error, never a guess.
#[derive(Clone, Debug, PartialEq)]
pub enum Element {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    /// Exact digits with their scale: `12.30`. `NaN`, `Infinity` and `-Infinity` on PostgreSQL.
    Decimal(String),
    Text(String),
    Binary(Vec<u8>),
    /// `2026-11-21`; years 0001 to 9999.
    Date(String),
    /// `13:45:00.25`
    Time(String),
    /// A date and a time without a zone: `2026-11-21T13:45:00`.
    Timestamp(String),
    /// A point in time, in UTC: `2026-11-21T13:45:00.123456Z`. As a parameter, any offset.
    Instant(String),
    /// `0e37df36-f698-11e6-8dd4-cb9ced3df976`
    Uuid(String),
    /// A document as JSON text, with the digits and the order that the database keeps.
    Json(String),
}

/// What a parameter or a field of a row is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Element(Element),
    /// A list of one dimension. The elements are of one kind.
    Array(Vec<Option<Element>>),
    /// pgvector's `vector` and `halfvec`.
    Vector(Vec<f32>),
}

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// As the statement or the table names it. Names may repeat.
    pub name: String,
    /// As the database calls it: `int4`, `text[]`; on SQLite as the table declares it, and empty for an expression.
    pub type_name: String,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    pub columns: Vec<Column>,
    /// Each has as many values as there are columns.
    pub rows: Vec<Vec<Value>>,
    /// There were more rows than asked for.
    pub truncated: bool,
}

impl Element {
    /// What it is, for errors.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Decimal(_) => "a decimal",
            Self::Text(_) => "a text",
            Self::Binary(_) => "binary data",
            Self::Date(_) => "a date",
            Self::Time(_) => "a time",
            Self::Timestamp(_) => "a timestamp",
            Self::Instant(_) => "an instant",
            Self::Uuid(_) => "a UUID",
            Self::Json(_) => "a JSON document",
        }
    }

    /// Bytes of content.
    fn content(&self) -> u64 {
        let bytes = match self {
            Self::Boolean(_) => 1,
            Self::Integer(_) | Self::Float(_) => 8,
            Self::Decimal(text)
            | Self::Text(text)
            | Self::Date(text)
            | Self::Time(text)
            | Self::Timestamp(text)
            | Self::Instant(text)
            | Self::Uuid(text)
            | Self::Json(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        };
        bytes as u64
    }
}

impl Value {
    /// What it is, for errors.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Element(element) => element.kind(),
            Self::Array(_) => "an array",
            Self::Vector(_) => "a vector",
        }
    }

    /// The bytes that it counts: see [`limits::VALUE`](crate::limits::VALUE).
    pub(crate) fn size(&self) -> u64 {
        let content = match self {
            Self::Null => 0,
            Self::Element(element) => element.content(),
            Self::Array(elements) => {
                elements.iter().map(|e| crate::limits::VALUE + e.as_ref().map_or(0, Element::content)).sum()
            }
            Self::Vector(numbers) => 4 * numbers.len() as u64,
        };
        crate::limits::VALUE + content
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_at_least_what_it_takes() {
        assert!(size_of::<Value>() as u64 <= crate::limits::VALUE);
        assert!(size_of::<Option<Element>>() as u64 <= crate::limits::VALUE);
        assert_eq!(Value::Null.size(), crate::limits::VALUE);
        assert_eq!(Value::Element(Element::Text("äb".into())).size(), crate::limits::VALUE + 3);
        assert_eq!(Value::Vector(vec![0.0; 3]).size(), crate::limits::VALUE + 12);
    }
}
