//! What is kept, and by which files it is decided.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use cofferdam_policy::{PluginName, Policy, PolicyError};
use cofferdam_registry::Reference;
use cofferdam_trust::Digest;
use thiserror::Error;

use crate::{Lock, LockError, LockFile, source::Fingerprint};

/// What the keeper keeps.
#[derive(Clone, Debug)]
pub struct Settings {
    pub directories: Vec<PathBuf>,
    /// Plugins that come from registries.
    pub remotes: Vec<(PluginName, Reference)>,
    /// How often it is looked where a tag leads.
    pub poll: Duration,
    pub policy: PathBuf,
    pub lock: PathBuf,
    /// Whether registries are asked where tags lead although a copy serves.
    pub polls_at_once: bool,
}

/// A policy, and what it was made of.
#[derive(Debug)]
pub struct ReadPolicy {
    pub policy: Policy,
    /// Of its text and of every file that it names.
    pub(super) digest: Digest,
    /// The keys and roots that it names.
    pub(super) files: Vec<PathBuf>,
}

/// Why there is nothing to keep.
#[derive(Debug, Error)]
pub enum KeeperError {
    #[error("there is no policy ({file}): `cofferdam init` writes one")]
    NoPolicy { file: String },
    #[error("cannot read {file}: {reason}")]
    Read { file: String, reason: String },
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error("{file} asks for more memory or tables, or for another stack, than this host was started with: restart it")]
    Restart { file: String },
}

/// Bytes of a policy, and of each file that it names.
const LARGEST_POLICY: u64 = 4 << 20;

fn read_text(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|f| f.take(LARGEST_POLICY + 1).read_to_string(&mut text));
    match read {
        Ok(_) if text.len() as u64 > LARGEST_POLICY => Err(format!("has more than {LARGEST_POLICY} bytes")),
        Ok(_) => Ok(text),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads a policy and the keys and roots that it names, whose paths are relative to it.
///
/// # Errors
/// When a file cannot be read, and everything that is wrong with the policy.
pub fn read_policy(path: &Path) -> Result<ReadPolicy, KeeperError> {
    let file = path.display().to_string();
    let text = match read_text(path) {
        Ok(text) => text,
        Err(_) if !path.exists() => return Err(KeeperError::NoPolicy { file }),
        Err(reason) => return Err(KeeperError::Read { file, reason }),
    };
    let base = path.parent().unwrap_or(Path::new(""));
    let (mut files, mut all) = (Vec::new(), text.clone());
    let policy = Policy::parse(&file, &text, &mut |named| {
        let path = base.join(named);
        files.push(path.clone());
        let text = read_text(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        // With its length, so that no two sets of files make one text.
        all.push_str(&format!("\0{}\0{text}", text.len()));
        Ok(text)
    })?;
    Ok(ReadPolicy { policy, digest: Digest::of(all.as_bytes()), files })
}

impl Settings {
    /// Reads the policy and the lock.
    ///
    /// # Errors
    /// When one of them is not there, or cannot be used.
    pub fn read(&self) -> Result<(ReadPolicy, Lock), KeeperError> {
        Ok((read_policy(&self.policy)?, LockFile::new(self.lock.clone()).read()?))
    }

    /// The state of every file that decides; `named` are those that the policy names.
    pub(super) fn fingerprints(&self, named: &[PathBuf]) -> Vec<Option<Fingerprint>> {
        [&self.policy, &self.lock].into_iter().chain(named).map(|path| Fingerprint::of(path).ok()).collect()
    }
}
