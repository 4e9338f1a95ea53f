//! Quantities with their units, parsed once. None of them can be zero or without bound.

use std::{fmt, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A text that is no quantity of the kind asked for.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{found:?} is no {kind}: {expected}")]
pub struct UnitError {
    found: String,
    kind: &'static str,
    expected: &'static str,
}

impl UnitError {
    fn new(found: &str, kind: &'static str, expected: &'static str) -> Self {
        // The text comes from a file; an error is no place for all of it.
        Self { found: found.chars().take(40).collect(), kind, expected }
    }
}

/// Units of guest work; close to one WebAssembly instruction each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fuel(u64);

impl Fuel {
    const EXPECTED: &'static str = "write a number above zero with k, M or G, such as \"200M\"";

    /// Fuel out of a constant of this program. Zero is raised to one.
    pub const fn new(units: u64) -> Self {
        Self(if units == 0 { 1 } else { units })
    }

    pub const fn units(self) -> u64 {
        self.0
    }
}

impl FromStr for Fuel {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = || UnitError::new(text, "amount of fuel", Self::EXPECTED);
        let (digits, scale) = match text.char_indices().last().ok_or_else(wrong)? {
            (at, 'k') => (&text[..at], 1_000),
            (at, 'M') => (&text[..at], 1_000_000),
            (at, 'G') => (&text[..at], 1_000_000_000),
            _ => (text, 1_u64),
        };
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        match digits.parse::<u64>().ok().and_then(|n| n.checked_mul(scale)) {
            Some(units) if units > 0 => Ok(Self(units)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Fuel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n % 1_000_000_000 == 0 => write!(f, "{}G", n / 1_000_000_000),
            n if n % 1_000_000 == 0 => write!(f, "{}M", n / 1_000_000),
            n if n % 1_000 == 0 => write!(f, "{}k", n / 1_000),
            n => write!(f, "{n}"),
        }
    }
}

/// A size in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bytes(u64);

impl Bytes {
    const EXPECTED: &'static str = "write a size above zero with its unit, such as \"64MiB\" or \"512KiB\"";

    /// A size out of a constant of this program. Zero is raised to one.
    pub const fn new(bytes: u64) -> Self {
        Self(if bytes == 0 { 1 } else { bytes })
    }

    pub const fn mib(mebibytes: u64) -> Self {
        Self::new(mebibytes << 20)
    }

    pub const fn kib(kibibytes: u64) -> Self {
        Self::new(kibibytes << 10)
    }

    pub const fn get(self) -> u64 {
        self.0
    }

    /// The same as `usize`; saturates where `usize` is smaller.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for Bytes {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        // A bare number would leave a reader to guess its unit.
        let has_unit = text.ends_with(['B', 'b']);
        match text.parse::<bytesize::ByteSize>() {
            // The parser saturates; past a tebibyte somebody's finger slipped.
            Ok(size) if (1..=1 << 40).contains(&size.as_u64()) && has_unit => Ok(Self(size.as_u64())),
            _ => Err(UnitError::new(text, "size", Self::EXPECTED)),
        }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n % (1 << 30) == 0 => write!(f, "{}GiB", n >> 30),
            n if n % (1 << 20) == 0 => write!(f, "{}MiB", n >> 20),
            n if n % (1 << 10) == 0 => write!(f, "{}KiB", n >> 10),
            n => write!(f, "{n}B"),
        }
    }
}

/// A length of time, from a millisecond to a day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(Duration);

impl Span {
    const EXPECTED: &'static str = "write a time from 1ms to 1day with its unit, such as \"30s\" or \"500ms\"";
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

    pub const fn secs(seconds: u64) -> Self {
        Self(Duration::from_secs(if seconds == 0 { 1 } else { seconds }))
    }

    pub const fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for Span {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        match humantime::parse_duration(text) {
            Ok(time) if time >= Duration::from_millis(1) && time <= Self::LONGEST => Ok(Self(time)),
            _ => Err(UnitError::new(text, "time", Self::EXPECTED)),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", humantime::format_duration(self.0))
    }
}

macro_rules! text_unit {
    ($unit:ident, $pattern:literal, $about:literal) => {
        impl TryFrom<String> for $unit {
            type Error = UnitError;
            fn try_from(text: String) -> Result<Self, UnitError> {
                text.parse()
            }
        }
        impl From<$unit> for String {
            fn from(unit: $unit) -> Self {
                unit.to_string()
            }
        }
        impl fmt::Debug for $unit {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl JsonSchema for $unit {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($unit).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $about })
            }
        }
    };
}

text_unit!(Fuel, "^[0-9]+[kMG]?$", "Units of guest work, such as 200M");
text_unit!(Bytes, "^[0-9.]+ ?([kKMGT]i?)?[Bb]$", "A size with its unit, such as 64MiB");
text_unit!(Span, "^[0-9]+ ?[a-z]+( [0-9]+ ?[a-z]+)*$", "A time with its unit, such as 30s");

#[cfg(test)]
mod tests;
