//! Which hosts and origins are answered.
//!
//! A page in a browser can make its visitor's machine send requests to a server on that same
//! machine, under a name that the page's owner controls (DNS rebinding). A check of `Host` and
//! `Origin` is what stands against it, on every route that does something.

use std::{net::IpAddr, str::FromStr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use thiserror::Error;
use url::Url;

/// A host that requests may be addressed to: a name or address, with a port or with any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    host: String,
    port: Option<u16>,
}

/// An origin that browsers may send requests from: scheme, host, and a port or any (`:*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedOrigin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum GuardError {
    #[error("{0:?} is no host: write a name or address, such as \"mcp.example.com\" or \"10.0.0.5:3000\"")]
    Host(String),
    #[error("{0:?} is no origin: write scheme, host and port or `:*`, such as \"https://app.example.com:443\"")]
    Origin(String),
}

impl FromStr for AllowedHost {
    type Err = GuardError;

    fn from_str(text: &str) -> Result<Self, GuardError> {
        let wrong = || GuardError::Host(text.to_owned());
        if text.contains(['*', '@', '/']) {
            return Err(wrong());
        }
        let authority: Authority = text.parse().map_err(|_| wrong())?;
        Ok(Self { host: plain(authority.host()), port: authority.port_u16() })
    }
}

impl FromStr for AllowedOrigin {
    type Err = GuardError;

    fn from_str(text: &str) -> Result<Self, GuardError> {
        let wrong = || GuardError::Origin(text.to_owned());
        let (base, any_port) = match text.strip_suffix(":*") {
            Some(base) => (base, true),
            None => (text, false),
        };
        let url = Url::parse(base).map_err(|_| wrong())?;
        let bare = url.path().trim_end_matches('/').is_empty() && url.query().is_none() && url.username().is_empty();
        if !bare || !matches!(url.scheme(), "http" | "https") || text.ends_with('/') {
            return Err(wrong());
        }
        let host = url.host_str().ok_or_else(wrong)?;
        let port = if any_port { None } else { url.port_or_known_default() };
        Ok(Self { scheme: url.scheme().to_owned(), host: plain(host), port })
    }
}

/// An IPv6 address without its brackets, and names in lower case without the root's dot.
fn plain(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// What is answered. Loopback always is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    hosts: Arc<[AllowedHost]>,
    origins: Arc<[AllowedOrigin]>,
}

impl Guard {
    pub(crate) fn new(hosts: &[AllowedHost], origins: &[AllowedOrigin]) -> Self {
        Self { hosts: hosts.into(), origins: origins.into() }
    }

    fn answers_host(&self, authority: &str) -> bool {
        let Ok(authority) = authority.parse::<Authority>() else { return false };
        if authority.as_str().contains('@') {
            return false;
        }
        let host = plain(authority.host());
        let port = authority.port_u16();
        is_loopback(&host) || self.hosts.iter().any(|h| h.host == host && h.port.is_none_or(|p| Some(p) == port))
    }

    pub(crate) fn answers_origin(&self, origin: &str) -> bool {
        let Ok(AllowedOrigin { scheme, host, port }) = origin.parse() else { return false };
        is_loopback(&host)
            || self
                .origins
                .iter()
                .any(|o| o.scheme == scheme && o.host == host && o.port.is_none_or(|p| Some(p) == port))
    }
}

/// Refuses requests for other hosts, and requests that a page of another origin sent.
pub(crate) async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    // HTTP/2 has no Host header; its authority is in the URI.
    let header = headers.get(header::HOST).map(|h| h.to_str().unwrap_or_default());
    let host = header.or_else(|| request.uri().authority().map(Authority::as_str)).unwrap_or_default();
    if !guard.answers_host(host) {
        tracing::warn!(host = %shown(host), "refused: `http.allowed_hosts` does not name this host");
        return (StatusCode::FORBIDDEN, "this host is not served here\n").into_response();
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        if !guard.answers_origin(origin) {
            tracing::warn!(origin = %shown(origin), "refused: `http.allowed_origins` does not name this origin");
            return (StatusCode::FORBIDDEN, "requests from this origin are not served here\n").into_response();
        }
    }
    next.run(request).await
}

fn shown(text: &str) -> String {
    text.chars().take(100).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        let hosts = ["mcp.example.com", "10.0.0.5:3000"].map(|h| h.parse().unwrap());
        let origins = ["https://app.example.com", "http://dev.example.com:*"].map(|o| o.parse().unwrap());
        Guard::new(&hosts, &origins)
    }

    #[test]
    fn hosts() {
        let guard = guard();
        for yes in [
            "localhost",
            "localhost:3000",
            "127.0.0.1:1",
            "[::1]:3000",
            "127.0.0.9",
            "MCP.example.com",
            "mcp.example.com:8443",
            "10.0.0.5:3000",
        ] {
            assert!(guard.answers_host(yes), "{yes}");
        }
        for no in [
            "",
            "evil.example",
            "localhost.evil.example",
            "10.0.0.5",
            "10.0.0.5:3001",
            "mcp.example.com.evil.example",
            "user@localhost",
            "0.0.0.0",
            "a b",
        ] {
            assert!(!guard.answers_host(no), "{no}");
        }
    }

    #[test]
    fn origins() {
        let guard = guard();
        for yes in [
            "http://localhost",
            "http://localhost:5173",
            "https://127.0.0.1:8",
            "https://app.example.com",
            "https://app.example.com:443",
            "http://dev.example.com:9",
        ] {
            assert!(guard.answers_origin(yes), "{yes}");
        }
        for no in [
            "",
            "null",
            "http://app.example.com",
            "https://app.example.com:444",
            "https://evil.example",
            "http://localhost.evil.example",
            "file://",
            "http://localhost/path",
            "https://user@app.example.com",
        ] {
            assert!(!guard.answers_origin(no), "{no}");
        }
    }

    #[test]
    fn wildcards_and_paths_are_no_hosts() {
        for no in ["*", "*.example.com", "http://a", "a/b", ""] {
            assert!(no.parse::<AllowedHost>().is_err(), "{no:?}");
        }
        for no in ["*", "a", "https://a/", "https://a/b", "ftp://a", "null"] {
            assert!(no.parse::<AllowedOrigin>().is_err(), "{no:?}");
        }
    }
}
