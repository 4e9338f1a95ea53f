//! What is known of one secret, and what is learnt of it.

use std::{sync::Arc, time::Instant};

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use crate::{Secret, SecretError, SecretName, Source};

#[cfg(test)]
mod tests;

/// One secret.
pub(crate) struct Slot {
    pub(crate) name: SecretName,
    pub(crate) source: Source,
    /// Held while the source is looked at: whoever comes meanwhile waits for that look instead of making another.
    pub(crate) looking: Mutex<()>,
    known: ArcSwap<Known>,
}

/// What is known of a secret at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Counts the values. Tells the previous one too.
    pub(crate) version: u64,
    pub(crate) current: Result<Secret, SecretError>,
    /// The value before this one. An answer to what was sent with it may still come.
    pub(crate) previous: Option<Secret>,
    /// When the source was looked at last.
    pub(crate) looked: Option<Instant>,
    /// Why the last look gave nothing. Told once.
    trouble: Option<SecretError>,
}

/// What a look at the source has changed.
#[derive(Debug, PartialEq, Eq)]
enum Learnt {
    Nothing,
    First,
    Rotated,
    /// The last trouble is over, and the value is what it was.
    Recovered,
    /// Something new keeps a new value from being had; the old one serves.
    Stale,
    /// There is no value any more.
    Withdrawn,
    /// Something new keeps the first value from being had.
    Absent,
}

// === impl Slot ===

impl Slot {
    /// A secret whose source was not looked at. `before` says so.
    pub(crate) fn new(name: SecretName, source: Source, before: SecretError) -> Self {
        let known = Known { version: 0, current: Err(before), previous: None, looked: None, trouble: None };
        Self { name, source, looking: Mutex::new(()), known: ArcSwap::from_pointee(known) }
    }

    pub(crate) fn known(&self) -> Arc<Known> {
        self.known.load_full()
    }

    /// Takes up what a look has found, and tells the log what changed. By one at a time, who holds `looking`. Returns
    /// what is known now, and whether that is another value than before.
    pub(crate) fn learn(&self, found: Result<Secret, SecretError>) -> (Arc<Known>, bool) {
        let before = self.known();
        let (known, learnt) = before.after(found);
        let (name, trouble) = (&self.name, known.trouble.as_ref().map(tracing::field::display));
        match learnt {
            Learnt::Nothing => {}
            Learnt::First => tracing::info!(secret = %name, "a secret can be had"),
            Learnt::Rotated => tracing::info!(secret = %name, "a secret has a new value"),
            Learnt::Recovered => tracing::info!(secret = %name, "a secret's source is well again"),
            Learnt::Stale => tracing::warn!(secret = %name, error = trouble, "a secret's last value goes on serving"),
            Learnt::Withdrawn => tracing::error!(secret = %name, error = trouble, "a secret was withdrawn"),
            Learnt::Absent => tracing::warn!(secret = %name, error = trouble, "a secret cannot be had"),
        }
        let known = Arc::new(known);
        self.known.store(known.clone());
        let changed = known.version != before.version;
        (known, changed)
    }
}

// === impl Known ===

impl Known {
    fn after(&self, found: Result<Secret, SecretError>) -> (Self, Learnt) {
        let mut next = self.clone();
        next.looked = Some(Instant::now());
        next.trouble = found.as_ref().err().cloned();
        let told = match (&self.trouble, &next.trouble) {
            // Each attempt may fail in another way.
            (Some(SecretError::VaultAway { .. }), Some(SecretError::VaultAway { .. })) => true,
            (before, now) => before == now,
        };
        let learnt = match (found, &self.current) {
            (Ok(new), Ok(old)) if new.expose() == old.expose() => {
                if told {
                    Learnt::Nothing
                } else {
                    Learnt::Recovered
                }
            }
            (Ok(new), old) => {
                next.version += 1;
                next.previous = old.as_ref().ok().or(self.previous.as_ref()).cloned();
                next.current = Ok(new);
                if next.previous.is_some() { Learnt::Rotated } else { Learnt::First }
            }
            (Err(error), Ok(old)) if error.withdraws() => {
                next.version += 1;
                next.previous = Some(old.clone());
                next.current = Err(error);
                Learnt::Withdrawn
            }
            (Err(_), Ok(_)) => {
                if told {
                    Learnt::Nothing
                } else {
                    Learnt::Stale
                }
            }
            (Err(error), Err(_)) => {
                next.current = Err(error);
                if told { Learnt::Nothing } else { Learnt::Absent }
            }
        };
        (next, learnt)
    }
}
