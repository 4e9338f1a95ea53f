//! What cosign left in a registry (`tests/fixtures/sigstore/oci`), served as a registry would.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use cofferdam_registry::{Reference, Registry, RegistrySettings};
use cofferdam_trust::Digest;

use crate::stub::{Asked, Reply, Stub};

/// Who lists what refers to a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lists {
    /// The registry, by the referrers API.
    Registry,
    /// Clients, under a tag.
    Tag,
}

pub(crate) struct Content {
    blobs: BTreeMap<String, Vec<u8>>,
    tags: BTreeMap<String, String>,
    lists: Lists,
}

pub(crate) const REPOSITORY: &str = "acme/echo";

impl Content {
    pub(crate) fn new(lists: Lists) -> Self {
        let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/sigstore/oci");
        let blobs = fs::read_dir(fixtures.join("blobs")).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            (format!("sha256:{}", path.file_name().unwrap().to_str().unwrap()), fs::read(path).unwrap())
        });
        let tags = fs::read(fixtures.join("tags.json")).unwrap();
        Self { blobs: blobs.collect(), tags: serde_json::from_slice(&tags).unwrap(), lists }
    }

    /// Serves it as it is.
    pub(crate) fn serve(self) -> Stub {
        Stub::new(move |asked| self.answer(asked))
    }

    /// The manifest behind a tag.
    pub(crate) fn digest(&self, tag: &str) -> Digest {
        self.tags[tag].parse().unwrap()
    }

    /// The bytes with this digest.
    pub(crate) fn blob(&self, digest: Digest) -> Vec<u8> {
        self.blobs[&format!("sha256:{digest}")].clone()
    }

    /// Adds bytes, and returns their digest.
    pub(crate) fn add(&mut self, bytes: impl Into<Vec<u8>>) -> Digest {
        let bytes = bytes.into();
        let digest = Digest::of(&bytes);
        self.blobs.insert(format!("sha256:{digest}"), bytes);
        digest
    }

    pub(crate) fn tag(&mut self, tag: &str, digest: Digest) {
        self.tags.insert(tag.to_owned(), format!("sha256:{digest}"));
    }

    pub(crate) fn answer(&self, asked: &Asked) -> Reply {
        let Some(path) = asked.path.strip_prefix(&format!("/v2/{REPOSITORY}/")) else { return Reply::status(404) };
        let (kind, name) = path.split_once('/').unwrap();
        let blob = |digest: &str| self.blobs.get(digest).map_or(Reply::status(404), Reply::ok_of);
        let tagged = |tag: &str| self.tags.get(tag).map_or(Reply::status(404), |digest| blob(digest));
        match (kind, self.lists) {
            ("blobs", _) => blob(name),
            ("manifests", _) if name.starts_with("sha256:") => blob(name),
            ("manifests", Lists::Registry) if name.starts_with("sha256-") && !name.ends_with(".sig") => {
                Reply::status(404)
            }
            ("manifests", _) => tagged(name),
            ("referrers", Lists::Registry) => match tagged(&name.replace(':', "-")) {
                Reply::Whole(404, ..) => Reply::ok(r#"{"schemaVersion":2,"manifests":[]}"#),
                listed => listed,
            },
            _ => Reply::status(404),
        }
    }
}

impl Reply {
    #[allow(clippy::ptr_arg, reason = "passed to map_or as a function of the map's values")]
    fn ok_of(bytes: &Vec<u8>) -> Self {
        Self::ok(bytes.clone())
    }
}

/// A client that gives up soon.
pub(crate) fn impatient() -> Registry {
    let settings = RegistrySettings { timeout: Duration::from_secs(2), attempts: 2, ..RegistrySettings::default() };
    Registry::new(settings).unwrap()
}

pub(crate) fn reference(registry: &str, tag: &str) -> Reference {
    format!("oci://{registry}/{REPOSITORY}:{tag}").parse().unwrap()
}
