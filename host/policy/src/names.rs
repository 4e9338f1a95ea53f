//! Names that reach clients, policies and logs. All of them are plain ASCII, so that two names
//! that look alike are alike.

use std::{fmt, str::FromStr, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest name that every known client passes on; some drop longer ones without a word.
const LONGEST_ID: usize = 64;
const LONGEST_PLUGIN: usize = 32;

/// A text that is no name of the kind asked for.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NameError {
    #[error("{0:?} is no plugin name: 1 to 32 of a-z, 0-9 and -, beginning with a letter")]
    Plugin(String),
    #[error("{0:?} is no tool or prompt name: 1 to 64 of A-Z, a-z, 0-9, _ and -")]
    Tool(String),
    #[error("{0:?} is no database's name: 1 to 64 of a-z, 0-9, - and _, beginning with a letter")]
    Database(String),
    #[error("{0:?} is no bucket's name: 1 to 64 of A-Z, a-z, 0-9, -, _ and .")]
    Bucket(String),
    #[error("{0:?} is longer than 64 characters: give the plugin a shorter name or prefix")]
    TooLong(String),
}

/// The name of a plugin: the stem of its file.
///
/// It holds no underscore, so that `<plugin>_<tool>` can be read one way only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PluginName(Arc<str>);

impl PluginName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PluginName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fits = text.len() <= LONGEST_PLUGIN
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits { Ok(Self(text.into())) } else { Err(NameError::Plugin(shown(text))) }
    }
}

/// The name a plugin gives one of its tools or prompts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ToolName(Arc<str>);

impl ToolName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ToolName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fits = (1..=LONGEST_ID).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if fits { Ok(Self(text.into())) } else { Err(NameError::Tool(shown(text))) }
    }
}

/// The canonical name of a tool: the same in listings, calls, policies, logs and receipts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct ToolId(Arc<str>);

impl ToolId {
    /// `<prefix>_<tool>`, or the bare name when the prefix is empty.
    pub fn new(prefix: &str, tool: &ToolName) -> Result<Self, NameError> {
        let id = if prefix.is_empty() { tool.0.to_string() } else { format!("{prefix}_{}", tool.0) };
        if id.len() > LONGEST_ID { Err(NameError::TooLong(shown(&id))) } else { Ok(Self(id.into())) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the configuration calls a database.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatabaseName(Arc<str>);

impl FromStr for DatabaseName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fits = plain(text, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
            && text.starts_with(|c: char| c.is_ascii_lowercase());
        if fits { Ok(Self(text.into())) } else { Err(NameError::Database(shown(text))) }
    }
}

/// What a plugin calls a place of its own for keys and values.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BucketName(Arc<str>);

impl FromStr for BucketName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fits = plain(text, |b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if fits { Ok(Self(text.into())) } else { Err(NameError::Bucket(shown(text))) }
    }
}

fn plain(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(allowed)
}

/// What an error may repeat of a hostile text. Escaped by `{:?}` where it is printed.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

macro_rules! text_name {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.to_string()
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}
text_name!(PluginName, ToolName, ToolId, DatabaseName, BucketName);

macro_rules! parsed_name {
    ($name:ident, $pattern:literal) => {
        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }
        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}
parsed_name!(PluginName, "^[a-z][a-z0-9-]{0,31}$");
parsed_name!(ToolName, "^[A-Za-z0-9_-]{1,64}$");
parsed_name!(DatabaseName, "^[a-z][a-z0-9_-]{0,63}$");
parsed_name!(BucketName, "^[A-Za-z0-9_.-]{1,64}$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugin_names_are_plain() {
        for good in ["a", "system", "vector-search", "s3"] {
            assert!(good.parse::<PluginName>().is_ok(), "{good}");
        }
        for bad in ["", "System", "3d", "a_b", "a.b", "../a", "a/b", "a b", "ѕystem", "-a", &"a".repeat(33)] {
            assert!(bad.parse::<PluginName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn tool_names_are_what_clients_accept() {
        for good in ["echo", "get_time", "A-1", &"x".repeat(64)] {
            assert!(good.parse::<ToolName>().is_ok(), "{good}");
        }
        for bad in ["", "a.b", "a b", "a\u{200b}b", "a\u{202e}b", "é", &"x".repeat(65)] {
            assert!(bad.parse::<ToolName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn ids_are_prefixed_and_bounded() {
        let tool: ToolName = "echo".parse().unwrap();
        assert_eq!(ToolId::new("system", &tool).unwrap().as_str(), "system_echo");
        assert_eq!(ToolId::new("", &tool).unwrap().as_str(), "echo");
        let long: ToolName = "x".repeat(60).parse().unwrap();
        assert!(matches!(ToolId::new("system", &long), Err(NameError::TooLong(_))));
    }
}
