//! Why an operation did not work, for an operator and for a guest.

use std::{borrow::Cow, fmt};

use thiserror::Error;

use super::limits;

/// Which part of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The number of keys of a space.
    Keys,
    /// The bytes of a space.
    Bytes,
    /// The bytes of one value.
    Value,
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keys => "keys in the space",
            Self::Bytes => "bytes in the space",
            Self::Value => "bytes in a value",
        })
    }
}

/// Why an operation did not work. The text is for an operator and may name files and servers; a guest gets
/// [`to_guest`](Self::to_guest). Neither holds a credential, a key or a value.
#[derive(Clone, Debug, Error)]
pub enum KeyValueError {
    /// The write would make the space larger than it may be.
    #[error("over quota: at most {most} {which}")]
    OverQuota { which: Which, most: u64 },
    /// More keys at once than one operation takes.
    #[error("{found} keys at once, and at most {} are taken", limits::BATCH)]
    TooMany { found: usize },
    /// More bytes of values at once than one operation moves.
    #[error("values of more than {most} bytes at once; use fewer keys at a time")]
    TooLarge { most: u64 },
    /// The value to add to is no decimal number in the range of 64 bits.
    #[error("the value is no whole decimal number of 64 bits")]
    NotANumber,
    /// The sum has more than 64 bits.
    #[error("the sum has more than 64 bits")]
    Overflow,
    /// The store did not answer, or not in time. A write may or may not have happened.
    #[error("{store} is not available: {why}")]
    Unavailable { store: String, why: String },
    /// The store does not let us do this.
    #[error("{store} refused: {why}; check the credentials and what they may do")]
    Refused { store: String, why: String },
    /// What the store holds or answers cannot be right.
    #[error("{store} is damaged or was altered by something else: {why}")]
    Corrupt { store: String, why: String },
}

impl KeyValueError {
    /// What a guest learns: what it did wrong itself, and of everything else only that it did not work.
    pub fn to_guest(&self) -> Cow<'static, str> {
        match self {
            Self::OverQuota { .. }
            | Self::TooMany { .. }
            | Self::TooLarge { .. }
            | Self::NotANumber
            | Self::Overflow => self.to_string().into(),
            Self::Unavailable { .. } => "the store is not available, try again later".into(),
            Self::Refused { .. } | Self::Corrupt { .. } => "the store failed".into(),
        }
    }

    /// Whether the same call may work later, with nobody doing anything about it.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// Refuses a batch that is too long.
pub(crate) fn admit_batch<T>(items: &[T]) -> Result<(), KeyValueError> {
    if items.len() <= limits::BATCH { Ok(()) } else { Err(KeyValueError::TooMany { found: items.len() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_learns_its_own_faults_only() {
        let own = KeyValueError::OverQuota { which: Which::Keys, most: 3 };
        assert_eq!(own.to_guest(), "over quota: at most 3 keys in the space");
        let store = "Redis at 10.0.0.7:6379".to_owned();
        for others in [
            KeyValueError::Unavailable { store: store.clone(), why: "connection refused".to_owned() },
            KeyValueError::Refused { store: store.clone(), why: "NOPERM".to_owned() },
            KeyValueError::Corrupt { store, why: "odd".to_owned() },
        ] {
            let told = others.to_guest();
            assert!(!told.contains("10.0.0.7") && !told.contains("refused"), "{told}");
            assert!(others.to_string().contains("10.0.0.7"));
        }
    }
}
