//! Secrets that the host attaches to requests, so that the guest that sends them never has one.

use std::fmt;

use http::HeaderName;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
};

use super::read::shown;
use crate::SecretName;

const FORM: &str = r#"write as = "bearer", "basic", { basic = "user" }, { header = "X-Api-Key" } or { query = "key" }"#;

/// Headers that decide where a request goes, how long it is or what is done with it: a secret has no
/// business there, and the transport writes most of them itself.
const TAKEN: [&str; 17] = [
    "connection",
    "date",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
];
const TAKEN_PREFIXES: [&str; 4] = ["content-", "proxy-", "sec-", "x-forwarded-"];

/// A secret, and how it goes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written")]
pub struct Attach {
    pub name: SecretName,
    #[serde(rename = "as")]
    pub how: AttachAs,
}

/// A secret, and how it goes out, as the policy has it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table, such as { name = \"api-token\", as = \"bearer\" }")]
#[schemars(rename = "Attach")]
struct Written {
    /// The secret's name.
    #[schemars(required)]
    name: Option<SecretName>,
    /// How it goes out: "bearer", "basic", { basic = "user" }, { header = "X-Api-Key" } or { query = "key" }.
    #[serde(rename = "as")]
    #[schemars(required)]
    how: Option<AttachAs>,
}

impl TryFrom<Written> for Attach {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let missing =
            |key: &str| format!("`{key}` is missing: write secret = {{ name = \"api-token\", as = \"bearer\" }}");
        let name = written.name.ok_or_else(|| missing("name"))?;
        let how = written.how.ok_or_else(|| format!("`as` is missing, which says how {name} goes out: {FORM}"))?;
        Ok(Self { name, how })
    }
}

impl Attach {
    /// Words that follow "with".
    pub(super) fn describe(&self) -> String {
        let name = &self.name;
        match &self.how {
            AttachAs::Bearer => format!("the secret {name} as bearer token"),
            AttachAs::Basic { user: None } => format!("the secret {name} as user and password"),
            AttachAs::Basic { user: Some(user) } => format!("the secret {name} as password of {user:?}"),
            AttachAs::Header(header) => format!("the secret {name} in the header {header}"),
            AttachAs::Query(key) => format!("the secret {name} in the query parameter {key:?}"),
        }
    }

    /// The query parameter that it goes out as.
    pub(super) fn parameter(&self) -> Option<&str> {
        match &self.how {
            AttachAs::Query(key) => Some(key),
            _ => None,
        }
    }
}

/// How a secret goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttachAs {
    /// `Authorization: Bearer <secret>` (RFC 6750).
    Bearer,
    /// `Authorization: Basic <base64 of user:password>` (RFC 7617). The secret is the password of
    /// `user`; without one it is `user:password` in whole.
    Basic { user: Option<String> },
    /// The value of this header, as it is.
    Header(HeaderName),
    /// The value of this query parameter, percent-encoded. Logs on the way keep it: a last resort.
    Query(String),
}

impl AttachAs {
    fn of_table(key: &str, value: &str) -> Result<Self, String> {
        match key {
            "basic" => user(value).map(|user| Self::Basic { user: Some(user) }),
            "header" => header(value).map(Self::Header),
            "query" => parameter(value).map(Self::Query),
            "bearer" => Err(format!("a bearer token has nothing to say about it: {FORM}")),
            other => Err(format!("{} is no way for a secret to go out: {FORM}", shown(other))),
        }
    }
}

fn user(text: &str) -> Result<String, String> {
    let plain = (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    if plain {
        Ok(text.into())
    } else {
        Err(format!("{} is no user name: 1 to 128 of ASCII, without : and spaces", shown(text)))
    }
}

fn header(text: &str) -> Result<HeaderName, String> {
    let found = shown(text);
    let name = HeaderName::from_bytes(text.as_bytes())
        .ok()
        .filter(|name| name.as_str().len() <= 64)
        .ok_or_else(|| format!("{found} is no header: write a name such as \"X-Api-Key\""))?;
    if TAKEN.contains(&name.as_str()) || TAKEN_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix)) {
        return Err(format!(
            "{found} is a header that directs the request, and no place for a secret: write one such as \"X-Api-Key\""
        ));
    }
    Ok(name)
}

fn parameter(text: &str) -> Result<String, String> {
    let plain =
        (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    if plain {
        Ok(text.into())
    } else {
        Err(format!("{} is no query parameter: 1 to 64 of A-Z, a-z, 0-9, -, ., _ and ~", shown(text)))
    }
}

impl Serialize for AttachAs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bearer => serializer.serialize_str("bearer"),
            Self::Basic { user: None } => serializer.serialize_str("basic"),
            Self::Basic { user: Some(user) } => serializer.collect_map([("basic", user)]),
            Self::Header(name) => serializer.collect_map([("header", name.as_str())]),
            Self::Query(key) => serializer.collect_map([("query", key)]),
        }
    }
}

impl<'de> Deserialize<'de> for AttachAs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Ways;

        impl<'de> Visitor<'de> for Ways {
            type Value = AttachAs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "how a secret goes out: {FORM}")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<AttachAs, E> {
                match text {
                    "bearer" => Ok(AttachAs::Bearer),
                    "basic" => Ok(AttachAs::Basic { user: None }),
                    "header" | "query" => Err(E::custom(format!("{text:?} needs a name: {FORM}"))),
                    other => Err(E::custom(format!("{} is no way for a secret to go out: {FORM}", shown(other)))),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AttachAs, A::Error> {
                let one = || A::Error::custom(format!("a secret goes out in one way: {FORM}"));
                let (key, value) = map.next_entry::<String, String>()?.ok_or_else(one)?;
                let how = AttachAs::of_table(&key, &value).map_err(A::Error::custom)?;
                if map.next_key::<String>()?.is_some() { Err(one()) } else { Ok(how) }
            }
        }

        deserializer.deserialize_any(Ways)
    }
}

impl JsonSchema for AttachAs {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AttachAs".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // The table comes first: what looks for keys takes the first that is there.
        json_schema!({ "anyOf": [
            {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": false,
                "properties": {
                    "basic": { "type": "string", "description": "The user whose password the secret is" },
                    "header": { "type": "string", "description": "The header that has the secret as its value" },
                    "query": { "type": "string", "description": "The query parameter that has the secret as its value; logs on the way keep it" },
                },
            },
            { "enum": ["bearer", "basic"], "description": "A bearer token, or user:password" },
        ] })
    }
}
