//! What admission begins with: bytes, and what speaks for them.

use std::{io, io::Read, path::Path};

use cofferdam_policy::{AdmissionLimits, Beside, Evidence, NotTrusted, PluginName, Policy, Provenance};
use cofferdam_registry::{FoundSignature, Manifest, Reference};
use cofferdam_trust::{Artifact, Digest};

use super::{Approved, Verified};
use crate::{
    Refusal, Step,
    beside::{self, Sidecar, open_regular},
};

/// A component's bytes and those of the files that speak for it, read once: what is checked is what
/// is compiled.
pub struct Candidate {
    pub(super) name: PluginName,
    /// The registry it came from, if it did.
    pub(super) source: Option<Reference>,
    pub(super) bytes: Vec<u8>,
    pub(super) digest: Digest,
    /// What was signed in its stead.
    pub(super) manifest: Option<Manifest>,
    pub(super) beside: Vec<Beside>,
    pub(super) sidecars: Vec<Sidecar>,
}

impl std::fmt::Debug for Candidate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Candidate").field("name", &self.name).field("digest", &self.digest).finish_non_exhaustive()
    }
}

impl Candidate {
    /// Reads a component's file, up to the size that the policy allows, and what lies beside it.
    ///
    /// # Errors
    /// When a file cannot be read, or is larger than allowed.
    pub fn read(name: PluginName, path: &Path, limits: &AdmissionLimits) -> Result<Self, Refusal> {
        let refuse = |found: String, mend: String| Refusal::new(&name, Step::Read, found, mend);
        let failed = |e: io::Error| refuse(format!("cannot read {}: {e}", path.display()), "check the file".into());
        let most = limits.file.get();
        let mut bytes = Vec::new();
        // One byte more than allowed tells a file that is too large from one that just fits.
        open_regular(path).map_err(failed)?.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > most {
            return Err(refuse(
                format!("{} has more than {}", path.display(), limits.file),
                "make it smaller, or raise `admission.file`".into(),
            ));
        }
        let sidecars = beside::read(path).map_err(|found| refuse(found, "mend or remove that file".into()))?;
        Self::new(name, None, bytes, sidecars)
    }

    /// Reads a copy of a component that came from `source`.
    pub(crate) fn stored(
        name: PluginName,
        path: &Path,
        source: Option<Reference>,
        limits: &AdmissionLimits,
    ) -> Result<Self, Refusal> {
        Ok(Self { source, ..Self::read(name, path, limits)? })
    }

    /// What came from a registry.
    ///
    /// # Errors
    /// When the manifest does not name these bytes.
    pub fn fetched(
        name: PluginName,
        source: Reference,
        manifest: &Manifest,
        signatures: Vec<FoundSignature>,
        bytes: Vec<u8>,
    ) -> Result<Self, Refusal> {
        let sidecars = beside::from_registry(manifest.bytes(), signatures);
        Self::new(name, Some(source), bytes, sidecars)
    }

    fn new(
        name: PluginName,
        source: Option<Reference>,
        bytes: Vec<u8>,
        sidecars: Vec<Sidecar>,
    ) -> Result<Self, Refusal> {
        let digest = Digest::of(&bytes);
        let manifest = match beside::manifest(&sidecars) {
            None => None,
            Some(text) => {
                let wrong =
                    |found: String| Refusal::new(&name, Step::Verify, found, "pull it again").because("wrong-manifest");
                let manifest = Manifest::parse(text.to_vec()).map_err(|e| wrong(e.to_string()))?;
                let (named, _) = manifest.layer();
                if named != digest {
                    return Err(wrong(format!("its manifest is that of sha256 {named}, and it is {digest}")));
                }
                Some(manifest)
            }
        };
        let file = format!("{name}.wasm");
        let beside = beside::signatures(source.is_none().then_some(file.as_str()), &sidecars);
        Ok(Self { name, source, bytes, digest, manifest, beside, sidecars })
    }

    pub fn name(&self) -> &PluginName {
        &self.name
    }

    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether anything beside it speaks for it.
    pub fn is_accompanied(&self) -> bool {
        !self.beside.is_empty()
    }

    /// What was signed: the component itself, or the manifest that names it.
    fn artifact(&self) -> Artifact<'_> {
        match &self.manifest {
            Some(manifest) => Artifact::Digest(manifest.digest()),
            None => Artifact::Bytes(&self.bytes),
        }
    }

    /// Finds out who signed exactly these bytes, and whether the policy takes their word under this
    /// name.
    ///
    /// # Errors
    /// What is missing, or what was found instead.
    pub fn verify(self, policy: &Policy) -> Result<Verified, Refusal> {
        let provenance = self.judge(policy)?;
        Ok(Verified { candidate: self, provenance })
    }

    pub(crate) fn judge(&self, policy: &Policy) -> Result<Provenance, Refusal> {
        let evidence = Evidence { digest: self.digest, artifact: self.artifact(), signatures: &self.beside };
        let refuse = |why: NotTrusted| Refusal::new(&self.name, Step::Verify, &why.found, why.mend).because(why.reason);
        policy.judge(&self.name, evidence).map_err(refuse)
    }

    /// Goes on without asking who signed it, so that a person can see what it is. What comes of it
    /// can be looked at and not be served.
    ///
    /// # Errors
    /// When it is no component that this host serves.
    pub fn for_the_operator(self) -> Result<Approved, Refusal> {
        Verified { candidate: self, provenance: Provenance::Unsigned }.for_the_operator()
    }
}
