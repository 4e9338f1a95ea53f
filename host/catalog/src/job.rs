//! One run of admission, from wherever a component comes to a plugin that may be served.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use cofferdam_policy::{PluginName, Policy};
use cofferdam_registry::{FoundSignature, Manifest, Reference, Registry, RegistryError};
use cofferdam_trust::{Artifact, Digest};

use crate::{
    Candidate, Lock, LockEntry, LockError, LockFile, Place, Plugin, Refusal, Step, Store,
    admission::{Admitted, Approval, Copied, Described},
    beside,
    source::Found,
};

/// Everything an admission is decided by, at one moment.
#[derive(Clone, Debug)]
pub struct Rules {
    pub policy: Arc<Policy>,
    pub lock: Arc<Lock>,
    /// The plugins that are there now.
    pub present: Arc<BTreeSet<PluginName>>,
}

/// What every admission works with.
#[derive(Debug)]
pub struct Workshop {
    pub place: Place,
    pub(crate) store: Store,
    lock: LockFile,
    /// `None` when no plugin comes from a registry.
    pub registry: Option<Registry>,
    /// Whether what is seen for the first time is written to the lock.
    records: bool,
    /// What was written to the lock and the keeper does not know of yet.
    recorded: Mutex<Vec<LockEntry>>,
}

/// What one run came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) result: Result<Plugin, Refusal>,
    /// The version that the lock knows, when that had to stand in.
    pub(crate) fallback: Option<Plugin>,
}

/// Where a plugin in a registry stands now.
#[derive(Debug)]
pub(crate) enum Looked {
    /// Where it stood before.
    Unmoved,
    Moved {
        manifest: Option<Digest>,
        outcome: Box<Outcome>,
        away: bool,
    },
}

impl Workshop {
    /// `records` says whether what is seen for the first time is written to the lock.
    pub fn new(place: Place, store: Store, lock: LockFile, registry: Option<Registry>, records: bool) -> Self {
        Self { place, store, lock, registry, records, recorded: Mutex::default() }
    }

    pub(crate) fn records(&self) -> bool {
        self.records
    }

