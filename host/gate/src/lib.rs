//! How a request becomes a result.
//!
//! ```text
//! Request -> Permit -> run -> Answer
//! ```
//!
//! [`Gate`] is the one way to a component, for every transport and for the command line alike. It
//! takes one snapshot of the catalog, asks its policy for a permit, checks the arguments against
//! the tool's schema, waits for a place, runs the component, checks what came back, writes one
//! line about it, and answers. Answers know neither MCP nor HTTP; both eras of the protocol are
//! made from them.
//!
//! What a plugin asks of a client ([`Ask`]) is answered in another round, in another instance. What
//! the plugin wants to remember until then travels with the client, sealed ([`SealedState`]).
#![forbid(unsafe_code)]

mod ask;
mod check;
mod failure;
mod gate;
mod mask;
mod request;
mod run;
mod seal;

pub use ask::{Ask, AskKind, Asked};
pub use cofferdam_capabilities::{
    Event, Level, Listing,
    exports::cofferdam::plugin::{
        completions::{Completion, Reference as Subject},
        prompts::{Message, PromptResult},
        tools::ToolResult,
    },
    imports::plugin::types as contract,
};
pub use failure::{CallError, Code, Failed};
pub use gate::{Called, Gate};
pub use request::{Answer, Caller, Completing, Round};
pub use seal::{SealedState, StateError};
