use sigstore_crypto::{KeyAlgorithm, KeyPair, SigningScheme, VerificationKey};
use sigstore_types::{DerPublicKey, HashAlgorithm, MessageSignature, SignatureBytes};

use crate::{Digest, defect::Defect, signature::Artifact, text::shown};

/// The DER SubjectPublicKeyInfo in a PEM text, not yet checked.
pub(crate) fn public_key(pem: &str) -> Result<Vec<u8>, String> {
    DerPublicKey::from_pem(pem).map(DerPublicKey::into_bytes).map_err(|e| e.to_string())
}

/// Whether signatures by this key can be verified.
pub(crate) fn check_public_key(der: &[u8]) -> Result<(), String> {
    let key = VerificationKey::from_spki(&DerPublicKey::from_bytes(der)).map_err(|e| e.to_string())?;
    sigstore_crypto::validate_raw_public_key(key.scheme(), key.as_bytes()).map_err(|e| e.to_string())
}

/// The DER SubjectPublicKeyInfo of a PKCS#8 private key that can sign.
pub(crate) fn public_half(pkcs8: &[u8]) -> Result<Vec<u8>, String> {
    let pair = KeyPair::from_pkcs8_der(pkcs8).map_err(|e| e.to_string())?;
    pair.public_key_der().map(DerPublicKey::into_bytes).map_err(|e| e.to_string())
}

/// The signature of these bytes by a PKCS#8 private key.
/// What is signed of a DSSE envelope.
pub(crate) fn envelope_bytes(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    sigstore_types::dsse::pae(payload_type, payload)
}

pub(crate) fn sign(pkcs8: &[u8], bytes: &[u8]) -> Result<Vec<u8>, String> {
    let pair = KeyPair::from_pkcs8_der(pkcs8).map_err(|e| e.to_string())?;
    pair.sign(bytes).map(SignatureBytes::into_bytes).map_err(|e| e.to_string())
}

/// Verifies a bare signature over an artefact by the key's usual scheme.
pub(crate) fn verify_artifact(key: &[u8], artifact: Artifact<'_>, signature: &[u8]) -> Result<(), Defect> {
    verify_message(
        &DerPublicKey::from_bytes(key),
        artifact,
        &MessageSignature::new(SignatureBytes::from_bytes(signature)),
    )
}

pub(super) fn verify_message(
    key: &DerPublicKey,
    artifact: Artifact<'_>,
    message: &MessageSignature,
) -> Result<(), Defect> {
    let algorithm = algorithm(key)?;
    let scheme = match &message.message_digest {
        None => algorithm.default_signing_scheme(),
        Some(digest) => {
            // The field is not signed. It is compared because a difference tells more than a bad signature.
            if digest.digest.as_bytes() != hash(artifact, digest.algorithm)? {
                let why = format!("it names {} {}", digest.algorithm, shown(&digest.digest.to_hex()));
                return Err(Defect::WrongArtifact { why });
            }
            algorithm.resolve_signing_scheme(digest.algorithm).map_err(|e| Defect::UnsupportedFormat {
                found: shown(&e.to_string()),
                mend: "sign it with the key's usual digest, as cosign does".to_owned(),
            })?
        }
    };
    let verified = match artifact {
        Artifact::Bytes(bytes) => sigstore_crypto::verify_signature(key, bytes, &message.signature, scheme),
        Artifact::Digest(digest) if prehashed(scheme) => {
            sigstore_crypto::verify_signature_prehashed(key, digest.as_bytes(), &message.signature, scheme)
        }
        Artifact::Digest(_) => return Err(needs_bytes(&format!("{} signature of", scheme.name()))),
    };
    verified.map_err(|_| not_by(key))
}

/// Whether a sha256 is enough to verify.
fn prehashed(scheme: SigningScheme) -> bool {
    scheme.supports_prehashed() && scheme.hash_algorithm() == Some(HashAlgorithm::Sha2256)
}

fn hash(artifact: Artifact<'_>, algorithm: HashAlgorithm) -> Result<Vec<u8>, Defect> {
    match (artifact, algorithm) {
        (artifact, HashAlgorithm::Sha2256) => Ok(artifact.digest().as_bytes().to_vec()),
        (Artifact::Bytes(bytes), HashAlgorithm::Sha2384) => Ok(sigstore_crypto::sha384(bytes).as_bytes().to_vec()),
        (Artifact::Bytes(bytes), HashAlgorithm::Sha2512) => Ok(sigstore_crypto::sha512(bytes).as_bytes().to_vec()),
        (_, other) => Err(needs_bytes(&format!("{other} digest of"))),
    }
}

pub(super) fn algorithm(key: &DerPublicKey) -> Result<KeyAlgorithm, Defect> {
    KeyAlgorithm::from_spki(key).map_err(|e| Defect::BadSignature { why: shown(&e.to_string()) })
}

pub(super) fn needs_bytes(what: &str) -> Defect {
    Defect::UnsupportedFormat {
        found: format!("a {what} something that is known only by its sha256"),
        mend: "sign it with an ECDSA P-256 key, which `cofferdam keygen` makes".to_owned(),
    }
}

pub(super) fn not_by(key: &DerPublicKey) -> Defect {
    let fingerprint = Digest::of(key.as_bytes());
    Defect::BadSignature {
        why: format!("key sha256:{fingerprint} did not make it, or the file or the signature was changed since"),
    }
}
