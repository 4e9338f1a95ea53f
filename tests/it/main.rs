//! Everything that is tested through the built host's front doors, in one program.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]
// `json!({ .. })` at the call is what a test reads best with.
#![allow(clippy::needless_pass_by_value)]

mod capabilities;
mod catalog;
mod cli;
mod clients;
mod conformance;
mod cosign;
mod definitions;
mod drain;
mod grants;
mod hostile;
mod http;
mod isolation;
mod protocol;
mod registry;
mod stdio;
mod trust;
