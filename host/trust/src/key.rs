use std::{fmt, sync::Arc};

use thiserror::Error;

use crate::{Digest, sigstore, text::shown};

/// Longest key in a PEM text that is read, in bytes. An RSA key of 8192 bits has 1.5 KiB, a large ML-DSA key 4 KiB.
pub(crate) const LARGEST: usize = 64 << 10;

/// A public key: ECDSA P-256 or P-384, Ed25519, RSA of 2048 to 8192 bits, or ML-DSA.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The DER SubjectPublicKeyInfo.
    der: Arc<[u8]>,
}

/// A key that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// The text holds no public key.
    #[error("it is no public key: {why}. Give the .pub file, which starts with -----BEGIN PUBLIC KEY-----")]
    NotPublic {
        /// What was found.
        why: String,
    },
    /// The text holds no encrypted private key.
    #[error("it is no key file of `cofferdam keygen` or `cosign generate-key-pair`: {why}")]
    NotAKeyFile {
        /// What was found.
        why: String,
    },
    /// The private key lies open.
    #[error("it is a private key without a password; encrypt it first: cosign import-key-pair --key FILE")]
    Unencrypted,
    /// Opening the file would take more memory or time than any honest key file does.
    #[error("it asks for {mebibytes} MiB of memory, {rounds} times over, to check a password: no key file does")]
    TooCostly {
        /// Memory its key derivation asks for.
        mebibytes: u64,
        /// How often.
        rounds: u32,
    },
    /// The password does not open the file, or the file was altered.
    #[error("the password does not open it")]
    WrongPassword,
    /// The key is of a kind this program does not sign with.
    #[error(
        "it holds a key this program cannot sign with: {why}. It signs with ECDSA P-256, which `cofferdam keygen` makes"
    )]
    Unsupported {
        /// What was found.
        why: String,
    },
    /// The cryptographic library or the system's randomness failed.
    #[error("the cryptographic library failed: {why}")]
    Failed {
        /// What it said.
        why: String,
    },
}

impl PublicKey {
    /// Reads `-----BEGIN PUBLIC KEY-----`.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotPublic`]: no PEM, another kind of PEM, or a kind of key that is not supported.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let wrong = |why: &str| KeyError::NotPublic { why: shown(why) };
        if pem.len() > LARGEST {
            return Err(wrong("it is too long for a key"));
        }
        if pem.contains("PRIVATE KEY-----") {
            return Err(wrong("it is a private key"));
        }
        // A reader of the file would not know which of them counts.
        if pem.matches("-----BEGIN ").count() > 1 {
            return Err(wrong("it holds more than one"));
        }
        Self::from_der(sigstore::public_key(pem).map_err(|why| wrong(&why))?)
    }

    /// The key as `-----BEGIN PUBLIC KEY-----`, with a line break at its end.
    pub fn to_pem(&self) -> String {
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        pem::encode_config(&pem::Pem::new("PUBLIC KEY", self.der()), config)
    }

    /// SHA-256 of the DER SubjectPublicKeyInfo: `openssl pkey -pubin -outform der | sha256sum`.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(&self.der)
    }

    pub(crate) fn from_der(der: Vec<u8>) -> Result<Self, KeyError> {
        sigstore::check_public_key(&der).map_err(|why| KeyError::NotPublic { why: shown(&why) })?;
        Ok(Self { der: der.into() })
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?})", self.fingerprint())
    }
}
