//! The chain from bytes to a plugin. Each type here is proof that the steps before it were taken.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use cofferdam_capabilities::Services;
use cofferdam_policy::{FirstSight, PluginName, Policy, Prefix, Provenance};
use cofferdam_registry::Manifest;
use cofferdam_sandbox::{
    Definitions, Engine, Failure, Operation, PrepareError, Prepared, Ran, Reply,
    cache::CodeCache,
    compile::{CodeFrom, Compiler},
};
use cofferdam_trust::Digest;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    Import, Inspected, Lock, Plugin, Refusal, Step, Store,
    beside::{self, Sidecar},
    definitions::Checker,
    drift::{self, Change, Grave, Side},
    inspect::embedded,
    lock::{LockEntry, LockSigner, same_signers},
    snapshot::PluginParts,
};

mod candidate;

pub use candidate::Candidate;

/// Where components are compiled and run while they are admitted.
#[derive(Clone, Debug)]
pub struct Place {
    pub engine: Arc<Engine>,
    pub cache: CodeCache,
    pub compiler: Compiler,
    pub services: Services,
}

/// Who said that a component may run, beside those who signed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// The lock knows it as it is.
    Lock,
    /// Nobody knew it, and the policy lets it in on that.
    FirstSight,
    /// It replaces what the lock knows, by a signer whose updates the policy lets through.
    Update,
    /// A person at the command line, for one look at it. It is not served.
    Operator,
}

impl Approval {
    pub fn label(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::FirstSight => "first sight",
            Self::Update => "update",
            Self::Operator => "operator",
        }
    }
}

/// A component by those whose word the policy takes.
#[derive(Debug)]
pub struct Verified {
    candidate: Candidate,
    provenance: Provenance,
}

