//! Runs one call of one component in an instance made for it alone.
//!
//! The work is cut where costs differ. An [`Engine`] is made once. A component is compiled once
//! ever, in a child process with limits of its own ([`compile`]), because a compiler fed hostile
//! input may take any amount of memory and time; its machine code is kept on disk under a MAC
//! ([`cache`]). What is left for a call ([`Prepared::run`]) is a store, an instance from the pool,
//! and the guest's own work: no compiling, no linking, no looking up of names.
//!
//! The invariants:
//! - nothing runs without a [`Permit`](cofferdam_policy::Permit), which running consumes;
//! - no instance serves two calls, so no state crosses from one to the next;
//! - every call ends: by itself, by a limit, or by being cancelled;
//! - machine code is loaded only when this program compiled it, see [`aot`].
//!
//! Not here: what a component may reach (`capabilities`), who may call (`policy`), where
//! components come from (`catalog`).
#![deny(unsafe_code)]

mod aot;
pub mod cache;
pub mod compile;
mod engine;
mod failure;
mod meter;
mod prepared;
mod run;
mod stub;

pub use engine::{Engine, EngineError, EngineSettings};
pub use failure::{Failure, Trap};
pub use prepared::{Offers, PrepareError, Prepared};
pub use run::{Definitions, Operation, Ran, Reply, Usage};
