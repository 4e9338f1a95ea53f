//! Manifests: what a component's says, and the other kinds that are read on the way to signatures.

use std::{collections::BTreeMap, fmt};

use cofferdam_trust::Digest;
use serde::{Deserialize, Deserializer};

use crate::{RegistryError, error::shown, limits, media};

#[cfg(test)]
mod tests;

/// The manifest of a component: its exact bytes, and the one layer that they name.
#[derive(Clone, PartialEq, Eq)]
pub struct Manifest {
    bytes: Vec<u8>,
    digest: Digest,
    layer: Digest,
    size: u64,
}

impl Manifest {
    /// Reads the bytes of a manifest, also those of a copy that was kept.
    ///
    /// # Errors
    ///
    /// More than 64 KiB; no JSON of an OCI image manifest; an index; more or fewer layers than one; a layer of another
    /// media type than `application/wasm`. Each is an error of its own.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, RegistryError> {
        let digest = Digest::of(&bytes);
        let of = format!("manifest sha256:{digest}");
        let read = Read::parse(&of, &bytes)?;
        let [layer] = read.layers.as_slice() else {
            return Err(RegistryError::Layers { of, count: read.layers.len() });
        };
        if layer.media_type != media::COMPONENT {
            return Err(RegistryError::LayerType { of, found: shown(&layer.media_type) });
        }
        let (layer, size) = (layer.digest, layer.size);
        Ok(Self { bytes, digest, layer, size })
    }

    /// The bytes as they were pushed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest of [`bytes`](Self::bytes): what a signature in a registry is made over.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The component: its digest and its size in bytes, both as the manifest declares them.
    pub fn layer(&self) -> (Digest, u64) {
        (self.layer, self.size)
    }
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes: _, digest, layer, size } = self;
        f.debug_struct("Manifest").field("digest", digest).field("layer", layer).field("size", size).finish()
    }
}

// === what any manifest says ===

/// What we read of a manifest, whatever it is one of. Fields that we do not know are none of our business.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Read {
    pub(crate) schema_version: u64,
    pub(crate) media_type: Option<String>,
    #[serde(default)]
    pub(crate) layers: Vec<Descriptor>,
    pub(crate) subject: Option<Subject>,
}

/// What a manifest says of one layer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    #[serde(deserialize_with = "sha256")]
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// The manifest that a referrer belongs to. Its digest is only compared, so any text will do.
#[derive(Debug, Deserialize)]
pub(crate) struct Subject {
    pub(crate) digest: String,
}

impl Read {
    /// Reads one manifest; `of` names it in errors.
    pub(crate) fn parse(of: &str, bytes: &[u8]) -> Result<Self, RegistryError> {
        let of = || of.to_owned();
        if bytes.len() as u64 > limits::MANIFEST {
            return Err(RegistryError::TooLarge { of: of(), what: "the manifest", most: limits::MANIFEST });
        }
        let kind: Kind = serde_json::from_slice(bytes)
            .map_err(|error| RegistryError::NotManifest { of: of(), why: shown(&error.to_string()) })?;
        if kind.manifests.is_some() || matches!(kind.media_type.as_deref(), Some(media::INDEX | media::DOCKER_INDEX)) {
            return Err(RegistryError::Index { of: of() });
        }
        let read: Self = serde_json::from_slice(bytes)
            .map_err(|error| RegistryError::NotManifest { of: of(), why: shown(&error.to_string()) })?;
        let odd = |why: String| Err(RegistryError::NotManifest { of: of(), why });
        match read.media_type.as_deref() {
            // Absent is what OCI 1.0 wrote; the other fields then tell.
            None | Some(media::MANIFEST) => {}
            Some(other) => return odd(format!("its media type is \"{}\", not {}", shown(other), media::MANIFEST)),
        }
        if read.schema_version != 2 {
            return odd(format!("its schema version is {}, not 2", read.schema_version));
        }
        Ok(read)
    }
}

/// Only what tells a manifest from an index, read first: an index lacks fields that a manifest must have, and is to
/// be refused as what it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    media_type: Option<String>,
    manifests: Option<serde::de::IgnoredAny>,
}

/// In a manifest a digest names its algorithm.
fn sha256<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
    let text = String::deserialize(deserializer)?;
    if !text.starts_with("sha256:") {
        return Err(serde::de::Error::custom("a digest that is not sha256:"));
    }
    text.parse().map_err(serde::de::Error::custom)
}

// === the list of referrers ===

/// A list of manifests. Its entries stay what they are, so that a list can be written again with one more.
#[derive(Debug, Deserialize)]
pub(crate) struct Index {
    #[serde(default)]
    pub(crate) manifests: Vec<Entry>,
}

/// One entry. Its artefact type is not read: cosign's entries say "empty", and anything can be written there.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    #[serde(deserialize_with = "sha256")]
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

impl Index {
    /// Reads a list of referrers; `of` names it in errors.
    pub(crate) fn parse(of: &str, bytes: &[u8]) -> Result<Self, RegistryError> {
        serde_json::from_slice(bytes).map_err(|error| RegistryError::NotManifest {
            of: of.to_owned(),
            why: format!("its list of referrers cannot be read: {}", shown(&error.to_string())),
        })
    }
}
