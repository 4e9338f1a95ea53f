use std::{collections::BTreeSet, fmt};

use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::read::{list, shown, text};

const FORM: &str = r#"write methods = ["GET"], or more of GET, HEAD, OPTIONS, POST, PUT, PATCH and DELETE"#;

/// The methods of HTTP that a tool can have use for, in the order in which they are shown.
///
/// CONNECT makes a tunnel through which anything goes, and TRACE answers with the headers of the
/// request, an attached secret among them.
const KNOWN: [Method; 7] =
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// How many of them only read (RFC 9110, 9.2.1): the first.
const SAFE: usize = 3;

/// Methods of HTTP. Never empty.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(into = "Vec<String>")]
pub struct Methods(BTreeSet<usize>);

impl Methods {
    pub fn contains(&self, method: &Method) -> bool {
        self.iter().any(|own| own == method)
    }

    pub fn iter(&self) -> impl Iterator<Item = &'static Method> {
        static ALL: [Method; 7] = KNOWN;
        self.0.iter().filter_map(|at| ALL.get(*at))
    }

    /// Whether one of them is for changing something.
    pub fn write(&self) -> bool {
        self.0.iter().any(|at| *at >= SAFE)
    }

    /// Whether it has all that `other` has.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.0.is_superset(&other.0)
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        !self.0.is_disjoint(&other.0)
    }
}

/// One method, by its place among the known ones.
struct Known(usize);

impl TryFrom<String> for Known {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let found = shown(&text);
        if let Some(at) = KNOWN.iter().position(|known| *known == text.as_str()) {
            return Ok(Self(at));
        }
        if let Some(known) = KNOWN.iter().find(|known| known.as_str().eq_ignore_ascii_case(&text)) {
            return Err(format!("{found} is in small letters: write \"{known}\""));
        }
        Err(match text.as_str() {
            "*" => format!("methods are named one by one: {FORM}"),
            "CONNECT" => "\"CONNECT\" makes a tunnel for anything: grant `sockets` where that is meant".into(),
            "TRACE" => "\"TRACE\" sends an attached secret back and is never granted".into(),
            _ => format!("{found} is no method: {FORM}"),
        })
    }
}

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "a method, such as \"GET\"")
    }
}

impl<'de> Deserialize<'de> for Methods {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named: Vec<Known> = list(deserializer, "a list of methods, such as [\"GET\", \"POST\"]", 2 * KNOWN.len())?;
        if named.is_empty() {
            return Err(D::Error::custom(format!("`methods = []` grants nothing: {FORM}")));
        }
        let mut methods = BTreeSet::new();
        for Known(at) in named {
            if !methods.insert(at) {
                let method = KNOWN.get(at).map(Method::as_str).unwrap_or_default();
                return Err(D::Error::custom(format!("\"{method}\" is there twice: name each method once")));
            }
        }
        Ok(Self(methods))
    }
}

impl From<Methods> for Vec<String> {
    fn from(methods: Methods) -> Self {
        methods.iter().map(ToString::to_string).collect()
    }
}

impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Method::as_str).collect();
        f.write_str(&super::super::list::spoken(&names))
    }
}

impl fmt::Debug for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl JsonSchema for Methods {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Methods".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let known: Vec<_> = KNOWN.iter().map(Method::as_str).collect();
        json_schema!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": { "enum": known } })
    }
}
