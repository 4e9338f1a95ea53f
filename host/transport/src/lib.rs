//! How callers come in.
//!
//! Three ways for MCP - stdio, streamable HTTP and the older HTTP+SSE - and the endpoints that
//! orchestrators ask. Each gives a connection its own view of one MCP server; none of them knows
//! what a plugin is. What comes in is bounded here: which hosts and origins are answered, bytes of
//! a body, sessions and streams that are open at a time.
//!
//! Ending is part of the job: [`http::serve`] and [`stdio::serve`] stop taking new work when they
//! are told to, let what is inside finish, and only then close what clients keep open.
#![forbid(unsafe_code)]

mod drain;
mod guard;
mod health;
pub mod http;
mod sessions;
mod sse;
pub mod stdio;
mod streams;

pub use guard::{AllowedHost, AllowedOrigin, GuardError};
