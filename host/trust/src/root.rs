use std::{fmt, sync::Arc};

use thiserror::Error;

use crate::sigstore::Anchors;

/// Longest trust root, in bytes. The public ones have about 10 KiB.
const LARGEST: usize = 4 << 20;

/// Trust anchors: certificate authorities, certificate logs, transparency logs, timestamp authorities.
///
/// Parsed and checked once; cheap to clone.
#[derive(Clone)]
pub struct TrustRoot(Arc<Anchors>);

/// A trust root that is built into this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instance {
    /// The public service: `sigstore.dev`.
    PublicGood,
    /// GitHub's own authority, for attestations of private repositories.
    ///
    /// Its certificates carry no certificate timestamps, so none are asked for. It lists no
    /// transparency log either, and a log is always asked for: until it lists one, it proves nothing.
    GitHub,
    /// The public service's test system: `sigstage.dev`. Anyone may sign there.
    Staging,
}

/// A trust root that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TrustRootError {
    /// It is no trust root.
    #[error("it is no sigstore trusted root (the file `trusted_root.json`): {why}")]
    Unreadable {
        /// What the parser found.
        why: String,
    },
    /// It holds a key, certificate or validity that cannot be used.
    #[error("it is a sigstore trusted root that cannot be used: {why}")]
    Unusable {
        /// What is wrong with it.
        why: String,
    },
}

impl TrustRoot {
    /// A root that is built in, as it was when this program was built.
    ///
    /// # Errors
    ///
    /// None are known; the built-in text goes through the same parser as a file's.
    pub fn embedded(instance: Instance) -> Result<Self, TrustRootError> {
        Ok(Self(Arc::new(Anchors::embedded(instance)?)))
    }

    /// A root from the text of a `trusted_root.json`. Certificate timestamps are always asked for.
    ///
    /// # Errors
    ///
    /// The text is no trust root, or one with a malformed or duplicate key or an impossible validity.
    pub fn from_json(json: &str) -> Result<Self, TrustRootError> {
        if json.len() > LARGEST {
            return Err(TrustRootError::Unreadable { why: format!("it has more than {LARGEST} bytes") });
        }
        Ok(Self(Arc::new(Anchors::from_json(json)?)))
    }

    pub(crate) fn anchors(&self) -> &Anchors {
        &self.0
    }
}

impl fmt::Debug for TrustRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TrustRoot").field(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_root_is_sound() {
        for instance in [Instance::PublicGood, Instance::GitHub, Instance::Staging] {
            TrustRoot::embedded(instance).unwrap();
        }
    }

    #[test]
    fn other_texts_are_no_root() {
        for wrong in ["", "[]", "{}", "{\"mediaType\":", &" ".repeat(LARGEST + 1)] {
            let error = TrustRoot::from_json(wrong).unwrap_err();
            assert!(matches!(error, TrustRootError::Unreadable { .. }), "{error}");
        }
    }
}
