//! Keeps the catalog what the directories, the policy and the lock say it should be.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::{ArcSwap, Guard};
use cofferdam_policy::{PluginName, Policy, PolicyError};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use thiserror::Error;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Candidate, Catalog, Lock, LockError, Place, Plugin, Refusal, Step,
    admission::approval,
    snapshot::Slots,
    source::{Directories, Fingerprint, Found, SETTLED},
};

/// How often the directories are looked at when nothing is told of them: network mounts tell
/// nothing.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long events are gathered before a look.
const GATHER: Duration = Duration::from_millis(30);

/// What the keeper keeps.
#[derive(Clone, Debug)]
pub struct Settings {
    pub directories: Vec<PathBuf>,
    pub policy: PathBuf,
    pub lock: PathBuf,
}

/// Why there is nothing to keep.
#[derive(Debug, Error)]
pub enum KeeperError {
    #[error("cannot read {file}: {reason}")]
    Read { file: String, reason: String },
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error("{file} asks for more memory or tables, or for another stack, than this host was started with: restart it")]
    Restart { file: String },
}

/// A view of the catalog as it is now. Cheap to clone and to look at.
#[derive(Clone, Debug)]
pub struct Reading {
    current: Arc<ArcSwap<Catalog>>,
    version: watch::Receiver<u64>,
}

impl Reading {
    /// The snapshot of this moment. Calls hold on to it until they end.
    pub fn now(&self) -> Guard<Arc<Catalog>> {
        self.current.load()
    }

    /// Whether everything that was there at the start was looked at.
    pub fn is_published(&self) -> bool {
        *self.version.borrow() > 0
    }

    /// Waits until it is.
    pub async fn published(&self) {
        // An error means that the keeper is gone, and nothing will be published any more.
        let mut version = self.version.clone();
        let _gone = version.wait_for(|version| *version > 0).await;
    }

    /// Waits for the next publication. `None` when there will be none.
    pub async fn changed(&mut self) -> Option<Arc<Catalog>> {
        self.version.changed().await.ok()?;
        Some(self.current.load_full())
    }
}

/// What is known of one plugin.
#[derive(Debug, Default)]
struct Known {
    /// The file that was last looked into, or is being looked into.
    tried: Option<Found>,
    /// What passed admission last.
    admitted: Option<Arc<Plugin>>,
    /// What the last catalog serves.
    served: Option<Arc<Plugin>>,
    refusal: Option<Refusal>,
}

struct Done {
    name: PluginName,
    generation: u64,
    result: Result<Plugin, Refusal>,
}

/// Runs admission. See [`Keeper::keep`].
pub struct Keeper {
    settings: Settings,
    place: Arc<Place>,
    policy: Arc<Policy>,
    lock: Arc<Lock>,
    /// Counts reloads: what was admitted under older rules is admitted anew.
    generation: u64,
    decided_by: [Option<Fingerprint>; 2],
    directories: Directories,
    known: BTreeMap<PluginName, Known>,
    running: JoinSet<Done>,
    loose: Vec<Refusal>,
    slots: Slots,
    current: Arc<ArcSwap<Catalog>>,
    version: watch::Sender<u64>,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Reads a policy file.
fn read_policy(path: &Path) -> Result<Policy, KeeperError> {
    let file = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|e| KeeperError::Read { file: file.clone(), reason: e.to_string() })?;
    Ok(Policy::parse(&file, &text)?)
}

/// Reads a lock file; one that is not there approves nothing.
fn read_lock(path: &Path) -> Result<Lock, KeeperError> {
    let file = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Lock::parse(&file, &text)?),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Lock::default()),
        Err(e) => Err(KeeperError::Read { file, reason: e.to_string() }),
    }
}

impl Settings {
    /// Reads the policy and the lock.
    pub fn read(&self) -> Result<(Policy, Lock), KeeperError> {
        Ok((read_policy(&self.policy)?, read_lock(&self.lock)?))
    }

    fn fingerprints(&self) -> [Option<Fingerprint>; 2] {
        [Fingerprint::of(&self.policy).ok(), Fingerprint::of(&self.lock).ok()]
    }
}

impl Keeper {
    /// A keeper of these settings, under the policy and lock that were read from them.
    pub fn new(settings: Settings, policy: Policy, lock: Lock, place: Place) -> (Self, Reading) {
        let current = Arc::new(ArcSwap::from_pointee(Catalog::default()));
        let (version, seen) = watch::channel(0);
        let reading = Reading { current: current.clone(), version: seen };
        let keeper = Self {
            place: Arc::new(place),
            policy: Arc::new(policy),
            lock: Arc::new(lock),
            generation: 0,
            decided_by: settings.fingerprints(),
            directories: Directories::new(settings.directories.clone()),
            settings,
            known: BTreeMap::new(),
            running: JoinSet::new(),
            loose: Vec::new(),
            slots: Slots::default(),
            current,
            version,
        };
        (keeper, reading)
    }

