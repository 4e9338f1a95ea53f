//! Parameters, in the text form of the type that the server found for each.
//!
//! The server's own reading of texts loses no digit, whatever the type. What it would round, or read without a part
//! (a zone), is refused here first: a value arrives as it was meant or not at all.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type};

use super::form::{Form, member, type_name};
use crate::{Element, Value, text};

/// A parameter as it is sent.
#[derive(Debug)]
pub(crate) struct Parameter(Option<String>);

impl Parameter {
    /// A value for a type; or what is wrong with it.
    pub(crate) fn new(value: Value, kind: &Type) -> Result<Self, String> {
        let form = Form::of(kind);
        let text = match (form, value) {
            (_, Value::Null) => return Ok(Self(None)),
            (Some(Form::Array), Value::Array(elements)) => array(&elements, kind)?,
            (Some(Form::Vector | Form::HalfVector), Value::Vector(numbers)) => vector(&numbers)?,
            (form, Value::Element(given)) => element(&given, form, kind)?,
            (_, other) => return Err(unfit(other.kind(), kind)),
        };
        if text.contains('\0') { Err("a NUL character".to_owned()) } else { Ok(Self(Some(text))) }
    }
}

impl ToSql for Parameter {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Some(text) = &self.0 else { return Ok(IsNull::Yes) };
        out.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    tokio_postgres::types::to_sql_checked!();
}

fn element(given: &Element, form: Option<Form>, kind: &Type) -> Result<String, String> {
    let wrong = || Err(unfit(given.kind(), kind));
    let checked = |text: Option<String>| text.ok_or_else(|| not_in_form(kind));
    let Some(form) = form else {
        // Of a type without values here the server knows how to read the text.
        return if let Element::Text(text) = given { Ok(text.clone()) } else { wrong() };
    };
    match (form, given) {
        (Form::Boolean, Element::Boolean(value)) => Ok(value.to_string()),
        (Form::Boolean, Element::Text(text)) => {
            checked(matches!(text.as_str(), "true" | "false").then(|| text.clone()))
        }
        (Form::Int2 | Form::Int4 | Form::Int8 | Form::Oid, Element::Integer(number)) => integer(*number, form, kind),
        (Form::Int2 | Form::Int4 | Form::Int8 | Form::Oid, Element::Text(text)) => {
            integer(text.parse().map_err(|_| not_in_form(kind))?, form, kind)
        }
        (Form::Float4 | Form::Float8, Element::Float(number)) => float(*number, form, kind),
        (Form::Float4 | Form::Float8, Element::Integer(number)) => whole(*number, form, kind),
        (Form::Float4 | Form::Float8, Element::Text(text)) => {
            let number = text.parse().ok().filter(|_| text::is_decimal(text)).ok_or_else(|| not_in_form(kind))?;
            float(number, form, kind)
        }
        (Form::Numeric, Element::Decimal(text) | Element::Text(text)) => {
            let special = matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity");
            checked((special || text::is_decimal(text)).then(|| text.clone()))
        }
        (Form::Numeric, Element::Integer(number)) => Ok(number.to_string()),
        // The shortest digits that mean this number, and no exponent.
        (Form::Numeric, Element::Float(number)) => {
            Ok(special(*number).map_or_else(|| number.to_string(), str::to_owned))
        }
        (
            Form::Text,
            Element::Text(text)
            | Element::Decimal(text)
            | Element::Date(text)
            | Element::Time(text)
            | Element::Timestamp(text)
            | Element::Instant(text)
            | Element::Uuid(text)
            | Element::Json(text),
        ) => Ok(text.clone()),
        (Form::Byte | Form::Network | Form::Hardware | Form::Bits, Element::Text(text)) => Ok(text.clone()),
        (Form::Vector | Form::HalfVector, Element::Text(text)) => Ok(text.clone()),
        (Form::Binary, Element::Binary(bytes)) => Ok(hex(bytes)),
        (Form::Date, Element::Date(text) | Element::Text(text)) => checked(text::date(text)),
        (
            Form::Time | Form::Timestamp | Form::Instant,
            Element::Time(text) | Element::Timestamp(text) | Element::Instant(text),
        ) if !text::is_micros(text) => Err(format!("{} keeps microseconds, and this has more", type_name(kind))),
        (Form::Time, Element::Time(text) | Element::Text(text)) => {
            checked(text::time(text).filter(|t| text::is_micros(t)))
        }
        (Form::Timestamp, Element::Timestamp(text) | Element::Text(text)) => {
            checked(text::timestamp(text).filter(|t| text::is_micros(t)))
        }
        (Form::Instant, Element::Instant(text) | Element::Text(text)) => {
            checked(text::instant(text).filter(|t| text::is_micros(t)))
        }
        (Form::Uuid, Element::Uuid(text) | Element::Text(text)) => checked(text::uuid(text)),
        (Form::Json | Form::Jsonb, Element::Json(text) | Element::Text(text)) => {
            checked(text::is_json(text).then(|| text.clone()))
        }
        _ => wrong(),
    }
}

