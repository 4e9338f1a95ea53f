//! The table of tools.

use serde_json::{json, Value};

use crate::cofferdam::plugin::types::ToolError;
use crate::exports::cofferdam::plugin::tools::{Outcome, Tool, ToolHints};
use crate::{complete, files, given, http, kv, say, sockets, sql};

/// What the second name of each tool ends with.
pub const TOO: &str = "_too";

type Reply = Result<Outcome, ToolError>;

pub struct Entry {
    pub name: &'static str,
    does: &'static str,
    pub run: fn(&Value) -> Reply,
}

impl Entry {
    pub fn definition(&self, suffix: &str) -> Tool {
        Tool {
            name: format!("{}{suffix}", self.name),
            title: None,
            description: self.does.to_owned(),
            input_schema: json!({ "type": "object" }).to_string(),
            output_schema: None,
            hints: ToolHints { read_only: None, destructive: None, idempotent: None, open_world: None },
        }
    }
}

macro_rules! entry {
    ($name:literal, $does:literal, $run:path) => {
        Entry { name: $name, does: $does, run: |arguments| complete(&$run(arguments)) }
    };
}

pub const ALL: &[Entry] = &[
    entry!("fetch", "Sends one request and reads the answer.", http::fetch),
    entry!("fetch_many", "Sends requests, in a row or at once.", http::fetch_many),
    entry!("read_file", "Reads a file.", files::read_file),
    entry!("write_file", "Writes a file.", files::write_file),
    entry!("list_dir", "Lists a directory.", files::list_dir),
    entry!("fs", "Does one thing to a path.", files::fs),
    entry!("kv", "Does one thing to a bucket.", kv::kv),
    entry!("sql", "Runs statements.", sql::sql),
    entry!("config", "Looks up values.", given::config),
    entry!("env", "Lists the variables of its environment.", given::env),
    entry!("clock", "Looks at the clocks.", given::clock),
    entry!("random", "Draws random bytes.", given::random),
    entry!("log", "Writes lines of log.", given::log),
    entry!("progress", "Reports progress.", given::progress),
    entry!("host_info", "Reads the state of the host.", given::host_info),
    entry!("secret_exists", "Asks whether there is a secret.", given::secret_exists),
    entry!("connect", "Connects to a host and a port by TCP.", sockets::connect),
    entry!("socket", "Uses a socket in another way than to connect by TCP.", sockets::socket),
    entry!("lookup", "Looks up the addresses of a host.", sockets::lookup),
    Entry { name: "say", does: "Says a text, in the way that `as` names.", run: say::say },
];