    /// Admits what is there, publishes it, and returns.
    pub async fn once(mut self) {
        loop {
            let settled = self.look();
            while self.step().await {}
            if settled {
                break;
            }
            tokio::time::sleep(SETTLED).await;
        }
        self.publish();
    }

    /// Admits what is there, publishes it, and goes on doing so as files come, change and go, until
    /// `stop` fires.
    pub async fn keep(mut self, stop: CancellationToken) {
        let (told, mut events) = mpsc::channel(1024);
        // Dropped, it would stop telling.
        let _watcher = self.watch(told);
        let mut next_look = tokio::time::Instant::now();
        let mut settled = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                event = events.recv() => {
                    if let Some(event) = event {
                        self.directories.note(&event, Instant::now());
                        next_look = next_look.min(tokio::time::Instant::now() + GATHER);
                    }
                }
                Some(done) = self.running.join_next() => {
                    self.take(done);
                    self.publish_when_due(settled);
                }
                () = tokio::time::sleep_until(next_look) => {
                    self.reload();
                    settled = self.look();
                    let wait = if settled { LOOK_EVERY } else { SETTLED };
                    next_look = tokio::time::Instant::now() + wait;
                    self.publish_when_due(settled);
                }
            }
        }
    }

    fn watch(&self, told: mpsc::Sender<notify::Event>) -> Option<RecommendedWatcher> {
        let tell = move |event: notify::Result<notify::Event>| {
            if let Ok(event) = event {
                // A full channel means that a look is due anyway.
                let _full = told.try_send(event);
            }
        };
        let mut watcher = notify::recommended_watcher(tell)
            .inspect_err(|error| tracing::warn!(%error, "cannot watch for changes; looking every {LOOK_EVERY:?}"))
            .ok()?;
        let files = [&self.settings.policy, &self.settings.lock];
        let parents = files.into_iter().filter_map(|f| f.parent().map(Path::to_owned));
        let directories: BTreeSet<PathBuf> = self.settings.directories.iter().cloned().chain(parents).collect();
        for directory in directories {
            if let Err(error) = watcher.watch(&directory, RecursiveMode::NonRecursive) {
                tracing::warn!(directory = %directory.display(), %error, "cannot watch; looking every {LOOK_EVERY:?}");
            }
        }
        Some(watcher)
    }

    /// Takes up a changed policy or lock, whole or not at all.
    fn reload(&mut self) {
        let now = self.settings.fingerprints();
        if now == self.decided_by {
            return;
        }
        self.decided_by = now;
        let ceiling = *self.policy.ceiling();
        let read = self.settings.read().and_then(|(policy, lock)| {
            let file = self.settings.policy.display().to_string();
            if ceiling.holds(policy.ceiling()) { Ok((policy, lock)) } else { Err(KeeperError::Restart { file }) }
        });
        match read {
            Ok((policy, lock)) => {
                tracing::info!("policy and lock reloaded");
                self.policy = Arc::new(policy);
                self.lock = Arc::new(lock);
                self.generation += 1;
                for (name, known) in &mut self.known {
                    known.tried = None;
                    // What was admitted under the old rules serves until it was looked at under the
                    // new ones, as long as its approval stands.
                    let stands = |p: &Arc<Plugin>| approval(name, &p.digest, &self.policy, &self.lock).is_some();
                    known.admitted = known.admitted.take().filter(stands);
                }
            }
            Err(error) => tracing::error!(%error, "policy and lock stay as they were"),
        }
    }

    /// Looks at the directories and begins to admit what is new. Whether everything is whole.
    fn look(&mut self) -> bool {
        let look = self.directories.look(Instant::now());
        self.loose = look.refusals;
        let unsettled: BTreeSet<_> = look.unsettled.iter().collect();
        self.known.retain(|name, known| {
            let there = look.files.contains_key(name) || unsettled.contains(name);
            if !there {
                if known.served.is_some() {
                    tracing::info!(plugin = %name, "its file is gone: retired");
                }
                known.tried = None;
            }
            there
        });
        for (name, found) in look.files {
            let known = self.known.entry(name.clone()).or_default();
            if known.tried.as_ref() == Some(&found) {
                continue;
            }
            known.tried = Some(found.clone());
            let (place, policy, lock) = (self.place.clone(), self.policy.clone(), self.lock.clone());
            let generation = self.generation;
            self.running.spawn(async move {
                let result = admit(&name, &found, &place, &policy, &lock).await;
                Done { name, generation, result }
            });
        }
        unsettled.is_empty()
    }

    /// Takes one result. `false` when there is none to come.
    async fn step(&mut self) -> bool {
        match self.running.join_next().await {
            Some(done) => {
                self.take(done);
                true
            }
            None => false,
        }
    }

    fn take(&mut self, done: Result<Done, tokio::task::JoinError>) {
        let done = match done {
            Ok(done) => done,
            Err(error) => return tracing::error!(%error, "admission broke down"),
        };
        // Its file left, or the rules changed, while it was looked at.
        let Some(known) = self.known.get_mut(&done.name).filter(|_| done.generation == self.generation) else {
            return;
        };
        match done.result {
            Ok(plugin) => {
                tracing::info!(
                    plugin = %plugin.name, digest = %plugin.digest.short(), tools = plugin.tools.len(),
                    cached = plugin.cached, milliseconds = plugin.took.as_millis() as u64, "admitted"
                );
                known.admitted = Some(Arc::new(plugin));
                known.refusal = None;
            }
            Err(refusal) => {
                tracing::warn!(
                    plugin = %refusal.plugin, step = %refusal.step, found = %refusal.found, mend = %refusal.mend, "refused"
                );
                known.admitted = None;
                known.refusal = Some(refusal);
            }
        }
    }

    /// The first publication is of everything that was there; from then on nothing waits for
    /// anything else, a slow compile least of all.
    fn publish_when_due(&mut self, settled: bool) {
        if *self.version.borrow() > 0 || (settled && self.running.is_empty()) {
            self.publish();
        }
    }

    fn publish(&mut self) {
        let before = self.current.load_full();
        let catalog = self.compose(before.version + 1);
        let same = before.version > 0
            && Arc::ptr_eq(&before.policy, &catalog.policy)
            && before.refusals == catalog.refusals
            && before.plugins.len() == catalog.plugins.len()
            && before.plugins.values().zip(catalog.plugins.values()).all(|(a, b)| Arc::ptr_eq(a, b));
        for (name, known) in &mut self.known {
            known.served = catalog.plugins.get(name).cloned();
        }
        if same {
            return;
        }
        self.slots.keep_only(&catalog);
        let version = catalog.version;
        tracing::info!(
            version,
            plugins = catalog.plugins.len(),
            tools = catalog.tools.len(),
            refused = catalog.refusals.len(),
            "catalog published"
        );
        self.current.store(Arc::new(catalog));
        self.version.send_replace(version);
    }

    /// Puts together what is to be served. Who serves already comes first, so that a newcomer
    /// cannot take a name from it.
    fn compose(&mut self, version: u64) -> Catalog {
        let refusals: Vec<Refusal> =
            self.loose.iter().cloned().chain(self.known.values().filter_map(|k| k.refusal.clone())).collect();
        let mut catalog = Catalog::new(version, self.policy.clone(), refusals);
        let mut settled = Vec::new();
        let mut changed = Vec::new();
        let mut fresh = Vec::new();
        for (name, known) in &self.known {
            // What served goes on serving while its successor is refused, unless its own approval
            // was withdrawn.
            let before = known.served.clone().filter(|p| approval(name, &p.digest, &self.policy, &self.lock).is_some());
            match (before, known.admitted.clone()) {
                (Some(before), None) => settled.push((before, None)),
                (Some(before), Some(next)) if Arc::ptr_eq(&before, &next) => settled.push((before, None)),
                (Some(before), Some(next)) => changed.push((next, Some(before))),
                (None, Some(next)) => fresh.push((next, None)),
                (None, None) => {}
            }
        }
        for (plugin, fallback) in settled.into_iter().chain(changed).chain(fresh) {
            let Err(collision) = catalog.add(&plugin, &mut self.slots) else { continue };
            let mend = "give one of them another `prefix` in the policy";
            let refusal = Refusal::new(&plugin.name, Step::Admit, &collision, mend);
            tracing::warn!(plugin = %refusal.plugin, step = %refusal.step, found = %refusal.found, "refused");
            catalog.refusals.push(refusal);
            if let Some(before) = fallback {
                // It served beside the others; only a change among them can stand against it now.
                let _collides_too = catalog.add(&before, &mut self.slots);
            }
        }
        catalog
    }
}

async fn admit(
    name: &PluginName,
    found: &Found,
    place: &Place,
    policy: &Policy,
    lock: &Lock,
) -> Result<Plugin, Refusal> {
    let (own, path, limits) = (name.clone(), found.path.clone(), policy.admission().clone());
    let reading = tokio::task::spawn_blocking(move || Candidate::read(own, &path, &limits)).await;
    let candidate = reading.map_err(|e| Refusal::new(name, Step::Read, e, "look at the log"))??;
    let verified = candidate.verify(policy, lock)?;
    let compiled = verified.compile(place, policy.admission()).await?;
    let described = compiled.describe(place, policy).await?;
    Ok(described.into_plugin())
}
