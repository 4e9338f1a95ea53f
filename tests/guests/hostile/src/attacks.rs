//! The table of attacks, and how it is shown to the host.

use crate::arguments::Parameter::{Number, Text};
use crate::arguments::{Arguments, Parameter};
use crate::exports::cofferdam::plugin::tools::{Tool, ToolHints};
use crate::{floods, handles, memory, results, surroundings, time, Reply};
use serde_json::{json, Map, Value};

pub struct Attack {
    pub name: &'static str,
    description: &'static str,
    parameters: &'static [Parameter],
    output_schema: Option<&'static str>,
    pub run: fn(&Arguments) -> Reply,
}

impl Attack {
    const fn new(
        name: &'static str,
        description: &'static str,
        parameters: &'static [Parameter],
        run: fn(&Arguments) -> Reply,
    ) -> Self {
        Self { name, description, parameters, output_schema: None, run }
    }

    const fn promising(self, output_schema: &'static str) -> Self {
        Self { output_schema: Some(output_schema), ..self }
    }

    pub fn definition(&self) -> Tool {
        let names: Vec<_> = self.parameters.iter().map(Parameter::name).collect();
        let properties: Map<String, Value> =
            self.parameters.iter().map(|parameter| (parameter.name().to_owned(), parameter.schema())).collect();
        Tool {
            name: self.name.into(),
            title: None,
            description: self.description.into(),
            input_schema: json!({ "type": "object", "properties": properties, "required": names }).to_string(),
            output_schema: self.output_schema.map(Into::into),
            hints: ToolHints { read_only: None, destructive: None, idempotent: None, open_world: None },
        }
    }
}

/// Of `bad_output`, which does not keep to it.
const COUNT_SCHEMA: &str = r#"{"type":"object","properties":{"count":{"type":"integer"}},"required":["count"]}"#;

pub const ALL: &[Attack] = &[
    // Time.
    Attack::new("spin", "Computes for ever.", &[], time::spin),
    Attack::new("sleep", "Sleeps in the host, then answers.", &[Number("ms")], time::sleep),
    Attack::new("sleep_forever", "Sleeps in the host for ever.", &[], time::sleep_forever),
    Attack::new("host_calls", "Calls the host for ever.", &[], time::host_calls),
    Attack::new("random_and_time", "Reads clocks and randomness.", &[], time::random_and_time),
    // Memory and stack.
    Attack::new("grow_memory", "Allocates until that fails.", &[], memory::grow),
    Attack::new("grow_memory_to", "Allocates so much.", &[Number("mib")], memory::grow_to),
    Attack::new("recurse", "Calls itself for ever.", &[], memory::recurse),
    Attack::new("counter", "Counts its calls.", &[], memory::counter),
    // Results.
    Attack::new("huge_result", "Answers with a long text.", &[Number("bytes")], results::huge),
    Attack::new("huge_list", "Answers with many texts.", &[Number("items")], results::many),
    Attack::new("big_state", "Leaves a large state.", &[Number("bytes")], results::big_state),
    Attack::new("echo_nested", "Answers with deep JSON.", &[Number("depth")], results::nested),
    Attack::new("bad_json", "Answers with what is not JSON.", &[], results::bad_json),
    Attack::new("bad_output", "Breaks its output schema.", &[], results::bad_output).promising(COUNT_SCHEMA),
    Attack::new("control_characters", "Answers with escapes.", &[], results::control_characters),
    Attack::new("trap", "Traps.", &[], results::trap),
    Attack::new("panic", "Panics.", &[], results::panic),
    // What goes to the host while a call runs.
    Attack::new("stdout_flood", "Writes to both outputs.", &[Number("bytes")], floods::outputs),
    Attack::new("stdout_forge", "Prints protocol messages.", &[], floods::forge_messages),
    Attack::new("log_flood", "Logs.", &[Number("lines"), Number("bytes_each")], floods::log),
    Attack::new("progress_flood", "Reports progress.", &[Number("count")], floods::progress),
    Attack::new("announce_flood", "Announces changes.", &[Number("count")], floods::announce),
    Attack::new("many_handles", "Keeps resources of the host.", &[], handles::hoard),
    // What is around the guest.
    Attack::new("environment", "Shows what it can see.", &[], surroundings::environment),
    Attack::new("open_file", "Reads a file.", &[Text("path")], surroundings::open_file),
];
