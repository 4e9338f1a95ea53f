use cofferdam_capabilities::Limit;
use cofferdam_policy::Limits;
use wasmtime::ResourceLimiter;

/// Counts what an instance takes, over everything it is made of: a bound on each memory alone is
/// no bound, for a component may have many.
#[derive(Debug)]
pub(crate) struct Meter {
    memory: usize,
    peak_memory: usize,
    most_memory: usize,
    most_elements: usize,
    memories: usize,
    tables: usize,
    instances: usize,
    refused: Option<Limit>,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory: 0,
            peak_memory: 0,
            most_memory: limits.memory.as_usize(),
            most_elements: limits.table_elements as usize,
            memories: limits.memories as usize,
            tables: limits.tables as usize,
            instances: limits.instances as usize,
            refused: None,
        }
    }

    pub(crate) fn peak_memory(&self) -> u64 {
        self.peak_memory as u64
    }

    /// What was refused last. A guest may live with a refusal; when it dies, this is why.
    pub(crate) fn refused(&self) -> Option<Limit> {
        self.refused
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        if total > self.most_memory {
            self.refused = Some(Limit::Memory);
            return Ok(false);
        }
        self.memory = total;
        self.peak_memory = self.peak_memory.max(total);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        // It was counted when asked for and did not come about. What it was is not told here, so
        // it stays counted: too strict for a guest that goes on, never too lax.
        self.refused = Some(Limit::Memory);
        Ok(())
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let fits = desired <= self.most_elements;
        if !fits {
            self.refused = Some(Limit::TableElements);
        }
        Ok(fits)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}
