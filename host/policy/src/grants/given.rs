//! What every plugin has unless the policy takes it away: time and chance.

use std::{fmt, time::SystemTime};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
};

/// Which time a plugin sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The time of the machine, as fine as it has it.
    Real,
    /// The time of the machine to the millisecond: finer ones help a guest to time the host's
    /// caches, and no tool to do its work.
    #[default]
    Coarse,
    /// The moment the call began, all the time.
    Frozen,
    /// This moment, all the time and in every call.
    At(SystemTime),
}

const CLOCKS: &str = r#"write "real", "coarse", "frozen", or { at = "2026-01-01T00:00:00Z" }"#;

impl Clock {
    fn finer_than(self, wider: Self) -> bool {
        let rank = |clock| match clock {
            Self::Real => 2,
            Self::Coarse => 1,
            Self::Frozen | Self::At(_) => 0,
        };
        rank(self) > rank(wider)
    }

    pub(crate) fn within(self, wider: Self) -> Result<(), String> {
        // A plugin that is to see one moment only sees no other in any of its tools.
        let fixed = matches!(wider, Self::At(_)) && self != wider;
        if self.finer_than(wider) || fixed { Err("this clock".into()) } else { Ok(()) }
    }

    pub(crate) fn describe(self) -> String {
        match self {
            Self::Real => "see the time as finely as this machine has it".into(),
            Self::Coarse => "see the time, to the millisecond".into(),
            Self::Frozen => "see the time at which its call began, and no time passing".into(),
            Self::At(time) => format!("see one moment only, {}", humantime::format_rfc3339(time)),
        }
    }
}

impl Serialize for Clock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Real => serializer.serialize_str("real"),
            Self::Coarse => serializer.serialize_str("coarse"),
            Self::Frozen => serializer.serialize_str("frozen"),
            Self::At(time) => serializer.collect_map([("at", humantime::format_rfc3339(*time).to_string())]),
        }
    }
}

impl<'de> Deserialize<'de> for Clock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Clocks;

        impl<'de> Visitor<'de> for Clocks {
            type Value = Clock;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a clock: {CLOCKS}")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Clock, E> {
                match text {
                    "real" => Ok(Clock::Real),
                    "coarse" => Ok(Clock::Coarse),
                    "frozen" => Ok(Clock::Frozen),
                    other => Err(E::custom(format!("{:?} is no clock: {CLOCKS}", cut(other)))),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Clock, A::Error> {
                let at = one_key(map, "at", CLOCKS)?;
                humantime::parse_rfc3339(&at)
                    .map(Clock::At)
                    .map_err(|_| A::Error::custom(format!("{:?} is no moment: {CLOCKS}", cut(&at))))
            }
        }

        deserializer.deserialize_any(Clocks)
    }
}

impl JsonSchema for Clock {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Clock".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "object", "required": ["at"], "additionalProperties": false,
              "properties": { "at": { "type": "string", "format": "date-time", "description": "The one moment it sees" } } },
            { "enum": ["real", "coarse", "frozen"] },
        ] })
    }
}

/// Where a plugin's randomness comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Random {
    /// The operating system.
    #[default]
    Real,
    /// This text: the same bytes in every call. For tests and replays; keys made of it are none.
    Seeded(String),
}

const RANDOMS: &str = r#"write "real" or { seed = "any text" }"#;

impl Random {
    pub(crate) fn within(&self, wider: &Self) -> Result<(), String> {
        match (self, wider) {
            (_, Self::Real) => Ok(()),
            (own, wider) if own == wider => Ok(()),
            _ => Err("this randomness".into()),
        }
    }

    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Real => "get random bytes".into(),
            Self::Seeded(_) => "get bytes that look random and are the same in every call".into(),
        }
    }
}

impl Serialize for Random {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Real => serializer.serialize_str("real"),
            Self::Seeded(seed) => serializer.collect_map([("seed", seed)]),
        }
    }
}

impl<'de> Deserialize<'de> for Random {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Randoms;

        impl<'de> Visitor<'de> for Randoms {
            type Value = Random;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a source of randomness: {RANDOMS}")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Random, E> {
                match text {
                    "real" => Ok(Random::Real),
                    other => Err(E::custom(format!("{:?} is no source of randomness: {RANDOMS}", cut(other)))),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Random, A::Error> {
                let seed = one_key(map, "seed", RANDOMS)?;
                if (1..=256).contains(&seed.len()) {
                    Ok(Random::Seeded(seed))
                } else {
                    Err(A::Error::custom(format!("a seed has 1 to 256 bytes: {RANDOMS}")))
                }
            }
        }

        deserializer.deserialize_any(Randoms)
    }
}

impl JsonSchema for Random {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Random".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "object", "required": ["seed"], "additionalProperties": false,
              "properties": { "seed": { "type": "string", "description": "What the bytes are made of" } } },
            { "enum": ["real"] },
        ] })
    }
}

/// The text under the one key that a table may have.
fn one_key<'de, A: MapAccess<'de>>(mut map: A, key: &str, form: &str) -> Result<String, A::Error> {
    match map.next_entry::<String, String>()? {
        Some((found, value)) if found == key => match map.next_key::<String>()? {
            None => Ok(value),
            Some(more) => Err(A::Error::custom(format!("unknown key {:?}: {form}", cut(&more)))),
        },
        Some((found, _)) => Err(A::Error::custom(format!("unknown key {:?}: {form}", cut(&found)))),
        None => Err(A::Error::custom(format!("`{key}` is missing: {form}"))),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}
