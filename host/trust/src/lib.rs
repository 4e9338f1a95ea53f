//! Whose bytes these are.
//!
//! An operator trusts bytes in one of two ways. By naming them: a [`Digest`] is that name, and
//! nothing a component says about itself replaces it. Or by naming who must have signed them: a
//! [`Signer`] is a name with one [`Rule`], and [`Signer::check`] answers with a [`Proof`] or with the
//! [`Defect`] that tells an operator what was found and which rule it failed.
//!
//! A rule is literal. Signatures are verified for *any* identity first, and the identity is then
//! matched here, with its kind, its issuer and the claims of the certificate; a verifier's own exact
//! match knows neither runners nor repositories. The rejected alternative, regular expressions over
//! identities, is how `acme` comes to accept `acme-evil`.
//!
//! What always holds:
//!
//! - a keyless signature counts only with a chain to the trust root, a certificate timestamp and an
//!   entry in a transparency log; a key's signature needs the log unless its rule says otherwise;
//! - validity is judged at the signed time, for certificates, logs and timestamp authorities alike;
//! - nothing unauthenticated decides: not a key hint, not a bundle's own digest field;
//! - an attestation is no signature. A [`Proof`] says which of the two it proves;
//! - text from certificates and bundles reaches a message only bounded and escaped.
//!
//! This crate knows nothing of what the bytes mean, reads no files and opens no connections: the
//! caller reads a component once and hands over those bytes, so that what is checked is what is
//! compiled. It does not decide who must sign what; that is the policy's part.
#![forbid(unsafe_code)]

mod check;
mod conformance;
mod defect;
mod digest;
mod github;
mod key;
mod key_file;
mod pattern;
mod proof;
mod root;
mod signature;
mod signer;
mod signing_key;
mod sigstore;
mod simple_signing;
mod subject;
mod text;

pub use conformance::{Expected, verify_conformance};
pub use defect::Defect;
pub use digest::{Digest, DigestError};
pub use github::GithubActions;
pub use key::{KeyError, PublicKey};
pub use pattern::{Pattern, PatternError};
pub use proof::{Identity, Proof, Statement};
pub use root::{Instance, TrustRoot, TrustRootError};
pub use signature::{Artifact, LARGEST_SIGNATURE, Signature};
pub use signer::{LogRule, Rule, Signer, SignerName, SignerNameError};
pub use signing_key::SigningKey;
pub use subject::{Subject, SubjectError};
