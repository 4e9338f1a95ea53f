use std::{
    fmt,
    hash::{Hash, Hasher},
};

use cofferdam_policy::Ceiling;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use tokio::sync::Semaphore;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, component::Linker};

use crate::run::CallState;

/// What an engine is made for. Its numbers shape machine code, so a compiler process gets the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineSettings {
    /// Calls that run at the same time, over all tools.
    pub instances: u32,
    memory: u64,
    memories: u32,
    tables: u32,
    table_elements: u32,
    core_instances: u32,
    stack: u64,
}

impl EngineSettings {
    /// Settings with room for every call that keeps to `ceiling`, `instances` of them at a time.
    pub fn new(ceiling: &Ceiling, instances: u32) -> Self {
        Self {
            instances: instances.max(1),
            memory: ceiling.memory.get().next_multiple_of(64 * 1024),
            memories: ceiling.memories,
            tables: ceiling.tables,
            table_elements: ceiling.table_elements,
            core_instances: ceiling.instances,
            stack: ceiling.stack.get(),
        }
    }

    /// The numbers are measured ones: with them a call in a fresh instance costs a fifth of what it
    /// costs with the engine's defaults, and calls on two threads do not slow each other down.
    ///
    /// - No signals and no guard pages, explicit bounds checks instead: growing a memory then needs
    ///   no `mprotect`, whose lock and TLB shootdowns all threads pay for.
    /// - Pages a call touched are reset in place and kept (`keep_resident`, `pagemap_scan`).
    /// - No component-model concurrency: WASI 0.3 is not served.
    fn config(self, stacks: u32) -> Config {
        let n = self.instances;
        let memory = usize::try_from(self.memory).unwrap_or(usize::MAX);
        let stack = usize::try_from(self.stack).unwrap_or(usize::MAX);
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(n)
            .total_core_instances(n.saturating_mul(self.core_instances))
            .max_core_instances_per_component(self.core_instances)
            .max_memories_per_component(self.memories)
            .max_memories_per_module(self.memories)
            .max_tables_per_component(self.tables)
            .max_tables_per_module(self.tables)
            .total_memories(n.saturating_mul(self.memories))
            .total_tables(n.saturating_mul(self.tables))
            .total_stacks(stacks)
            .max_memory_size(memory)
            .table_elements(self.table_elements as usize)
            .linear_memory_keep_resident(4 << 20)
            .table_keep_resident(64 << 10)
            .max_unused_warm_slots(16)
            .decommit_batch_size(16)
            .pagemap_scan(Enabled::Auto);
        let mut config = Config::new();
        config
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
            .concurrency_support(false)
            .signals_based_traps(false)
            .memory_reservation(self.memory)
            .memory_guard_size(0)
            .consume_fuel(true)
            .max_wasm_stack(stack)
            .async_stack_size(stack + (512 << 10))
            .wasm_backtrace_max_frames(None)
            .wasm_memory64(false)
            .wasm_gc(false)
            .parallel_compilation(true);
        config
    }
}

/// Why there is no engine.
#[derive(Debug, Error)]
#[error(
    "cannot set up the sandbox: {0}; fewer `sandbox.instances` or less memory in the policy need less address space"
)]
pub struct EngineError(String);

/// Where components run. One for the whole process.
pub struct Engine {
    pub(crate) inner: wasmtime::Engine,
    pub(crate) linker: Linker<CallState>,
    pub(crate) slots: Semaphore,
    settings: EngineSettings,
    code_key: [u8; 32],
}

impl Engine {
    /// Reserves address space for the pool; memory itself is taken as calls touch it.
    ///
    /// # Errors
    /// When the machine has not the address space, or the settings contradict each other.
    pub fn new(settings: EngineSettings) -> Result<Self, EngineError> {
        Self::make(settings).map_err(|e| EngineError(format!("{e:#}")))
    }

    fn make(settings: EngineSettings) -> wasmtime::Result<Self> {
        let inner = compiler(settings)?;
        let mut linker = Linker::new(&inner);
        cofferdam_capabilities::link(&mut linker)?;
        let mut key = KeyHasher(Sha256::new());
        inner.precompile_compatibility_hash().hash(&mut key);
        let slots = Semaphore::new(settings.instances as usize);
        Ok(Self { inner, linker, slots, settings, code_key: key.0.finalize().into() })
    }

    pub fn settings(&self) -> EngineSettings {
        self.settings
    }

    /// Names the kind of machine code this engine runs: its version to the patch, its settings and
    /// the processor. The version check inside machine code compares the major number only, so
    /// this is what keeps code of a version with a since-mended fault from being loaded.
    pub(crate) fn code_key(&self) -> &[u8; 32] {
        &self.code_key
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The engine alone, as the compiler process needs it.
pub(crate) fn compiler(settings: EngineSettings) -> wasmtime::Result<wasmtime::Engine> {
    wasmtime::Engine::new(&settings.config(settings.instances))
}

struct KeyHasher(Sha256);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        // Asked for by the trait; nobody reads it.
        0
    }
}
