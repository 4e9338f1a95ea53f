//! Why a registry was of no use: what an operator reads.
//!
//! Nothing here holds a credential, and no address beyond the reference: storage that a registry redirects to is
//! often addressed with a signature in the query. Words of the registry are cut and escaped.

use cofferdam_trust::Digest;
use thiserror::Error;

/// What went wrong between us and a registry. `of` is the reference, or the manifest where no reference is known.
#[derive(Debug, Error)]
pub enum RegistryError {
    /// The settings cannot be used.
    #[error("settings for registries: {what}")]
    Settings { what: String },
    /// The registry, or a service that it depends on, did not answer, or answered that it cannot just now.
    #[error("{of}: {doing}: {why}")]
    Away { of: String, doing: &'static str, why: String },
    /// The registry wants to know who asks, or does not let them.
    #[error("{of}: {doing}: the registry refused with status {status}{said}, asked {who}")]
    Refused { of: String, doing: &'static str, status: u16, said: String, who: &'static str },
    /// There is no such thing in the registry.
    #[error("{of}: {doing}: the registry has no such thing")]
    Missing { of: String, doing: &'static str },
    /// An answer that fits none of what was asked.
    #[error("{of}: {doing}: {why}")]
    Odd { of: String, doing: &'static str, why: String },
    /// Credentials that are configured could not be had.
    #[error("credentials for {registry}: {why}")]
    Credentials { registry: String, why: String },
    /// More bytes than are read of such a thing.
    #[error("{of}: {what} has more than {most} bytes")]
    TooLarge { of: String, what: &'static str, most: u64 },
    /// Bytes that are not the ones asked for.
    #[error("{of}: {what} should have sha256:{expected}, and what arrived has sha256:{found}")]
    WrongDigest { of: String, what: &'static str, expected: Digest, found: Digest },
    /// More or fewer bytes than the manifest says.
    #[error("{of}: {what} should have {declared} bytes, and {found} arrived")]
    WrongSize { of: String, what: &'static str, declared: u64, found: String },
    /// Bytes that are no manifest of an artefact.
    #[error("{of}: this is no manifest: {why}")]
    NotManifest { of: String, why: String },
    /// A list of manifests where one was to be.
    #[error("{of}: this is an index of several manifests, and one is needed")]
    Index { of: String },
    /// No layer, or several.
    #[error("{of}: the manifest has {count} layers, and a component has one")]
    Layers { of: String, count: usize },
    /// The one layer is something else than a component.
    #[error("{of}: the manifest's layer is {found:?}, and a component is \"application/wasm\"")]
    LayerType { of: String, found: String },
    /// What was to be put into the registry cannot be.
    #[error("{of}: {why}")]
    Unfit { of: String, why: String },
}

impl RegistryError {
    /// What an operator can do about it.
    pub fn mend(&self) -> String {
        match self {
            Self::Settings { .. } => "correct the settings".to_owned(),
            Self::Away { .. } => "try again later; if it lasts, check the address, the network and its proxy, and that \
                                  the registry speaks TLS or is listed as one that does not"
                .to_owned(),
            Self::Refused { who, .. } if *who == ANONYMOUS => {
                "log in with `docker login` as the user that runs the host, or point DOCKER_CONFIG at credentials"
                    .to_owned()
            }
            Self::Refused { .. } => {
                "check that the credentials are current and may do this; `docker login` replaces them".to_owned()
            }
            Self::Missing { .. } => "check the repository and the tag or digest, and that it was pushed there".to_owned(),
            Self::Odd { .. } => "check that the address is that of an OCI registry".to_owned(),
            Self::Credentials { .. } => {
                "run the credential helper by hand, or correct docker's config.json".to_owned()
            }
            Self::TooLarge { .. } => "push a smaller one, or raise the limit if it is one of the settings".to_owned(),
            Self::WrongDigest { .. } | Self::WrongSize { .. } => {
                "do not use it: the registry, or something before it, altered what was pushed; push it again and find \
                 out what did"
                    .to_owned()
            }
            Self::NotManifest { .. } | Self::Layers { .. } | Self::LayerType { .. } => {
                "push the component with `cofferdam push`, `wkg oci push` or `oras push` as the one layer application/wasm"
                    .to_owned()
            }
            Self::Index { .. } => "refer to one of its manifests by digest".to_owned(),
            Self::Unfit { .. } => "correct what is pushed".to_owned(),
        }
    }

    /// Whether the registry could not be reached or answered that it cannot just now (408, 429, 5xx): what was asked
    /// may well be in order, and asking again may help. All else is an answer.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. })
    }

    /// The same error with the reference by which it was come upon.
    pub(crate) fn about(mut self, reference: &str) -> Self {
        match &mut self {
            Self::Away { of, .. }
            | Self::Refused { of, .. }
            | Self::Missing { of, .. }
            | Self::Odd { of, .. }
            | Self::TooLarge { of, .. }
            | Self::WrongDigest { of, .. }
            | Self::WrongSize { of, .. }
            | Self::NotManifest { of, .. }
            | Self::Index { of }
            | Self::Layers { of, .. }
            | Self::LayerType { of, .. }
            | Self::Unfit { of, .. } => reference.clone_into(of),
            Self::Settings { .. } | Self::Credentials { .. } => {}
        }
        self
    }
}

/// How a request was made, as [`RegistryError::Refused`] tells it.
pub(crate) const ANONYMOUS: &str = "without credentials";
pub(crate) const WITH_CREDENTIALS: &str = "with the configured credentials";

/// Words of others, made fit for one line: cut, and without control characters.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(LONGEST_QUOTE).flat_map(char::escape_debug).collect()
}

/// Characters of a registry's own words in one of our messages.
const LONGEST_QUOTE: usize = 200;
