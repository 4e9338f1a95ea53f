use sigstore_verify::{CertificateError, Error, TimestampError, TransparencyLogError};

use super::keys::needs_bytes;
use crate::{defect::Defect, text::shown};

/// The only mapping of the verifier's errors.
pub(super) fn defect(error: &Error) -> Defect {
    let why = shown(&error.to_string());
    match error {
        Error::IdentityMismatch { .. } | Error::IssuerMismatch { .. } => {
            Defect::WrongSigner { found: why, rule: "the identity must be exactly the expected one".to_owned() }
        }
        Error::ArtifactMismatch(_) => Defect::WrongArtifact { why },
        Error::UnsupportedArtifact(_) => needs_bytes("signature of a kind that is made over whole files, for"),
        Error::TransparencyLog(TransparencyLogError::IntegratedTime(_))
        | Error::Timestamp(TimestampError::OutsideAuthorityValidity { .. } | TimestampError::NoVerifiedTimestamp(_))
        | Error::Certificate(
            CertificateError::NoValidAuthority { .. }
            | CertificateError::NotYetValid { .. }
            | CertificateError::Expired { .. },
        ) => Defect::OutsideValidity { why },
        Error::Certificate(CertificateError::ChainInvalid(text)) if out_of_time(text) => {
            Defect::OutsideValidity { why: "its certificate was not valid when it was logged or stamped".to_owned() }
        }
        Error::Timestamp(TimestampError::Invalid(text)) if out_of_time(text) => {
            Defect::OutsideValidity { why: "the timestamp authority was not valid when it stamped it".to_owned() }
        }
        Error::Certificate(CertificateError::ChainInvalid(_) | CertificateError::Sct(_)) => {
            Defect::UnknownAuthority { why }
        }
        Error::TransparencyLog(_) => Defect::NotLogged { why },
        Error::Bundle(
            sigstore_bundle::Error::MissingInclusionPromise(_)
            | sigstore_bundle::Error::MissingInclusionProof(_)
            | sigstore_bundle::Error::MissingSigningTimeEvidence
            | sigstore_bundle::Error::MissingCheckpoint
            | sigstore_bundle::Error::MissingTimestamp,
        ) => Defect::NotLogged { why },
        Error::UnsupportedBundle(_) => Defect::UnsupportedFormat {
            found: why,
            mend: "sign the file with `cosign sign-blob`, or attest to it with `cosign attest-blob`".to_owned(),
        },
        Error::InvalidBundle(_) | Error::Types(_) | Error::Bundle(_) => Defect::Unreadable { why },
        // The signature itself, a stamp that is none, a key that is none, and whatever a later version adds.
        _ => Defect::BadSignature { why },
    }
}

/// Whether a chain of certificates failed for its dates. The library says so in words only, and nothing but
/// the choice of our words hangs on it.
fn out_of_time(text: &str) -> bool {
    ["CertNotValidYet", "CertExpired"].iter().any(|reason| text.contains(reason))
}
