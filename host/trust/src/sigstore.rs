//! The only module that names a crate of sigstore.
//!
//! Those crates are young and change their interfaces every few weeks. What they can say is translated
//! here, once, into our own types: bundles stay opaque, errors become [`Defect`]s, certificates become
//! [`Certified`].

mod bundle;
mod certified;
mod errors;
mod keys;

use std::fmt;

use jiff::Timestamp;
use sigstore_trust_root::{SigstoreInstance, TrustedRoot};
use sigstore_types::{Artifact as TheirArtifact, DerPublicKey, Sha256Hash};
use sigstore_verify::{Policy, PublicKeyVerificationPolicy, VerificationPolicy, Verifier};

use crate::{
    defect::Defect,
    root::{Instance, TrustRootError},
    signature::Artifact,
    text::shown,
};

pub(crate) use bundle::{Bundle, Material};
pub(crate) use certified::{Certified, Name};
pub(crate) use keys::{check_public_key, envelope_bytes, public_half, public_key, sign, verify_artifact};

use errors::defect;

/// A trust root, ready to verify.
pub(crate) struct Anchors {
    root: TrustedRoot,
    verifier: Verifier,
    certificate_timestamps: CertificateTimestamps,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CertificateTimestamps {
    Required,
    /// GitHub's own authority does not use them.
    Unused,
}

/// Which certificates count while verifying.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Match<'a> {
    /// All; the caller looks at the result.
    Anybody,
    Exactly {
        identity: &'a str,
        issuer: &'a str,
    },
}

// === impl Anchors ===

impl Anchors {
    pub(crate) fn embedded(instance: Instance) -> Result<Self, TrustRootError> {
        let (theirs, timestamps) = match instance {
            Instance::PublicGood => (SigstoreInstance::PublicGood, CertificateTimestamps::Required),
            Instance::GitHub => (SigstoreInstance::GitHub, CertificateTimestamps::Unused),
            Instance::Staging => (SigstoreInstance::Staging, CertificateTimestamps::Required),
        };
        Self::new(theirs.embedded_trusted_root_json(), timestamps)
    }

    pub(crate) fn from_json(json: &str) -> Result<Self, TrustRootError> {
        Self::new(json, CertificateTimestamps::Required)
    }

    fn new(json: &str, certificate_timestamps: CertificateTimestamps) -> Result<Self, TrustRootError> {
        let root =
            TrustedRoot::from_json(json).map_err(|e| TrustRootError::Unreadable { why: shown(&e.to_string()) })?;
        let verifier = Verifier::new(&root).map_err(|e| TrustRootError::Unusable { why: shown(&e.to_string()) })?;
        Ok(Self { root, verifier, certificate_timestamps })
    }

    /// Verifies a bundle by a certificate: chain, certificate timestamp, log, times, signature, artefact.
    pub(crate) fn keyless(&self, artifact: Artifact<'_>, bundle: &Bundle, who: Match<'_>) -> Result<Certified, Defect> {
        bundle.has_entry()?;
        let mut policy = match who {
            Match::Anybody => VerificationPolicy::any_identity(),
            Match::Exactly { identity, issuer } => VerificationPolicy::new(identity, issuer),
        };
        if self.certificate_timestamps == CertificateTimestamps::Unused {
            policy = policy.skip_sct();
        }
        let result = self.verifier.verify(theirs(artifact), &bundle.0, &policy).map_err(|e| defect(&e))?;
        // What a policy skips is an option of the library; what was done is asked of the result.
        let timestamped = result.sct_verified() || self.certificate_timestamps == CertificateTimestamps::Unused;
        if !(result.certificate_verified() && timestamped && result.tlog_verified()) {
            return Err(Defect::NotLogged { why: "the verifier left out a check".to_owned() });
        }
        self.logs_were_valid(artifact, bundle, &policy, result.verified_timestamps())?;
        Certified::new(&result)
    }

    /// Verifies a bundle by a key, with its log entries; answers with the earliest time vouched for.
    pub(crate) fn logged_key(
        &self,
        artifact: Artifact<'_>,
        bundle: &Bundle,
        key: &[u8],
    ) -> Result<Option<Timestamp>, Defect> {
        bundle.has_entry()?;
        let policy = PublicKeyVerificationPolicy::new(DerPublicKey::from_bytes(key));
        let result = self.verifier.verify(theirs(artifact), &bundle.0, &policy).map_err(|e| defect(&e))?;
        if !result.tlog_verified() {
            return Err(Defect::NotLogged { why: "the verifier left out a check".to_owned() });
        }
        self.logs_were_valid(artifact, bundle, &policy, result.verified_timestamps())?;
        Ok(result.verified_timestamps().iter().min().copied())
    }

    /// Whether the bundle still verifies with those logs alone that were valid at all the times vouched for.
    ///
    /// The verifier asks this of entries that carry a time of their own. Those of Rekor 2 carry none,
    /// and would count for ever after their log has ended. Which log an entry is from is not read from
    /// the entry: in Rekor 2 nobody signs that field, so naming another log would evade the question.
    fn logs_were_valid(
        &self,
        artifact: Artifact<'_>,
        bundle: &Bundle,
        policy: &dyn Policy,
        times: &[Timestamp],
    ) -> Result<(), Defect> {
        let now = [Timestamp::now()];
        // Without any time, all that is known is that it was signed before now.
        let times = if times.is_empty() { &now[..] } else { times };
        let mut root = self.root.clone();
        root.tlogs.retain(|log| {
            log.public_key.valid_for.is_none_or(|window| times.iter().all(|time| window.contains(*time)))
        });
        if root.tlogs.len() == self.root.tlogs.len() {
            return Ok(());
        }
        let verified = Verifier::new(&root).and_then(|v| v.verify(theirs(artifact), &bundle.0, policy));
        verified.map(|_| ()).map_err(|_| {
            let times: Vec<String> = times.iter().map(Timestamp::to_string).collect();
            Defect::OutsideValidity { why: format!("its log was not valid at {}", times.join(" and ")) }
        })
    }
}

impl fmt::Debug for Anchors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Anchors")
            .field("logs", &self.root.tlogs.len())
            .field("certificate_timestamps", &self.certificate_timestamps)
            .finish_non_exhaustive()
    }
}

fn theirs(artifact: Artifact<'_>) -> TheirArtifact<'_> {
    match artifact {
        Artifact::Bytes(bytes) => TheirArtifact::from_blob(bytes),
        Artifact::Digest(digest) => TheirArtifact::from_digest(Sha256Hash::new(*digest.as_bytes())),
    }
}

/// Whether a text can be stored and shown as it is.
fn printable(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.chars().count() <= longest && !text.chars().any(char::is_control)
}
