//! From a reference to a component, in the order of the three steps.

use cofferdam_trust::Digest;
use reqwest::Method;

use crate::{Manifest, Reference, Registry, RegistryError, limits, media, registry::Request, tokens::Action};

impl Registry {
    /// The manifest that a reference stands for now. A digest stands for itself, without a request.
    ///
    /// What a tag stands for is the digest of the bytes that were sent, never one that the registry says.
    ///
    /// # Errors
    ///
    /// No such tag, more than 64 KiB, or the registry is away or refuses.
    pub async fn resolve(&self, reference: &Reference) -> Result<Digest, RegistryError> {
        let Some(tag) = reference.tag() else {
            return reference
                .pinned()
                .ok_or_else(|| RegistryError::Missing { of: reference.to_string(), doing: RESOLVING });
        };
        let bytes = self.within(reference, RESOLVING, 2, 0, self.manifest_bytes(reference, RESOLVING, tag)).await?;
        let bytes = bytes.ok_or_else(|| RegistryError::Missing { of: reference.to_string(), doing: RESOLVING })?;
        Ok(Digest::of(&bytes))
    }

    /// The manifest with this digest, of the repository that the reference names. Its bytes are checked against the
    /// digest.
    ///
    /// # Errors
    ///
    /// Those of [`Manifest::parse`]; no such manifest; bytes with another digest; the registry is away or refuses.
    pub async fn manifest(&self, reference: &Reference, digest: Digest) -> Result<Manifest, RegistryError> {
        let reference = reference.at(digest);
        let bytes = self.within(&reference, READING, 2, 0, self.manifest_with(&reference, digest)).await?;
        Manifest::parse(bytes).map_err(|error| error.about(&reference.to_string()))
    }

    /// The component of a manifest. Its bytes are checked against the digest and size that the manifest declares.
    ///
    /// # Errors
    ///
    /// More than `most` bytes declared, which is refused before anything is asked for; fewer or more bytes than
    /// declared, or others; no such blob; the registry is away or refuses.
    pub async fn component(
        &self,
        reference: &Reference,
        manifest: &Manifest,
        most: u64,
    ) -> Result<Vec<u8>, RegistryError> {
        let reference = reference.at(manifest.digest());
        let (digest, size) = manifest.layer();
        if size > most {
            return Err(RegistryError::TooLarge { of: reference.to_string(), what: COMPONENT, most });
        }
        self.within(&reference, FETCHING, 2, size, self.blob(&reference, COMPONENT, digest, size)).await
    }

    /// Whatever manifest has this digest.
    pub(crate) async fn manifest_with(&self, reference: &Reference, digest: Digest) -> Result<Vec<u8>, RegistryError> {
        let bytes = self.manifest_bytes(reference, READING, &format!("sha256:{digest}")).await?;
        let bytes = bytes.ok_or_else(|| RegistryError::Missing { of: reference.to_string(), doing: READING })?;
        expect(reference, "the manifest", digest, &bytes)?;
        Ok(bytes)
    }

    /// Whatever manifest stands under a tag or digest, unchecked. `None`: nothing.
    pub(crate) async fn manifest_bytes(
        &self,
        reference: &Reference,
        doing: &'static str,
        last: &str,
    ) -> Result<Option<Vec<u8>>, RegistryError> {
        let request = Request {
            reference,
            doing,
            what: "the manifest",
            action: Action::Pull,
            method: Method::GET,
            accept: Some(media::any_manifest()),
            body: None,
            most: limits::MANIFEST,
        };
        Ok(self.read(&request, "manifests", last).await?.map(|answer| answer.body))
    }

    /// The blob with this digest and size.
    pub(crate) async fn blob(
        &self,
        reference: &Reference,
        what: &'static str,
        digest: Digest,
        size: u64,
    ) -> Result<Vec<u8>, RegistryError> {
        let request = Request {
            reference,
            doing: FETCHING,
            what,
            action: Action::Pull,
            method: Method::GET,
            accept: None,
            body: None,
            most: size,
        };
        let of = || reference.to_string();
        let wrong_size = |found: String| RegistryError::WrongSize { of: of(), what, declared: size, found };
        let answer = match self.read(&request, "blobs", &format!("sha256:{digest}")).await {
            Err(RegistryError::TooLarge { .. }) => Err(wrong_size("more".to_owned())),
            Ok(None) => Err(RegistryError::Missing { of: of(), doing: FETCHING }),
            Ok(Some(answer)) => Ok(answer),
            Err(error) => Err(error),
        }?;
        if answer.body.len() as u64 != size {
            return Err(wrong_size(answer.body.len().to_string()));
        }
        expect(reference, what, digest, &answer.body)?;
        Ok(answer.body)
    }
}

const COMPONENT: &str = "the component";
const RESOLVING: &str = "looking up the tag";
const READING: &str = "reading the manifest";
const FETCHING: &str = "fetching what the manifest names";

fn expect(reference: &Reference, what: &'static str, expected: Digest, bytes: &[u8]) -> Result<(), RegistryError> {
    let found = Digest::of(bytes);
    if found == expected {
        return Ok(());
    }
    Err(RegistryError::WrongDigest { of: reference.to_string(), what, expected, found })
}
