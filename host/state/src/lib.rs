//! What replicas share.
//!
//! A host keeps nothing between two calls, and of several replicas any may serve the next one. What has to outlive a
//! call is kept here, in one of two stores behind one trait: a file, for one machine and the few host processes of one
//! user, or Redis, for replicas on many. Both give the same promises and pass the same tests:
//!
//! - a [`Space`] is a plugin, a tenant and a bucket, and no spelling of one reaches into another;
//! - a [`Quota`] comes with every write and is exact: what a space uses is counted in the transaction (or script) that
//!   changes it, never estimated and never found out by scanning. What has expired does not count;
//! - a write happens whole or not at all, also [`KeyValue::set_many`]; [`KeyValue::increment`] and [`KeyValue::swap`]
//!   are atomic between processes;
//! - a page of keys is sorted, and an iteration meets every key that is there all the while exactly once;
//! - every wait has an end, and every answer a largest size ([`limits`]).
//!
//! Rejected: a trait of `get` and `set` with everything else built above it. Counting what is used, comparing and
//! swapping, and adding to a number are only correct where the data is, so each store does them in its own way.
//!
//! Whoever may write the file, or speaks to the same Redis with a password that reads our keys, is trusted; guests, and
//! the texts they make keys and values of, are not. This crate knows nothing of WebAssembly, policy or MCP: who may
//! open which space with which quota is decided by its caller. It encrypts nothing at rest.
#![forbid(unsafe_code)]

mod embedded;
mod error;
mod key_value;
mod line;
mod open;
mod settings;
mod text;

pub use error::StateError;
pub use key_value::{
    Cursor, Key, KeyValue, KeyValueError, NotAKey, NotASpace, Page, Quota, Space, Swap, Usage, Which, limits,
};
pub use open::open;
pub use settings::StateSettings;
