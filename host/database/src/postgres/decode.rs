//! Values out of a row, from the binary form in which the server sends them.

use std::{
    error::Error,
    net::{Ipv4Addr, Ipv6Addr},
};

use jiff::{Timestamp, civil};
use pgvector::{HalfVector, Vector};
use tokio_postgres::types::{FromSql, Type};

use super::{
    form::{Form, base},
    numeric,
};
use crate::{Element, Value, text};

/// What keeps a value from being told.
type Unfit = &'static str;

/// A field that is not null.
#[derive(Debug)]
pub(crate) struct Field(pub(crate) Result<Value, Unfit>);

/// An element of an array.
struct Part(Result<Element, Unfit>);

impl<'a> FromSql<'a> for Field {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(value(kind, raw)))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl<'a> FromSql<'a> for Part {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Form::of(kind).ok_or(ODD).and_then(|form| element(form, raw))))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn value(kind: &Type, raw: &[u8]) -> Result<Value, Unfit> {
    match Form::of(kind).ok_or(ODD)? {
        Form::Void => Ok(Value::Null),
        Form::Vector => {
            let vector: Vector = read(kind, raw, ODD)?;
            Ok(Value::Vector(vector.into()))
        }
        Form::HalfVector => {
            let vector: HalfVector = read(kind, raw, ODD)?;
            Ok(Value::Vector(vector.as_slice().iter().map(|half| half.to_f32()).collect()))
        }
        Form::Array => {
            let dimensions = raw.first_chunk().copied().map(i32::from_be_bytes).ok_or(ODD)?;
            if dimensions > 1 {
                return Err("an array of several dimensions");
            }
            let parts: Vec<Option<Part>> = read(base(kind), raw, ODD)?;
            let elements: Result<_, _> = parts.into_iter().map(|part| part.map(|p| p.0).transpose()).collect();
            Ok(Value::Array(elements?))
        }
        form => element(form, raw).map(Value::Element),
    }
}

fn element(form: Form, raw: &[u8]) -> Result<Element, Unfit> {
    Ok(match form {
        Form::Boolean => Element::Boolean(match raw {
            [0] => false,
            [1] => true,
            _ => return Err(ODD),
        }),
        Form::Int2 => Element::Integer(i16::from_be_bytes(bytes(raw)?).into()),
        Form::Int4 => Element::Integer(i32::from_be_bytes(bytes(raw)?).into()),
        Form::Int8 => Element::Integer(i64::from_be_bytes(bytes(raw)?)),
        Form::Oid => Element::Integer(u32::from_be_bytes(bytes(raw)?).into()),
        Form::Float4 => Element::Float(f32::from_be_bytes(bytes(raw)?).into()),
        Form::Float8 => Element::Float(f64::from_be_bytes(bytes(raw)?)),
        Form::Numeric => Element::Decimal(numeric::text(raw).ok_or(ODD)?),
        Form::Text => Element::Text(string(raw)?),
        Form::Byte => match raw {
            [byte] if byte.is_ascii() => Element::Text(char::from(*byte).to_string()),
            _ => return Err("a byte that is not ASCII"),
        },
        Form::Binary => Element::Binary(raw.to_vec()),
        Form::Date => {
            let date: civil::Date = read(&Type::DATE, raw, NO_DATE)?;
            Element::Date(text::is_told(date.year()).then(|| date.to_string()).ok_or(NO_DATE)?)
        }
        Form::Time => Element::Time(read::<civil::Time>(&Type::TIME, raw, "24:00:00")?.to_string()),
        Form::Timestamp => {
            let time: civil::DateTime = read(&Type::TIMESTAMP, raw, NO_DATE)?;
            Element::Timestamp(text::is_told(time.year()).then(|| time.to_string()).ok_or(NO_DATE)?)
        }
        Form::Instant => {
            let at: Timestamp = read(&Type::TIMESTAMPTZ, raw, NO_DATE)?;
            Element::Instant(text::instant_text(at).ok_or(NO_DATE)?)
        }
        Form::Uuid => Element::Uuid(uuid::Uuid::from_bytes(bytes(raw)?).to_string()),
        Form::Json => Element::Json(string(raw)?),
        Form::Jsonb => match raw.split_first() {
            Some((1, json)) => Element::Json(string(json)?),
            _ => return Err(ODD),
        },
        Form::Network => Element::Text(network(raw).ok_or(ODD)?),
        Form::Hardware => Element::Text(raw.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")),
        Form::Bits => Element::Text(bits(raw).ok_or(ODD)?),
        Form::Vector | Form::HalfVector | Form::Void | Form::Array => return Err(ODD),
    })
}

/// Reads with the client library, whose error would say less.
fn read<'a, T: FromSql<'a>>(kind: &Type, raw: &'a [u8], otherwise: Unfit) -> Result<T, Unfit> {
    T::from_sql(kind, raw).map_err(|_| otherwise)
}

fn bytes<const N: usize>(raw: &[u8]) -> Result<[u8; N], Unfit> {
    raw.try_into().map_err(|_| ODD)
}

fn string(raw: &[u8]) -> Result<String, Unfit> {
    std::str::from_utf8(raw).map(str::to_owned).map_err(|_| "text that is not UTF-8")
}

/// Family, bits of the net, whether it is a net, bytes of the address, and these. A host has all bits of its address
/// and does not tell them.
fn network(raw: &[u8]) -> Option<String> {
    let [_, bits, is_net, _, address @ ..] = raw else { return None };
    let (address, all) = match address.len() {
        4 => (Ipv4Addr::from(<[u8; 4]>::try_from(address).ok()?).to_string(), 32),
        16 => (Ipv6Addr::from(<[u8; 16]>::try_from(address).ok()?).to_string(), 128),
        _ => return None,
    };
    Some(if *is_net == 0 && *bits == all { address } else { format!("{address}/{bits}") })
}

/// How many bits, and these, from the highest of the first byte.
fn bits(raw: &[u8]) -> Option<String> {
    let (count, bytes) = raw.split_first_chunk()?;
    let count = usize::try_from(i32::from_be_bytes(*count)).ok()?;
    if count > bytes.len() * 8 {
        return None;
    }
    Some((0..count).map(|at| if bytes[at / 8] & (0x80 >> (at % 8)) == 0 { '0' } else { '1' }).collect())
}

/// What no server sends.
const ODD: Unfit = "bytes that this type does not have";

/// Beyond the years 1 to 9999, or infinity.
const NO_DATE: Unfit = "infinity, or a year that is not 0001 to 9999";
