//! `cofferdam:plugin/log`: lines for the host's log and the client.

use cofferdam_policy::{Capability, Limits};
use serde_json::Value;

use crate::{
    Capabilities, Event, Limit, LimitHit,
    bindings::cofferdam::plugin::log::{Host, Level as WitLevel},
    refusal::NOT_GRANTED,
};

/// The levels of RFC 5424, least severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
}

impl From<WitLevel> for Level {
    fn from(level: WitLevel) -> Self {
        match level {
            WitLevel::Debug => Self::Debug,
            WitLevel::Info => Self::Info,
            WitLevel::Notice => Self::Notice,
            WitLevel::Warning => Self::Warning,
            WitLevel::Error => Self::Error,
            WitLevel::Critical => Self::Critical,
            WitLevel::Alert => Self::Alert,
            WitLevel::Emergency => Self::Emergency,
        }
    }
}

/// What a call may still log.
#[derive(Debug)]
pub(crate) struct Log {
    bytes_left: u64,
    lines_left: u32,
}

impl Log {
    pub(crate) fn open(limits: &Limits) -> Self {
        Self { bytes_left: limits.log.get(), lines_left: limits.log_lines }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), LimitHit> {
        self.lines_left = self.lines_left.checked_sub(1).ok_or(LimitHit(Limit::LogLines))?;
        self.bytes_left = self.bytes_left.checked_sub(bytes as u64).ok_or(LimitHit(Limit::Log))?;
        Ok(())
    }
}

/// What of a line is kept in the host's own log.
const NOTED: usize = 1000;

impl Capabilities {
    /// Into the host's log, marked as a guest's words, with nothing in it that drives a terminal.
    fn note(&self, level: WitLevel, message: &str) {
        let (plugin, text) = (&self.plugin, message[..message.floor_char_boundary(NOTED)].escape_debug());
        match level {
            WitLevel::Debug => tracing::debug!(target: "guest", %plugin, %text),
            WitLevel::Info | WitLevel::Notice => tracing::info!(target: "guest", %plugin, %text),
            WitLevel::Warning => tracing::warn!(target: "guest", %plugin, %text),
            _ => tracing::error!(target: "guest", %plugin, %text),
        }
    }
}

impl Host for Capabilities {
    async fn emit(&mut self, level: WitLevel, message: String, fields: Option<String>) -> wasmtime::Result<()> {
        let effect = self.recorder.begin(Capability::Log, "emit", "");
        if !self.grants.has(Capability::Log) {
            // The interface has no refusal of its own, and a line that is lost breaks no tool.
            effect.refused(NOT_GRANTED);
            return Ok(());
        }
        let bytes = message.len() + fields.as_ref().map_or(0, String::len);
        effect.sent(bytes as u64);
        self.log.spend(bytes)?;
        effect.allowed();
        let message = self.masker().text(&message).into_owned();
        self.note(level, &message);
        // Fields that are no JSON are a guest's mistake; the line is worth more than its form.
        let fields = fields.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text)));
        self.tell(Event::Log { level: level.into(), message, fields }).await;
        Ok(())
    }
}
