//! What a component may reach, one module for each kind of thing.
//!
//! Every module has the same parts: the state a call gets from its permit (`open`), the host's
//! side of the interface, and what it tells of its use. [`Capabilities`] is all of them for one
//! call; [`link`] puts their functions before a component. A call's state holds only what its
//! permit grants: a capability that was not granted is not there to be misused, and its functions
//! answer with the interface's own refusal.
//!
//! What needs no grant is bounded instead: a line of log, a report, a byte of output are counted
//! against the call's limits, and the call that goes over is ended with [`LimitHit`].
#![forbid(unsafe_code)]

mod bindings;
mod changes;
mod clock;
mod events;
mod host_info;
mod link;
mod log;
mod offer;
mod output;
mod progress;
mod spent;
mod state;

pub use bindings::{FullPlugin, cofferdam as imports, exports};
pub use events::{Event, Listing};
pub use host_info::{HostFacts, Info, MachineFacts};
pub use link::link;
pub use log::Level;
pub use offer::{Absent, Offer};
pub use spent::{Limit, LimitHit};
pub use state::{Capabilities, HasCapabilities};