impl Verified {
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Writes it and what speaks for it into a directory, as files that a host there admits, and says
    /// which. What spoke for an older one goes.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn write_to(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let Candidate { name, bytes, sidecars, .. } = &self.candidate;
        beside::write(&directory.join(format!("{name}.wasm")), bytes, sidecars)
    }

    /// Reads what it imports, exports and calls itself.
    ///
    /// # Errors
    /// When it is no component that this host serves.
    pub fn inspect(&self) -> Result<Inspected, Refusal> {
        Inspected::of(&self.candidate.name, &self.candidate.bytes)
    }

    /// Whether it is the one that the policy means: a signature binds bytes, not names, so what the
    /// bytes call themselves has to be what they are run as.
    ///
    /// # Errors
    /// When it calls itself something else, or is older than allowed.
    pub fn fits(&self, policy: &Policy) -> Result<(), Refusal> {
        let name = &self.candidate.name;
        let (own_name, own_version) = embedded(&self.candidate.bytes)
            .map_err(|e| Refusal::new(name, Step::Inspect, e, "put components here, and nothing else"))?;
        let refuse = |found: String, mend: String| Refusal::new(name, Step::Verify, found, mend);
        let wanted = policy.component_name(name);
        if let Some(own) = own_name.as_deref().filter(|own| *own != wanted) {
            let own = own.escape_debug();
            let found = format!("it calls itself {own}, and runs as {wanted} here");
            let mend =
                format!("rename the file to {own}.wasm, or set `component = \"{own}\"` in its entry of the policy");
            return Err(refuse(found, mend).because("wrong-name"));
        }
        if let Some(lowest) = policy.min_version(name) {
            let version = own_version.as_deref().and_then(|v| semver::Version::parse(v).ok());
            if version.as_ref().is_none_or(|v| v < lowest) {
                let found = match version {
                    Some(version) => format!("it is version {version}, and {lowest} is the lowest that may run"),
                    None => format!("it embeds no version, and {lowest} is the lowest that may run"),
                };
                return Err(refuse(found, "`min_version` in its entry of the policy says so".into()).because("too-old"));
            }
        }
        Ok(())
    }

    /// Holds it against what was accepted before. `present` are the plugins that are there now.
    ///
    /// # Errors
    /// When it has to be approved first.
    pub fn approve(self, policy: &Policy, lock: &Lock, present: &BTreeSet<PluginName>) -> Result<Approved, Refusal> {
        let inspected = self.inspect()?;
        self.fits(policy)?;
        let approval = match lock.get(self.candidate.name.as_str()) {
            Some(before) => self.against(before, policy, &inspected)?,
            None => self.at_first_sight(policy, lock, present, &inspected)?,
        };
        Ok(Approved { verified: self, inspected, approval })
    }

    /// Goes on as what a person wants to look at.
    ///
    /// # Errors
    /// When it is no component that this host serves.
    pub fn for_the_operator(self) -> Result<Approved, Refusal> {
        let inspected = self.inspect()?;
        Ok(Approved { verified: self, inspected, approval: Approval::Operator })
    }

    /// The same, for a person who is about to approve it under this policy.
    ///
    /// # Errors
    /// When no approval could make it run.
    pub fn for_approval(self, policy: &Policy) -> Result<Approved, Refusal> {
        let inspected = self.inspect()?;
        self.fits(policy)?;
        Ok(Approved { verified: self, inspected, approval: Approval::Operator })
    }

    fn against(&self, before: &LockEntry, policy: &Policy, inspected: &Inspected) -> Result<Approval, Refusal> {
        let Candidate { name, digest, source, .. } = &self.candidate;
        let now = LockEntry { definitions: before.definitions.clone(), ..self.entry(policy, inspected) };
        if before.sha256 == *digest && before.source == *source && same_signers(&before.signer, &now.signer) {
            return Ok(Approval::Lock);
        }
        let grave = drift::grave(before, &now);
        let vouched = self.provenance.vouches().iter().any(|v| policy.auto_updates(name, &v.signer));
        if grave.is_empty() && vouched && before.source == *source {
            return Ok(Approval::Update);
        }
        let side = |entry| Side { entry, definitions: None };
        let found: Vec<String> = drift::changes(side(before), side(&now)).into_iter().map(|c| c.text).collect();
        let found = format!("it is not what was approved: {}", found.join("; "));
        let reason = match grave.first() {
            Some(Grave::Signer) => "signer-changed",
            Some(Grave::Older) => "older-version",
            None => "drift",
        };
        let mut mend = mend_by_approval(name, "");
        if !grave.is_empty() {
            let signer = now.signer.first().map_or("unsigned", |s| s.name.as_str());
            let flag = |g: &Grave| match g {
                Grave::Signer => format!(" --signer {signer}"),
                Grave::Older => " --older".to_owned(),
            };
            mend = mend_by_approval(name, &grave.iter().map(flag).collect::<String>());
        }
        Err(Refusal::new(name, Step::Approve, found, mend).because(reason))
    }

    fn at_first_sight(
        &self,
        policy: &Policy,
        lock: &Lock,
        present: &BTreeSet<PluginName>,
        inspected: &Inspected,
    ) -> Result<Approval, Refusal> {
        let Candidate { name, digest, .. } = &self.candidate;
        let refuse = |found: String, reason| {
            let mend = format!("look at it with `cofferdam approve {name}`");
            Err(Refusal::new(name, Step::Approve, found, mend).because(reason))
        };
        if policy.first_sight(name) == FirstSight::Approve {
            return refuse("it was never approved".into(), "first-sight");
        }
        // The policy itself bound these very bytes to this name.
        if !self.provenance.is_signed() {
            return Ok(Approval::FirstSight);
        }
        let gone = lock.entries().filter(|e| !present.contains(&e.name));
        if let Some(known) = gone.into_iter().find(|e| e.sha256 == *digest) {
            return refuse(renamed(&known.name), "renamed");
        }
        let granted = policy.granted(name);
        if inspected.name.is_none() && !granted.is_empty() {
            // Anything by the same signers could be put under this name, and would get its grants.
            return refuse(
                format!("it embeds no name, and the policy grants {} to {name}", granted.join(", ")),
                "nameless",
            );
        }
        Ok(Approval::FirstSight)
    }

    /// What the lock says of it, its definitions aside.
    fn entry(&self, policy: &Policy, inspected: &Inspected) -> LockEntry {
        let Candidate { name, source, digest, manifest, .. } = &self.candidate;
        LockEntry {
            name: name.clone(),
            source: source.clone(),
            sha256: *digest,
            manifest: manifest.as_ref().map(Manifest::digest),
            version: inspected.version.clone(),
            component: inspected.name.clone(),
            unsigned: !self.provenance.is_signed(),
            imports: inspected.imports.iter().map(|i| i.name.clone()).collect(),
            requested: inspected.requested(),
            granted: policy.granted(name).into_iter().map(str::to_owned).collect(),
            signer: LockSigner::all_of(&self.provenance),
            definitions: BTreeMap::new(),
        }
    }
}

