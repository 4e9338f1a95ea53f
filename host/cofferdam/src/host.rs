//! The parts of a host, put together.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use cofferdam_capabilities::HostFacts;
use cofferdam_catalog::{Keeper, LockFile, Place, Rules, Store, Workshop};
use cofferdam_gate::Gate;
use cofferdam_protocol::{McpServer, Settings};
use cofferdam_registry::Registry;
use cofferdam_sandbox::{Engine, EngineSettings, cache::CodeCache, compile::Compiler};
use cofferdam_secrets::Secrets;
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::{cli::Global, config::Config, facts::Facts, services};

/// A host that is ready to admit plugins.
pub(crate) struct Host {
    pub(crate) gate: Arc<Gate>,
    pub(crate) keeper: Keeper,
    pub(crate) workshop: Arc<Workshop>,
    /// What was decided when the host started.
    pub(crate) rules: Rules,
    pub(crate) secrets: Secrets,
}

/// What a host is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To serve: what is seen for the first time is written to the lock.
    Serve,
    /// To look at what would be served.
    Look,
    /// To run one tool: what is served already need not be asked for.
    Call,
}

impl Host {
    pub(crate) async fn new(config: &Config, purpose: Purpose) -> Result<Self> {
        let settings = config.keeper(purpose != Purpose::Call);
        let (policy, lock) = settings.read()?;
        for missing in config.reach.missing(&policy.policy) {
            tracing::warn!("{missing}");
        }
        let engine = EngineSettings::new(policy.policy.ceiling(), config.instances);
        let engine = Arc::new(Engine::new(engine)?);
        let cache = CodeCache::open(&config.cache)?;
        let compiler = Compiler::new(own_executable()?);
        let facts = Arc::new(Facts::new());
        let services = services::open(&config.reach, facts.clone() as Arc<dyn HostFacts>).await?;
        let place = Place { engine: engine.clone(), cache, compiler, services: services.clone() };
        let registry = if settings.remotes.is_empty() { None } else { Some(Registry::new(config.registry.clone())?) };
        let (store, lock_file) = (Store::new(config.store.clone()), LockFile::new(settings.lock.clone()));
        let workshop = Arc::new(Workshop::new(place, store, lock_file, registry, purpose == Purpose::Serve));
        let (keeper, reading) = Keeper::new(settings, policy, lock, workshop.clone());
        let rules = keeper.rules();
        // Set once, here.
        let _first = facts.catalog.set(reading.clone());
        let gate = Gate::new(engine, reading, services.clone(), facts.running.clone());
        let gate = Arc::new(gate.context("the operating system gave no randomness")?);
        Ok(Self { gate, keeper, workshop, rules, secrets: services.secrets })
    }

    pub(crate) fn server(&self, config: &Config, closing: CancellationToken) -> McpServer {
        let settings = Settings { page: config.page, version: env!("CARGO_PKG_VERSION") };
        McpServer::new(self.gate.clone(), settings, closing)
    }
}

/// This very program, for as long as it runs. Its path may lead to another one by then: programs are
/// upgraded under hosts that run, and what a compiler writes is trusted.
#[cfg(target_os = "linux")]
fn own_executable() -> Result<PathBuf> {
    Ok(PathBuf::from("/proc/self/exe"))
}

#[cfg(not(target_os = "linux"))]
fn own_executable() -> Result<PathBuf> {
    std::env::current_exe().context("cannot find this program")
}

/// Reads the configuration and sets up logging, as every command that runs something does.
pub(crate) fn begin(global: &Global, level: Option<&str>) -> Result<Config> {
    let config = Config::load(global.config.as_deref())?;
    cofferdam_telemetry::init(level.unwrap_or(&config.log.level), config.log.format)?;
    Ok(config)
}

/// The runtime everything runs on.
///
/// Guests compute on its threads and yield about every half millisecond; sockets and timers are
/// looked after once in so many turns, so that many turns of several guests are the longest that a
/// message can lie unread.
pub(crate) fn runtime() -> Result<Runtime> {
    const TURNS: u32 = 8;
    Builder::new_multi_thread().enable_all().event_interval(TURNS).build().context("cannot start the runtime")
}

/// Fires on SIGTERM and SIGINT; the second time the program ends on the spot.
pub(crate) fn until_told_to_end() -> Result<CancellationToken> {
    let told = CancellationToken::new();
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let closing = told.clone();
    tokio::spawn(async move {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        closing.cancel();
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        tracing::warn!("told to end a second time");
        std::process::exit(1);
    });
    Ok(told)
}
