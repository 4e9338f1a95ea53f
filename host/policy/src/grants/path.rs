//! Paths of URLs: the patterns of a rule, and what of a request's path can be compared with them.
//!
//! Servers disagree about what a path means: some drop `..`, some decode `%2f` before they split,
//! some cut off `;x`. So a path is compared only when there is nothing in it to disagree about; a
//! path of any other kind is refused, whatever the rules say. The rejected alternative, to normalise
//! first, compares something else than what the server gets.

use std::{borrow::Cow, fmt};

use percent_encoding::percent_decode_str;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use super::http::read::{shown, text};

/// Longest pattern, and most segments of one: several times what interfaces have.
const LONGEST_PATTERN: usize = 1024;
const MOST_SEGMENTS: usize = 64;
/// Longest path of a request: what common servers take as a whole request line.
const LONGEST_PATH: usize = 8 << 10;

/// Paths that a rule is about.
///
/// `/v1/*/issues`: a `*` stands for exactly one segment that is not empty. `/v1/`: whatever begins
/// with these segments and a slash; `/v1/**` is the same. `/v1`: this path alone, and not `/v1/`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct PathPattern {
    segments: Vec<Segment>,
    end: End,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Segment {
    Literal(String),
    Any,
}

impl Segment {
    fn matches(&self, part: &str) -> bool {
        match self {
            Self::Literal(own) => own == part,
            Self::Any => !part.is_empty(),
        }
    }

    fn covers(&self, other: &Self) -> bool {
        *self == Self::Any || self == other
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum End {
    Here,
    Below,
}

impl PathPattern {
    pub(crate) fn matches(&self, path: &RequestPath<'_>) -> bool {
        let fits = match self.end {
            End::Here => path.0.len() == self.segments.len(),
            End::Below => path.0.len() > self.segments.len(),
        };
        fits && self.segments.iter().zip(&path.0).all(|(own, part)| own.matches(part))
    }

    /// Whether it goes on below what it names.
    pub(crate) fn goes_below(&self) -> bool {
        self.end == End::Below
    }

    /// Whether it matches whatever `other` does.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let (own, others) = (self.segments.len(), other.segments.len());
        let fits = match (self.end, other.end) {
            (End::Here, End::Here) => own == others,
            (End::Here, End::Below) => false,
            (End::Below, End::Here) => own < others,
            (End::Below, End::Below) => own <= others,
        };
        fits && self.segments.iter().zip(&other.segments).all(|(own, other)| own.covers(other))
    }

    /// Whether there is a path that both match.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let (own, others) = (self.segments.len(), other.segments.len());
        let fits = match (self.end, other.end) {
            (End::Here, End::Here) => own == others,
            (End::Here, End::Below) => own > others,
            (End::Below, End::Here) => own < others,
            (End::Below, End::Below) => true,
        };
        let meets = |(a, b): (&Segment, &Segment)| a.covers(b) || b.covers(a);
        fits && self.segments.iter().zip(&other.segments).all(meets)
    }
}

impl TryFrom<String> for PathPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let found = shown(&text);
        let wrong = |why: &str| Err(format!("{found} is no path: {why}"));
        let Some(path) = text.strip_prefix('/') else {
            return wrong(&format!("it begins with a slash: write {}", shown(&format!("/{text}"))));
        };
        if path.len() > LONGEST_PATTERN || path.split('/').count() > MOST_SEGMENTS {
            return wrong("it has at most 1024 characters and 64 segments");
        }
        if path.contains('%') {
            return wrong("percent-encoding has many spellings: write the characters themselves, or * for the segment");
        }
        if path.contains('\\') {
            return wrong("write / instead of \\");
        }
        if path.contains(['?', '#']) {
            return wrong("leave out what follows ? or #: a rule says nothing about it");
        }
        if let Some(other) = path.chars().find(|c| *c != '/' && !may_stand(*c)) {
            let other: String = other.escape_default().collect();
            return wrong(&format!("'{other}' cannot stand in a path: write * for the segment"));
        }
        let below = path.strip_suffix("**").filter(|rest| rest.is_empty() || rest.ends_with('/')).unwrap_or(path);
        let (named, end) = match below.strip_suffix('/') {
            Some(named) => (named, End::Below),
            None if below.is_empty() => return Ok(Self { segments: Vec::new(), end: End::Below }),
            None => (below, End::Here),
        };
        let mut segments = Vec::new();
        for part in named.split('/') {
            let segment = match part {
                "" => return wrong("it has two slashes in a row"),
                "*" => Segment::Any,
                part if part.contains("**") => return wrong("** stands at the end only, after a slash"),
                part if part.contains('*') => {
                    return wrong("a * stands for a whole segment, as in \"/v1/*/issues\"");
                }
                part => match plain(part) {
                    Ok(_) => Segment::Literal(part.to_owned()),
                    Err(why) => return wrong(&format!("it {why}")),
                },
            };
            segments.push(segment);
        }
        Ok(Self { segments, end })
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => write!(f, "/{text}")?,
                Segment::Any => f.write_str("/*")?,
            }
        }
        match self.end {
            End::Here => Ok(()),
            End::Below => f.write_str("/"),
        }
    }
}

