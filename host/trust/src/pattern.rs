use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::text::shown;

/// Longest pattern, in bytes.
const LONGEST: usize = 512;

/// A literal text, or one with a single `*` that stands for any characters but `/`.
///
/// `refs/tags/v*` matches `refs/tags/v1.4.0` and not `refs/tags/v1.4.0/evil`. There is no way to
/// write a `*` that means itself, and none to write one that crosses a `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    before: String,
    /// What follows the `*`; `None` for a literal.
    after: Option<String>,
}

/// A text that is no pattern.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{found:?} is no pattern: {why}")]
pub struct PatternError {
    found: String,
    why: &'static str,
}

impl Pattern {
    /// Whether this pattern describes the whole of `text`.
    pub fn matches(&self, text: &str) -> bool {
        let Some(after) = &self.after else { return text == self.before };
        text.strip_prefix(&self.before)
            .and_then(|rest| rest.strip_suffix(after.as_str()))
            .is_some_and(|star| !star.contains('/'))
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why| Err(PatternError { found: shown(text), why });
        if text.is_empty() || text.len() > LONGEST {
            return wrong("it has 1 to 512 characters");
        }
        if text.chars().any(char::is_control) {
            return wrong("it holds a control character");
        }
        match text.split_once('*') {
            None => Ok(Self { before: text.to_owned(), after: None }),
            Some((_, after)) if after.contains('*') => wrong("one `*` is all it may have; list two patterns instead"),
            Some((before, after)) => Ok(Self { before: before.to_owned(), after: Some(after.to_owned()) }),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.before)?;
        if let Some(after) = &self.after {
            write!(f, "*{after}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(text)
    }

    #[test]
    fn a_literal_matches_itself_alone() {
        assert!(matches("refs/heads/main", "refs/heads/main"));
        for other in ["", "refs/heads/mai", "refs/heads/main2", "refs/heads/main/x", "xrefs/heads/main"] {
            assert!(!matches("refs/heads/main", other), "{other}");
        }
    }

    #[test]
    fn a_star_stays_between_its_slashes() {
        for (pattern, text) in [("refs/tags/v*", "refs/tags/v1.4.0"), ("refs/tags/*-rc", "refs/tags/1-rc"), ("*", "x")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("refs/tags/v*", "refs/tags/v1.4.0/evil"),
            ("refs/tags/v*", "refs/tags/1.4.0"),
            ("refs/tags/v*", "xrefs/tags/v1"),
            ("refs/tags/*-rc", "refs/tags/1-rc2"),
            ("*", "a/b"),
            // The two halves may not overlap.
            ("ab*ba", "aba"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn refuses_what_it_could_not_mean() {
        for wrong in ["", "refs/**", "a*b*", "a\nb", &"x".repeat(513)] {
            assert!(wrong.parse::<Pattern>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn is_shown_as_it_was_written() {
        for text in ["refs/tags/v*", "refs/heads/main", "*", "a*b"] {
            assert_eq!(text.parse::<Pattern>().unwrap().to_string(), text);
        }
    }
}