fn mend_by_approval(name: &PluginName, flags: &str) -> String {
    format!("`cofferdam diff {name}` shows what changed, `cofferdam approve {name}{flags}` accepts it")
}

fn renamed(known: &PluginName) -> String {
    format!(
        "it is what was approved as {known}, which is not there any more: a rename would leave that approval behind"
    )
}

/// A component that may be compiled.
#[derive(Debug)]
pub struct Approved {
    verified: Verified,
    inspected: Inspected,
    approval: Approval,
}

impl Approved {
    pub fn inspected(&self) -> &Inspected {
        &self.inspected
    }

    pub fn approval(&self) -> Approval {
        self.approval
    }

    /// Makes it ready to run, linked with what the policy grants to any of its tools.
    ///
    /// # Errors
    /// When it does not compile within its limits.
    pub async fn compile(self, place: &Place, policy: &Policy) -> Result<Compiled, Refusal> {
        let began = Instant::now();
        let Candidate { name, bytes, digest, .. } = &self.verified.candidate;
        let (limits, granted) = (policy.admission(), policy.capabilities(name));
        let prepared = place.cache.prepare(&place.engine, &place.compiler, *digest, bytes, limits, &granted).await;
        let (prepared, from) = prepared.map_err(|e| {
            let mend = match e {
                PrepareError::TooLarge { .. } => "make it smaller, or raise that limit for it in the policy",
                _ => "mend the component, or raise the limit it needs in `[admission]`",
            };
            Refusal::new(name, Step::Compile, e, mend)
        })?;
        let size = bytes.len() as u64;
        Ok(Compiled { approved: self, prepared: Arc::new(prepared), from, began, size })
    }
}

/// A component that can run.
#[derive(Debug)]
pub struct Compiled {
    approved: Approved,
    prepared: Arc<Prepared>,
    from: CodeFrom,
    began: Instant,
    size: u64,
}

impl Compiled {
    /// Asks it what it offers, with nothing granted and little to spend, and checks the answer.
    pub async fn describe(self, place: &Place, policy: &Policy) -> Result<Described, Refusal> {
        let name = self.approved.verified.candidate.name.clone();
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
        let permit = policy.permit_description(name.clone(), self.approved.verified.candidate.digest);
        let never = CancellationToken::new();
        let ran: Ran =
            self.prepared.run(&place.engine, permit, Operation::Describe, &place.services, None, &never).await;
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
        let checked = Checker { policy, plugin: &name, prefix, limits: policy.admission() }.check(found)?;
        Ok(Described { compiled: self, checked })
    }
}

/// A component whose definitions are fit to be listed.
#[derive(Debug)]
pub struct Described {
    compiled: Compiled,
    checked: crate::definitions::Checked,
}

/// What admission came to.
#[derive(Debug)]
pub struct Admitted {
    pub plugin: Plugin,
    /// What is to be written to the lock before it serves: what stands there, and what replaces it.
    pub record: Option<(Option<LockEntry>, LockEntry)>,
    pub(crate) copy: Copied,
}

/// The bytes of what was admitted.
#[derive(Debug)]
pub(crate) struct Copied {
    name: PluginName,
    digest: Digest,
    bytes: Vec<u8>,
    sidecars: Vec<Sidecar>,
}

impl Copied {
    /// Keeps them, so that it can serve when its file is replaced or its registry is away.
    pub(crate) fn keep(&self, store: &Store) -> io::Result<()> {
        store.keep(&self.name, &self.digest, &self.bytes, &self.sidecars)
    }
}

impl Described {
    /// What the lock says of it.
    pub fn entry(&self, policy: &Policy) -> LockEntry {
        let Approved { verified, inspected, .. } = &self.compiled.approved;
        let definitions = self.checked.definitions.iter().map(|(k, v)| (k.clone(), drift::digest(v))).collect();
        LockEntry { definitions, ..verified.entry(policy, inspected) }
    }

    /// Bytes of the component.
    pub fn size(&self) -> u64 {
        self.compiled.size
    }

    pub fn imports(&self) -> &[Import] {
        &self.compiled.approved.inspected.imports
    }

    /// Each definition as the plugin gave it, under what the lock calls it.
    pub fn definitions(&self) -> &BTreeMap<String, Value> {
        &self.checked.definitions
    }

