//! Where a component is: the text of an `oci://` address.

use std::{borrow::Cow, fmt, net::IpAddr, str::FromStr};

use cofferdam_trust::Digest;
use serde::{Deserialize, Serialize};
use thiserror::Error;

#[cfg(test)]
mod tests;

/// `oci://host[:port]/repository:tag`, or `oci://host[:port]/repository@sha256:digest`.
///
/// One place has one spelling: hosts are lower-case, and there is no registry or tag that is meant when none is
/// written. The grammar of repositories and tags is that of the OCI distribution specification 1.1.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference {
    registry: String,
    repository: String,
    which: Which,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Which {
    Tag(String),
    Pinned(Digest),
}

/// A text that is no reference, with what would make it one.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{text:?} is no reference: {why}")]
pub struct ReferenceError {
    text: String,
    why: &'static str,
}

const SCHEME: &str = "oci://";
/// Bytes of a repository's name: what registries have in common.
const LONGEST_REPOSITORY: usize = 255;
const LONGEST_TAG: usize = 128;
/// Bytes of a host name, by RFC 1035.
const LONGEST_HOST: usize = 253;

// === impl Reference ===

impl Reference {
    /// The host that is asked, with its port when one was written.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository within the registry, such as `acme/echo`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The manifest, when the reference was written with its digest.
    pub fn pinned(&self) -> Option<Digest> {
        match self.which {
            Which::Pinned(digest) => Some(digest),
            Which::Tag(_) => None,
        }
    }

    /// The tag, when the reference was written with one.
    pub fn tag(&self) -> Option<&str> {
        match &self.which {
            Which::Tag(tag) => Some(tag),
            Which::Pinned(_) => None,
        }
    }

    /// This manifest of the same repository.
    pub fn at(&self, manifest: Digest) -> Self {
        Self { which: Which::Pinned(manifest), ..self.clone() }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map_err(|why| ReferenceError { text: text.chars().take(120).collect(), why })
    }
}

impl TryFrom<String> for Reference {
    type Error = ReferenceError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.to_string()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.registry, self.repository)?;
        match &self.which {
            Which::Tag(tag) => write!(f, ":{tag}"),
            Which::Pinned(digest) => write!(f, "@sha256:{digest}"),
        }
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl schemars::JsonSchema for Reference {
    fn schema_name() -> Cow<'static, str> {
        "Reference".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^oci://[a-z0-9.:\\[\\]-]+/[a-z0-9/._-]+(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|@sha256:[0-9a-f]{64})$",
            "description": "A component in an OCI registry: oci://HOST[:PORT]/REPOSITORY:TAG or oci://HOST[:PORT]/REPOSITORY@sha256:DIGEST"
        })
    }
}

// === grammar ===

fn parse(text: &str) -> Result<Reference, &'static str> {
    let rest = text.strip_prefix(SCHEME).ok_or("it starts with oci://")?;
    let (registry, path) = rest.split_once('/').ok_or("after the registry comes a slash and the repository")?;
    if !is_registry(registry) {
        return Err("between oci:// and the first slash stands the registry: a host in lower case, with :PORT if it \
                    has one of its own");
    }
    let (repository, which) = if let Some((repository, digest)) = path.split_once('@') {
        if repository.contains(':') {
            return Err("a tag and a digest may name two things: keep one of them");
        }
        if !digest.starts_with("sha256:") {
            return Err("after @ stands sha256: and the manifest's digest");
        }
        let digest = digest.parse().map_err(|_| "a digest is sha256: and 64 hexadecimal digits in lower case")?;
        (repository, Which::Pinned(digest))
    } else if let Some((repository, tag)) = path.split_once(':') {
        if !is_tag(tag) {
            return Err(
                "a tag has at most 128 letters, digits, '_', '.' and '-', and begins with none of the last two",
            );
        }
        (repository, Which::Tag(tag.to_owned()))
    } else {
        return Err("it names no version: add :TAG, or @sha256:DIGEST for one that cannot move");
    };
    if repository.len() > LONGEST_REPOSITORY || !repository.split('/').all(is_component) {
        return Err("a repository is made of lower-case letters and digits, with '.', '_', '-' between them and '/' \
                    between its parts");
    }
    Ok(Reference { registry: registry.to_owned(), repository: repository.to_owned(), which })
}

/// Whether this is `host` or `host:port` in the one spelling that we take.
pub(crate) fn is_registry(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, "")) => (address, None),
            Some((address, port)) => match port.strip_prefix(':') {
                Some(port) => (address, Some(port)),
                None => return false,
            },
            None => return false,
        },
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    // Printed again it is the same text: no leading zeros, no plus sign, not 0.
    let port = port.is_none_or(|text| text.parse::<u16>().is_ok_and(|port| port > 0 && port.to_string() == text));
    let host = if text.starts_with('[') {
        host.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6() && address.to_string() == host)
    } else {
        is_host(host)
    };
    port && host
}

fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if host.len() > LONGEST_HOST || !host.split('.').all(label) {
        return false;
    }
    // 127.1 and 0177.0.0.1 are addresses to some resolvers: a last label of digits means an address, and is one.
    let digits = host.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
    !digits || host.parse::<IpAddr>().is_ok()
}

fn is_component(text: &str) -> bool {
    let mut rest = text;
    loop {
        let word = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).len();
        if word == 0 {
            return false;
        }
        rest = &rest[word..];
        if rest.is_empty() {
            return true;
        }
        let between = rest.len() - rest.trim_start_matches(['.', '_', '-']).len();
        let (separator, after) = rest.split_at(between);
        let dashes = !separator.is_empty() && separator.bytes().all(|b| b == b'-');
        if !(dashes || matches!(separator, "." | "_" | "__")) {
            return false;
        }
        rest = after;
    }
}

fn is_tag(text: &str) -> bool {
    text.len() <= LONGEST_TAG
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}
