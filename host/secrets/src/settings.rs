//! What an operator decides about secrets, and which of it cannot be.

use std::{collections::BTreeMap, ops::RangeInclusive, path::PathBuf, time::Duration};

use thiserror::Error;
use url::Url;

use crate::{SecretName, vault::check_path};

#[cfg(test)]
mod tests;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A variable of this process, read once.
    Environment { variable: String },
    /// A regular file; links are followed. Read again when it changes. Replace it by renaming another one over it.
    File { path: PathBuf },
    /// A field of a secret of Vault's or OpenBao's KV version 2 engine.
    Vault {
        /// Within the engine, such as `github/bot`.
        path: String,
        /// Where the engine is mounted, such as `secret`.
        mount: String,
        /// Which of the secret's fields, such as `token`.
        field: String,
    },
}

/// Which secrets there are. None by default.
#[derive(Clone, Debug)]
pub struct SecretsSettings {
    pub secrets: BTreeMap<SecretName, Source>,
    pub vault: Option<VaultSettings>,
    /// How often files and Vault are looked at: 100 ms to 24 h.
    pub refresh: Duration,
}

/// Where Vault or OpenBao is, and as whom it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultSettings {
    /// `https://host[:port]`, with a path if a gateway has it under one. `http://` for loopback only.
    pub address: Url,
    pub auth: VaultAuth,
    /// What is sent as `X-Vault-Namespace`.
    pub namespace: Option<String>,
    /// Certificate authorities in PEM that count beside those of the machine.
    pub ca_file: Option<PathBuf>,
    /// For reading one secret, a login and all attempts included: 100 ms to 5 min.
    pub timeout: Duration,
}

/// How Vault gets to know who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VaultAuth {
    /// A token in a file, read for each request: agents write a new one there.
    TokenFile(PathBuf),
    /// A token in a variable of this process, read once.
    TokenVariable(String),
    /// The token of this pod's service account, for which Vault gives one of its own.
    Kubernetes {
        role: String,
        /// Where that way of login is mounted, such as `kubernetes`.
        mount: String,
        /// Usually `/var/run/secrets/kubernetes.io/serviceaccount/token`.
        jwt_file: PathBuf,
    },
}

/// Settings that cannot be used, whatever the sources have.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SettingsError {
    #[error("secret {name}: {text:?} is no variable's name: letters, digits and _, not beginning with a digit")]
    Variable { name: SecretName, text: String },
    #[error("secret {name}: the path of its file is empty")]
    Path { name: SecretName },
    #[error("secret {name}: it comes from Vault, and no Vault is configured: say where Vault is")]
    NoVault { name: SecretName },
    #[error("secret {name}: {text:?} cannot be Vault's {what}: {why}")]
    Vault { name: SecretName, what: &'static str, text: String, why: &'static str },
    #[error("refresh is {found:?}: it is between 100 ms and 24 h")]
    Refresh { found: Duration },
    #[error("Vault's timeout is {found:?}: it is between 100 ms and 5 min")]
    Timeout { found: Duration },
    #[error("Vault's address cannot be used: {why}")]
    Address { why: &'static str },
    #[error("Vault's {what} cannot be used: {why}")]
    Login { what: &'static str, why: String },
    #[error("Vault's certificates in {}: {why}", path.display())]
    Certificates { path: PathBuf, why: String },
    #[error("a client for Vault cannot be made: {why}")]
    Client { why: String },
}

/// None, looked at every minute.
impl Default for SecretsSettings {
    fn default() -> Self {
        Self { secrets: BTreeMap::new(), vault: None, refresh: Duration::from_secs(60) }
    }
}

// === impl SecretsSettings ===

const REFRESH: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(24 * 3600);
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(300);
/// Bytes of a field's name.
const LONGEST_FIELD: usize = 256;

impl SecretsSettings {
    /// What can be said about them without looking at any source.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        if !REFRESH.contains(&self.refresh) {
            return Err(SettingsError::Refresh { found: self.refresh });
        }
        if let Some(vault) = self.vault.as_ref().filter(|vault| !TIMEOUT.contains(&vault.timeout)) {
            return Err(SettingsError::Timeout { found: vault.timeout });
        }
        self.secrets.iter().try_for_each(|(name, source)| self.check_source(name, source))
    }

    fn check_source(&self, name: &SecretName, source: &Source) -> Result<(), SettingsError> {
        let name = name.clone();
        match source {
            Source::Environment { variable } if is_variable(variable) => Ok(()),
            Source::Environment { variable } => Err(SettingsError::Variable { name, text: shown(variable) }),
            Source::File { path } if path.as_os_str().is_empty() => Err(SettingsError::Path { name }),
            Source::File { .. } => Ok(()),
            Source::Vault { .. } if self.vault.is_none() => Err(SettingsError::NoVault { name }),
            Source::Vault { path, mount, field } => {
                for (what, text) in [("path", path), ("mount", mount)] {
                    let wrong = |why| SettingsError::Vault { name: name.clone(), what, text: shown(text), why };
                    check_path(text).map_err(wrong)?;
                }
                if field.is_empty() || field.len() > LONGEST_FIELD {
                    let why = "it has 1 to 256 bytes";
                    return Err(SettingsError::Vault { name, what: "field", text: shown(field), why });
                }
                Ok(())
            }
        }
    }
}

fn is_variable(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// What an error repeats of a text. Escaped by `{:?}` where it is printed.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}
