//! Why a secret cannot be had: what an operator reads.
//!
//! It says where a secret should have come from, which is no caller's business: a caller is told the name at most.
//! Values, tokens and words of the server are in none of it.

use std::path::PathBuf;

use thiserror::Error;

use crate::{SecretName, Unfit};

/// What keeps a secret from being had.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SecretError {
    #[error("secret {name}: no such secret is configured")]
    Unknown { name: SecretName },
    #[error("secret {name}: the variable {variable} is not set: set it and start again")]
    Unset { name: SecretName, variable: String },
    #[error("secret {name}: {} cannot be read: {why}", path.display())]
    File { name: SecretName, path: PathBuf, why: String },
    /// There is something, and it cannot be a secret. `place` says where.
    #[error("secret {name}: {place} cannot be used: {why}")]
    Unfit { name: SecretName, place: String, why: Unfit },
    /// Vault did not answer, or answered that it cannot just now.
    #[error("secret {name}: Vault is away: {why}")]
    VaultAway { name: SecretName, why: String },
    /// What this host has to show to Vault cannot be had, or Vault does not take it for what it should be.
    #[error("secret {name}: no login to Vault: {why}")]
    VaultLogin { name: SecretName, why: String },
    /// Vault does not let this host have it.
    #[error(
        "secret {name}: Vault refused to tell {place} with status {status}: \
         the token is not valid any more, or its policy lacks read on it"
    )]
    VaultRefused { name: SecretName, place: String, status: u16 },
    /// Vault has no such secret, or its last version was deleted.
    #[error("secret {name}: Vault has no {place}")]
    VaultMissing { name: SecretName, place: String },
    /// An answer of Vault's that has nothing of what was asked.
    #[error("secret {name}: Vault's answer about {place} cannot be used: {why}")]
    VaultOdd { name: SecretName, place: String, why: String },
    /// What masks secrets, this one first, could not be made.
    #[error("secret {name}: no masker can be made: {why}")]
    Masker { name: SecretName, why: String },
}

impl SecretError {
    /// Which secret.
    pub fn name(&self) -> &SecretName {
        match self {
            Self::Unknown { name }
            | Self::Unset { name, .. }
            | Self::File { name, .. }
            | Self::Unfit { name, .. }
            | Self::VaultAway { name, .. }
            | Self::VaultLogin { name, .. }
            | Self::VaultRefused { name, .. }
            | Self::VaultMissing { name, .. }
            | Self::VaultOdd { name, .. }
            | Self::Masker { name, .. } => name,
        }
    }

    /// Whether it is the source's own answer that this host has no such secret, and not something that may pass.
    pub(crate) fn withdraws(&self) -> bool {
        matches!(self, Self::VaultRefused { .. } | Self::VaultMissing { .. })
    }
}
