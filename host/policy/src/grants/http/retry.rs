//! What becomes of requests to a host that fails.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Span;

const MOST_ATTEMPTS: u32 = 10;
const MOST_FAILURES: u32 = 1000;
/// Longer than this, and a host that is back is not used for a coffee break.
const LONGEST_OPEN: Span = Span::secs(600);
const LONGEST_WAIT: Span = Span::secs(60);

/// Failed requests are sent again, as far as that cannot do a thing twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "WrittenRetry")]
pub struct Retry {
    /// How many times a request is sent at most, the first included: 2 to 10.
    pub attempts: u32,
    /// The first wait; each following one is twice as long.
    pub backoff: Span,
    /// No wait is longer.
    pub longest: Span,
}

/// Failed requests are sent again, as far as that cannot do a thing twice. All of it happens within
/// the rule's timeout.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table, such as { attempts = 3 }")]
#[schemars(rename = "Retry")]
struct WrittenRetry {
    /// How many times a request is sent at most, the first included: 2 to 10. Default 3.
    attempts: Option<u32>,
    /// The first wait; each further one is twice as long. Default 200ms.
    backoff: Option<Span>,
    /// The longest wait; a server that asks for a longer one is not asked again. Default 5s, at most 1m.
    longest: Option<Span>,
}

impl TryFrom<WrittenRetry> for Retry {
    type Error = String;

    fn try_from(written: WrittenRetry) -> Result<Self, String> {
        let backoff = match written.backoff {
            Some(backoff) => backoff,
            None => "200ms".parse().map_err(|e: crate::UnitError| e.to_string())?,
        };
        let longest = written.longest.unwrap_or_else(|| backoff.max(Span::secs(5)));
        Self { attempts: written.attempts.unwrap_or(3), backoff, longest }.checked()
    }
}

impl Retry {
    fn checked(self) -> Result<Self, String> {
        let Self { attempts, backoff, longest } = self;
        if attempts == 1 {
            return Err("`attempts = 1` sends nothing again: leave `retry` out, or write a number from 2 to 10".into());
        }
        if !(2..=MOST_ATTEMPTS).contains(&attempts) {
            return Err(format!("`attempts = {attempts}` is out of range: 2 to {MOST_ATTEMPTS}, the first included"));
        }
        if longest > LONGEST_WAIT {
            return Err(format!("`longest = \"{longest}\"` is out of range: at most {LONGEST_WAIT}"));
        }
        if backoff > longest {
            return Err(format!("`backoff = \"{backoff}\"` is longer than `longest = \"{longest}\"`"));
        }
        Ok(self)
    }

    /// Whether it sends no more, and no faster, than `wider`.
    pub(super) fn within(&self, wider: Option<&Self>) -> bool {
        wider.is_some_and(|w| self.attempts <= w.attempts && self.backoff >= w.backoff && self.longest >= w.longest)
    }
}

/// A host that keeps failing is left alone for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "WrittenBreaker")]
pub struct Breaker {
    /// After how many failures in a row: 1 to 1000.
    pub failures: u32,
    /// For how long: no request goes out, and then one to see.
    pub open: Span,
}

/// A host that keeps failing is left alone for a while.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table, such as { failures = 5, open = \"30s\" }")]
#[schemars(rename = "Breaker")]
struct WrittenBreaker {
    /// After how many failures in a row: 1 to 1000. Default 5.
    failures: Option<u32>,
    /// For how long no request goes out; then one does, to see. Default 30s, at most 10m.
    open: Option<Span>,
}

impl TryFrom<WrittenBreaker> for Breaker {
    type Error = String;

    fn try_from(written: WrittenBreaker) -> Result<Self, String> {
        let failures = written.failures.unwrap_or(5);
        let open = written.open.unwrap_or(Span::secs(30));
        if !(1..=MOST_FAILURES).contains(&failures) {
            return Err(format!("`failures = {failures}` is out of range: 1 to {MOST_FAILURES}"));
        }
        if open > LONGEST_OPEN {
            return Err(format!("`open = \"{open}\"` is out of range: at most {LONGEST_OPEN}"));
        }
        Ok(Self { failures, open })
    }
}

impl Breaker {
    /// Whether it gives way no later, and for no less, than `wider`.
    pub(super) fn within(this: Option<&Self>, wider: Option<&Self>) -> bool {
        match (this, wider) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(own), Some(wider)) => own.failures <= wider.failures && own.open >= wider.open,
        }
    }
}
