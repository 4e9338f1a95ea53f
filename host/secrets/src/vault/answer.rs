//! What Vault answers with. No text of it is repeated, whatever is wrong with it.

use std::{collections::HashMap, fmt, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use zeroize::Zeroizing;

use super::Trouble;
use crate::Secret;

#[cfg(test)]
mod tests;

#[derive(Deserialize)]
struct Read {
    data: Version,
}

#[derive(Deserialize)]
struct Version {
    /// Nothing, when the version was deleted.
    data: Option<HashMap<String, Field>>,
}

/// A field's value. Those that are no text cannot be a secret, and are not kept.
enum Field {
    Text(Zeroizing<String>),
    Other,
}

#[derive(Deserialize)]
struct LoggedIn {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    client_token: Zeroed,
    #[serde(default)]
    lease_duration: u64,
}

struct Zeroed(Zeroizing<String>);

/// The value of this field in an answer of the KV engine, version 2.
pub(super) fn field(body: &[u8], field: &str) -> Result<Secret, Trouble> {
    let odd = |why: &str| Trouble::Odd(why.to_owned());
    let read: Read = serde_json::from_slice(body)
        .map_err(|_| odd("it is none of the KV engine's version 2: is this path in an engine of version 1?"))?;
    let fields = read.data.data.ok_or(Trouble::Missing)?;
    match fields.get(field) {
        Some(Field::Text(text)) => Secret::new(text.as_bytes()).map_err(Trouble::Unfit),
        Some(Field::Other) => Err(odd(&format!("its field {field:?} is no text"))),
        None => Err(odd(&format!("it has no field {field:?}"))),
    }
}

/// The token in an answer to a login, and for how long it is good; `None` when it does not end.
pub(super) fn token(body: &[u8]) -> Result<(Zeroizing<String>, Option<Duration>), Trouble> {
    let answer: LoggedIn =
        serde_json::from_slice(body).map_err(|_| Trouble::Login("its answer has no token".to_owned()))?;
    let lease = (answer.auth.lease_duration > 0).then(|| Duration::from_secs(answer.auth.lease_duration));
    Ok((answer.auth.client_token.0, lease))
}

impl<'de> Deserialize<'de> for Zeroed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Zeroizing::new(text)))
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value of a field")
    }

    fn visit_str<E>(self, text: &str) -> Result<Field, E> {
        Ok(Field::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Field, E> {
        Ok(Field::Text(Zeroizing::new(text)))
    }

    fn visit_unit<E>(self) -> Result<Field, E> {
        Ok(Field::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Field, E> {
        Ok(Field::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Field, E> {
        Ok(Field::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Field, E> {
        Ok(Field::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Field, E> {
        Ok(Field::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Field, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }
}
