//! Keys that sign what the tests serve, and digests of it.

use std::sync::OnceLock;

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

/// A key pair that signs as `cosign sign-blob` does: ECDSA P-256 over SHA-256.
#[derive(Debug)]
pub struct TestKey {
    pair: EcdsaKeyPair,
}

/// The key of the signer `test`, whom the policies of the tests trust: one for each test process.
pub fn test_key() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(TestKey::other)
}

impl TestKey {
    /// The key of a stranger, new each time.
    pub fn other() -> Self {
        Self { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap() }
    }

    fn public_der(&self) -> PublicKeyX509Der<'_> {
        self.pair.public_key().as_der().unwrap()
    }

    /// What the host calls the key: the sha256 of its DER.
    pub fn fingerprint(&self) -> String {
        sha256(self.public_der().as_ref())
    }

    /// The public key, as PEM.
    pub fn public_pem(&self) -> String {
        let text = STANDARD.encode(self.public_der().as_ref());
        let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    /// The signature of these bytes, as base64: what is in a `.sig` file.
    pub fn sign(&self, bytes: &[u8]) -> String {
        STANDARD.encode(self.pair.sign(&SystemRandom::new(), bytes).unwrap())
    }
}

/// The digest of a component, as policies and locks have it.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

    use super::*;

    #[test]
    fn signatures_are_of_their_key() {
        let verifies = |key: &TestKey, signature: &str| {
            let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.pair.public_key().as_ref());
            key.verify(b"component", &STANDARD.decode(signature).unwrap()).is_ok()
        };
        let signature = test_key().sign(b"component");
        assert!(verifies(test_key(), &signature) && !verifies(&TestKey::other(), &signature));
        assert!(!verifies(test_key(), &test_key().sign(b"another")));
        let pem = test_key().public_pem();
        assert!(pem.lines().all(|line| line.len() <= 64) && pem.lines().count() == 4, "{pem}");
    }
}
