//! How a file becomes tools.
//!
//! Admission is a chain of types, each built from the one before it only:
//!
//! ```text
//! Candidate -> Verified -> Approved -> Compiled -> Described -> Plugin
//! ```
//!
//! so that bytes nobody signed cannot be compiled, a change nobody accepted cannot be served, and definitions nobody checked cannot be
//! listed. A step that refuses says so with a [`Refusal`]; what served before goes on serving.
//! What is served is a [`Catalog`]: an immutable snapshot, swapped whole, that a call holds on to
//! until it ends, so that a plugin can be replaced while it runs.
//!
//! [`Keeper`] runs the chain over directories and keeps the snapshot up to date.
//!
//! A component's own words - names, descriptions, schemas - are hostile input here: bounded,
//! searched for what deceives a reader, and refused rather than repaired, because a repaired
//! definition is one that nobody wrote.
#![forbid(unsafe_code)]

mod admission;
mod beside;
mod definitions;
mod drift;
mod inspect;
mod job;
mod keeper;
mod lock;
mod refusal;
mod schema;
mod snapshot;
mod source;
mod stamp;
mod store;
mod text;

pub use admission::{Admitted, Approval, Approved, Candidate, Compiled, Described, Place, Verified};
pub use definitions::{Argument, Hints, PromptDefinition, ResourceDefinition, TemplateDefinition, ToolDefinition};
pub use drift::{Change, Grave, Group, grave};
pub use inspect::{Import, Inspected};
pub use job::{Rules, Workshop, fetch_signed};
pub use keeper::{Keeper, KeeperError, ReadPolicy, Reading, Settings, read_policy};
pub use lock::{EMPTY_LOCK, Lock, LockEntry, LockError, LockFile, LockSigner, lock_schema};
pub use refusal::{Refusal, Step};
pub use schema::{Schema, SchemaError, Violation};
pub use snapshot::{Catalog, Collision, Plugin, Prompt, Resource, Template, Tool};
pub use stamp::{StampError, stamp};
pub use store::Store;
