//! What may stand in the head of a request, and what we put there.

#[cfg(test)]
mod tests;

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version,
    header::{
        CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
        TRANSFER_ENCODING, UPGRADE,
    },
    request::Parts,
};
use http_body::Body as _;

use crate::{
    body::Body,
    error::{EgressError, Message},
    limits,
    origin::{Origin, Scheme},
};

/// Fields about one connection, or about a proxy (RFC 9110, 7.6.1 and 11.7). The connection is ours, and there is no
/// proxy; with `transfer-encoding` a guest could say where a request ends. `expect` would have us wait for nothing. What
/// `connection` names besides stays: without `connection` these are fields as any.
const NOT_THE_GUESTS: [HeaderName; 10] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    EXPECT,
];

/// The head of a request that was looked through, to be sent as often as it takes.
#[derive(Debug)]
pub(crate) struct Head {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

/// Which protocol a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Http1,
    Http2,
}

// === impl Head ===

impl Head {
    /// Looks a request through for `origin`, and takes it apart.
    pub(crate) fn of(request: Request<Body>, origin: &Origin, largest: u64) -> Result<(Self, Body), EgressError> {
        let (Parts { method, uri, mut headers, .. }, body) = request.into_parts();
        if method == Method::CONNECT {
            return Err(unfit("CONNECT would make a tunnel"));
        }
        for name in &NOT_THE_GUESTS {
            headers.remove(name);
        }
        if body.is_end_stream() {
            headers.remove(TRAILER);
        }
        check_length(&headers, &body, largest)?;
        headers.insert(HOST, origin.host_header()?);
        check_size(&headers)
            .map_err(|()| EgressError::HeadersTooLarge { host: origin.to_string(), message: Message::Request })?;
        Ok((Self { method, uri, headers }, body))
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The request for a connection.
    pub(crate) fn request<B>(&self, speaks: Speaks, origin: &Origin, body: B) -> Result<Request<B>, EgressError> {
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = self.headers.clone();
        let (version, uri) = match speaks {
            Speaks::Http1 => (Version::HTTP_11, Uri::builder().path_and_query(path).build()),
            Speaks::Http2 => {
                // Where HTTP/1.1 has the header, HTTP/2 has the authority of the URL.
                headers.remove(HOST);
                let scheme = match origin.scheme {
                    Scheme::Http => "http",
                    Scheme::Https => "https",
                };
                let uri = Uri::builder().scheme(scheme).authority(origin.authority()).path_and_query(path).build();
                (Version::HTTP_2, uri)
            }
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri.map_err(|_| EgressError::Url { what: "its path is no path".to_owned() })?;
        *request.version_mut() = version;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// What a request says of its length must be one number, and within bounds: two numbers are how requests are smuggled.
fn check_length(headers: &HeaderMap, body: &Body, largest: u64) -> Result<(), EgressError> {
    let mut values = headers.get_all(CONTENT_LENGTH).iter();
    let said = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(value), None) => Some(length(value).ok_or_else(|| unfit("its content-length is no number"))?),
        (Some(_), Some(_)) => return Err(unfit("it has more than one content-length")),
    };
    let size = body.size_hint();
    if said.is_some_and(|said| said < size.lower() || size.upper().is_some_and(|upper| said > upper)) {
        return Err(unfit("its content-length is not the length of its body"));
    }
    if said.unwrap_or(0).max(size.lower()) > largest {
        return Err(EgressError::RequestTooLarge { most: largest });
    }
    Ok(())
}

fn length(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok()?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Whether a head or trailers are within bounds.
pub(crate) fn check_size(headers: &HeaderMap) -> Result<(), ()> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > limits::HEADERS || bytes > limits::HEADER_BYTES { Err(()) } else { Ok(()) }
}

fn unfit(what: &str) -> EgressError {
    EgressError::Request { what: what.to_owned() }
}
