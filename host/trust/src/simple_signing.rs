//! cosign 2's signatures in a registry: a key signs a JSON text, and the text names the manifest.

use serde::Deserialize;

use crate::{Digest, defect::Defect, text::shown};

/// The type such a text gives itself. Another type is another kind of promise.
const TYPE: &str = "cosign container image signature";

pub(crate) struct SimpleSigning {
    /// The signed bytes, exactly as the registry holds them.
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    /// The manifest that the payload binds.
    pub(crate) manifest: Digest,
}

#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// Reads a payload without believing it: its signature is checked later, over the same bytes.
pub(crate) fn read(payload: &[u8], signature: Vec<u8>) -> Result<SimpleSigning, Defect> {
    let unreadable = |why: String| Defect::Unreadable { why: shown(&why) };
    let read: Payload = serde_json::from_slice(payload).map_err(|e| unreadable(e.to_string()))?;
    if read.critical.kind != TYPE {
        return Err(unreadable(format!("it signs a {:?}, not a {TYPE:?}", read.critical.kind)));
    }
    let manifest = read
        .critical
        .image
        .digest
        .strip_prefix("sha256:")
        .and_then(|hex| hex.parse().ok())
        .ok_or_else(|| unreadable("it names no sha256 of a manifest".to_owned()))?;
    Ok(SimpleSigning { payload: payload.to_vec(), signature, manifest })
}
