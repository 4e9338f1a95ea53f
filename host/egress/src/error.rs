//! Why a request came to nothing: one text for whoever runs the host, another for the guest.
//!
//! The text of `Display` is for operators, and names addresses. [`EgressError::to_guest`] names none, nor anything that a
//! server or a name server said: only what was asked for, and the bound that was met. Words of others are cut and escaped.

#[cfg(test)]
mod tests;

use std::{fmt, net::SocketAddr, time::Duration};

use thiserror::Error;

use crate::{limits, networks::Forbidden};

/// What went wrong with an outgoing request.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum EgressError {
    /// The URL cannot be used.
    #[error("the URL cannot be used: {what}")]
    Url { what: String },
    /// The request cannot be sent as it is.
    #[error("the request cannot be sent: {what}")]
    Request { what: String },
    /// The terms cannot be kept.
    #[error("the terms of the request cannot be kept: {what}")]
    Terms { what: &'static str },
    /// There is no such name, or it has no address.
    #[error("{host}: there is no such host, or it has no address")]
    NoSuchHost { host: String },
    /// The name servers did not say.
    #[error("{host}: the name servers gave no answer: {why}")]
    NameServers { host: String, why: String },
    /// Each address of the host is one that may not be connected to. Here is the first of them.
    #[error(
        "{host}: none of its {count} addresses may be connected to: {first}; if this host is to be reached, grant the \
         network, and nothing wider"
    )]
    Forbidden { host: String, first: Forbidden, count: usize },
    /// All connections that may be open are.
    #[error("{host}: no connection was free in time: {with}")]
    Busy { host: String, with: BusyWith },
    /// No connection came about.
    #[error("{host}: connecting to {}: {why}", list(.addresses))]
    Connect { host: String, addresses: Vec<SocketAddr>, why: String },
    /// A connection came about, and TLS upon it did not.
    #[error("{host}: TLS with {address}: {why}")]
    Tls { host: String, address: SocketAddr, why: String },
    /// The connection broke before the response was there.
    #[error("{host}: {address} closed the connection before it answered: {why}")]
    Reset { host: String, address: SocketAddr, why: String },
    /// What the server sent is not HTTP, or more of it than anybody needs.
    #[error("{host}: {address} breaks the protocol: {why}")]
    Protocol { host: String, address: SocketAddr, why: String },
    /// Something took too long.
    #[error("{host}: {wait} took longer than {after:?}")]
    Timeout { host: String, wait: Wait, after: Duration },
    /// The body of the request has more bytes than granted.
    #[error("the body of the request has more than {most} bytes")]
    RequestTooLarge { most: u64 },
    /// The body of the response has more bytes than granted.
    #[error("{host}: the body of the response has more than {most} bytes")]
    ResponseTooLarge { host: String, most: u64 },
    /// More fields, or bytes of them, than are taken.
    #[error(
        "{host}: the {message} has more than {} header fields, or more than {} bytes of them",
        limits::HEADERS,
        limits::HEADER_BYTES
    )]
    HeadersTooLarge { host: String, message: Message },
    /// The host failed too often, and is left alone for now.
    #[error("{host} failed {failures} times in a row, and is left alone for another {retry_after:?}")]
    BreakerOpen { host: String, failures: u32, retry_after: Duration },
    /// The body of the request could not be read to its end.
    #[error("the body of the request broke off: {why}")]
    Source { why: String },
}

/// Whose connections are all in use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BusyWith {
    /// Those of this plugin and tenant.
    Pool { pool: crate::PoolKey, most: usize },
    /// Those of the process.
    All { most: usize },
}

/// What was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Wait {
    /// An answer of the name servers.
    Resolve,
    /// A connection, or TLS upon it.
    Connect,
    /// The head of the response.
    FirstByte,
    /// The next piece of the response's body.
    BetweenBytes,
    /// The end of it all.
    Whole,
}

/// One of the two messages of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    Request,
    Response,
}

// === impl EgressError ===

impl EgressError {
    /// All that [`Self::code`] gives.
    pub const CODES: [&'static str; 17] = [
        "invalid-url",
        "invalid-request",
        "invalid-terms",
        "no-such-host",
        "dns-failed",
        "address-forbidden",
        "too-many-connections",
        "connect-failed",
        "tls-failed",
        "connection-reset",
        "protocol-error",
        "timeout",
        "request-too-large",
        "response-too-large",
        "headers-too-large",
        "breaker-open",
        "request-body-failed",
    ];

