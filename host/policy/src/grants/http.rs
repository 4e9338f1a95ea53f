//! `http`: requests that a plugin may send.
//!
//! A rule says which URLs by which methods, and what the host does with those requests: the secret it
//! attaches, the networks it stays in, how long, how much and how often. A request is under the first
//! rule, in the order of the file, that matches its URL and method; no later one is asked. What
//! differs between servers, in paths above all, is refused before any rule is looked at.

mod attach;
mod denied;
mod methods;
pub(super) mod read;
mod retry;
mod rule;
pub(super) mod url;

use http::{Method, Uri};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error};

pub use attach::{Attach, AttachAs};
pub use denied::HttpDenied;
pub use methods::Methods;
pub use retry::{Breaker, Retry};
pub use rule::HttpRule;
pub use url::{Scheme, UrlPattern};

use self::{
    rule::Asked,
    url::{Part, RequestUrl},
};
use super::list::{MOST, checked};
use crate::SecretName;

const EXAMPLE: &str = r#"[{ url = "https://api.example.com/v1/", methods = ["GET"] }]"#;

/// Requests that may be sent, in the order in which the rules are tried. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct HttpGrant(Vec<HttpRule>);

impl HttpGrant {
    pub fn rules(&self) -> &[HttpRule] {
        &self.0
    }

    /// The rule that a request is under: the first that matches. Deciding does not send: where the
    /// host's name leads is for [`HttpRule::networks`] to say.
    ///
    /// # Errors
    /// Which part of the request no rule matches, and the rule that comes nearest.
    pub fn permit(&self, method: &Method, uri: &Uri) -> Result<&HttpRule, HttpDenied> {
        let url = RequestUrl::parse(uri)?;
        let asked = Asked { method, url: &url, query: uri.query() };
        let mut nearest: Option<((Part, usize), &HttpRule)> = None;
        for rule in &self.0 {
            let part = match rule.permit(&asked) {
                Ok(()) => return Ok(rule),
                // It matches, and so it decides.
                Err(Part::Query) => return Err(rule.denied(Part::Query, &asked)),
                Err(part) => part,
            };
            let near = (part, url.host.labels_shared(&rule.url.host().root()));
            if nearest.is_none_or(|(best, _)| near > best) {
                nearest = Some((near, rule));
            }
        }
        match nearest {
            Some(((part, _), rule)) => Err(rule.denied(part, &asked)),
            // There are rules, by construction. A grant without one would grant nothing.
            None => Err(HttpDenied::UnsafeHost("nothing is granted")),
        }
    }

    /// That every request this permits, `wider` permits too, in networks, sizes and times no larger.
    ///
    /// # Errors
    /// The first rule that is not covered by a single one of `wider`, and why it is not.
    pub fn within(&self, wider: &Self) -> Result<(), String> {
        self.0.iter().try_for_each(|own| {
            let mut nearest: Option<(Part, String)> = None;
            for (at, around) in wider.0.iter().enumerate() {
                let (part, why) = match own.within(around) {
                    Ok(()) => match wider.0[..at].iter().find(|earlier| earlier.takes_from(own)) {
                        None => return Ok(()),
                        Some(earlier) => {
                            (Part::Query, format!("{} comes first and refuses its secret's parameter", earlier.url))
                        }
                    },
                    Err(why) => why,
                };
                if nearest.as_ref().is_none_or(|(best, _)| part > *best) {
                    nearest = Some((part, why));
                }
            }
            let why = nearest.map(|(_, why)| format!(" ({why})")).unwrap_or_default();
            Err(format!("{} to {}{why}", own.methods, own.url))
        })
    }

    /// The secrets that are attached to requests.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretName> {
        self.0.iter().filter_map(|rule| rule.secret.as_ref()).map(|secret| &secret.name)
    }

    /// Whether some request is for changing something.
    pub(crate) fn writes(&self) -> bool {
        self.0.iter().any(|rule| rule.methods.write())
    }

    /// What each rule lets a tool do, in words that follow "it can".
    pub fn describe(&self) -> Vec<String> {
        self.0.iter().map(HttpRule::describe).collect()
    }
}

impl TryFrom<Vec<HttpRule>> for HttpGrant {
    type Error = String;

    fn try_from(rules: Vec<HttpRule>) -> Result<Self, String> {
        let rules = checked(rules, "http", EXAMPLE)?;
        for (n, rule) in rules.iter().enumerate() {
            rule.check()?;
            if let Some(first) = rules[..n].iter().position(|earlier| earlier.hides(rule)) {
                return Err(format!(
                    "entry {} of `http`, {}, is never used: entry {}, {}, comes first and matches all of its requests; put the narrower one first, or leave one of them out",
                    n + 1,
                    rule.url,
                    first + 1,
                    rules[first].url
                ));
            }
        }
        Ok(Self(rules))
    }
}

impl<'de> Deserialize<'de> for HttpGrant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rules: Vec<HttpRule> = read::list(
            deserializer,
            "a list of rules, such as [{ url = \"https://api.example.com/v1/\", methods = [\"GET\"] }]",
            MOST,
        )?;
        Self::try_from(rules).map_err(D::Error::custom)
    }
}

impl JsonSchema for HttpGrant {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HttpGrant".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "minItems": 1, "maxItems": MOST, "items": generator.subschema_for::<HttpRule>() })
    }
}

#[cfg(test)]
mod tests;
