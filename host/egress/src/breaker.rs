//! Hosts that fail are left alone for a time.
//!
//! ```text
//! closed --N failures in a row--> open --its time is over--> half open --one request succeeds--> closed
//!                                   ^                            |
//!                                   +------- it fails -----------+
//! ```
//!
//! Half open, exactly one request is let through. A request that was let through while the breaker was closed, and ends when
//! it is not, says nothing about now and changes nothing.

#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use moka::sync::Cache;
use tokio::time::Instant;

use crate::{
    limits,
    origin::Origin,
    terms::{Breaker, PoolKey},
};

/// All breakers. A guest that may use any name below a domain can make this forget others, which closes them; it cannot
/// make it grow.
#[derive(Clone, Debug)]
pub(crate) struct Breakers(Cache<(PoolKey, Origin), Arc<Mutex<State>>>);

/// Leave to send one request, to be told what became of it. Dropping it without a word tells nothing.
#[derive(Debug)]
pub(crate) struct Ticket {
    /// Nothing when the terms have no breaker.
    guarded: Option<Guarded>,
}

#[derive(Debug)]
struct Guarded {
    breakers: Breakers,
    key: (PoolKey, Origin),
    terms: Breaker,
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Ordinary,
    Probe,
}

#[derive(Debug)]
enum State {
    Closed { failures: u32 },
    Open { failures: u32, until: Instant },
    HalfOpen { failures: u32, since: Instant },
}

/// No leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) failures: u32,
    pub(crate) retry_after: Duration,
}

/// What became of a request, as far as its host is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Works,
    Fails,
}

// === impl Breakers ===

impl Breakers {
    pub(crate) fn new() -> Self {
        Self(Cache::new(limits::BREAKERS))
    }

    /// Leave to send a request now.
    pub(crate) fn ask(&self, pool: &PoolKey, origin: &Origin, terms: Option<Breaker>) -> Result<Ticket, Refused> {
        let Some(terms) = terms else { return Ok(Ticket { guarded: None }) };
        let key = (pool.clone(), origin.clone());
        let part = match self.0.get(&key) {
            Some(state) => lock(&state).ask(terms)?,
            None => Part::Ordinary,
        };
        Ok(Ticket { guarded: Some(Guarded { breakers: self.clone(), key, terms, part }) })
    }

    /// Whether a request at that time would be refused as things stand.
    pub(crate) fn would_refuse(&self, pool: &PoolKey, origin: &Origin, terms: Option<Breaker>, at: Instant) -> bool {
        let Some(state) = terms.and_then(|_| self.0.get(&(pool.clone(), origin.clone()))) else { return false };
        match &*lock(&state) {
            State::Closed { .. } => false,
            State::Open { until, .. } => at < *until,
            State::HalfOpen { .. } => true,
        }
    }
}

// === impl Ticket ===

impl Ticket {
    pub(crate) fn tell(mut self, verdict: Verdict) {
        let Some(Guarded { breakers, key, terms, part }) = self.guarded.take() else { return };
        match verdict {
            Verdict::Works => {
                if let Some(state) = breakers.0.get(&key) {
                    lock(&state).works(part);
                }
            }
            Verdict::Fails => {
                let state = breakers.0.get_with(key, || Arc::new(Mutex::new(State::Closed { failures: 0 })));
                lock(&state).fails(terms, part);
            }
        }
    }
}

impl Drop for Ticket {
    /// A probe that says nothing leaves the place to the next.
    fn drop(&mut self) {
        let Some(Guarded { breakers, key, part: Part::Probe, .. }) = self.guarded.take() else { return };
        if let Some(state) = breakers.0.get(&key) {
            let mut state = lock(&state);
            if let State::HalfOpen { failures, .. } = *state {
                *state = State::Open { failures, until: Instant::now() };
            }
        }
    }
}

// === impl State ===

impl State {
    fn ask(&mut self, terms: Breaker) -> Result<Part, Refused> {
        let now = Instant::now();
        match *self {
            Self::Closed { .. } => Ok(Part::Ordinary),
            Self::Open { failures, until } if now < until => Err(Refused { failures, retry_after: until - now }),
            Self::Open { failures, .. } => {
                *self = Self::HalfOpen { failures, since: now };
                Ok(Part::Probe)
            }
            // How long the probe will take is not known; as long as the breaker stays open is a fair guess.
            Self::HalfOpen { failures, since } => {
                Err(Refused { failures, retry_after: terms.open.saturating_sub(now.saturating_duration_since(since)) })
            }
        }
    }

    fn works(&mut self, part: Part) {
        match (&self, part) {
            (Self::Closed { .. }, _) | (Self::HalfOpen { .. }, Part::Probe) => *self = Self::Closed { failures: 0 },
            (Self::Open { .. } | Self::HalfOpen { .. }, _) => {}
        }
    }

    fn fails(&mut self, terms: Breaker, part: Part) {
        let failures = match (&*self, part) {
            (Self::Closed { failures }, _) | (Self::HalfOpen { failures, .. }, Part::Probe) => {
                failures.saturating_add(1)
            }
            (Self::Open { .. } | Self::HalfOpen { .. }, _) => return,
        };
        let probed = matches!(self, Self::HalfOpen { .. });
        *self = if probed || failures >= terms.failures.max(1) {
            // An end beyond what a clock can tell is as good as a very late one.
            let now = Instant::now();
            let until = now.checked_add(terms.open).unwrap_or(now + LONGEST);
            Self::Open { failures, until }
        } else {
            Self::Closed { failures }
        };
    }
}

/// A day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
