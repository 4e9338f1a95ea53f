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
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

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

/// What a level by itself is about: our own parts, and what they say of guests and their effects.
const OURS: [&str; 3] = ["cofferdam", "guest", "effect"];

/// Libraries that write what went through them once they are asked for details: parameters of
/// statements, headers with tokens, frames. They are not asked, whatever the configuration says.
const SECRETIVE: [&str; 13] = [
    "h2",
    "hickory",
    "hyper",
    "hyper_util",
    "postgres",
    "postgres_protocol",
    "redis",
    "reqwest",
    "rusqlite",
    "rustls",
    "tokio_postgres",
    "tower",
    "wasmtime",
];

/// What was written, as the filter reads it: a level alone is about the host, and the libraries below
/// it are heard from `warn` on.
fn directives(level: &str) -> String {
    let mut all = vec![QUIET.to_owned()];
    for directive in level.split(',').map(str::trim) {
        if directive.contains('=') {
            all.push(directive.to_owned());
            continue;
        }
        let lower = directive.to_ascii_lowercase();
        let libraries = if matches!(lower.as_str(), "off" | "error") { lower.as_str() } else { "warn" };
        all.push(libraries.to_owned());
        all.extend(OURS.map(|target| format!("{target}={lower}")));
    }
    all.join(",")
}

/// Whether a line may be written at all.
fn is_discreet(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO || !SECRETIVE.iter().any(|library| metadata.target().starts_with(library))
}

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
    let filter = EnvFilter::try_new(directives(level)).map_err(|e| wrong(&e))?.and(filter_fn(is_discreet));
    let json = match format {
        LogFormat::Json => true,
        LogFormat::Human => false,
        LogFormat::Auto => !io::stderr().is_terminal(),
    };
    let lines = fmt::layer().with_writer(io::stderr);
    let set = if json {
        let lines = lines.json().flatten_event(true).with_current_span(true).with_span_list(false);
        tracing_subscriber::registry().with(lines.with_filter(filter)).try_init()
    } else {
        let lines = lines.with_ansi(io::stderr().is_terminal());
        tracing_subscriber::registry().with(lines.with_filter(filter)).try_init()
    };
    set.map_err(|_| LogError::Twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_alone_is_about_the_host() {
        assert_eq!(directives("debug"), "rmcp=error,warn,cofferdam=debug,guest=debug,effect=debug");
        assert_eq!(directives("Info, guest=off"), "rmcp=error,warn,cofferdam=info,guest=info,effect=info,guest=off");
        assert_eq!(directives("error"), "rmcp=error,error,cofferdam=error,guest=error,effect=error");
        assert_eq!(directives("hyper=trace"), "rmcp=error,hyper=trace");
    }
}
