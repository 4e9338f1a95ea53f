//! A component whose every tool attacks one limit of the host, or looks for something that a plugin
//! must not see.
//!
//! [`attacks`] is the table of them; what they do is sorted by what they go for. Nothing here knows
//! which limits the host has: an attack goes on until it is stopped, or has done what its arguments
//! ask for.

use arguments::Arguments;
use cofferdam::plugin::types::{Context, ToolError};
use exports::cofferdam::plugin::tools::{Guest, Outcome, Tool};

mod arguments;
mod attacks;
mod floods;
mod handles;
mod memory;
mod results;
mod surroundings;
mod time;

wit_bindgen::generate!({ world: "tool-plugin", path: "../../../wit" });

/// What a tool answers with.
type Reply = Result<Outcome, ToolError>;

struct Hostile;

impl Guest for Hostile {
    fn list() -> Vec<Tool> {
        attacks::ALL.iter().map(attacks::Attack::definition).collect()
    }

    fn call(name: String, arguments: String, _: Context) -> Reply {
        let attack = attacks::ALL
            .iter()
            .find(|attack| attack.name == name)
            .ok_or_else(|| ToolError::NotFound(format!("there is no tool {name}")))?;
        (attack.run)(&Arguments::parse(&arguments)?)
    }
}

export!(Hostile);
