//! What stands beside a manifest and may be a signature of it.
//!
//! Two layouts: bundles that refer to the manifest, as cosign 3 attaches them, and cosign 2's tag. Nothing here is
//! verified, so what is odd in itself is left out: it signs nothing, and one oversized attestation of a stranger must
//! not hide a signature. What the *registry* does wrong is an error: "there is no signature" is only said when a
//! registry said so.

use std::collections::BTreeSet;

use cofferdam_trust::Digest;
use reqwest::Method;

use crate::{
    Reference, Registry, RegistryError, limits,
    manifest::{Descriptor, Entry, Index, Read},
    media,
    registry::Request,
    tokens::Action,
};

/// A signature as it was found, unverified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundSignature {
    /// A sigstore bundle: JSON, at most 1 MiB. It may be an attestation; which, only its payload tells.
    Bundle(Vec<u8>),
    /// Cosign 2: the bytes that are signed, which name the manifest, and the signature in base64.
    SimpleSigning { payload: Vec<u8>, signature: String },
}

const LOOKING: &str = "looking for signatures";

impl Registry {
    /// The signatures beside a manifest, unverified: those that refer to it, then those under cosign 2's tag.
    ///
    /// At most 32 referrers are read and 32 signatures handed on; more are left out with a warning in the log.
    ///
    /// # Errors
    ///
    /// The registry is away or refuses; it lists a referrer and does not have it; it sends other bytes than it lists.
    /// That there are none is no error.
    pub async fn signatures(
        &self,
        reference: &Reference,
        digest: Digest,
    ) -> Result<Vec<FoundSignature>, RegistryError> {
        let reference = reference.at(digest);
        let all = async {
            let mut found = Vec::new();
            if let Some(listed) = self.referrers(&reference, digest).await? {
                self.bundles(&reference, digest, listed, &mut found).await?;
            }
            // Also where the registry lists referrers itself: it may have learnt to after these were attached.
            if found.is_empty() {
                let listed = self.tagged_referrers(&reference, digest).await?;
                self.bundles(&reference, digest, listed, &mut found).await?;
            }
            self.simple_signatures(&reference, digest, &mut found).await?;
            Ok(found)
        };
        self.within(&reference, LOOKING, 8, 0, all).await
    }

    /// What the registry itself lists. `None`: it does not know how to.
    async fn referrers(&self, reference: &Reference, digest: Digest) -> Result<Option<Vec<Entry>>, RegistryError> {
        let bytes = self.index_bytes(reference, "referrers", &format!("sha256:{digest}")).await?;
        // A page has at least as many entries as we read, so the next page does not matter.
        bytes.map(|bytes| Index::parse(&reference.to_string(), &bytes).map(|index| index.manifests)).transpose()
    }

    /// What is listed under the tag that stands in for a registry's own list.
    async fn tagged_referrers(&self, reference: &Reference, digest: Digest) -> Result<Vec<Entry>, RegistryError> {
        match self.index_bytes(reference, "manifests", &media::referrers_tag(digest)).await? {
            Some(bytes) => Ok(Index::parse(&reference.to_string(), &bytes)?.manifests),
            None => Ok(Vec::new()),
        }
    }

    /// The bytes of an index, if there is one.
    pub(crate) async fn index_bytes(
        &self,
        reference: &Reference,
        kind: &str,
        last: &str,
    ) -> Result<Option<Vec<u8>>, RegistryError> {
        let request = Request {
            reference,
            doing: LOOKING,
            what: "the list of referrers",
            action: Action::Pull,
            method: Method::GET,
            accept: Some(media::any_manifest()),
            body: None,
            most: limits::INDEX,
        };
        Ok(self.read(&request, kind, last).await?.map(|answer| answer.body))
    }

    async fn bundles(
        &self,
        reference: &Reference,
        subject: Digest,
        listed: Vec<Entry>,
        found: &mut Vec<FoundSignature>,
    ) -> Result<(), RegistryError> {
        let mut seen = BTreeSet::new();
        if listed.len() > limits::REFERRERS {
            tracing::warn!(%reference, referrers = listed.len(), read = limits::REFERRERS, "too many referrers: some are not read");
        }
        for entry in listed.into_iter().take(limits::REFERRERS) {
            let left_out =
                |why: &str| tracing::warn!(%reference, referrer = %entry.digest, why, "a referrer is left out");
            if !seen.insert(entry.digest) {
                continue;
            }
            if entry.size > limits::MANIFEST {
                left_out("its manifest is too large");
                continue;
            }
            let bytes = self.manifest_with(&reference.at(entry.digest), entry.digest).await?;
            let read = match Read::parse("a referrer", &bytes) {
                Ok(read) => read,
                Err(error) => {
                    left_out(&error.to_string());
                    continue;
                }
            };
            let refers = read.subject.is_some_and(|read| read.digest == format!("sha256:{subject}"));
            if !refers {
                left_out("it refers to another manifest");
                continue;
            }
            for layer in read.layers.iter().filter(|layer| media::is_bundle(&layer.media_type)) {
                if let Some(bytes) = self.signed(reference, layer, limits::BUNDLE, found.len()).await? {
                    found.push(FoundSignature::Bundle(bytes));
                }
            }
        }
        Ok(())
    }

    async fn simple_signatures(
        &self,
        reference: &Reference,
        subject: Digest,
        found: &mut Vec<FoundSignature>,
    ) -> Result<(), RegistryError> {
        let Some(bytes) = self.manifest_bytes(reference, LOOKING, &media::cosign2_tag(subject)).await? else {
            return Ok(());
        };
        let read = match Read::parse("cosign 2's tag", &bytes) {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(%reference, %error, "the signatures of cosign 2 are left out");
                return Ok(());
            }
        };
        for mut layer in read.layers {
            let signature = layer.annotations.remove(media::SIMPLE_SIGNATURE);
            let Some(signature) = signature.filter(|_| layer.media_type == media::SIMPLE_SIGNING) else { continue };
            if let Some(payload) = self.signed(reference, &layer, limits::PAYLOAD, found.len()).await? {
                found.push(FoundSignature::SimpleSigning { payload, signature });
            }
        }
        Ok(())
    }

    /// The bytes of one layer, unless there are too many of them or of its like.
    async fn signed(
        &self,
        reference: &Reference,
        layer: &Descriptor,
        most: u64,
        already: usize,
    ) -> Result<Option<Vec<u8>>, RegistryError> {
        if layer.size > most || already >= limits::SIGNATURES {
            tracing::warn!(%reference, layer = %layer.digest, size = layer.size, "a signature is left out: too large, or too many");
            return Ok(None);
        }
        self.blob(reference, "a signature", layer.digest, layer.size).await.map(Some)
    }
}