    pub fn provenance(&self) -> &Provenance {
        &self.compiled.approved.verified.provenance
    }

    /// What differs from what the lock knows. `known` is that very version, if it is still there.
    pub fn changes(&self, before: &LockEntry, known: Option<&Self>, policy: &Policy) -> Vec<Change> {
        let after = self.entry(policy);
        drift::changes(
            Side { entry: before, definitions: known.map(Self::definitions) },
            Side { entry: &after, definitions: Some(self.definitions()) },
        )
    }

    /// Holds what it offers against what was accepted. `known` is the version that the lock knows,
    /// for an update.
    ///
    /// # Errors
    /// When it has to be approved first.
    pub fn admit(
        self,
        policy: &Policy,
        lock: &Lock,
        present: &BTreeSet<PluginName>,
        known: Option<&Self>,
    ) -> Result<Admitted, Refusal> {
        let name = self.compiled.approved.verified.candidate.name.clone();
        let approval = self.compiled.approved.approval;
        let before = lock.get(name.as_str());
        let entry = self.entry(policy);
        let refuse =
            |found: String, mend: String, reason| Err(Refusal::new(&name, Step::Approve, found, mend).because(reason));
        let record = match (approval, before) {
            (Approval::Lock, Some(before)) => {
                if before.definitions != entry.definitions {
                    let side = |entry| Side { entry, definitions: None };
                    let found: Vec<String> = drift::changes(side(before), side(&entry))
                        .into_iter()
                        .map(|c| c.text.replace(", and what it was is not kept", ""))
                        .collect();
                    let found = format!("the same component offers something else: {}", found.join("; "));
                    return refuse(found, mend_by_approval(&name, ""), "definitions-changed");
                }
                None
            }
            (Approval::Update, Some(before)) => {
                let wider: Vec<String> = self
                    .changes(before, known, policy)
                    .into_iter()
                    .filter(|c| c.group == drift::Group::Wider)
                    .map(|c| c.text)
                    .collect();
                if !wider.is_empty() {
                    let found = format!("an update that widens: {}", wider.join("; "));
                    return refuse(found, mend_by_approval(&name, ""), "drift");
                }
                Some((Some(before.clone()), entry))
            }
            (Approval::FirstSight, None) => {
                let signed = self.provenance().is_signed();
                let gone = lock.entries().filter(|e| signed && !present.contains(&e.name));
                if let Some(known) = gone.into_iter().find(|e| offers_the_same(e, &entry)) {
                    let mend = format!("look at it with `cofferdam approve {name}`");
                    return refuse(renamed(&known.name), mend, "renamed");
                }
                Some((None, entry))
            }
            // A person looks at it; or the lock changed meanwhile, and everything is looked at anew.
            (Approval::Operator | Approval::Lock | Approval::Update | Approval::FirstSight, _) => None,
        };
        let (plugin, copy) = self.take_apart();
        Ok(Admitted { plugin, record, copy })
    }

    /// The plugin, for people who look at it.
    pub fn into_plugin(self) -> Plugin {
        self.take_apart().0
    }

    pub(crate) fn into_copy(self) -> Copied {
        self.take_apart().1
    }

    fn take_apart(self) -> (Plugin, Copied) {
        let Compiled { approved, prepared, from, began, size } = self.compiled;
        let Approved { verified: Verified { candidate, provenance }, inspected, approval } = approved;
        let took: Duration = began.elapsed();
        let cached = from == CodeFrom::Cache;
        let Candidate { name, digest, source, bytes, sidecars, .. } = candidate;
        let Inspected { imports, version, .. } = inspected;
        let copy = Copied { name: name.clone(), digest, bytes, sidecars };
        let parts =
            PluginParts { name, digest, source, version, provenance, approval, imports, prepared, size, took, cached };
        (Plugin::new(parts, self.checked), copy)
    }
}

/// Whether two plugins offer tools of the same names, or one tool that is the same to the letter.
fn offers_the_same(known: &LockEntry, new: &LockEntry) -> bool {
    let tools = |e: &LockEntry| -> BTreeMap<String, Digest> {
        e.definitions.iter().filter(|(k, _)| k.starts_with("tool ")).map(|(k, d)| (k.clone(), *d)).collect()
    };
    let (known, new) = (tools(known), tools(new));
    !new.is_empty() && (known.keys().eq(new.keys()) || new.iter().any(|(k, d)| known.get(k) == Some(d)))
}
