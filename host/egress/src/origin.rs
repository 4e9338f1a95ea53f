//! Where a request goes: scheme, host and port of its URL, taken apart once.

#[cfg(test)]
mod tests;

use std::fmt;

use http::{HeaderValue, Uri};
use url::Host;

use crate::error::EgressError;

/// A scheme, a host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) scheme: Scheme,
    pub(crate) host: Host,
    pub(crate) port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scheme {
    Http,
    Https,
}

// === impl Origin ===

impl Origin {
    /// Takes the place out of an absolute URL.
    ///
    /// A host must be written as it will be used: `127.1`, `0x7f000001` and `%31` are other ways to write hosts, which whoever
    /// granted the URL may have read as something else.
    pub(crate) fn of(uri: &Uri) -> Result<Self, EgressError> {
        let (scheme, default_port) = match uri.scheme_str() {
            Some("https") => (Scheme::Https, 443),
            Some("http") => (Scheme::Http, 80),
            Some(_) => return Err(unfit("its scheme is neither https nor http")),
            None => return Err(unfit("it is not absolute")),
        };
        let authority = uri.authority().ok_or_else(|| unfit("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(unfit("it has a user; credentials belong into a header"));
        }
        let written = authority.host();
        let host = Host::parse(written).map_err(|_| unfit("its host is neither a name nor an address"))?;
        if !host.to_string().eq_ignore_ascii_case(written) {
            return Err(unfit("its host must be written plainly, as a name or as an address"));
        }
        // Also without the dot of the root: names are absolute here, and two ways to write one are one too many.
        if matches!(&host, Host::Domain(name) if !is_name(name)) {
            return Err(unfit("its host is not a name of parts with 1 to 63 characters between dots, 253 in all"));
        }
        // `host:` is allowed by the grammar of URLs, and means the default.
        let port = match authority.as_str().strip_prefix(written).and_then(|rest| rest.strip_prefix(':')) {
            None | Some("") => default_port,
            Some(port) => port.parse().map_err(|_| unfit("its port is no number up to 65535"))?,
        };
        if port == 0 {
            return Err(unfit("its port is 0"));
        }
        Ok(Self { scheme, host, port })
    }

    /// What the `host` header says.
    pub(crate) fn host_header(&self) -> Result<HeaderValue, EgressError> {
        HeaderValue::try_from(self.authority()).map_err(|_| unfit("its host is neither a name nor an address"))
    }

    /// Host and, where it is not the default, port.
    pub(crate) fn authority(&self) -> String {
        match (self.scheme, self.port) {
            (Scheme::Http, 80) | (Scheme::Https, 443) => self.host.to_string(),
            _ => format!("{}:{}", self.host, self.port),
        }
    }
}

/// RFC 1035, 2.3.4.
fn is_name(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(|part| (1..=63).contains(&part.len()))
}

fn unfit(what: &str) -> EgressError {
    EgressError::Url { what: what.to_owned() }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}", self.authority())
    }
}
