//! URLs with patterns in them: `https://*.example.com:8443/v1/*/issues`.

use std::fmt;

use http::Uri;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    super::{
        host::{Host, HostPattern},
        path::{PathPattern, RequestPath},
    },
    HttpDenied,
    read::{shown, text},
};

/// Longest pattern: a host and a path of the greatest lengths, and what stands around them.
const LONGEST: usize = 1400;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// The URLs that a rule is about.
///
/// Scheme and port are one each, the scheme's own port when none is written. Host and path may have
/// stars, of which each stands for exactly one label or segment. A query is never compared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct UrlPattern {
    scheme: Scheme,
    host: HostPattern,
    port: u16,
    path: PathPattern,
}

impl UrlPattern {
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub fn host(&self) -> &HostPattern {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn path(&self) -> &PathPattern {
        &self.path
    }

    /// What two patterns differ in, in the order in which a reader looks.
    pub(super) fn covers(&self, other: &Self) -> Result<(), Part> {
        first_that_fails([
            (Part::Host, self.host.covers(&other.host)),
            (Part::Scheme, self.scheme == other.scheme),
            (Part::Port, self.port == other.port),
            (Part::Path, self.path.covers(&other.path)),
        ])
    }

    /// Whether there is a URL that both match.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.scheme == other.scheme
            && self.port == other.port
            && self.host.meets(&other.host)
            && self.path.meets(&other.path)
    }

    /// What of a request's URL it does not match.
    pub(super) fn matches(&self, asked: &RequestUrl<'_>) -> Result<(), Part> {
        first_that_fails([
            (Part::Host, self.host.matches(&asked.host)),
            (Part::Scheme, self.scheme == asked.scheme),
            (Part::Port, self.port == asked.port),
            (Part::Path, self.path.matches(&asked.path)),
        ])
    }
}

/// What of a request a rule speaks of, in the order in which they are compared: what matched up to a
/// later part is nearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Host,
    Scheme,
    Port,
    Path,
    Method,
    Limits,
    Query,
}

fn first_that_fails<const N: usize>(parts: [(Part, bool); N]) -> Result<(), Part> {
    parts.into_iter().find(|(_, fits)| !fits).map_or(Ok(()), |(part, _)| Err(part))
}

impl TryFrom<String> for UrlPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let found = shown(&text);
        let wrong = |why: &str| Err(format!("{found} is no URL of a rule: {why}"));
        if text.len() > LONGEST {
            return wrong("it has at most 1400 characters");
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return wrong("it has a space or a control character");
        }
        if text.contains('\\') {
            return wrong("write / instead of \\");
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            // A pattern alone says nothing of what was meant.
            let plain = !text.is_empty() && !text.contains('*');
            let host = if plain { bare(&text) } else { "api.example.com/" };
            return wrong(&format!("write the scheme too, as in {}", shown(&format!("https://{host}"))));
        };
        let scheme = match scheme {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            other if other.eq_ignore_ascii_case("https") || other.eq_ignore_ascii_case("http") => {
                return wrong(&format!("write {} in small letters", shown(&other.to_ascii_lowercase())));
            }
            other => return wrong(&format!("{} is no scheme to send requests by: write https, or http", shown(other))),
        };
        if rest.contains('#') {
            return wrong("leave out what follows #: it is never sent");
        }
        if rest.contains('?') {
            return wrong("leave out what follows ?: a rule says nothing about the query, which is free");
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return wrong(
                "leave out what stands before @: a password comes from a secret, as in secret = { name = \"...\", as = { basic = \"user\" } }",
            );
        }
        let (host, port) = match authority.rsplit_once(':') {
            // The colons before a bracket, and those of an address that lacks them, are the host's.
            Some((host, port)) if !port.contains(']') && (host.ends_with(']') || !host.contains(':')) => {
                (host, Some(port))
            }
            _ => (authority, None),
        };
        let host = HostPattern::try_from(host.to_owned())?;
        let port = port.map_or(Ok(scheme.default_port()), port_of)?;
        if path.is_empty() {
            return wrong(&format!("write {} for everything there, or name a path", shown(&format!("{text}/"))));
        }
        Ok(Self { scheme, host, port, path: PathPattern::try_from(path.to_owned())? })
    }
}

/// What follows a scheme that somebody wrote in another way.
fn bare(text: &str) -> &str {
    text.trim_start_matches("https:").trim_start_matches("http:").trim_start_matches('/')
}

/// A port as it is written: a plain number from 1.
pub(in crate::grants) fn port_of(text: &str) -> Result<u16, String> {
    let plain = text.starts_with(|c: char| matches!(c, '1'..='9')) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| plain)
        .ok_or_else(|| format!("{} is no port: write a number from 1 to 65535", shown(text)))
}

impl fmt::Display for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port != self.scheme.default_port() {
            write!(f, ":{}", self.port)?;
        }
        self.path.fmt(f)
    }
}

impl fmt::Debug for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<UrlPattern> for String {
    fn from(url: UrlPattern) -> Self {
        url.to_string()
    }
}

impl<'de> Deserialize<'de> for UrlPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "a URL, such as \"https://api.example.com/v1/\"")
    }
}

impl JsonSchema for UrlPattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "UrlPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": LONGEST,
            "pattern": "^https?://[^/?#@]+/[^?#]*$",
            "description": "A URL; * is one label of the host or one segment of the path, and a slash at the end means all below it",
        })
    }
}

/// The URL of a request that means the same to everybody.
pub(super) struct RequestUrl<'a> {
    pub(super) host: Host,
    scheme: Scheme,
    port: u16,
    path: RequestPath<'a>,
    raw_path: &'a str,
}

impl fmt::Display for RequestUrl<'_> {
    /// Bounded, and without its query, which may hold what is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 200;
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port != self.scheme.default_port() {
            write!(f, ":{}", self.port)?;
        }
        // Only what may stand in a path is in it, all of it ASCII.
        match self.raw_path.get(..LONGEST) {
            Some(start) => write!(f, "{start}..."),
            None => f.write_str(self.raw_path),
        }
    }
}

impl<'a> RequestUrl<'a> {
    pub(super) fn parse(uri: &'a Uri) -> Result<Self, HttpDenied> {
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(HttpDenied::UnsafeHost("it has no scheme or no host"));
        };
        let scheme = match scheme {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            other => return Err(HttpDenied::UnknownScheme(shown(other))),
        };
        if authority.as_str().contains('@') {
            return Err(HttpDenied::UnsafeHost("it has a name or a password before its host"));
        }
        let host =
            Host::of_request(authority.host()).map_err(|_| HttpDenied::UnsafeHost("its host is in no usual form"))?;
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => scheme.default_port(),
            Some(rest) => rest
                .strip_prefix(':')
                .and_then(|port| port_of(port).ok())
                .ok_or(HttpDenied::UnsafeHost("its port is no number from 1 to 65535"))?,
            None => return Err(HttpDenied::UnsafeHost("its host is in no usual form")),
        };
        let path = RequestPath::parse(uri.path()).map_err(HttpDenied::UnsafePath)?;
        Ok(Self { host, scheme, port, path, raw_path: uri.path() })
    }
}
