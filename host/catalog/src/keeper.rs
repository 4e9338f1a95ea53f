//! Keeps the catalog what the directories, the policy and the lock say it should be.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::{ArcSwap, Guard};
use cofferdam_policy::{PluginName, Policy};
use cofferdam_registry::Reference;
use cofferdam_trust::Digest;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Catalog, Lock, Plugin, Refusal, Rules, Step, Workshop,
    job::{Looked, Outcome, UNWRITABLE},
    snapshot::Slots,
    source::{Directories, Fingerprint, Found, SETTLED},
};

mod settings;

pub use settings::{KeeperError, ReadPolicy, Settings, read_policy};

/// How often the directories are looked at when nothing is told of them: network mounts tell
/// nothing.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long events are gathered before a look.
const GATHER: Duration = Duration::from_millis(30);
/// How soon a registry that did not answer is asked again, or a lock that could not be written is
/// tried again, at the latest.
const RETRY_AWAY: Duration = Duration::from_secs(30);

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

/// Which state of a plugin's source was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tried {
    File(Found),
    /// Where a reference led; `None` when that is not known.
    Remote(Option<Digest>),
}

/// What is known of one plugin.
#[derive(Debug, Default)]
struct Known {
    /// What was last looked into, or is being looked into.
    tried: Option<Tried>,
    /// What is to be served: what passed admission last, or what the lock knows.
    admitted: Option<Arc<Plugin>>,
    /// The rules under which that was decided.
    vetted: u64,
    /// What the last catalog serves.
    served: Option<Arc<Plugin>>,
    /// The rules under which that was decided.
    served_under: u64,
    refusal: Option<Refusal>,
    /// Whether it was told that its registry is away, where that is not the refusal listed.
    told_away: bool,
    /// When to look again at what could not be written to the lock.
    again: Option<Instant>,
}

/// A plugin that comes from a registry.
#[derive(Debug)]
struct Remote {
    reference: Reference,
    /// When to look where it leads; `None` while that is being looked.
    next: Option<Instant>,
    /// Whether its copy was tried, which comes first.
    copied: bool,
    /// Whether something was served of it, or refused, since the start.
    settled: bool,
}

enum Done {
    File {
        name: PluginName,
        generation: u64,
        outcome: Box<Outcome>,
    },
    /// What the lock knows of a plugin from a registry, from its copy.
    Copy {
        name: PluginName,
        generation: u64,
        plugin: Option<Box<Plugin>>,
    },
    Remote {
        name: PluginName,
        generation: u64,
        looked: Looked,
    },
}

/// Runs admission. See [`Keeper::keep`].
pub struct Keeper {
    settings: Settings,
    workshop: Arc<Workshop>,
    policy: Arc<Policy>,
    lock: Arc<Lock>,
    /// Counts reloads: what was admitted under older rules is admitted anew.
    generation: u64,
    /// The policy's content, and the state of every file that decides, as it was before it was read;
    /// empty to have them read once more.
    decided_by: (Digest, Vec<PathBuf>, Vec<Option<Fingerprint>>),
    /// Why the policy and lock on disk cannot be used, once that was told.
    unusable: Option<String>,
    directories: Directories,
    remotes: BTreeMap<PluginName, Remote>,
    known: BTreeMap<PluginName, Known>,
    running: JoinSet<Done>,
    /// How many of those the first publication waits for.
    awaited: usize,
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

impl Keeper {
    /// A keeper of these settings, under the policy and lock that were read from them.
    pub fn new(settings: Settings, policy: ReadPolicy, lock: Lock, workshop: Arc<Workshop>) -> (Self, Reading) {
        let current = Arc::new(ArcSwap::from_pointee(Catalog::default()));
        let (version, seen) = watch::channel(0);
        let reading = Reading { current: current.clone(), version: seen };
        let ReadPolicy { policy, digest, files } = policy;
        let remotes = settings.remotes.iter().map(|(name, reference)| {
            (
                name.clone(),
                Remote { reference: reference.clone(), next: Some(Instant::now()), copied: false, settled: false },
            )
        });
        let keeper = Self {
            workshop,
            policy: Arc::new(policy),
            lock: Arc::new(lock),
            generation: 0,
            decided_by: (digest, files, Vec::new()),
            unusable: None,
            directories: Directories::new(settings.directories.clone()),
            remotes: remotes.collect(),
            settings,
            known: BTreeMap::new(),
            running: JoinSet::new(),
            awaited: 0,
            loose: Vec::new(),
            slots: Slots::default(),
            current,
            version,
        };
        (keeper, reading)
    }

