//! The chain from bytes to a plugin. Each type here is proof that the steps before it were taken.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use cofferdam_capabilities::HostFacts;
use cofferdam_policy::{AdmissionLimits, PluginName, Policy, Prefix};
use cofferdam_sandbox::{
    Definitions, Engine, Failure, Operation, PrepareError, Prepared, Ran, Reply,
    cache::CodeCache,
    compile::{CodeFrom, Compiler},
};
use cofferdam_trust::Digest;
use tokio_util::sync::CancellationToken;

use crate::{Inspected, Lock, Plugin, Refusal, Step, definitions::Checker, snapshot::PluginParts};

/// Where components are compiled and run while they are admitted.
#[derive(Clone, Debug)]
pub struct Place {
    pub engine: Arc<Engine>,
    pub cache: CodeCache,
    pub compiler: Compiler,
    pub facts: Arc<dyn HostFacts>,
}

/// A component's bytes, read once: what is checked is what is compiled.
pub struct Candidate {
    name: PluginName,
    path: PathBuf,
    bytes: Vec<u8>,
    digest: Digest,
}

impl std::fmt::Debug for Candidate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Candidate").field("name", &self.name).field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// Who said that a component may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// The policy names its digest.
    Policy,
    /// The lock names its digest.
    Lock,
    /// A person at the command line, for one look at it. It is not served.
    Operator,
}

impl Approval {
    pub fn label(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Lock => "lock",
            Self::Operator => "operator",
        }
    }
}

impl Candidate {
    /// Reads a component's file, up to the size that the policy allows.
    pub fn read(name: PluginName, path: &Path, limits: &AdmissionLimits) -> Result<Self, Refusal> {
        let refuse = |found: String, mend: String| Refusal::new(&name, Step::Read, found, mend);
        let failed =
            |e: std::io::Error| refuse(format!("cannot read {}: {e}", path.display()), "check the file".into());
        let most = limits.file.get();
        let mut bytes = Vec::new();
        // One byte more than allowed tells a file that is too large from one that just fits.
        File::open(path).map_err(failed)?.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > most {
            return Err(refuse(
                format!("{} has more than {}", path.display(), limits.file),
                "make it smaller, or raise `admission.file`".into(),
            ));
        }
        let digest = Digest::of(&bytes);
        Ok(Self { name, path: path.to_owned(), bytes, digest })
    }

    pub fn name(&self) -> &PluginName {
        &self.name
    }

    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Finds out who approved exactly these bytes under this name.
    pub fn verify(self, policy: &Policy, lock: &Lock) -> Result<Verified, Refusal> {
        match approval(&self.name, &self.digest, policy, lock) {
            Some(approval) => Ok(Verified { candidate: self, approval }),
            None => {
                let found = match lock.get(&self.name) {
                    Some(entry) => {
                        format!("sha256 {} is not the one that was approved, {}", self.digest, entry.sha256)
                    }
                    None => format!("nobody approved sha256 {}", self.digest),
                };
                let mend = format!("look at it with `cofferdam approve {}`", self.name);
                Err(Refusal::new(&self.name, Step::Verify, found, mend))
            }
        }
    }

    /// Goes on without approval, so that a person can see what there is to approve. What comes of
    /// it can be looked at and not be served.
    pub fn for_the_operator(self) -> Verified {
        Verified { candidate: self, approval: Approval::Operator }
    }
}

/// Who approved this digest under this name, if anybody.
pub(crate) fn approval(name: &PluginName, digest: &Digest, policy: &Policy, lock: &Lock) -> Option<Approval> {
    if policy.accepts_digest(name, digest) {
        Some(Approval::Policy)
    } else if lock.accepts(name, digest) {
        Some(Approval::Lock)
    } else {
        None
    }
}

/// A component that somebody approved.
#[derive(Debug)]
pub struct Verified {
    candidate: Candidate,
    approval: Approval,
}

impl Verified {
    /// Reads what it imports and exports.
    pub fn inspect(&self) -> Result<Inspected, Refusal> {
        Inspected::of(&self.candidate.name, &self.candidate.bytes)
    }

    /// Makes it ready to run, if it is something this host serves.
    pub async fn compile(self, place: &Place, limits: &AdmissionLimits) -> Result<Compiled, Refusal> {
        let began = Instant::now();
        let inspected = self.inspect()?;
        let Candidate { name, bytes, digest, .. } = &self.candidate;
        let prepared = place.cache.prepare(&place.engine, &place.compiler, *digest, bytes, limits).await;
        let (prepared, from) = prepared.map_err(|e| {
            let mend = match e {
                PrepareError::TooLarge { .. } => "make it smaller, or raise that limit for it in the policy",
                _ => "mend the component, or raise the limit it needs in `[admission]`",
            };
            Refusal::new(name, Step::Compile, e, mend)
        })?;
        let size = bytes.len() as u64;
        Ok(Compiled { verified: self, inspected, prepared: Arc::new(prepared), from, began, size })
    }
}

/// A component that can run.
#[derive(Debug)]
pub struct Compiled {
    verified: Verified,
    inspected: Inspected,
    prepared: Arc<Prepared>,
    from: CodeFrom,
    began: Instant,
    size: u64,
}

impl Compiled {
    /// Asks it what it offers, with nothing granted and little to spend, and checks the answer.
    pub async fn describe(self, place: &Place, policy: &Policy) -> Result<Described, Refusal> {
        let name = self.verified.candidate.name.clone();
        let refuse = |found: String| {
            // How the engine says that a component's types are not the host's.
            let foreign = found.contains("expected ") && found.contains("found ");
            let mend = if foreign {
                "it was built for another state of the contract: build it again with the wit/ of this host"
            } else {
                "listing has to be pure and small: its author has to mend it"
            };
            Refusal::new(&name, Step::Describe, found, mend)
        };
        let permit = policy.permit_description(name.clone(), self.verified.candidate.digest);
        let never = CancellationToken::new();
        let ran: Ran = self.prepared.run(&place.engine, permit, Operation::Describe, &place.facts, None, &never).await;
        let found: Definitions = match ran.reply {
            Ok(Reply::Definitions(found)) => found,
            Ok(_) => return Err(refuse("it answered something else".into())),
            Err(Failure::Host(why)) => return Err(refuse(format!("the host could not run it: {why}"))),
            Err(failure) => return Err(refuse(format!("asked what it offers, {failure}"))),
        };
        let prefix = match policy.prefix(&name) {
            Prefix::Name => name.as_str(),
            Prefix::Text(text) => text,
        };
        let checked = Checker { plugin: &name, prefix, limits: policy.admission() }.check(found)?;
        Ok(Described { compiled: self, checked })
    }
}

/// A component whose definitions are fit to be listed.
#[derive(Debug)]
pub struct Described {
    compiled: Compiled,
    checked: crate::definitions::Checked,
}

impl Described {
    /// The plugin, ready for a catalog; served only when somebody other than a person who is
    /// looking at it approved it.
    pub fn into_plugin(self) -> Plugin {
        let Compiled { verified, inspected, prepared, from, began, size } = self.compiled;
        let Candidate { name, digest, .. } = verified.candidate;
        let took: Duration = began.elapsed();
        let cached = from == CodeFrom::Cache;
        let approval = verified.approval;
        let parts = PluginParts { name, digest, approval, imports: inspected.imports, prepared, size, took, cached };
        Plugin::new(parts, self.checked)
    }
}
