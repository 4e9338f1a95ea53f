//! Hosts, and the patterns that name them.
//!
//! A host has one spelling. Whatever else a resolver or a library would take for it (capitals, a dot
//! at the end, `127.1`, letters outside ASCII) is refused, in a policy with the right spelling and in
//! a request without one, so that what was compared is what is connected to.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use super::http::read::{shown, text};

/// Longest name that DNS can carry, and longest label of one (RFC 1035, 2.3.4).
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

const STAR: &str = r#"write "example.com", or "*.example.com" for the names below it"#;

/// A DNS name in its one spelling: lower case, no dot at the end, punycode for what is not ASCII.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct Domain(Arc<str>);

impl Domain {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The label in front of `parent`, when this name is exactly one label below it.
    fn label_below(&self, parent: &Self) -> Option<&str> {
        let label = self.0.strip_suffix(&*parent.0)?.strip_suffix('.')?;
        (!label.is_empty() && !label.contains('.')).then_some(label)
    }
}

/// One host, by name or by address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub enum Host {
    Name(Domain),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl Host {
    /// The address, when it is one rather than a name.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::V4(address) => Some((*address).into()),
            Self::V6(address) => Some((*address).into()),
        }
    }

    /// The host of a request. Capitals are as good as small letters there; nothing else is forgiven.
    pub(crate) fn of_request(text: &str) -> Result<Self, String> {
        // Longer ones are refused by their length below; this bounds the copy.
        let end = text.floor_char_boundary(LONGEST_NAME + 2);
        Self::try_from(text[..end].to_ascii_lowercase())
    }

    /// How many labels, from the right, it has in common with another.
    pub(crate) fn labels_shared(&self, other: &Self) -> usize {
        match (self, other) {
            (Self::Name(a), Self::Name(b)) => a.0.rsplit('.').zip(b.0.rsplit('.')).take_while(|(a, b)| a == b).count(),
            _ => 0,
        }
    }
}

impl TryFrom<String> for Host {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let found = shown(&text);
        let wrong = |why: &str| Err(format!("{found} is no host: {why}"));
        if text.is_empty() {
            return wrong(r#"write "example.com", or an address"#);
        }
        if !text.is_ascii() {
            // The library knows how such a name is written; a person has to say that it is the one.
            return match url::Host::parse(&text) {
                Ok(url::Host::Domain(ascii)) if ascii.starts_with("xn--") || ascii.contains(".xn--") => Err(format!(
                    "{found} has letters outside ASCII, which can look like others: write {ascii:?} if that is the name"
                )),
                Ok(ascii) => Err(format!("{found} has letters outside ASCII: write \"{ascii}\"")),
                Err(_) => wrong("it has letters outside ASCII that no name has"),
            };
        }
        if text.bytes().any(|b| b == b' ' || b.is_ascii_control()) {
            return wrong("it has a space or a control character");
        }
        if text.contains('*') {
            return wrong(STAR);
        }
        if text.starts_with('[') || text.matches(':').count() > 1 {
            return v6(&text);
        }
        let lower = text.to_ascii_lowercase();
        if lower != text {
            return Err(format!("{found} has capitals: write {}", shown(&lower)));
        }
        if let Some(bare) = text.strip_suffix('.') {
            return Err(format!("{found} ends with a dot: write {}", shown(bare)));
        }
        if text.starts_with('.') {
            return wrong(STAR);
        }
        if text.len() > LONGEST_NAME {
            return wrong("a name has at most 253 characters");
        }
        for label in text.split('.') {
            if label.is_empty() {
                return wrong("it has two dots in a row");
            }
            if label.len() > LONGEST_LABEL {
                return wrong("what stands between two dots has at most 63 characters");
            }
            if let Some(other) = label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
                return wrong(&format!("{other:?} does not occur in host names, which have a-z, 0-9, - and dots"));
            }
            if label.starts_with('-') || label.ends_with('-') {
                return wrong("what stands between two dots neither begins nor ends with -");
            }
        }
        // What resolvers and libraries make of it, `0x7f.1` and punycode included.
        match url::Host::parse(&text) {
            Ok(url::Host::Ipv4(address)) if address.to_string() == text => Ok(Self::V4(address)),
            Ok(url::Host::Ipv4(address)) => {
                Err(format!("{found} is a roundabout way to write an address: write \"{address}\""))
            }
            Ok(url::Host::Domain(name)) if name == text => Ok(Self::Name(Domain(name.into()))),
            _ if text.contains("xn--") => wrong("what follows xn-- does not decode to a name"),
            _ => wrong("it ends with a number, as an address does, and is none: write four numbers from 0 to 255"),
        }
    }
}

