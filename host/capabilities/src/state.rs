use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use cofferdam_database::Database;
use cofferdam_egress::PoolKey;
use cofferdam_policy::{Capability, DatabaseName, Grants, HttpGrant, Permit, PluginName, SecretName, SecretsGrant};
use cofferdam_secrets::{Masker, SecretError, Secrets};
use thiserror::Error;
use tokio::sync::mpsc::Sender;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use crate::{
    Effects, Event, HostFacts, KeyValueStore, Listing, Recorder, Services,
    clock::CallClock,
    environment,
    filesystem::{self, Filesystem},
    http::Http,
    log::Log,
    output::Output,
    random,
    sockets::{self, Sockets},
};

/// Everything one call may reach, opened from its permit and gone with it.
pub struct Capabilities {
    wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    stdout: Output,
    stderr: Output,
    events: Option<Sender<Event>>,
    reports_left: u32,
    clock: CallClock,
    random: random::Given,
    http: Http,
    masker: Arc<Masker>,
    pub(crate) plugin: PluginName,
    pub(crate) tenant: Arc<str>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) recorder: Recorder,
    pub(crate) log: Log,
    pub(crate) last_progress: Option<f64>,
    pub(crate) announced: Vec<Listing>,
    pub(crate) facts: Arc<dyn HostFacts>,
    pub(crate) secrets: Secrets,
    pub(crate) keyvalue: KeyValueStore,
    pub(crate) databases: Arc<BTreeMap<DatabaseName, Database>>,
    pub(crate) filesystem: Filesystem,
    pub(crate) sockets: Sockets,
}

/// What was granted and cannot be had. For the operator.
#[derive(Debug, Error)]
pub enum Unopened {
    /// Without its value, nothing could be scanned for it.
    #[error("it is granted a secret that cannot be had: {0}")]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Directory(#[from] filesystem::Unopened),
}

impl Capabilities {
    /// Opens what `permit` grants. What the guest tells goes to `events`; to nobody when `None`.
    ///
    /// # Errors
    /// When something that was granted cannot be had.
    pub async fn open(permit: &Permit, services: &Services, events: Option<Sender<Event>>) -> Result<Self, Unopened> {
        let (limits, grants) = (permit.limits(), permit.grants().clone());
        let plugin = permit.target().plugin().clone();
        let tenant: Arc<str> = permit.principal().tenant().into();
        let secrets = watched(&grants, &services.secrets).await;
        let masker = if secrets.is_empty() { Masker::nothing() } else { services.secrets.masker(&secrets).await? };
        let recorder = Recorder::new(masker.clone());
        let stdio = limits.stdio.as_usize();
        let (stdout, stderr) = (Output::new(stdio), Output::new(stdio));
        let clock = CallClock::starting_now(grants.clock());
        // No arguments, no environment, no directories, no network: the builder gives nothing that
        // is not asked of it, and input is at its end.
        let mut builder = WasiCtx::builder();
        builder
            .stdout(stdout.clone())
            .stderr(stderr.clone())
            .monotonic_clock(clock.clone())
            .wall_clock(clock.clone())
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        let random = random::open(&mut builder, &grants.random());
        environment::open(&mut builder, grants.environment.as_ref(), &recorder);
        let filesystem = filesystem::open(grants.filesystem.as_ref(), &services.disk, &recorder)?;
        let sockets = sockets::open(grants.sockets.as_ref(), &services.egress, &recorder);
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles as usize);
        let http = Http::open(
            grants.clone(),
            limits,
            PoolKey::new(plugin.as_str(), tenant.clone()),
            services.egress.clone(),
            services.secrets.clone(),
            secrets,
            recorder.clone(),
        );
        Ok(Self {
            wasi: builder.build(),
            table,
            stdout,
            stderr,
            events,
            reports_left: limits.reports,
            clock,
            random,
            http,
            masker,
            plugin,
            tenant,
            grants,
            recorder,
            log: Log::open(limits),
            last_progress: None,
            announced: Vec::new(),
            facts: services.facts.clone(),
            secrets: services.secrets.clone(),
            keyvalue: services.keyvalue.clone(),
            databases: services.databases.clone(),
            filesystem,
            sockets,
        })
    }

    /// What the guest printed: standard output and standard error.
    pub fn take_printed(&self) -> (Vec<u8>, Vec<u8>) {
        let masked = |bytes: Vec<u8>| self.masker.bytes(&bytes).into_owned();
        (masked(self.stdout.take()), masked(self.stderr.take()))
    }

    /// What finds the secrets of this call in what leaves it.
    pub fn masker(&self) -> &Arc<Masker> {
        &self.masker
    }

    /// Ends the call: what it held is let go, and what it did is told.
    pub fn finish(self) -> Effects {
        let Self { recorder, clock, random, .. } = self;
        recorder.counted(Capability::Clock, "look", clock.looks(), 0);
        recorder.counted(Capability::Random, "draw", random.times(), random.bytes());
        recorder.finish()
    }

    /// Writes down a use of what has no function of the host behind it.
    pub fn refused(&self, capability: Capability, function: &'static str, target: &str, why: &str) {
        self.recorder.refuse(capability, function, target, why);
    }

    pub(crate) fn may_report(&mut self) -> bool {
        let may = self.reports_left > 0;
        self.reports_left = self.reports_left.saturating_sub(1);
        may
    }

    /// Waits while the listener is behind, so that a guest cannot outrun it. The call's deadline
    /// bounds the wait; a listener that is gone has no need to know.
    pub(crate) async fn tell(&mut self, event: Event) {
        if let Some(events) = &self.events {
            let event = if self.masker.is_empty() { event } else { event.masked(&self.masker) };
            let _gone = events.send(event).await;
        }
    }
}

/// Every secret that these grants name and that has to be found in what comes back.
///
/// One that is attached has to be had: what is not known cannot be found in an answer. One that may
/// only be asked after may as well not be there.
async fn watched(grants: &Grants, secrets: &Secrets) -> Arc<[SecretName]> {
    let mut names: BTreeSet<_> = grants.http.iter().flat_map(HttpGrant::secrets).cloned().collect();
    for name in grants.secrets.iter().flat_map(SecretsGrant::names) {
        if secrets.get(name).await.is_ok() {
            names.insert(name.clone());
        }
    }
    names.into_iter().collect()
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capabilities").field("grants", &self.grants.names()).finish_non_exhaustive()
    }
}

impl WasiView for Capabilities {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Capabilities {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http.ctx, hooks: &mut self.http.hooks, table: &mut self.table }
    }
}

/// A store's data that has the capabilities of its call.
pub trait HasCapabilities: Send + 'static {
    fn capabilities(&mut self) -> &mut Capabilities;
}
