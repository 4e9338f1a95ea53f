//! The bodies of requests and responses.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Full, combinators::UnsyncBoxBody};
use thiserror::Error;

use crate::error::EgressError;

/// A body that streams. The same shape as that of `wasmtime-wasi-http`, with an error of our own.
pub type Body = UnsyncBoxBody<Bytes, BodyError>;

/// Why a body ended before its end.
#[derive(Debug, Error)]
pub enum BodyError {
    /// We ended it.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// Whoever made the body of the request could not go on.
    #[error("the body of the request broke off: {0}")]
    Source(Box<dyn std::error::Error + Send + Sync>),
    /// The exchange that the body of a request was for is over, and nobody waits for the rest.
    #[error("the request is over")]
    Over,
}

/// No body.
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body that is there already.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}
