//! What the tests share: a host that is really started, and components that are really hostile.
//!
//! A test starts the built binary on a free port over directories of its own, talks to it over the
//! wire, and stops that process. Nothing is mocked and nothing is shared but the cache of machine
//! code, which spares compiling the same guest for every test.
#![forbid(unsafe_code)]
// A test that cannot set itself up has nothing to say but why.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]
// `json!({ .. })` at the call is what a test reads best with.
#![allow(clippy::needless_pass_by_value)]

mod bao;
pub mod forge;
mod golden;
mod host;
mod keys;
mod names;
mod paths;
mod postgres;
mod redis;
mod registry;
mod rpc;
mod stdio;
mod upstream;
mod wait;

pub use bao::OpenBao;
pub use golden::{golden, squeezed, transcript};
pub use host::{Finished, HostBuilder, TEST_SIGNER, TestHost, policy_text, run_cli, run_cli_in};
pub use keys::{TestKey, sha256, test_key};
pub use names::NameServer;
pub use paths::{binary, guest, guests_dir, plugin, plugins_dir, repository};
pub use postgres::{PostgresDatabase, PostgresServer};
pub use redis::RedisServer;
pub use registry::{DockerRegistry, program, server};
pub use rpc::{Reply, Rpc};
pub use stdio::StdioHost;
pub use upstream::{Answer, Asked, Upstream, asked_path, body, pieces, slowly, streamed};
pub use wait::{PATIENCE, eventually, within};