    /// What happened, in a word for counters and records.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Url { .. } => "invalid-url",
            Self::Request { .. } => "invalid-request",
            Self::Terms { .. } => "invalid-terms",
            Self::NoSuchHost { .. } => "no-such-host",
            Self::NameServers { .. } => "dns-failed",
            Self::Forbidden { .. } => "address-forbidden",
            Self::Busy { .. } => "too-many-connections",
            Self::Connect { .. } => "connect-failed",
            Self::Tls { .. } => "tls-failed",
            Self::Reset { .. } => "connection-reset",
            Self::Protocol { .. } => "protocol-error",
            Self::Timeout { .. } => "timeout",
            Self::RequestTooLarge { .. } => "request-too-large",
            Self::ResponseTooLarge { .. } => "response-too-large",
            Self::HeadersTooLarge { .. } => "headers-too-large",
            Self::BreakerOpen { .. } => "breaker-open",
            Self::Source { .. } => "request-body-failed",
        }
    }

    /// What a guest may know: nothing of the network that it did not say itself.
    pub fn to_guest(&self) -> String {
        match self {
            Self::Url { what } => format!("the URL cannot be used: {what}"),
            Self::Request { what } => format!("the request cannot be sent: {what}"),
            Self::Terms { .. } => "the request cannot be sent as it was granted".to_owned(),
            Self::NoSuchHost { .. } => "there is no such host".to_owned(),
            Self::NameServers { .. } => "the host could not be looked up; try again later".to_owned(),
            Self::Forbidden { .. } => "the host may not be connected to: it is in no granted network".to_owned(),
            Self::Busy { .. } => "too many connections are open; finish some, or try again later".to_owned(),
            Self::Connect { .. } => "the host could not be connected to".to_owned(),
            Self::Tls { .. } => "the host could not be connected to by TLS".to_owned(),
            Self::Reset { .. } => "the host closed the connection before it answered".to_owned(),
            Self::Protocol { .. } => "the host sent something that is not HTTP".to_owned(),
            Self::Timeout { wait, after, .. } => format!("{wait} took longer than {after:?}"),
            Self::RequestTooLarge { most } => format!("the body of the request has more than {most} bytes"),
            Self::ResponseTooLarge { most, .. } => format!("the body of the response has more than {most} bytes"),
            Self::HeadersTooLarge { message, .. } => format!(
                "the {message} has more than {} header fields, or more than {} bytes of them",
                limits::HEADERS,
                limits::HEADER_BYTES
            ),
            Self::BreakerOpen { retry_after, .. } => {
                format!("the host failed too often; try again in {} s", retry_after.as_secs() + 1)
            }
            Self::Source { .. } => "the body of the request broke off".to_owned(),
        }
    }

    /// Whether the same request, sent again, may fare better.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::NameServers { .. }
                | Self::Connect { .. }
                | Self::Reset { .. }
                | Self::Timeout { wait: Wait::Resolve | Wait::Connect, .. }
        )
    }

    /// Whether this says that the host does not work, rather than that the request was not in order.
    pub(crate) fn blames_host(&self) -> bool {
        match self {
            Self::NameServers { .. }
            | Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Reset { .. }
            | Self::Protocol { .. }
            | Self::Timeout { .. }
            | Self::HeadersTooLarge { message: Message::Response, .. } => true,
            Self::Url { .. }
            | Self::Request { .. }
            | Self::Terms { .. }
            | Self::NoSuchHost { .. }
            | Self::Forbidden { .. }
            | Self::Busy { .. }
            | Self::RequestTooLarge { .. }
            | Self::ResponseTooLarge { .. }
            | Self::HeadersTooLarge { message: Message::Request, .. }
            | Self::BreakerOpen { .. }
            | Self::Source { .. } => false,
        }
    }
}

/// An error and what it comes from, on one line, cut, and without control characters.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text.chars().take(limits::QUOTE).flat_map(char::escape_debug).collect()
}

fn list(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for BusyWith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pool { pool, most } => write!(f, "{pool} has {most} open, which is all it may have"),
            Self::All { most } => write!(f, "the host has {most} open, which is all it may have"),
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "looking the host up",
            Self::Connect => "connecting",
            Self::FirstByte => "waiting for the response",
            Self::BetweenBytes => "waiting for more of the response",
            Self::Whole => "the whole exchange",
        })
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Response => "response",
        })
    }
}
