//! What one request may use, as the policy decided.

use std::{fmt, sync::Arc, time::Duration};

use crate::networks::Networks;

/// On whose behalf: a plugin, and the tenant that called it. Connections, breakers and the bound on connections are never
/// shared between two of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PoolKey {
    plugin: Arc<str>,
    tenant: Arc<str>,
}

/// The bounds of one request. There is no default: each is decided.
#[derive(Clone, Debug)]
pub struct Terms {
    /// On whose behalf.
    pub pool: PoolKey,
    /// Networks that were granted beside the public ones.
    pub networks: Networks,
    /// How long the whole exchange may take: all attempts, the pauses between them, and the body of the response, whether or not
    /// it is read.
    pub timeout: Duration,
    /// How long an attempt may take from the time when there is a connection until the head of the response is there.
    pub first_byte: Option<Duration>,
    /// How long the server may be silent within the body of the response while it is waited for.
    pub between_bytes: Option<Duration>,
    /// Bytes of the request's body.
    pub largest_request: u64,
    /// Bytes of the response's body.
    pub largest_response: u64,
    /// Whether and how often a request is sent again.
    pub retry: Option<Retry>,
    /// Whether a host that fails is left alone for a time.
    pub breaker: Option<Breaker>,
}

/// How a request is sent again that failed in a way that may pass.
///
/// Only a request that does the same when done twice (RFC 9110, 9.2.2), or that says so with an `idempotency-key`; only
/// with a body of at most 64 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often a request is sent in all. 0 and 1 both mean once.
    pub attempts: u32,
    /// The first pause; each further one is twice as long, and up to as much again is added by chance.
    pub backoff: Duration,
    /// The longest pause. A server that asks for a longer one with `Retry-After` is not asked again.
    pub longest: Duration,
}

/// When a host that fails is left alone. One for every [`PoolKey`], scheme, host and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// Failures in a row after which it opens: no connection, no answer in time, or a status of 5xx. 0 counts as 1.
    pub failures: u32,
    /// How long it stays open; then one request is let through, and what becomes of it decides.
    pub open: Duration,
}

// === impl PoolKey ===

impl PoolKey {
    pub fn new(plugin: impl Into<Arc<str>>, tenant: impl Into<Arc<str>>) -> Self {
        Self { plugin: plugin.into(), tenant: tenant.into() }
    }
}

impl fmt::Display for PoolKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.plugin.escape_debug(), self.tenant.escape_debug())
    }
}