fn integer(number: i64, form: Form, kind: &Type) -> Result<String, String> {
    let fits = match form {
        Form::Int2 => i16::try_from(number).is_ok(),
        Form::Int4 => i32::try_from(number).is_ok(),
        Form::Oid => u32::try_from(number).is_ok(),
        _ => true,
    };
    if fits { Ok(number.to_string()) } else { Err(format!("the integer is out of the range of {}", type_name(kind))) }
}

fn float(number: f64, form: Form, kind: &Type) -> Result<String, String> {
    if let Some(special) = special(number) {
        return Ok(special.to_owned());
    }
    #[expect(clippy::cast_possible_truncation, reason = "what does not fit becomes infinite, and is refused")]
    let fits = form == Form::Float8 || (number as f32).is_finite();
    if fits { Ok(format!("{number:e}")) } else { Err(format!("the number is out of the range of {}", type_name(kind))) }
}

/// An integer for a float, if all of it fits.
fn whole(number: i64, form: Form, kind: &Type) -> Result<String, String> {
    let exact = if form == Form::Float4 { 1_u64 << 24 } else { 1_u64 << 53 };
    if number.unsigned_abs() <= exact {
        Ok(number.to_string())
    } else {
        Err(format!("{} would round the integer: send a float", type_name(kind)))
    }
}

/// The numbers that are none.
fn special(number: f64) -> Option<&'static str> {
    match number {
        n if n.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = "\\x".to_owned();
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(half.into(), 16).unwrap_or('0'));
        }
    }
    text
}

/// `{"..",NULL}`, every element in quotes.
fn array(elements: &[Option<Element>], kind: &Type) -> Result<String, String> {
    let member = member(kind).ok_or_else(|| unfit("an array", kind))?;
    let mut text = "{".to_owned();
    for (at, given) in elements.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        let Some(given) = given else {
            text.push_str("NULL");
            continue;
        };
        let written = element(given, Form::of(member), member).map_err(|why| format!("element {}: {why}", at + 1))?;
        text.push('"');
        for character in written.chars() {
            if matches!(character, '"' | '\\') {
                text.push('\\');
            }
            text.push(character);
        }
        text.push('"');
    }
    text.push('}');
    Ok(text)
}

fn vector(numbers: &[f32]) -> Result<String, String> {
    if numbers.iter().any(|n| !n.is_finite()) {
        return Err("a vector has finite numbers only".to_owned());
    }
    let numbers: Vec<String> = numbers.iter().map(|n| format!("{n:e}")).collect();
    Ok(format!("[{}]", numbers.join(",")))
}

fn unfit(given: &str, kind: &Type) -> String {
    let name = type_name(kind);
    format!("the statement has {name} here, and {given} was given; a cast in the statement ($1::type) says what it is")
}

fn not_in_form(kind: &Type) -> String {
    let form = match Form::of(kind) {
        Some(Form::Boolean) => "true or false",
        Some(Form::Int2 | Form::Int4 | Form::Int8 | Form::Oid) => "digits of a number in range",
        Some(Form::Float4 | Form::Float8 | Form::Numeric) => "digits with a point, as 12.30",
        Some(Form::Date) => "2026-11-21",
        Some(Form::Time) => "13:45:00.25, at most microseconds",
        Some(Form::Timestamp) => "2026-11-21T13:45:00 without an offset, at most microseconds",
        Some(Form::Instant) => "2026-11-21T13:45:00Z or with an offset, at most microseconds",
        Some(Form::Uuid) => "0e37df36-f698-11e6-8dd4-cb9ced3df976",
        Some(Form::Json | Form::Jsonb) => "one JSON document",
        _ => "its text",
    };
    format!("this is no {}, which has the form {form}", type_name(kind))
}
