//! All secrets of a host: reading them, keeping them fresh, and the maskers for them.

use std::{
    collections::BTreeMap,
    env, fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt as _, stream};
use moka::sync::Cache;
use tokio::{task, time};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::{
    LONGEST, Masker, Secret, SecretError, SecretName, SecretsSettings, SettingsError, Source, file,
    slot::{Known, Slot},
    vault::Vault,
};

mod keep;

/// How many sources are looked at at once.
const AT_ONCE: usize = 8;
/// How soon a secret that could not be had is looked for again, when somebody asks for it. At the latest.
const AGAIN: Duration = Duration::from_secs(1);
/// How many maskers are kept, and for how long when nobody asks for them. One for each set of secrets that tools use.
const MASKERS: u64 = 256;
const MASKER_IDLE: Duration = Duration::from_secs(600);

/// The secrets of a host. Clones are the same secrets.
#[derive(Clone)]
pub struct Secrets {
    inner: Arc<Inner>,
}

/// The secrets that a masker is for, with the versions of their values.
type Versions = Vec<(SecretName, u64)>;

struct Inner {
    slots: BTreeMap<SecretName, Slot>,
    vault: Option<Vault>,
    refresh: Duration,
    /// How many [`Secrets::keep`] run. While one does, whoever asks for a value need not look whether it is old.
    keepers: AtomicUsize,
    maskers: Cache<Versions, Arc<Masker>>,
}

// === impl Secrets ===

impl Secrets {
    /// No secret at all.
    pub fn none() -> Self {
        Self::with(BTreeMap::new(), None, AGAIN)
    }

    /// Looks at every source once. One that has no value now is told in the log, and looked at again later.
    ///
    /// # Errors
    ///
    /// Settings that cannot be used, whatever the sources have.
    pub async fn open(settings: SecretsSettings) -> Result<Self, SettingsError> {
        settings.check()?;
        let vault = settings.vault.clone().map(Vault::new).transpose()?;
        let patience = settings.vault.as_ref().map_or(AGAIN, |vault| vault.timeout);
        let slots = settings.secrets.into_iter().map(|(name, source)| {
            let before = match &source {
                Source::Environment { variable } => {
                    SecretError::Unset { name: name.clone(), variable: variable.clone() }
                }
                Source::File { path } => SecretError::File {
                    name: name.clone(),
                    path: path.clone(),
                    why: "it was not read in time".to_owned(),
                },
                Source::Vault { .. } => {
                    SecretError::VaultAway { name: name.clone(), why: "it was not asked in time".to_owned() }
                }
            };
            (name.clone(), Slot::new(name, source, before))
        });
        let secrets = Self::with(slots.collect(), vault, settings.refresh);
        // Many secrets of a Vault that does not answer are not waited for one after the other.
        let all = secrets.inner.look_at(|_| true);
        if time::timeout(patience, all).await.is_err() {
            tracing::warn!("not every secret's source answered in time: the others are looked at when they are used");
        }
        Ok(secrets)
    }

    fn with(slots: BTreeMap<SecretName, Slot>, vault: Option<Vault>, refresh: Duration) -> Self {
        let maskers = Cache::builder().max_capacity(MASKERS).time_to_idle(MASKER_IDLE).build();
        Self { inner: Arc::new(Inner { slots, vault, refresh, keepers: AtomicUsize::new(0), maskers }) }
    }

    /// Looks at files when they change, and at files and Vault as often as the settings say, until `closing` fires.
    ///
    /// Without it, a value that is as old as that is looked at when somebody asks for it.
    pub fn keep(&self, closing: CancellationToken) -> impl Future<Output = ()> + Send + use<> {
        keep::keep(self.inner.clone(), closing)
    }

    /// The value of now.
    ///
    /// Where a new value cannot be had, that is the last one.
    ///
    /// # Errors
    ///
    /// There is no such secret, there never was a value, or Vault says that there is none for this host any more.
    pub async fn get(&self, name: &SecretName) -> Result<Secret, SecretError> {
        self.inner.ask(name).await?.current.clone()
    }

    pub fn is_configured(&self, name: &SecretName) -> bool {
        self.inner.slots.contains_key(name)
    }

