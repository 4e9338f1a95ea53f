//! One module for each command.

pub(crate) mod approve;
pub(crate) mod call;
pub(crate) mod client_config;
pub(crate) mod compile_worker;
pub(crate) mod completions;
pub(crate) mod inspect;
pub(crate) mod plugins;
pub(crate) mod policy;
pub(crate) mod serve;
pub(crate) mod stdio;
