//! What takes one call to use: values, variables, time, chance, log, progress, the host's state.

use serde_json::{json, Value};
use wasip2::cli::environment;
use wasip2::clocks::{monotonic_clock, wall_clock};
use wasip2::random::{insecure, insecure_seed, random as secure};

use crate::cofferdam::plugin::log::{self as logging, Level};
use crate::cofferdam::plugin::{host_info as host, progress as reports, secrets};
use crate::wasi::config::store;
use crate::{number, text};

/// `{ key? }`: one value, or all of them.
pub fn config(arguments: &Value) -> Value {
    let told = |error| match error {
        store::Error::Upstream(why) => json!({ "error": "upstream", "detail": why }),
        store::Error::Io(why) => json!({ "error": "io", "detail": why }),
    };
    match arguments["key"].as_str() {
        Some(key) => store::get(key).map_or_else(told, |value| json!({ "value": value })),
        None => store::get_all().map_or_else(told, |values| json!({ "values": values })),
    }
}

pub fn env(_: &Value) -> Value {
    json!({ "variables": environment::get_environment(), "arguments": environment::get_arguments() })
}

/// `{ wait_ms? }`: both clocks, and once more after some time.
pub fn clock(arguments: &Value) -> Value {
    let wall = || {
        let now = wall_clock::now();
        json!({ "seconds": now.seconds, "nanoseconds": now.nanoseconds })
    };
    let (first, began) = (wall(), monotonic_clock::now());
    let wait = number(arguments, "wait_ms", 0);
    if wait > 0 {
        monotonic_clock::subscribe_duration(wait * 1_000_000).block();
    }
    let ended = monotonic_clock::now();
    json!({ "wall": [first, wall()], "monotonic": [began, ended], "resolution": monotonic_clock::resolution() })
}

pub fn random(_: &Value) -> Value {
    let bytes = secure::get_random_bytes(16);
    let (a, b) = insecure_seed::insecure_seed();
    json!({
        "bytes": hex(&bytes),
        "insecure": hex(&insecure::get_insecure_random_bytes(16)),
        "seed": format!("{a:016x}{b:016x}"),
    })
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `{ level?, text, fields? }`
pub fn log(arguments: &Value) -> Value {
    let level = match text(arguments, "level") {
        "debug" => Level::Debug,
        "notice" => Level::Notice,
        "warning" => Level::Warning,
        "error" => Level::Error,
        "critical" => Level::Critical,
        "alert" => Level::Alert,
        "emergency" => Level::Emergency,
        _ => Level::Info,
    };
    let fields = (!arguments["fields"].is_null()).then(|| arguments["fields"].to_string());
    logging::emit(level, text(arguments, "text"), fields.as_deref());
    json!({ "logged": true })
}

/// `{ done, total?, text? }`
pub fn progress(arguments: &Value) -> Value {
    let done = arguments["done"].as_f64().unwrap_or(1.0);
    reports::report(done, arguments["total"].as_f64(), arguments["text"].as_str());
    json!({ "reported": true })
}

pub fn host_info(_: &Value) -> Value {
    match host::read() {
        Ok(info) => json!({ "version": info.version, "cpus": info.cpus, "plugins": info.plugins, "tools": info.tools }),
        Err(host::Refusal::NotPermitted) => json!({ "error": "not-permitted" }),
    }
}

/// `{ name }`
pub fn secret_exists(arguments: &Value) -> Value {
    match secrets::exists(text(arguments, "name")) {
        Ok(exists) => json!({ "exists": exists }),
        Err(secrets::Refusal::NotPermitted) => json!({ "error": "not-permitted" }),
    }
}
