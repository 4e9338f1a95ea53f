//! MCP over the gate.
//!
//! One handler serves every transport and both eras of the protocol: the one that begins with
//! `initialize` and keeps sessions, and the stateless one of 2026-07-28. The eras differ in three
//! places, and each has a module: how a client is asked for input ([`asking`]), how it learns that
//! a listing changed ([`hub`]), and what it is told of a failure ([`errors`]). Plugins see none of
//! it.
//!
//! The crate knows nothing of HTTP but the request's extensions, where a transport leaves the
//! principal, and nothing of WebAssembly.
#![forbid(unsafe_code)]
// Logging, sampling and roots are deprecated since 2026-07-28, to go in a year at the earliest;
// clients of both eras use them.
#![expect(deprecated)]

mod asking;
mod caller;
mod convert;
mod errors;
mod events;
mod hub;
mod lists;
mod server;
mod tasks;

pub use caller::RequestId;
pub use server::{McpServer, Settings};