impl fmt::Debug for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<PathPattern> for String {
    fn from(path: PathPattern) -> Self {
        path.to_string()
    }
}

impl<'de> Deserialize<'de> for PathPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "a path, such as \"/v1/\" for all below it, or \"/v1/*/issues\"")
    }
}

impl JsonSchema for PathPattern {
    fn schema_name() -> Cow<'static, str> {
        "PathPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^/",
            "description": "A path; * is one segment, and a slash at the end means all below it",
        })
    }
}

/// The path of a request that means the same to everybody, by its segments. The last one is empty
/// when the path ends with a slash.
pub(crate) struct RequestPath<'a>(Vec<Cow<'a, str>>);

impl<'a> RequestPath<'a> {
    /// Takes a path apart, or says what makes it mean different things to different servers.
    pub(crate) fn parse(raw: &'a str) -> Result<Self, &'static str> {
        if raw.len() > LONGEST_PATH {
            return Err("is longer than 8KiB");
        }
        let mut parts = raw.strip_prefix('/').ok_or("does not begin with a slash")?.split('/').peekable();
        let mut segments = Vec::new();
        while let Some(part) = parts.next() {
            if part.is_empty() && parts.peek().is_some() {
                return Err("has two slashes in a row");
            }
            segments.push(plain(part)?);
        }
        Ok(Self(segments))
    }
}

/// RFC 3986, `pchar`, without the percent sign.
fn may_stand(c: char) -> bool {
    is_unreserved(c) || "!$&'()*+,;=:@".contains(c)
}

/// RFC 3986, 2.3: what means the same with and without percent-encoding.
fn is_unreserved(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~".contains(c)
}

/// A segment in which there is nothing to disagree about, or what there is in it.
fn plain(raw: &str) -> Result<Cow<'_, str>, &'static str> {
    if raw.contains('\\') {
        return Err("has a backslash, which some servers take for a slash");
    }
    if raw.chars().any(|c| c != '%' && !may_stand(c)) {
        return Err("has a character that has to be percent-encoded");
    }
    if escapes(raw) != raw.matches('%').count() {
        return Err("has a percent sign without two hexadecimal digits");
    }
    let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| "has percent-encoded bytes that are not UTF-8")?;
    if escapes(&decoded) > 0 {
        return Err("has something that is percent-encoded twice");
    }
    if decoded.contains(['/', '\\']) {
        return Err("has a percent-encoded slash or backslash, which some servers take for a slash");
    }
    if decoded.contains(char::is_control) {
        return Err("has a percent-encoded control character");
    }
    // What is left where parameters are cut off, and blanks around a name are.
    let name = decoded.split(';').next().unwrap_or_default().trim();
    if name.is_empty() && !decoded.is_empty() {
        return Err("has a segment that is empty without its parameters or blanks");
    }
    if !name.is_empty() && name.chars().all(|c| c == '.') {
        return Err("has a segment of dots, which some servers take for a way up");
    }
    Ok(unescaped(raw))
}

/// How many times a percent sign is followed by two hexadecimal digits.
fn escapes(text: &str) -> usize {
    text.as_bytes().windows(3).filter(|w| w[0] == b'%' && w[1].is_ascii_hexdigit() && w[2].is_ascii_hexdigit()).count()
}

/// The segment with its unreserved characters decoded; all else stays as it came, for `%2B` and `+`
/// are two things.
fn unescaped(raw: &str) -> Cow<'_, str> {
    if !raw.contains('%') {
        return raw.into();
    }
    let mut text = String::with_capacity(raw.len());
    for (n, piece) in raw.split('%').enumerate() {
        // Each piece but the first begins with the two digits that `plain` has seen.
        let byte = (n > 0).then(|| piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok())).flatten();
        match byte.map(char::from) {
            Some(c) if is_unreserved(c) => {
                text.push(c);
                text.push_str(&piece[2..]);
            }
            Some(_) => {
                text.push('%');
                text.push_str(piece);
            }
            None => text.push_str(piece),
        }
    }
    text.into()
}

#[cfg(test)]
mod tests;
