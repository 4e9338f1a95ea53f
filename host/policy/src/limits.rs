//! What a call may spend, and what admission may cost.
//!
//! Every limit is a required field with a published default: there is no value that means
//! "unlimited". The defaults are sized for a tool that an assistant waits for; the argument for
//! each stands on its field.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{Bytes, Fuel, Span};

/// What one call may spend. All of it is enforced by the host, none by the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub fuel: Fuel,
    pub deadline: Span,
    pub memory: Bytes,
    pub memories: u32,
    pub tables: u32,
    pub table_elements: u32,
    pub instances: u32,
    pub host_call_bytes: Bytes,
    pub handles: u32,
    pub host_calls: u64,
    pub output: Bytes,
    pub stdio: Bytes,
    pub log: Bytes,
    pub log_lines: u32,
    pub reports: u32,
    pub concurrency: u32,
    pub queue: Span,
    pub requests: u32,
    pub requests_at_once: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A twentieth of a second in the tightest loop there is, a second of ordinary work.
            fuel: Fuel::new(200_000_000),
            deadline: Span::secs(30),
            memory: Bytes::mib(64),
            memories: 8,
            tables: 32,
            // A Python interpreter has some 20,000 functions in its table.
            table_elements: 100_000,
            // A Python component is made of 16 core instances.
            instances: 64,
            host_call_bytes: Bytes::mib(8),
            handles: 1000,
            // A quarter of a microsecond each: some 25 ms of host work.
            host_calls: 100_000,
            // More than any model's context can use.
            output: Bytes::mib(1),
            stdio: Bytes::kib(64),
            log: Bytes::kib(64),
            log_lines: 1000,
            reports: 1000,
            concurrency: 16,
            queue: Span::secs(10),
            // A tool that pages through a listing makes a few dozen.
            requests: 100,
            requests_at_once: 8,
        }
    }
}

impl Limits {
    /// What listing definitions may spend, of what a call of the plugin may: one that needs much to
    /// say what it offers is one to look at. Its size is what it is, so that stays.
    pub(crate) fn for_description(&self, admission: &AdmissionLimits) -> Self {
        Self {
            fuel: admission.describe_fuel,
            deadline: admission.describe_deadline,
            output: admission.definitions,
            reports: 1,
            ..self.clone()
        }
    }
}

/// The limits an entry of the policy states; the rest is left as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LimitsEntry {
    /// Guest work per call, in units of about one instruction. Default 200M.
    pub fuel: Option<Fuel>,
    /// Wall-clock time per call, instantiation and host calls included. Default 30s.
    pub deadline: Option<Span>,
    /// Linear memory per call, summed over all memories. Default 64MiB, at most 4GiB.
    pub memory: Option<Bytes>,
    /// Linear memories per call. Default 8.
    pub memories: Option<u32>,
    /// Tables per call. Default 32.
    pub tables: Option<u32>,
    /// Elements of any one table. Default 100000.
    pub table_elements: Option<u32>,
    /// Core instances per call. Default 64.
    pub instances: Option<u32>,
    /// Bytes that one call across the boundary may bring into the host, results included.
    /// Default 8MiB.
    pub host_call_bytes: Option<Bytes>,
    /// Handles to host resources held at a time. Default 1000.
    pub handles: Option<u32>,
    /// Calls from the guest into the host, memory growth included. Default 100000.
    pub host_calls: Option<u64>,
    /// Bytes of a result. Default 1MiB.
    pub output: Option<Bytes>,
    /// Bytes of standard output and of standard error, each. Default 64KiB.
    pub stdio: Option<Bytes>,
    /// Bytes of log per call. Default 64KiB.
    pub log: Option<Bytes>,
    /// Lines of log per call. Default 1000.
    pub log_lines: Option<u32>,
    /// Progress reports and change announcements per call; more are dropped. Default 1000.
    pub reports: Option<u32>,
    /// Calls of one tool that run at the same time. Default 16.
    pub concurrency: Option<u32>,
    /// How long a call waits for its turn when that many run. Default 10s.
    pub queue: Option<Span>,
    /// Requests that one call may send. Default 100.
    pub requests: Option<u32>,
    /// Requests that one call may have under way at a time. Default 8.
    pub requests_at_once: Option<u32>,
}

