use thiserror::Error;

/// Why a signature does not count. Every text in it is bounded and printable.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Defect {
    /// Well formed perhaps, but of a kind that is not read here.
    #[error("{found} is not supported")]
    UnsupportedFormat {
        /// What was found.
        found: String,
        /// What to do about it.
        mend: String,
    },
    /// No signature at all: broken, too large, or inconsistent with itself.
    #[error("the signature cannot be read: {why}")]
    Unreadable {
        /// What was found.
        why: String,
    },
    /// The signature is none by the key or certificate it must be by.
    #[error("the signature is not good: {why}")]
    BadSignature {
        /// What failed.
        why: String,
    },
    /// The signature is another artefact's.
    #[error("the signature is for another artefact: {why}")]
    WrongArtifact {
        /// What it is for.
        why: String,
    },
    /// Somebody else signed.
    #[error("{found}, and {rule}")]
    WrongSigner {
        /// Who signed, or what the certificate says of the build.
        found: String,
        /// Which signer wants what instead.
        rule: String,
    },
    /// No sound entry in a transparency log, where one is demanded.
    #[error("the signature is not in a transparency log: {why}")]
    NotLogged {
        /// What is missing or wrong.
        why: String,
    },
    /// Signed, logged or stamped at a time when something it rests on was not valid.
    #[error("the signature was not made in time: {why}")]
    OutsideValidity {
        /// Which time, and whose validity.
        why: String,
    },
    /// No authority of the trust root vouches for the certificate.
    #[error("no authority of the trust root vouches for the signer's certificate: {why}")]
    UnknownAuthority {
        /// What failed.
        why: String,
    },
}

impl Defect {
    /// The kind of defect, for logs and machine-readable output. Never changes for a variant.
    pub fn label(&self) -> &'static str {
        match self {
            Self::UnsupportedFormat { .. } => "unsupported-format",
            Self::Unreadable { .. } => "unreadable-signature",
            Self::BadSignature { .. } => "bad-signature",
            Self::WrongArtifact { .. } => "wrong-artifact",
            Self::WrongSigner { .. } => "wrong-signer",
            Self::NotLogged { .. } => "not-logged",
            Self::OutsideValidity { .. } => "outside-validity",
            Self::UnknownAuthority { .. } => "unknown-authority",
        }
    }

    /// What an operator can do about it.
    pub fn mend(&self) -> String {
        match self {
            Self::UnsupportedFormat { mend, .. } => mend.clone(),
            Self::Unreadable { .. } => {
                "fetch the signature again from where it was published, or have the file signed again".to_owned()
            }
            Self::BadSignature { .. } => {
                "fetch the file and its signature again from where they were published; if it \
                                          stays, another key signed it or somebody changed it"
                    .to_owned()
            }
            Self::WrongArtifact { .. } => {
                "put the signature of this very file and version beside it; file and signature come as a pair"
                    .to_owned()
            }
            Self::WrongSigner { .. } => {
                "if that signer is right, add it to the policy as a [[signer]] and name it for this plugin; if not, do \
                 not run the file"
                    .to_owned()
            }
            Self::NotLogged { .. } => {
                "have it signed with a transparency log (cosign does unless told otherwise), and \
                                       check that [trust] root knows that log; for a key that never uses one, write \
                                       log = \"none\" in its [[signer]]"
                    .to_owned()
            }
            Self::OutsideValidity { .. } => {
                "check this machine's clock and the trust root; if both are right, have the file signed again"
                    .to_owned()
            }
            Self::UnknownAuthority { .. } => {
                "check [trust] root: the signature may come from another instance (public-good, staging, or a \
                 private one, whose trusted_root.json it then names)"
                    .to_owned()
            }
        }
    }
}
