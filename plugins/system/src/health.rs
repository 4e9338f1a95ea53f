//! `health_check` and `system_health`: is the plugin well, is the host well.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::bindings::cofferdam::plugin::host_info::{Info, Refusal};
use crate::bindings::cofferdam::plugin::types::ToolError;
use crate::bindings::exports::cofferdam::plugin::tools::ToolResult;
use crate::host::Host;
use crate::tools::{answer, parse, Entry, NO_ARGUMENTS};

pub(crate) const HEALTH_CHECK: Entry = Entry {
    name: "health_check",
    title: "Health check",
    description: "Checks that tools can run on this server: loads a plugin, runs it and tries its \
        clock. Use it first when other tools fail, to tell a broken server from a broken tool. \
        Returns `status` (`ok` or `degraded`), the plugin's version and each check's outcome.",
    input_schema: NO_ARGUMENTS,
    output_schema: r#"{
        "type": "object",
        "properties": {
            "status": {
                "type": "string",
                "enum": ["ok", "degraded"],
                "description": "`ok` when every check passed."
            },
            "version": {
                "type": "string",
                "description": "Version of the plugin that answered."
            },
            "checks": {
                "type": "array",
                "description": "What was checked.",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": { "type": "string", "description": "What was checked." },
                        "status": {
                            "type": "string",
                            "enum": ["ok", "failed"],
                            "description": "How it went."
                        },
                        "detail": { "type": "string", "description": "What was found." }
                    },
                    "required": ["name", "status", "detail"],
                    "additionalProperties": false
                }
            }
        },
        "required": ["status", "version", "checks"],
        "additionalProperties": false
    }"#,
    run: health_check,
};

pub(crate) const SYSTEM_HEALTH: Entry = Entry {
    name: "system_health",
    title: "System health",
    description: "Reports the state of the host that runs these tools. Use it to find out why \
        calls are slow or whether the server is overloaded. Returns the host's version and uptime, \
        CPUs and load averages, memory in bytes, and how many plugins, tools and calls it serves. \
        Needs a permission that the operator may not have given.",
    input_schema: NO_ARGUMENTS,
    output_schema: r#"{
        "type": "object",
        "properties": {
            "version": { "type": "string", "description": "Version of the host." },
            "uptime_seconds": {
                "type": "integer",
                "minimum": 0,
                "description": "Seconds since the host started."
            },
            "cpus": { "type": "integer", "minimum": 0, "description": "CPUs the host may use." },
            "load": {
                "type": "object",
                "description": "Processes that ran or waited to run, on average.",
                "properties": {
                    "one": { "type": "number", "description": "Over the last minute." },
                    "five": { "type": "number", "description": "Over the last 5 minutes." },
                    "fifteen": { "type": "number", "description": "Over the last 15 minutes." }
                },
                "required": ["one", "five", "fifteen"],
                "additionalProperties": false
            },
            "memory": {
                "type": "object",
                "description": "Memory in bytes.",
                "properties": {
                    "total": { "type": "integer", "minimum": 0, "description": "What the machine has." },
                    "available": { "type": "integer", "minimum": 0, "description": "What is free to use." },
                    "host": { "type": "integer", "minimum": 0, "description": "What the host itself holds." }
                },
                "required": ["total", "available", "host"],
                "additionalProperties": false
            },
            "plugins": { "type": "integer", "minimum": 0, "description": "Plugins admitted." },
            "tools": { "type": "integer", "minimum": 0, "description": "Tools served." },
            "calls_running": {
                "type": "integer",
                "minimum": 0,
                "description": "Calls that run at this moment, this one included."
            }
        },
        "required": ["version", "uptime_seconds", "cpus", "load", "memory", "plugins", "tools", "calls_running"],
        "additionalProperties": false
    }"#,
    run: system_health,
};

/// A clock that shows an earlier time than this was never set: 2025-01-01T00:00:00Z.
const PLAUSIBLE: Duration = Duration::from_secs(1_735_689_600);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoArguments {}

// === health_check ===

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    checks: [Check; 1],
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    status: &'static str,
    detail: &'static str,
}

fn health_check(arguments: &str, host: &dyn Host) -> Result<ToolResult, ToolError> {
    let NoArguments {} = parse(arguments)?;
    let clock = match host.now() {
        Some(now) if now >= PLAUSIBLE => Ok("gives a plausible time"),
        Some(_) => Err("shows a time before 2025: it is not set, or frozen"),
        None => Err("shows a time before 1970"),
    };
    let health = Health {
        status: if clock.is_ok() { "ok" } else { "degraded" },
        version: env!("CARGO_PKG_VERSION"),
        checks: [Check::new("clock", clock)],
    };
    answer(&health, None)
}

impl Check {
    fn new(name: &'static str, outcome: Result<&'static str, &'static str>) -> Self {
        let (status, detail) = match outcome {
            Ok(detail) => ("ok", detail),
            Err(detail) => ("failed", detail),
        };
        Self { name, status, detail }
    }
}

// === system_health ===

#[derive(Serialize)]
struct System {
    version: String,
    uptime_seconds: u64,
    cpus: u32,
    load: Load,
    memory: Memory,
    plugins: u32,
    tools: u32,
    calls_running: u32,
}

#[derive(Serialize)]
struct Load {
    one: f64,
    five: f64,
    fifteen: f64,
}

#[derive(Serialize)]
struct Memory {
    total: u64,
    available: u64,
    host: u64,
}

fn system_health(arguments: &str, host: &dyn Host) -> Result<ToolResult, ToolError> {
    let NoArguments {} = parse(arguments)?;
    let info = host.info().map_err(|Refusal::NotPermitted| {
        let message = "the operator has not granted `host_info` to this plugin";
        ToolError::PermissionDenied(message.into())
    })?;
    answer(&System::from(info), None)
}

impl From<Info> for System {
    fn from(info: Info) -> Self {
        Self {
            version: info.version,
            uptime_seconds: info.uptime,
            cpus: info.cpus,
            load: Load { one: info.load.one, five: info.load.five, fifteen: info.load.fifteen },
            memory: Memory { total: info.memory_total, available: info.memory_available, host: info.memory_host },
            plugins: info.plugins,
            tools: info.tools,
            calls_running: info.calls_running,
        }
    }
}

#[cfg(test)]
mod tests;
