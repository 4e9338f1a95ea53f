use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;

use crate::{Digest, text::shown};

/// That one signer signed one artefact, and how that is known. What [`crate::Signer::check`] answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Who signed, as the signature itself proves it.
    pub identity: Identity,
    /// What the signature says about the artefact.
    pub statement: Statement,
    /// Whether an entry in a transparency log was demanded and verified.
    pub logged: bool,
    /// The earliest time that a log or a timestamp authority vouches for; absent without either.
    pub signed_at: Option<Timestamp>,
    /// The certificate's claims about the build that the rule relied on; empty for keys and people.
    pub claims: BTreeMap<String, String>,
}

/// Who signed. Two identities are the same signer exactly when they are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identity {
    /// A key, by the digest of its DER SubjectPublicKeyInfo.
    Key {
        /// SHA-256 of the key.
        fingerprint: Digest,
    },
    /// A name that an authority of the trust root certified.
    Certificate {
        /// Who authenticated the signer: a URL.
        issuer: String,
        /// The certificate's name: an e-mail address or a URI. At most 2048 printable characters.
        subject: String,
    },
}

/// What was signed: the artefact itself, or a sentence about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// A signature of the artefact.
    Signature,
    /// A statement about the artefact, which may well say that it is bad. Never a signature.
    Attestation {
        /// The type of what is stated: a URI of at most 256 printable characters.
        predicate: String,
    },
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { fingerprint } => write!(f, "key sha256:{fingerprint}"),
            Self::Certificate { issuer, subject } => write!(f, "{} (issuer {})", shown(subject), shown(issuer)),
        }
    }
}
