//! The media types, annotations and tags that others chose.

use cofferdam_trust::Digest;

/// OCI image specification 1.1.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// What an empty configuration holds, by the same specification.
pub(crate) const EMPTY_BYTES: &[u8] = b"{}";

/// Docker's own kinds. They are asked for only so that the registry says what it has, and the refusal is ours.
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// What a request for a manifest accepts: everything that could be there under a tag.
pub(crate) fn any_manifest() -> String {
    [MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_INDEX].join(", ")
}

/// Components, by the layout of CNCF's TAG Runtime for wasm in OCI registries.
pub(crate) const COMPONENT: &str = "application/wasm";
pub(crate) const COMPONENT_CONFIG: &str = "application/vnd.wasm.config.v0+json";

/// A sigstore bundle, as cosign 3 attaches it.
pub(crate) const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// The same version, as earlier releases of the bundle format spelt it.
const BUNDLE_WITH_PARAMETER: &str = "application/vnd.dev.sigstore.bundle+json;version=0.3";

/// Whether this is a media type of bundles that we read.
pub(crate) fn is_bundle(media_type: &str) -> bool {
    let plain: String = media_type.chars().filter(|c| *c != ' ').collect();
    plain == BUNDLE || plain == BUNDLE_WITH_PARAMETER
}

/// What cosign 3 says beside a bundle, for those who list referrers.
pub(crate) const BUNDLE_CONTENT: &str = "dev.sigstore.bundle.content";
pub(crate) const BUNDLE_PREDICATE: &str = "dev.sigstore.bundle.predicateType";

/// What cosign 2 signs, and where it puts the signature.
pub(crate) const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
pub(crate) const SIMPLE_SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// The tag under which referrers are listed where the registry does not list them itself.
pub(crate) fn referrers_tag(manifest: Digest) -> String {
    format!("sha256-{manifest}")
}

/// The tag under which cosign 2 keeps signatures.
pub(crate) fn cosign2_tag(manifest: Digest) -> String {
    format!("sha256-{manifest}.sig")
}
