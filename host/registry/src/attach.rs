//! Attaching a signature to what is in a registry.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use cofferdam_trust::Digest;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Manifest, Reference, Registry, RegistryError, limits, media,
    push::{Listed, descriptor},
};

const ATTACHING: &str = "attaching a signature";

/// How often a list is written again when somebody else wrote it in between.
const ROUNDS: usize = 3;

impl Registry {
    /// Attaches a sigstore bundle with a DSSE envelope to a component's manifest, the way that cosign 3 does, and
    /// returns the digest of the manifest that was added.
    ///
    /// Where the registry does not list referrers, the list under a tag is written again with one entry more. Registries
    /// offer no way to do that undisturbed: it is read back, and written again when the entry is not in it.
    ///
    /// # Errors
    ///
    /// Bytes that are no such bundle or more than 1 MiB; no such manifest; the registry is away or refuses.
    pub async fn attach(
        &self,
        reference: &Reference,
        manifest: Digest,
        bundle: &[u8],
    ) -> Result<Digest, RegistryError> {
        let reference = reference.at(manifest);
        let predicate = predicate_type(bundle)
            .map_err(|why| RegistryError::Unfit { of: reference.to_string(), why: why.to_owned() })?;
        let size = bundle.len() as u64;
        self.within(&reference, ATTACHING, 16, size, self.attached(&reference, manifest, bundle, &predicate)).await
    }

    async fn attached(
        &self,
        reference: &Reference,
        manifest: Digest,
        bundle: &[u8],
        predicate: &str,
    ) -> Result<Digest, RegistryError> {
        let subject = self.manifest_with(reference, manifest).await?;
        let subject = Manifest::parse(subject).map_err(|error| error.about(&reference.to_string()))?;
        self.put_blob(reference, Bytes::from_static(media::EMPTY_BYTES)).await?;
        self.put_blob(reference, Bytes::copy_from_slice(bundle)).await?;
        let referrer = json!({
            "schemaVersion": 2,
            "mediaType": media::MANIFEST,
            "artifactType": media::BUNDLE,
            "config": descriptor(media::EMPTY, media::EMPTY_BYTES),
            "layers": [descriptor(media::BUNDLE, bundle)],
            "subject": descriptor(media::MANIFEST, subject.bytes()),
            "annotations": { media::BUNDLE_CONTENT: "dsse-envelope", media::BUNDLE_PREDICATE: predicate },
        });
        let referrer = referrer.to_string().into_bytes();
        let mut entry = descriptor(media::MANIFEST, &referrer);
        entry["artifactType"] = json!(media::BUNDLE);
        let name = format!("sha256:{}", Digest::of(&referrer));
        let (digest, listed) = self.put_manifest(reference, &name, media::MANIFEST, referrer).await?;
        if listed == Listed::Nowhere {
            self.list(reference, manifest, &entry).await?;
        }
        Ok(digest)
    }

    /// Adds an entry to the list of referrers under the tag that stands in for the registry's own.
    async fn list(&self, reference: &Reference, manifest: Digest, entry: &Value) -> Result<(), RegistryError> {
        let tag = media::referrers_tag(manifest);
        let odd = |why: &str| RegistryError::Odd { of: reference.to_string(), doing: ATTACHING, why: why.to_owned() };
        for _ in 0..ROUNDS {
            let mut index = match self.index_bytes(reference, "manifests", &tag).await? {
                Some(bytes) => serde_json::from_slice(&bytes).map_err(|_| odd("its list of referrers is not JSON"))?,
                None => json!({ "schemaVersion": 2, "mediaType": media::INDEX, "manifests": [] }),
            };
            let entries = index.get_mut("manifests").and_then(Value::as_array_mut);
            let entries = entries.ok_or_else(|| odd("its list of referrers has no entries"))?;
            if entries.iter().any(|known| known["digest"] == entry["digest"]) {
                return Ok(());
            }
            entries.push(entry.clone());
            let bytes = index.to_string().into_bytes();
            if bytes.len() as u64 > limits::INDEX {
                return Err(odd("its list of referrers is full"));
            }
            self.put_manifest(reference, &tag, media::INDEX, bytes).await?;
        }
        // The last round's own writing was not read back.
        match self.index_bytes(reference, "manifests", &tag).await? {
            Some(bytes) if String::from_utf8_lossy(&bytes).contains(entry["digest"].as_str().unwrap_or("?")) => Ok(()),
            _ => Err(odd("somebody else keeps writing its list of referrers")),
        }
    }
}

/// What a bundle attests, from its envelope. Not verified: this is what it says beside the bundle, for those who list.
fn predicate_type(bundle: &[u8]) -> Result<String, &'static str> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Bundle {
        dsse_envelope: Option<Envelope>,
    }
    #[derive(Deserialize)]
    struct Envelope {
        payload: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Statement {
        predicate_type: String,
    }
    if bundle.len() as u64 > limits::BUNDLE {
        return Err("the bundle has more than 1 MiB");
    }
    let bundle: Bundle = serde_json::from_slice(bundle).map_err(|_| "this is no sigstore bundle")?;
    let envelope =
        bundle.dsse_envelope.ok_or("the bundle has no DSSE envelope: sign the manifest's digest as a statement")?;
    let payload = STANDARD.decode(envelope.payload).map_err(|_| "the bundle's envelope is not base64")?;
    let statement: Statement =
        serde_json::from_slice(&payload).map_err(|_| "the bundle's envelope holds no in-toto statement")?;
    Ok(statement.predicate_type)
}
