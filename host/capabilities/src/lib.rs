//! What a component may reach, one module for each kind of thing.
//!
//! Every module has the same four parts: the grant, which `cofferdam-policy` parses; what puts the
//! interface before a component ([`link_granted`], for nobody who was not granted it); the state a
//! call gets from its permit (`open`); and the record of each use ([`Effect`]). [`Capabilities`] is
//! all of them for one call, opened from [`Services`], which the process has once.
//!
//! A plugin is linked with what any of its tools was granted; a call holds what its own tool was.
//! Where the two differ the host's function is there, finds nothing to give, and answers with the
//! interface's own refusal.
//!
//! What needs no grant is bounded instead: a line of log, a report, a byte of output are counted
//! against the call's limits, and the call that goes over is ended with [`LimitHit`].
//!
//! Secrets do not come through here: the host attaches them to requests that a guest has let go of,
//! and masks them in everything that comes back.
#![forbid(unsafe_code)]

mod bindings;
mod changes;
mod clock;
mod config;
mod effects;
mod environment;
mod events;
mod filesystem;
mod host_info;
mod http;
mod keyvalue;
mod link;
mod log;
mod offer;
mod output;
mod progress;
mod random;
mod refusal;
mod secrets;
mod services;
mod sockets;
mod spent;
mod sql;
mod state;

pub use bindings::{Everything, cofferdam as imports, exports};
pub use cofferdam_secrets::Masker;
pub use effects::{Effect, Effects, Recorder, Verdict};
pub use events::{Event, Listing};
pub use filesystem::Disk;
pub use host_info::{HostFacts, Info, MachineFacts};
pub use link::{link, link_granted};
pub use log::Level;
pub use offer::{Absent, Offer};
pub use services::{KeyValueStore, Services};
pub use spent::{Limit, LimitHit};
pub use state::{Capabilities, HasCapabilities, Unopened};