    /// What was written to the lock since this was asked last. While an entry is being written this
    /// waits, so that the lock on disk is never ahead of what is told here.
    pub(crate) fn take_recorded(&self) -> Vec<LockEntry> {
        std::mem::take(&mut *self.recorded.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Admits a file.
    pub(crate) async fn admit_file(&self, name: &PluginName, found: &Found, rules: &Rules, stand_in: bool) -> Outcome {
        let (own, path, limits) = (name.clone(), found.path.clone(), rules.policy.admission().clone());
        let reading = tokio::task::spawn_blocking(move || Candidate::read(own, &path, &limits)).await;
        let candidate = reading.map_err(|e| Refusal::new(name, Step::Read, e, "look at the log")).and_then(|c| c);
        self.finish(name, candidate, rules, stand_in).await
    }

    /// Admits the version that the lock knows, from its copy.
    pub(crate) async fn admit_copy(&self, name: &PluginName, rules: &Rules) -> Option<Plugin> {
        let entry = rules.lock.get(name.as_str())?;
        let result = match self.copy(name, entry, rules).await? {
            Ok(candidate) => self.run(candidate, rules).await,
            Err(refusal) => Err(refusal),
        };
        match result {
            // What is served is what was approved, or nothing.
            Ok(plugin) if plugin.approval == Approval::Lock => Some(plugin),
            Ok(_) => None,
            Err(refusal) => {
                tracing::warn!(plugin = %name, step = %refusal.step, found = %refusal.found, "the approved version cannot stand in");
                None
            }
        }
    }

    /// Looks where a plugin's reference leads now, and admits what is there. `known` is where it led.
    pub(crate) async fn look_in_registry(
        &self,
        name: &PluginName,
        reference: &Reference,
        known: Option<Digest>,
        rules: &Rules,
        stand_in: bool,
    ) -> Looked {
        let mut manifest = None;
        let fetched = match self.fetch(name, reference, known, rules, &mut manifest).await {
            Ok(Some(candidate)) => Ok(candidate),
            Ok(None) => return Looked::Unmoved,
            Err(error) => Err(error),
        };
        let away = matches!(&fetched, Err(refusal) if refusal.reason == AWAY);
        let outcome = self.finish(name, fetched, rules, stand_in).await;
        Looked::Moved { manifest, outcome: Box::new(outcome), away }
    }

    /// What a reference leads to, unless that is known. Who signed it is asked before the component
    /// itself is fetched.
    async fn fetch(
        &self,
        name: &PluginName,
        reference: &Reference,
        known: Option<Digest>,
        rules: &Rules,
        resolved: &mut Option<Digest>,
    ) -> Result<Option<Candidate>, Refusal> {
        let refuse = |e: RegistryError| refuse_fetch(name, &e);
        let Some(registry) = &self.registry else {
            return Err(Refusal::new(name, Step::Fetch, "there is no registry", "look at the configuration"));
        };
        let digest = registry.resolve(reference).await.map_err(refuse)?;
        *resolved = Some(digest);
        if known == Some(digest) {
            return Ok(None);
        }
        // From here on by digest: what a tag leads to may change between two requests.
        let entry = rules.lock.get(name.as_str()).filter(|e| e.manifest == Some(digest));
        if let Some(entry) = entry
            && entry.source.as_ref() == Some(reference)
            && let Some(Ok(candidate)) = self.copy(name, entry, rules).await
            // A copy is only as good as what it is: a damaged one is fetched anew.
            && candidate.digest() == entry.sha256
            && candidate.judge(&rules.policy).is_ok()
        {
            return Ok(Some(candidate));
        }
        fetch_signed(registry, name, reference, digest, &rules.policy).await.map(Some)
    }

    /// The copy of what the lock knows, unverified. `None` when there is none.
    async fn copy(&self, name: &PluginName, entry: &LockEntry, rules: &Rules) -> Option<Result<Candidate, Refusal>> {
        let path = self.store.find(name, &entry.sha256)?;
        let (own, source, limits) = (name.clone(), entry.source.clone(), rules.policy.admission().clone());
        let reading = tokio::task::spawn_blocking(move || Candidate::stored(own, &path, source, &limits)).await;
        Some(reading.map_err(|e| Refusal::new(name, Step::Read, e, "look at the log")).and_then(|c| c))
    }

    async fn finish(
        &self,
        name: &PluginName,
        candidate: Result<Candidate, Refusal>,
        rules: &Rules,
        stand_in: bool,
    ) -> Outcome {
        let result = match candidate {
            Ok(candidate) => self.run(candidate, rules).await,
            Err(refusal) => Err(refusal),
        };
        match result {
            Ok(plugin) => Outcome { result: Ok(plugin), fallback: None },
            Err(refusal) => {
                let fallback = if stand_in { self.admit_copy(name, rules).await } else { None };
                Outcome { result: Err(refusal), fallback }
            }
        }
    }

    async fn run(&self, candidate: Candidate, rules: &Rules) -> Result<Plugin, Refusal> {
        let Rules { policy, lock, present } = rules;
        let name = candidate.name().clone();
        let verified = candidate.verify(policy)?;
        let approved = verified.approve(policy, lock, present)?;
        let known = match approved.approval() {
            Approval::Update => self.known(&name, rules).await,
            _ => None,
        };
        let described = approved.compile(&self.place, policy).await?.describe(&self.place, policy).await?;
        let Admitted { plugin, record, copy } = described.admit(policy, lock, present, known.as_ref())?;
        if self.records {
            if let Some((before, entry)) = record {
                self.record(&name, before.as_ref(), entry)?;
            }
            self.keep(&name, copy).await;
        }
        Ok(plugin)
    }

    async fn keep(&self, name: &PluginName, copy: Copied) {
        let store = self.store.clone();
        let kept = tokio::task::spawn_blocking(move || copy.keep(&store)).await;
        if let Err(error) = kept.unwrap_or_else(|e| Err(std::io::Error::other(e))) {
            // It serves from where it is; only an outlasting of that is lost.
            tracing::warn!(plugin = %name, %error, "cannot keep a copy of it");
        }
    }

    fn record(&self, name: &PluginName, before: Option<&LockEntry>, entry: LockEntry) -> Result<(), Refusal> {
        let written = tokio::task::block_in_place(|| {
            let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
            self.lock.record(before, entry.clone()).map(|_| recorded.push(entry))
        });
        let Err(error) = written else { return Ok(()) };
        let mend = format!("approve it with `cofferdam approve {name}` where the lock can be written");
        Err(Refusal::new(name, Step::Approve, error, mend).because(UNWRITABLE))
    }

    /// What the lock knows under this name, described, so that an update can be compared with it.
    pub async fn known(&self, name: &PluginName, rules: &Rules) -> Option<Described> {
        let entry = rules.lock.get(name.as_str())?;
        let candidate = self.copy(name, entry, rules).await?.ok()?;
        if candidate.digest() != entry.sha256 {
            return None;
        }
        let approved = candidate.for_the_operator().ok()?;
        let compiled = approved.compile(&self.place, &rules.policy).await.ok()?;
        compiled.describe(&self.place, &rules.policy).await.ok()
    }

    /// Accepts what a person looked at, in place of what the lock knows.
    ///
    /// # Errors
    /// When the lock cannot be written, or changed meanwhile.
    pub async fn accept(&self, described: Described, rules: &Rules) -> Result<(), LockError> {
        let entry = described.entry(&rules.policy);
        self.lock.record(rules.lock.get(entry.name.as_str()), entry.clone())?;
        self.keep(&entry.name, described.into_copy()).await;
        Ok(())
    }
}

/// The word for a lock that cannot be written.
pub(crate) const UNWRITABLE: &str = "lock-unwritable";

/// The word for a registry that does not answer.
pub(crate) const AWAY: &str = "registry-away";

fn refuse_fetch(name: &PluginName, error: &RegistryError) -> Refusal {
    let refusal = Refusal::new(name, Step::Fetch, error, error.mend());
    if error.is_away() { refusal.because(AWAY) } else { refusal }
}

/// Fetches a component by its manifest's digest, once the policy takes the word of who signed that.
///
/// # Errors
/// What the registry said, or what the policy says to the signatures.
pub async fn fetch_signed(
    registry: &Registry,
    name: &PluginName,
    reference: &Reference,
    digest: Digest,
    policy: &Policy,
) -> Result<Candidate, Refusal> {
    let refuse = |e: RegistryError| refuse_fetch(name, &e);
    let manifest: Manifest = registry.manifest(reference, digest).await.map_err(refuse)?;
    let signatures: Vec<FoundSignature> = registry.signatures(reference, digest).await.map_err(refuse)?;
    let sidecars = beside::from_registry(manifest.bytes(), signatures.clone());
    let found = beside::signatures(None, &sidecars);
    let evidence = cofferdam_policy::Evidence {
        digest: manifest.layer().0,
        artifact: Artifact::Digest(manifest.digest()),
        signatures: &found,
    };
    if let Err(why) = policy.judge(name, evidence) {
        return Err(Refusal::new(name, Step::Verify, &why.found, why.mend).because(why.reason));
    }
    let bytes = registry.component(reference, &manifest, policy.admission().file.get()).await.map_err(refuse)?;
    Candidate::fetched(name.clone(), reference.clone(), &manifest, signatures, bytes)
}
