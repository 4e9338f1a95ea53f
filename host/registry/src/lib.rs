//! Components in OCI registries: reading them, the signatures beside them, and putting them there.
//!
//! ```text
//! resolve -> manifest -> signatures -> (verify, elsewhere) -> component
//! ```
//!
//! A registry is a store that anyone may have written to, so it is never believed. A tag is read once, in
//! [`Registry::resolve`], and what it stood for then is known by a digest that we computed; every later step takes that
//! digest. What arrives is checked against the digest by which it was asked for, before it is read for anything else. The
//! order is the caller's, and is one in which a component is fetched last, when its signatures have been verified.
//!
//! All that is read has a bound: bytes of each kind of answer, the number of referrers and signatures, redirects, the
//! time of a request and of a whole call (`limits`). That is why the protocol is spoken here, in a few small files
//! on top of an HTTP client: the client library for OCI that there is reads manifests, token answers and error texts whole,
//! however long they are, and takes a refusal while looking for referrers for "there are none".
//!
//! This crate verifies no signature and keeps nothing. It does not write into a registry unless told to.
#![forbid(unsafe_code)]

mod attach;
mod challenge;
mod credentials;
mod endpoint;
mod error;
mod exchange;
mod limits;
mod manifest;
mod media;
mod pull;
mod push;
mod reference;
mod registry;
mod settings;
mod signatures;
mod tokens;

pub use error::RegistryError;
pub use manifest::Manifest;
pub use reference::{Reference, ReferenceError};
pub use registry::Registry;
pub use settings::RegistrySettings;
pub use signatures::FoundSignature;
