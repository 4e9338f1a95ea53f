//! What the public conformance suite of sigstore asks of a verifier, below all rules of ours.

use crate::{
    defect::Defect,
    key::PublicKey,
    root::TrustRoot,
    signature::{Artifact, Form, Signature},
    sigstore::{Match, Material},
};

/// Whom the suite expects to have signed.
#[derive(Clone, Copy, Debug)]
pub enum Expected<'a> {
    /// A certificate with exactly this name, of whatever kind, and this issuer.
    Certificate {
        /// The certificate's name.
        identity: &'a str,
        /// Who authenticated it.
        issuer: &'a str,
    },
    /// This key, with an entry in a transparency log.
    Key(&'a PublicKey),
}

/// Verifies as the suite wants it: an exact identity, any statement about the artefact.
///
/// No policy is built on this: an attestation passes, and so does an identity whose build claims
/// say something else. It is here so that the suite tests the code that [`crate::Signer::check`] uses.
///
/// # Errors
///
/// The first defect found.
pub fn verify_conformance(
    root: &TrustRoot,
    artifact: Artifact<'_>,
    signature: &Signature,
    expected: Expected<'_>,
) -> Result<(), Defect> {
    let Form::Bundle(bundle) = &signature.0 else {
        return Err(Defect::UnsupportedFormat {
            found: "a bare signature".to_owned(),
            mend: "the suite verifies bundles".to_owned(),
        });
    };
    match expected {
        Expected::Certificate { identity, issuer } if bundle.material() == Material::Certificate => {
            root.anchors().keyless(artifact, bundle, Match::Exactly { identity, issuer }).map(|_| ())
        }
        Expected::Key(key) if bundle.material() == Material::Key => {
            root.anchors().logged_key(artifact, bundle, key.der()).map(|_| ())
        }
        Expected::Certificate { .. } | Expected::Key(_) => Err(Defect::WrongSigner {
            found: "it carries the other kind of signer".to_owned(),
            rule: "a certificate was expected where it has a key, or the other way round".to_owned(),
        }),
    }
}
