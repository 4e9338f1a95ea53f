use std::fmt;

use thiserror::Error;

/// The limits a running component can come up against, as `policy.toml` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    Fuel,
    Deadline,
    Memory,
    Memories,
    Tables,
    TableElements,
    Instances,
    Stack,
    HostCallBytes,
    Handles,
    HostCalls,
    Output,
    Stdio,
    Log,
    LogLines,
    Concurrency,
}

impl Limit {
    /// The key in the policy, and the label in logs and metrics.
    pub fn key(self) -> &'static str {
        match self {
            Self::Fuel => "fuel",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Memories => "memories",
            Self::Tables => "tables",
            Self::TableElements => "table_elements",
            Self::Instances => "instances",
            Self::Stack => "stack",
            Self::HostCallBytes => "host_call_bytes",
            Self::Handles => "handles",
            Self::HostCalls => "host_calls",
            Self::Output => "output",
            Self::Stdio => "stdio",
            Self::Log => "log",
            Self::LogLines => "log_lines",
            Self::Concurrency => "concurrency",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// Ends a call that went over a limit. Travels through the engine as a trap and is found there
/// again by its type.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the call went over its limit `{0}`")]
pub struct LimitHit(pub Limit);
