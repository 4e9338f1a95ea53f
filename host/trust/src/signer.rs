use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{github::GithubActions, key::PublicKey, subject::Subject, text::shown};

/// Longest name of a signer, in characters.
const LONGEST: usize = 64;

/// What an operator calls a signer: 1 to 64 of `A-Z a-z 0-9 _ . -`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SignerName(Arc<str>);

/// A text that is no signer's name.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{found:?} is no signer's name: write 1 to 64 of A-Z a-z 0-9 _ . -")]
pub struct SignerNameError {
    found: String,
}

/// Whoever may vouch for an artefact, under the name the operator gave.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The name, which the policy and every message use.
    pub name: SignerName,
    /// What a signature must be to count as this signer's.
    pub rule: Rule,
}

/// What makes a signature somebody's.
#[derive(Clone, Debug)]
pub enum Rule {
    /// It is by this key.
    Key {
        /// The key.
        key: PublicKey,
        /// Whether a transparency log must know of it.
        log: LogRule,
    },
    /// It is by a certificate with this name, vouched for by this issuer.
    Oidc {
        /// Who authenticated the signer: a URL, compared exactly.
        issuer: String,
        /// Whom the certificate must name.
        subject: Subject,
    },
    /// It is by this workflow of a GitHub repository.
    GithubActions(GithubActions),
}

/// Whether a key's signature needs an entry in a transparency log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogRule {
    /// Without one, whoever steals the key signs unseen.
    #[default]
    Required,
    /// None is asked for, and one that is there is not looked at.
    None,
}

impl Rule {
    /// The kind of rule, as a policy writes it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Key { .. } => "key",
            Self::Oidc { .. } => "oidc",
            Self::GithubActions(_) => "github-actions",
        }
    }
}

impl SignerName {
    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SignerName {
    type Err = SignerNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
        if text.is_empty() || text.len() > LONGEST || !text.bytes().all(allowed) {
            return Err(SignerNameError { found: shown(text) });
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for SignerName {
    type Error = SignerNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SignerName> for String {
    fn from(name: SignerName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for SignerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SignerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl schemars::JsonSchema for SignerName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SignerName".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[A-Za-z0-9_.-]{1,64}$",
            "description": "The name of a signer"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_surprises() {
        for good in ["ci", "ops-key", "A_1.b", &"x".repeat(64)] {
            assert_eq!(good.parse::<SignerName>().unwrap().to_string(), good);
        }
        for wrong in ["", "a b", "a/b", "\u{430}lice", "a\n", &"x".repeat(65)] {
            assert!(wrong.parse::<SignerName>().is_err(), "{wrong:?}");
        }
    }
}
