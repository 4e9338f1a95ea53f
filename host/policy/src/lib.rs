//! What was decided, as types.
//!
//! `policy.toml` is the security owner's file: who may sign, and what each plugin and tool may
//! spend and reach. It is
//! parsed once, into types that cannot say anything wrong ([`Limits`] has no "unlimited",
//! [`Grants`] is empty by default), and asked one question: may this principal do this?
//! The answer is a [`Permit`], which only this crate can make and which is spent by running.
//! An executor that takes a permit by value needs no check of its own; the rejected alternative, a
//! check that returns a `bool`, is one forgotten `if` away from running everything.
//!
//! The crate does no I/O and knows neither wasm nor MCP.
#![forbid(unsafe_code)]

mod document;
mod file;
mod grants;
mod judge;
mod limits;
mod names;
mod permit;
mod signing;
mod units;

pub use cofferdam_secrets::SecretName;
pub use document::{Document, DocumentError, Problem};
pub use file::{Policy, PolicyError, Prefix, policy_schema};
pub use grants::{
    Access, Attach, AttachAs, Breaker, Bucket, Capability, Clock, ConfigGrant, DatabaseRule, Directory,
    EnvironmentGrant, FilesystemGrant, Grants, Host, HostPath, HostPattern, HttpDenied, HttpGrant, HttpRule,
    KeyValueGrant, Methods, Networks, PathPattern, Random, Reach, Retry, Scheme, SecretsGrant, SocketRule,
    SocketsGrant, SqlAccess, SqlGrant, UrlPattern, VariableName,
};
pub use judge::{Beside, Evidence, NotTrusted, Provenance, Vouch};
pub use limits::{AdmissionLimits, Ceiling, Limits};
pub use names::{BucketName, DatabaseName, NameError, PluginName, ToolId, ToolName};
pub use permit::{Denied, Permit, Principal, Target, Transport};
pub use signing::{FirstSight, ReadFile, Requirement};
pub use units::{Bytes, Fuel, Span, UnitError};
