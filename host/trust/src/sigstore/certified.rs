use std::fmt;

use jiff::Timestamp;
use sigstore_verify::{SubjectAltName, VerificationResult};

use super::printable;
use crate::{defect::Defect, proof::Identity};

/// Longest name in a certificate, in characters.
const LONGEST_NAME: usize = 2048;

/// What a verified certificate says.
#[derive(Debug)]
pub(crate) struct Certified {
    pub(crate) issuer: String,
    pub(crate) name: Name,
    pub(crate) claims: BuildClaims,
    /// The earliest time somebody vouches for.
    pub(crate) signed_at: Option<Timestamp>,
}

/// A certificate's name, with its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Email(String),
    Uri(String),
}

/// A certificate's claims about the build it was issued to.
#[derive(Debug, Default)]
pub(crate) struct BuildClaims {
    pub(crate) repository: Option<String>,
    pub(crate) reference: Option<String>,
    pub(crate) runner: Option<String>,
    pub(crate) trigger: Option<String>,
}

impl Certified {
    pub(super) fn new(result: &VerificationResult) -> Result<Self, Defect> {
        let unreadable = |why: &str| Defect::Unreadable { why: why.to_owned() };
        let name = match result.identity() {
            Some(SubjectAltName::Email(email)) => Name::Email(email.clone()),
            Some(SubjectAltName::Uri(uri)) => Name::Uri(uri.clone()),
            _ => return Err(unreadable("its certificate names neither an e-mail address nor a URI")),
        };
        let issuer =
            result.issuer().ok_or_else(|| unreadable("its certificate does not say who issued the identity"))?;
        if !printable(name.as_str(), LONGEST_NAME) || !printable(issuer, LONGEST_NAME) {
            return Err(unreadable("its certificate names a signer or issuer that is no printable text"));
        }
        let claims = result.certificate().map(|certificate| &certificate.ci_claims);
        let claims = claims.map_or_else(BuildClaims::default, |claims| BuildClaims {
            repository: claims.source_repository_uri.clone(),
            reference: claims.source_repository_ref.clone(),
            runner: claims.runner_environment.clone(),
            trigger: claims.build_trigger.clone(),
        });
        let signed_at = result.verified_timestamps().iter().min().copied();
        Ok(Self { issuer: issuer.to_owned(), name, claims, signed_at })
    }

    pub(crate) fn identity(&self) -> Identity {
        Identity::Certificate { issuer: self.issuer.clone(), subject: self.name.as_str().to_owned() }
    }
}

impl Name {
    fn as_str(&self) -> &str {
        match self {
            Self::Email(text) | Self::Uri(text) => text,
        }
    }
}

impl fmt::Display for Certified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.name {
            Name::Email(_) => "the e-mail address ",
            Name::Uri(_) => "",
        };
        write!(f, "{kind}{}", self.identity())
    }
}
