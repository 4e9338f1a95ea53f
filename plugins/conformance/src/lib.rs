//! The fixtures of the MCP conformance suite, as a plugin.
//!
//! The suite asks a server for tools, resources and prompts of fixed names that do fixed things.
//! Serving them from a component makes the suite a test of the whole way, transport to sandbox:
//! what the contract cannot express shows up as a failing scenario, which a fixture inside the
//! host would hide.
//!
//! The plugin knows nothing of the protocol's eras. A tool that needs the user returns its
//! requests and is called again with the answers (`fixture::ask`, `answers.rs`), whether the host
//! passes them on or asks itself. State is returned in the clear, for it is the host that seals it;
//! log lines and progress are always sent, for it is the host that knows who asked for them.
//!
//! Each file holds one family: the table entries and what they run. `tools.rs` strings the tables
//! together.

mod answers;
pub mod bindings;
pub mod completions;
#[cfg(target_family = "wasm")]
mod component;
mod content;
mod diagnostics;
mod elicitation;
pub mod fixture;
pub mod host;
mod input_required;
pub mod prompts;
pub mod resources;
mod sampling;
mod tasks;
pub mod tools;
