//! One module for each command.

pub(crate) mod approve;
pub(crate) mod call;
pub(crate) mod client_config;
pub(crate) mod compile_worker;
pub(crate) mod completions;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod keygen;
mod password;
pub(crate) mod plugins;
pub(crate) mod policy;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod serve;
pub(crate) mod sign;
pub(crate) mod sigstore_conformance;
pub(crate) mod stamp;
pub(crate) mod stdio;
pub(crate) mod verify;
