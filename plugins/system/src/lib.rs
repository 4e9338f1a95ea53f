//! The tools every host has: `echo`, `get_time`, `health_check` and `system_health`.
//!
//! They answer a client's first questions (am I connected, what time is it, is this host well)
//! without a grant beyond `host_info`, and are the smallest complete example of a plugin.
//!
//! One file per tool, each with its `tools::Entry`: definition and function side by side, so that
//! a schema cannot drift from the code that honours it. What a tool needs from outside it takes
//! as a `host::Host`; unit tests hand it another one. The alternative, logic behind types of its
//! own and a layer that converts them, would double the contract here for no gain: the types that
//! `wit-bindgen` writes are plain data.
//!
//! The time zone database is compiled in (a component has no `/usr/share/zoneinfo`), so the zones
//! are those of the day the plugin was built.

pub mod bindings;
#[cfg(target_family = "wasm")]
mod component;
mod echo;
mod health;
pub mod host;
mod time;
pub mod tools;
mod zones;