impl LimitsEntry {
    /// `base` with what this entry states laid over it.
    pub(crate) fn over(&self, base: &Limits) -> Limits {
        Limits {
            fuel: self.fuel.unwrap_or(base.fuel),
            deadline: self.deadline.unwrap_or(base.deadline),
            memory: self.memory.unwrap_or(base.memory),
            memories: self.memories.unwrap_or(base.memories),
            tables: self.tables.unwrap_or(base.tables),
            table_elements: self.table_elements.unwrap_or(base.table_elements),
            instances: self.instances.unwrap_or(base.instances),
            host_call_bytes: self.host_call_bytes.unwrap_or(base.host_call_bytes),
            handles: self.handles.unwrap_or(base.handles),
            host_calls: self.host_calls.unwrap_or(base.host_calls),
            output: self.output.unwrap_or(base.output),
            stdio: self.stdio.unwrap_or(base.stdio),
            log: self.log.unwrap_or(base.log),
            log_lines: self.log_lines.unwrap_or(base.log_lines),
            reports: self.reports.unwrap_or(base.reports),
            concurrency: self.concurrency.unwrap_or(base.concurrency),
            queue: self.queue.unwrap_or(base.queue),
            requests: self.requests.unwrap_or(base.requests),
            requests_at_once: self.requests_at_once.unwrap_or(base.requests_at_once),
        }
    }

    /// What no later check would refuse: counts of zero, and sizes that cannot be.
    pub(crate) fn problems(&self) -> Vec<(&'static str, String)> {
        let counts = [
            ("memories", self.memories.map(u64::from), 100),
            ("tables", self.tables.map(u64::from), 1000),
            ("table_elements", self.table_elements.map(u64::from), 10_000_000),
            ("instances", self.instances.map(u64::from), 1000),
            ("handles", self.handles.map(u64::from), 1_000_000),
            ("host_calls", self.host_calls, 1_000_000_000),
            ("log_lines", self.log_lines.map(u64::from), 1_000_000),
            ("reports", self.reports.map(u64::from), 1_000_000),
            ("concurrency", self.concurrency.map(u64::from), 10_000),
            ("requests", self.requests.map(u64::from), 100_000),
            ("requests_at_once", self.requests_at_once.map(u64::from), 1000),
        ];
        let mut problems: Vec<_> = counts
            .into_iter()
            .filter_map(|(key, value, most)| {
                let value = value?;
                (value == 0 || value > most).then(|| (key, format!("{value} is out of range: 1 to {most}")))
            })
            .collect();
        let sizes = [
            ("memory", self.memory, Bytes::mib(4096)),
            ("host_call_bytes", self.host_call_bytes, Bytes::mib(1024)),
            ("output", self.output, Bytes::mib(256)),
            ("stdio", self.stdio, Bytes::mib(64)),
            ("log", self.log, Bytes::mib(64)),
        ];
        let sizes = sizes.into_iter().filter_map(|(key, value, most)| Some((key, value?, most)));
        problems.extend(
            sizes
                .filter(|(_, value, most)| value > most)
                .map(|(key, value, most)| (key, format!("{value} is out of range: at most {most}"))),
        );
        problems
    }
}

/// What admitting a plugin may cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdmissionLimits {
    /// Bytes of a component file. Default 32MiB: a Python component has 18.
    pub file: Bytes,
    /// Wall-clock time of a compile. Default 60s: a SpiderMonkey component takes 20.
    pub compile_time: Span,
    /// Memory of a compile, which runs in a process of its own. Default 2GiB.
    pub compile_memory: Bytes,
    /// Fuel for listing what a plugin offers. Default 50M.
    pub describe_fuel: Fuel,
    /// Time for listing what a plugin offers. Default 5s.
    pub describe_deadline: Span,
    /// Bytes of everything a plugin lists. Default 256KiB.
    pub definitions: Bytes,
    /// Tools, and as many prompts, resources and templates, that a plugin may list. Default 128.
    pub entries: u32,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            file: Bytes::mib(32),
            compile_time: Span::secs(60),
            compile_memory: Bytes::mib(2048),
            describe_fuel: Fuel::new(50_000_000),
            describe_deadline: Span::secs(5),
            definitions: Bytes::kib(256),
            entries: 128,
        }
    }
}

/// The most that any call may ask for: what the engine, which is made once, must have room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceiling {
    pub memory: Bytes,
    pub memories: u32,
    pub tables: u32,
    pub table_elements: u32,
    pub instances: u32,
    pub stack: Bytes,
}

impl Ceiling {
    pub(crate) fn over(limits: &Limits, stack: Bytes) -> Self {
        Self {
            memory: limits.memory,
            memories: limits.memories,
            tables: limits.tables,
            table_elements: limits.table_elements,
            instances: limits.instances,
            stack,
        }
    }

    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            memory: self.memory.max(other.memory),
            memories: self.memories.max(other.memories),
            tables: self.tables.max(other.tables),
            table_elements: self.table_elements.max(other.table_elements),
            instances: self.instances.max(other.instances),
            stack: self.stack.max(other.stack),
        }
    }

    /// Whether an engine made for `self` has room for `other`. The stack is part of the engine, so
    /// it has to be the same.
    pub fn holds(&self, other: &Self) -> bool {
        self.max(*other) == *self && self.stack == other.stack
    }
}