/// An IPv6 address, which stands in brackets so that a port can follow it.
fn v6(text: &str) -> Result<Host, String> {
    let found = shown(text);
    let inner = text.trim_start_matches('[').trim_end_matches(']');
    if let Some((address, _)) = inner.split_once('%')
        && address.parse::<Ipv6Addr>().is_ok()
    {
        return Err(format!("{found} names a zone, which means something on one machine only: write \"[{address}]\""));
    }
    let address: Ipv6Addr =
        inner.parse().map_err(|_| format!("{found} is no IPv6 address: write one such as \"[2001:db8::1]\""))?;
    if let Some(v4) = address.to_ipv4_mapped() {
        return Err(format!("{found} is an IPv4 address in another dress: write \"{v4}\""));
    }
    let right = format!("[{address}]");
    if right == text {
        Ok(Host::V6(address))
    } else {
        Err(format!("{found} has another spelling here: write {right:?}"))
    }
}

/// The hosts that a rule is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub enum HostPattern {
    /// This host alone.
    Exact(Host),
    /// `*.example.com`: the names exactly one label below this one, and not the name itself.
    ///
    /// One label, as in a certificate and as `*` in a path is one segment: who grants the customers'
    /// names has not granted the names below those, which are often somebody else's.
    Below(Domain),
}

impl HostPattern {
    pub fn matches(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Exact(own), host) => own == host,
            (Self::Below(parent), Host::Name(name)) => name.label_below(parent).is_some(),
            (Self::Below(_), _) => false,
        }
    }

    /// Whether it matches whatever `other` does.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match other {
            Self::Exact(host) => self.matches(host),
            Self::Below(_) => self == other,
        }
    }

    /// Whether there is a host that both match.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        // Two stars over different names never meet: a name has one parent.
        self.covers(other) || other.covers(self)
    }

    /// The host, or the one that all of them are below.
    pub(crate) fn root(&self) -> Host {
        match self {
            Self::Exact(host) => host.clone(),
            Self::Below(parent) => Host::Name(parent.clone()),
        }
    }
}

impl TryFrom<String> for HostPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let Some(below) = text.strip_prefix("*.") else { return Host::try_from(text).map(Self::Exact) };
        let wrong = || format!("{} is no host: {STAR}", shown(&text));
        match Host::try_from(below.to_owned()) {
            // A public suffix of two labels, such as co.uk, is not told from a domain: the list of
            // them changes weekly and would have to be carried along.
            Ok(Host::Name(parent)) if parent.0.contains('.') => Ok(Self::Below(parent)),
            Ok(Host::Name(_)) => Err(format!(
                "{} is every name of a whole top-level domain: write two labels after the star, as in \"*.example.com\"",
                shown(&text)
            )),
            Ok(_) => Err(wrong()),
            Err(_) if below.contains('*') || below.is_empty() || below.starts_with('.') => Err(wrong()),
            Err(why) => Err(why),
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::V4(address) => address.fmt(f),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => host.fmt(f),
            Self::Below(parent) => write!(f, "*.{parent}"),
        }
    }
}

macro_rules! shown_as_written {
    ($($kind:ident),*) => {$(
        impl fmt::Debug for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl From<$kind> for String {
            fn from(host: $kind) -> Self {
                host.to_string()
            }
        }
    )*};
}
shown_as_written!(Domain, Host, HostPattern);

impl<'de> Deserialize<'de> for Host {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "a host, such as \"example.com\" or \"[2001:db8::1]\"")
    }
}

impl<'de> Deserialize<'de> for HostPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "a host, such as \"example.com\", or \"*.example.com\" for the names below it")
    }
}

impl JsonSchema for Host {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Host".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "maxLength": 253, "description": "A host, such as example.com or [2001:db8::1]" })
    }
}

impl JsonSchema for HostPattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HostPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": 255,
            "description": "A host, such as example.com, or *.example.com for the names one label below it",
        })
    }
}

#[cfg(test)]
mod tests;