    /// What masks these secrets, by their values of now and those before. Made once for each set of secrets.
    ///
    /// A value that is taken up later is not in it: ask again for each answer, *after* [`Secrets::get`] gave what went
    /// out. That costs a look into a cache. What went out before the last two rotations is not in it either.
    ///
    /// # Errors
    ///
    /// One of the values cannot be had, so that nobody knows what to mask. Hand the answer to nobody.
    pub async fn masker(&self, names: &[SecretName]) -> Result<Arc<Masker>, SecretError> {
        let mut names: Vec<&SecretName> = names.iter().collect();
        names.sort_unstable();
        names.dedup();
        let Some(&first) = names.first() else { return Ok(Masker::nothing()) };
        let mut versions = Versions::with_capacity(names.len());
        let mut values = Vec::with_capacity(names.len() * 2);
        for name in &names {
            let known = self.inner.ask(name).await?;
            versions.push(((*name).clone(), known.version));
            values.push(known.current.clone()?);
            values.extend(known.previous.clone());
        }
        if let Some(masker) = self.inner.maskers.get(&versions) {
            return Ok(masker);
        }
        // Up to a second for the longest secrets.
        let maskers = self.inner.maskers.clone();
        let make = move || maskers.try_get_with(versions, || Masker::new(&values).map(Arc::new));
        let failed = |why: String| SecretError::Masker { name: first.clone(), why };
        match task::spawn_blocking(make).await {
            Ok(made) => made.map_err(|error| failed(error.to_string())),
            Err(_) => Err(failed("making it was given up".to_owned())),
        }
    }
}

/// Tells the names.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.inner.slots.keys()).finish()
    }
}

// === impl Inner ===

impl Inner {
    /// What is known of a secret, after a look at its source if that is due.
    async fn ask(&self, name: &SecretName) -> Result<Arc<Known>, SecretError> {
        let slot = self.slots.get(name).ok_or_else(|| SecretError::Unknown { name: name.clone() })?;
        let known = slot.known();
        if !self.is_due(slot, &known) {
            return Ok(known);
        }
        let _looking = match slot.looking.try_lock() {
            Ok(looking) => looking,
            // Somebody looks already. The old value will do.
            Err(_) if known.current.is_ok() => return Ok(known),
            Err(_) => slot.looking.lock().await,
        };
        let known = slot.known();
        Ok(if self.is_due(slot, &known) { self.look(slot).await } else { known })
    }

    fn is_due(&self, slot: &Slot, known: &Known) -> bool {
        let Some(looked) = known.looked else { return true };
        match (&slot.source, &known.current) {
            (Source::Environment { .. }, _) => false,
            (_, Ok(_)) => self.keepers.load(Ordering::Relaxed) == 0 && looked.elapsed() >= self.refresh,
            (_, Err(_)) => looked.elapsed() >= self.refresh.min(AGAIN),
        }
    }

    /// Looks at the sources of this kind, some at once.
    async fn look_at(&self, which: impl Fn(&Source) -> bool) {
        let slots = self.slots.values().filter(|slot| which(&slot.source));
        let looks = slots.map(|slot| async {
            let _looking = slot.looking.lock().await;
            self.look(slot).await;
        });
        stream::iter(looks).for_each_concurrent(AT_ONCE, |look| look).await;
    }

    /// Looks at a source. By whoever holds `looking`.
    async fn look(&self, slot: &Slot) -> Arc<Known> {
        let found = self.read(&slot.name, &slot.source).await;
        let (known, changed) = slot.learn(found);
        if changed {
            // They are made of values that are not in use any more.
            self.maskers.invalidate_all();
        }
        known
    }

    async fn read(&self, name: &SecretName, source: &Source) -> Result<Secret, SecretError> {
        let unfit = |place: String| move |why| SecretError::Unfit { name: name.clone(), place, why };
        match source {
            Source::Environment { variable } => {
                let value = env::var_os(variable)
                    .ok_or_else(|| SecretError::Unset { name: name.clone(), variable: variable.clone() })?;
                let value = Zeroizing::new(value.into_encoded_bytes());
                Secret::new(&value).map_err(unfit(format!("the variable {variable}")))
            }
            Source::File { path } => {
                // Room for the line breaks at its end.
                let value = file::read(path.clone(), LONGEST + 16).await;
                let value = value.map_err(|why| SecretError::File { name: name.clone(), path: path.clone(), why })?;
                Secret::new(&value).map_err(unfit(path.display().to_string()))
            }
            Source::Vault { path, mount, field } => match &self.vault {
                Some(vault) => vault.read(name, mount, path, field).await,
                // Settings without one were refused.
                None => Err(SecretError::VaultAway { name: name.clone(), why: "none is configured".to_owned() }),
            },
        }
    }
}
