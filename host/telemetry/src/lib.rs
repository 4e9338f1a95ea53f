//! Structured logs, to standard error: standard output belongs to the protocol and to commands.
//!
//! What is logged about a call is its name, its outcome and its cost, never its arguments or its
//! result. What a guest logs or prints has the target `guest`, and its control characters are
//! escaped before it gets here.
#![forbid(unsafe_code)]

use std::io::{self, IsTerminal};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing_subscriber::{EnvFilter, fmt};

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people when standard error is a terminal, JSON otherwise.
    #[default]
    Auto,
    Human,
    Json,
}

#[derive(Debug, Error)]
pub enum LogError {
    #[error(
        "log.level {level:?}: {reason}; write error, warn, info, debug or trace, or directives such as \"info,guest=debug\""
    )]
    Level { level: String, reason: String },
    #[error("logging was set up before")]
    Twice,
}

/// The protocol library writes lines about every request, some of them with what the client sent.
const QUIET: &str = "rmcp=error";

/// Sets up logging for the whole process, once.
pub fn init(level: &str, format: LogFormat) -> Result<(), LogError> {
    let wrong = |e: &dyn std::fmt::Display| LogError::Level { level: level.to_owned(), reason: e.to_string() };
    // A word that is no level would be taken for the name of a part of the program, and silence all others.
    for directive in level.split(',').map(str::trim) {
        let known =
            ["off", "error", "warn", "info", "debug", "trace"].iter().any(|l| directive.eq_ignore_ascii_case(l));
        if !known && !directive.contains('=') {
            return Err(wrong(&format!("{directive:?} is no level")));
        }
    }
    let filter = EnvFilter::try_new(format!("{QUIET},{level}")).map_err(|e| wrong(&e))?;
    let json = match format {
        LogFormat::Json => true,
        LogFormat::Human => false,
        LogFormat::Auto => !io::stderr().is_terminal(),
    };
    let builder = fmt().with_env_filter(filter).with_writer(io::stderr);
    let set = if json {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    } else {
        builder.with_ansi(io::stderr().is_terminal()).try_init()
    };
    set.map_err(|_| LogError::Twice)
}