    /// The rules of this moment.
    pub fn rules(&self) -> Rules {
        let names = self.known.keys().chain(self.remotes.keys()).cloned().collect();
        Rules { policy: self.policy.clone(), lock: self.lock.clone(), present: Arc::new(names) }
    }

    /// Admits what is there, publishes it, and returns.
    pub async fn once(mut self) {
        loop {
            let mut settled = self.look();
            while let Some(done) = self.running.join_next().await {
                self.take(done);
                // A copy that serves is followed by a look into its registry.
                settled &= self.look();
            }
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
                    if !self.remotes.is_empty() {
                        next_look = next_look.min(tokio::time::Instant::now() + GATHER);
                    }
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
        let parents = files.into_iter().chain(&self.decided_by.1).filter_map(|f| f.parent().map(Path::to_owned));
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
        let now = self.settings.fingerprints(&self.decided_by.1);
        if now == self.decided_by.2 {
            return;
        }
        self.decided_by.2 = now;
        self.catch_up();
        let ceiling = *self.policy.ceiling();
        let read = self.settings.read().and_then(|(read, lock)| {
            let file = self.settings.policy.display().to_string();
            if ceiling.holds(read.policy.ceiling()) { Ok((read, lock)) } else { Err(KeeperError::Restart { file }) }
        });
        match read {
            // This host's own writing in the lock changes nothing that it does not know.
            Ok((read, lock)) if read.digest == self.decided_by.0 && lock == *self.lock => {
                // It can be read again; perhaps it can be written again.
                for known in self.known.values_mut() {
                    known.again = known.again.map(|_| Instant::now());
                }
            }
            Ok((read, lock)) => {
                tracing::info!("policy and lock reloaded");
                let ReadPolicy { policy, digest, files } = read;
                self.decided_by = (digest, files, Vec::new());
                self.policy = Arc::new(policy);
                self.lock = Arc::new(lock);
                self.generation += 1;
                for known in self.known.values_mut() {
                    known.tried = None;
                    // What was admitted under the old rules serves until it was looked at under the
                    // new ones, unless those name it as one that may not.
                    known.admitted = known.admitted.take().filter(|p| !self.policy.revokes(&p.digest));
                }
                for remote in self.remotes.values_mut() {
                    remote.next = Some(Instant::now());
                }
            }
            Err(error) => {
                // What it lacks may be a file that nobody watches yet, such as a key that comes after
                // the policy that names it.
                self.decided_by.2.clear();
                let error = error.to_string();
                if self.unusable.as_ref() != Some(&error) {
                    tracing::error!(error, "policy and lock stay as they were");
                    self.unusable = Some(error);
                }
                return;
            }
        }
        self.unusable = None;
    }

    /// Looks at the directories and begins to admit what is new. Whether everything is whole.
    fn look(&mut self) -> bool {
        let look = self.directories.look(Instant::now());
        self.loose = look.refusals;
        let unsettled: BTreeSet<_> = look.unsettled.iter().collect();
        self.known.retain(|name, known| {
            let there = look.files.contains_key(name) || unsettled.contains(name) || self.remotes.contains_key(name);
            if !there {
                if known.served.is_some() {
                    tracing::info!(plugin = %name, "its file is gone: retired");
                }
                known.tried = None;
            }
            there
        });
        // Who is there has to be known before one of them is looked at.
        for name in look.files.keys().chain(&look.unsettled) {
            self.known.entry(name.clone()).or_default();
        }
        let rules = self.rules();
        for (name, found) in look.files {
            if self.remotes.contains_key(&name) {
                let found = format!("{} has the name of a plugin that comes from a registry", found.path.display());
                self.loose.push(Refusal::new(&name, Step::Read, found, "rename the file, or drop that source"));
                continue;
            }
            let generation = self.generation;
            let known = self.known.entry(name.clone()).or_default();
            let again = known.again.is_some_and(|at| at <= Instant::now());
            if known.tried == Some(Tried::File(found.clone())) && !again {
                continue;
            }
            known.again = None;
            known.tried = Some(Tried::File(found.clone()));
            let stand_in = known.admitted.is_none() || known.vetted != generation;
            let (workshop, rules) = (self.workshop.clone(), rules.clone());
            self.awaited += 1;
            self.running.spawn(async move {
                let outcome = Box::new(workshop.admit_file(&name, &found, &rules, stand_in).await);
                Done::File { name, generation, outcome }
            });
        }
        unsettled.is_empty() & self.look_into_registries(&rules)
    }

    /// Begins to look where references lead that are due. Whether each was looked at once.
    fn look_into_registries(&mut self, rules: &Rules) -> bool {
        let now = Instant::now();
        let generation = self.generation;
        for (name, remote) in &mut self.remotes {
            if remote.next.is_none_or(|next| next > now) {
                continue;
            }
            remote.next = None;
            let known = self.known.entry(name.clone()).or_default();
            let (workshop, rules, name) = (self.workshop.clone(), rules.clone(), name.clone());
            if !remote.copied {
                // What was approved can serve at once, whatever its registry does.
                remote.copied = true;
                self.running.spawn(async move {
                    let plugin = workshop.admit_copy(&name, &rules).await.map(Box::new);
                    Done::Copy { name, generation, plugin }
                });
                continue;
            }
            if !self.settings.polls_at_once && known.admitted.is_some() {
                continue;
            }
            let tried = match &known.tried {
                Some(Tried::Remote(manifest)) => *manifest,
                _ => None,
            };
            let stand_in = known.admitted.is_none() || known.vetted != generation;
            let reference = remote.reference.clone();
            self.running.spawn(async move {
                let looked = workshop.look_in_registry(&name, &reference, tried, &rules, stand_in).await;
                Done::Remote { name, generation, looked }
            });
        }
        self.remotes.values().all(|r| r.settled)
    }

    fn take(&mut self, done: Result<Done, tokio::task::JoinError>) {
        let done = match done {
            Ok(done) => done,
            Err(error) => {
                // A panic; which one it was is not told, and nothing may wait for it.
                self.awaited = self.awaited.saturating_sub(1);
                for remote in self.remotes.values_mut().filter(|r| r.next.is_none() && r.reference.pinned().is_none()) {
                    remote.next = Some(Instant::now() + self.settings.poll);
                    remote.settled = true;
                }
                return tracing::error!(%error, "admission broke down");
            }
        };
        match done {
            Done::File { name, generation, outcome } => {
                self.awaited = self.awaited.saturating_sub(1);
                self.settle(&name, generation, *outcome);
            }
            Done::Copy { name, generation, plugin } => {
                let entry = self.lock.get(name.as_str()).cloned();
                let Some(remote) = self.remotes.get_mut(&name) else { return };
                remote.next = Some(Instant::now());
                remote.settled = plugin.is_some();
                let Some(known) = self.known.get_mut(&name).filter(|_| generation == self.generation) else { return };
                if let Some(plugin) = plugin {
                    tell_admitted(&plugin);
                    // What came from elsewhere is no word on where this reference leads.
                    let from_here = entry.filter(|e| e.source.as_ref() == Some(&remote.reference));
                    known.tried = from_here.map(|e| Tried::Remote(e.manifest));
                    known.vetted = generation;
                    known.admitted = Some(Arc::new(*plugin));
                }
            }
            Done::Remote { name, generation, looked } => {
                let Some(remote) = self.remotes.get_mut(&name) else { return };
                let old = generation != self.generation;
                // A reference that names a digest leads nowhere else.
                let pinned = remote.reference.pinned().is_some();
                let later = if pinned { None } else { Some(Instant::now() + self.settings.poll) };
                remote.settled = true;
                match looked {
                    Looked::Unmoved => {
                        remote.next = if old { Some(Instant::now()) } else { later };
                        if let Some(known) = self.known.get_mut(&name) {
                            known.told_away = false;
                            // It was away, and is back where it was.
                            if known.refusal.as_ref().is_some_and(|r| r.reason == crate::job::AWAY) {
                                known.refusal = None;
                            }
                        }
                    }
                    Looked::Moved { manifest, outcome, away } => {
                        // A signature may yet be put beside it, and the tag stay where it is.
                        let final_word = match &outcome.result {
                            Ok(_) => true,
                            Err(refusal) => {
                                !matches!(refusal.step, Step::Fetch | Step::Verify) && refusal.reason != UNWRITABLE
                            }
                        };
                        let now = Instant::now();
                        remote.next = match (old, away, final_word) {
                            (true, ..) => Some(now),
                            (_, true, _) => Some(now + self.settings.poll.min(RETRY_AWAY)),
                            (_, _, false) => Some(now + self.settings.poll),
                            (..) => later,
                        };
                        if let Some(known) = self.known.get_mut(&name).filter(|_| !old && final_word) {
                            known.tried = Some(Tried::Remote(manifest));
                        }
                        self.settle(&name, generation, *outcome);
                    }
                }
            }
        }
    }

    /// Takes note of what admissions wrote to the lock.
    fn catch_up(&mut self) {
        let recorded = self.workshop.take_recorded();
        if !recorded.is_empty() {
            let mut lock = Lock::clone(&self.lock);
            recorded.into_iter().for_each(|entry| lock.put(entry));
            self.lock = Arc::new(lock);
        }
    }

    /// Takes what became of one plugin.
    fn settle(&mut self, name: &PluginName, generation: u64, outcome: Outcome) {
        self.catch_up();
        // Its file left, or the rules changed, while it was looked at.
        let Some(known) = self.known.get_mut(name).filter(|_| generation == self.generation) else { return };
        match outcome.result {
            Ok(plugin) => {
                tell_admitted(&plugin);
                known.admitted = Some(Arc::new(plugin));
                known.vetted = generation;
                known.refusal = None;
                known.told_away = false;
            }
            Err(refusal) => {
                // Told once, however often it is found.
                let away = refusal.reason == crate::job::AWAY;
                let news = known.refusal.as_ref() != Some(&refusal) && !(away && known.told_away);
                known.told_away = away;
                known.again = (refusal.reason == UNWRITABLE).then(|| Instant::now() + RETRY_AWAY);
                if news {
                    tracing::warn!(
                        plugin = %refusal.plugin, step = %refusal.step, reason = refusal.reason,
                        found = %refusal.found, mend = %refusal.mend, "refused"
                    );
                }
                // What was vetted under these very rules goes on serving.
                if known.admitted.is_none() || known.vetted != generation {
                    known.admitted = outcome.fallback.map(Arc::new);
                    known.vetted = generation;
                    if let Some(plugin) = &known.admitted {
                        tell_admitted(plugin);
                    }
                }
                // That a registry is away does not mend what was found there before.
                let hides = away && known.refusal.as_ref().is_some_and(|r| r.reason != crate::job::AWAY);
                if !hides {
                    known.refusal = Some(refusal);
                }
            }
        }
    }

    /// The first publication is of everything that was there; from then on nothing waits for
    /// anything else, a slow compile least of all.
    fn publish_when_due(&mut self, settled: bool) {
        if *self.version.borrow() > 0 || (settled && self.awaited == 0) {
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
            if let (Some(served), Some(admitted)) = (&known.served, &known.admitted)
                && Arc::ptr_eq(served, admitted)
            {
                known.served_under = known.vetted;
            }
        }
        if same {
            return;
        }
        self.slots.keep_only(&catalog);
        if self.workshop.records() && self.running.is_empty() {
            let known = self.lock.entries().map(|e| (e.name.clone(), e.sha256));
            let served = catalog.plugins.values().map(|p| (p.name.clone(), p.digest));
            self.workshop.store.keep_only(&known.chain(served).collect());
        }
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
        for known in self.known.values() {
            let before = known.served.clone().filter(|p| !self.policy.revokes(&p.digest));
            match (before, known.admitted.clone()) {
                (Some(before), Some(next)) if Arc::ptr_eq(&before, &next) => settled.push((before, None)),
                // Only what was judged by the rules of now may stand in for what collides.
                (Some(before), Some(next)) => {
                    changed.push((next, Some(before).filter(|_| known.served_under == self.generation)));
                }
                (None, Some(next)) => fresh.push((next, None)),
                (_, None) => {}
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

fn tell_admitted(plugin: &Plugin) {
    tracing::info!(
        plugin = %plugin.name, digest = %plugin.digest.short(), signers = plugin.provenance.label(),
        approval = plugin.approval.label(), tools = plugin.tools.len(), cached = plugin.cached,
        milliseconds = plugin.took.as_millis() as u64, "admitted"
    );
}
