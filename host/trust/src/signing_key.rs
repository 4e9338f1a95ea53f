use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{Digest, key::KeyError, key::PublicKey, key_file, sigstore};

/// The predicate type of cosign's signatures, which say nothing but that the subject is signed.
const SIGNATURE_PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";
/// What an envelope with an in-toto statement says that it holds.
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A private key of ECDSA P-256. Its bytes are overwritten when it goes.
pub struct SigningKey {
    /// PKCS#8 DER.
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    ///
    /// [`KeyError::Failed`]: the system gave no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
            .map_err(|_| KeyError::Failed { why: "no key could be made".to_owned() })?;
        Self::from_pkcs8(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// Opens an encrypted key file of this program or of cosign. Takes a tenth of a second and 64 MiB, on purpose.
    ///
    /// # Errors
    ///
    /// The text is no such file, lies open, costs too much to open, has another password, or holds
    /// a key of another kind.
    pub fn from_pem(pem: &str, password: &[u8]) -> Result<Self, KeyError> {
        Self::from_pkcs8(key_file::open(pem, password)?)
    }

    /// The key, encrypted, as cosign writes and reads it.
    ///
    /// # Errors
    ///
    /// [`KeyError::Failed`]: the system gave no randomness.
    pub fn to_pem(&self, password: &[u8]) -> Result<Zeroizing<String>, KeyError> {
        key_file::seal(&self.pkcs8, password)
    }

    /// The half that others check signatures with.
    pub fn public_key(&self) -> PublicKey {
        self.public.clone()
    }

    /// Signs bytes: a sigstore bundle v0.3 with a message signature, the key's hint and no log entry.
    ///
    /// `cosign verify-blob --key --insecure-ignore-tlog` takes it, and so does a key rule with
    /// [`crate::LogRule::None`].
    ///
    /// # Errors
    ///
    /// [`KeyError::Failed`]: the cryptographic library failed.
    pub fn sign_blob(&self, bytes: &[u8]) -> Result<String, KeyError> {
        let bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            // cosign's hint: the digest of the key. It helps to find a key, and decides nothing.
            "verificationMaterial": { "publicKey": { "hint": BASE64.encode(self.public.fingerprint().as_bytes()) } },
            "messageSignature": {
                "messageDigest": { "algorithm": "SHA2_256", "digest": BASE64.encode(Digest::of(bytes).as_bytes()) },
                "signature": self.sign_raw(bytes)?,
            },
        });
        Ok(bundle.to_string())
    }

    /// Signs a manifest in a registry, as `cosign sign --key` does: a sigstore bundle v0.3 with an in-toto statement
    /// about the manifest's digest, and no log entry. `repository` is only what readers of the statement see.
    ///
    /// # Errors
    ///
    /// [`KeyError::Failed`]: the cryptographic library failed.
    pub fn sign_manifest(&self, repository: &str, manifest: Digest) -> Result<String, KeyError> {
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{ "name": repository, "digest": { "sha256": manifest.to_string() } }],
            "predicateType": SIGNATURE_PREDICATE,
            "predicate": {},
        })
        .to_string();
        let signature = self.sign_raw(&sigstore::envelope_bytes(IN_TOTO, statement.as_bytes()))?;
        let bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": { "publicKey": { "hint": BASE64.encode(self.public.fingerprint().as_bytes()) } },
            "dsseEnvelope": {
                "payload": BASE64.encode(&statement), "payloadType": IN_TOTO, "signatures": [{ "sig": signature }],
            },
        });
        Ok(bundle.to_string())
    }

    /// Signs bytes: the bare signature in base64, for a `.sig` file.
    ///
    /// # Errors
    ///
    /// [`KeyError::Failed`]: the cryptographic library failed.
    pub fn sign_raw(&self, bytes: &[u8]) -> Result<String, KeyError> {
        sigstore::sign(&self.pkcs8, bytes).map(|s| BASE64.encode(s)).map_err(|why| KeyError::Failed { why })
    }

    fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        let der = sigstore::public_half(&pkcs8).map_err(|why| KeyError::Unsupported { why })?;
        Ok(Self { pkcs8, public: PublicKey::from_der(der)? })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}
