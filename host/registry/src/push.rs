//! Putting a component into a registry.

use std::collections::BTreeMap;

use bytes::Bytes;
use cofferdam_trust::Digest;
use reqwest::{Method, StatusCode, header::LOCATION};
use serde_json::json;
use url::Url;

use crate::{
    Reference, Registry, RegistryError, endpoint, exchange::Answer, limits, media, registry::Request, tokens::Action,
};

const PUSHING: &str = "pushing";

impl Registry {
    /// Puts a component under a tag, and returns the digest of its manifest.
    ///
    /// The same component with the same annotations has the same manifest: nothing in it tells when it was made.
    ///
    /// # Errors
    ///
    /// A reference by digest, more annotations than 64 or 16 KiB of them, or the registry is away or refuses. Nothing
    /// stands under the tag then that did not before.
    pub async fn push(
        &self,
        reference: &Reference,
        component: &[u8],
        annotations: &BTreeMap<String, String>,
    ) -> Result<Digest, RegistryError> {
        let unfit = |why: &str| RegistryError::Unfit { of: reference.to_string(), why: why.to_owned() };
        let tag = reference.tag().ok_or_else(|| unfit("a component is pushed to a tag, and this is a digest"))?;
        let bytes = annotations.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
        if annotations.len() > limits::ANNOTATIONS || bytes > limits::ANNOTATION_BYTES {
            return Err(unfit("there are more annotations than 64, or than 16 KiB of them"));
        }
        let layer = Digest::of(component);
        let config = config(layer);
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": media::MANIFEST,
            "config": descriptor(media::COMPONENT_CONFIG, &config),
            "layers": [descriptor(media::COMPONENT, component)],
        });
        if !annotations.is_empty() {
            manifest["annotations"] = json!(annotations);
        }
        let manifest = manifest.to_string().into_bytes();
        let size = component.len() as u64;
        let all = async {
            self.put_blob(reference, Bytes::from(config)).await?;
            self.put_blob(reference, Bytes::copy_from_slice(component)).await?;
            self.put_manifest(reference, tag, media::MANIFEST, manifest).await.map(|(digest, _)| digest)
        };
        self.within(reference, PUSHING, 8, size, all).await
    }

    /// Puts a blob into the repository, unless it is there.
    pub(crate) async fn put_blob(&self, reference: &Reference, bytes: Bytes) -> Result<(), RegistryError> {
        let digest = format!("sha256:{}", Digest::of(&bytes));
        let there = self.address(reference, "blobs", &digest)?;
        let start = self.address(reference, "blobs", "uploads/")?;
        let (digest, there, start, bytes) = (&digest, &there, &start, &bytes);
        // An upload cannot be taken up again half-way, so each attempt is one from the start.
        self.attempts(move || self.uploaded(reference, there, start, digest, bytes)).await
    }

    async fn uploaded(
        &self,
        reference: &Reference,
        there: &Url,
        start: &Url,
        digest: &str,
        bytes: &Bytes,
    ) -> Result<(), RegistryError> {
        let known = self.exchange(&request(reference, Method::HEAD, None), there.clone()).await?;
        if known.status == StatusCode::OK {
            return Ok(());
        }
        let empty = Some((Bytes::new(), OCTETS));
        let started = self.exchange(&request(reference, Method::POST, empty), start.clone()).await?;
        let mut place = self.upload_place(reference, start, &started)?;
        place.query_pairs_mut().append_pair("digest", digest);
        let body = Some((bytes.clone(), OCTETS));
        let put = self.exchange(&request(reference, Method::PUT, body), place).await?;
        expect(reference, &put, &[StatusCode::CREATED, StatusCode::NO_CONTENT])
    }

    /// Where the registry wants an upload to go.
    fn upload_place(&self, reference: &Reference, start: &Url, started: &Answer) -> Result<Url, RegistryError> {
        expect(reference, started, &[StatusCode::ACCEPTED])?;
        let odd = |why: &str| RegistryError::Odd { of: reference.to_string(), doing: PUSHING, why: why.to_owned() };
        let place = started.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let place = place.and_then(|text| start.join(text).ok());
        let place = place.ok_or_else(|| odd("the registry names no place to upload to"))?;
        endpoint::may_lead_to(&self.root(reference)?, &place)
            .map_err(|why| odd(&format!("the place to upload to is not used: {why}")))?;
        Ok(place)
    }

    /// Puts a manifest or index under a tag or its digest; also says whether the registry listed it as a referrer.
    pub(crate) async fn put_manifest(
        &self,
        reference: &Reference,
        last: &str,
        media_type: &'static str,
        bytes: Vec<u8>,
    ) -> Result<(Digest, Listed), RegistryError> {
        let digest = Digest::of(&bytes);
        let bytes = Bytes::from(bytes);
        let url = self.address(reference, "manifests", last)?;
        let request = request(reference, Method::PUT, Some((bytes, media_type)));
        let (request, url) = (&request, &url);
        let answer = self.attempts(move || self.exchange(request, url.clone())).await?;
        expect(reference, &answer, &[StatusCode::CREATED])?;
        // Set by registries that list referrers themselves: distribution specification 1.1.
        let listed = if answer.headers.contains_key("oci-subject") { Listed::ByRegistry } else { Listed::Nowhere };
        Ok((digest, listed))
    }
}

/// Whether a pushed manifest can be found by what it refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    ByRegistry,
    Nowhere,
}

const OCTETS: &str = "application/octet-stream";

fn request<'a>(reference: &'a Reference, method: Method, body: Option<(Bytes, &'static str)>) -> Request<'a> {
    Request {
        reference,
        doing: PUSHING,
        what: "the registry's answer",
        action: Action::Push,
        method,
        accept: None,
        body,
        most: limits::COMPLAINT,
    }
}

fn expect(reference: &Reference, answer: &Answer, statuses: &[StatusCode]) -> Result<(), RegistryError> {
    if statuses.contains(&answer.status) {
        return Ok(());
    }
    if answer.status == StatusCode::NOT_FOUND {
        return Err(RegistryError::Missing { of: reference.to_string(), doing: PUSHING });
    }
    let why = format!("the registry answered with status {}", answer.status.as_u16());
    Err(RegistryError::Odd { of: reference.to_string(), doing: PUSHING, why })
}

/// What a manifest says of something that stands beside it.
pub(crate) fn descriptor(media_type: &str, bytes: &[u8]) -> serde_json::Value {
    json!({ "mediaType": media_type, "digest": format!("sha256:{}", Digest::of(bytes)), "size": bytes.len() })
}

/// The configuration of a component, by the layout for wasm. Readers of others ask for a date: it is always the same.
fn config(layer: Digest) -> Vec<u8> {
    json!({
        "created": "1970-01-01T00:00:00Z",
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [format!("sha256:{layer}")],
    })
    .to_string()
    .into_bytes()
}
