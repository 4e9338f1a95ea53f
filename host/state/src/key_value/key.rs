//! Keys, and where a page of them begins.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::limits;
use crate::text::shown;

/// A text that is no key.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is no key: 1 to 512 bytes of UTF-8 without control characters")]
pub struct NotAKey(String);

/// The name of a value: 1 to [`limits::KEY`] bytes of UTF-8 without control characters.
///
/// Keys are compared by their bytes; texts that merely look alike are different keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Bytes that the key takes of a quota.
    pub(crate) fn size(&self) -> u64 {
        self.0.len() as u64
    }
}

impl TryFrom<String> for Key {
    type Error = NotAKey;

    fn try_from(text: String) -> Result<Self, NotAKey> {
        let fits = (1..=limits::KEY).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text)) } else { Err(NotAKey(shown(&text))) }
    }
}

impl FromStr for Key {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        text.to_owned().try_into()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0
    }
}

/// Where a page begins. Callers pass it back as it is.
///
/// It is the last key of the page before, so it names a place and not a state: it holds nothing in the store, never
/// expires, and one that a guest made up begins a page somewhere in that guest's own space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(Key);

impl Cursor {
    pub(crate) fn after(key: Key) -> Self {
        Self(key)
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<String> for Cursor {
    type Error = NotAKey;

    fn try_from(text: String) -> Result<Self, NotAKey> {
        text.try_into().map(Self)
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_bounded_text_without_controls() {
        for good in ["a", "a/b:c{d}", "ключ", "🗝", " ", &"x".repeat(512), &"é".repeat(256)] {
            assert_eq!(good.parse::<Key>().unwrap().as_str(), good);
        }
        for bad in ["", "a\0b", "a\nb", "\u{7f}", "\u{85}", &"x".repeat(513), &"é".repeat(257)] {
            assert!(bad.parse::<Key>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_key_is_shown_cut() {
        let error = "y".repeat(1 << 20).parse::<Key>().unwrap_err();
        assert!(error.to_string().len() < 400);
    }
}
