//! What a guest hears of a request that came to nothing: the interface's own codes, and nothing of
//! the network that it did not say itself.

use cofferdam_egress::{BodyError, EgressError, Message, Wait};
use wasmtime_wasi_http::Error;

pub(super) fn code(error: &EgressError) -> Error {
    match error {
        EgressError::Url { .. } => Error::HttpRequestUriInvalid,
        EgressError::Request { .. } | EgressError::Source { .. } => Error::HttpProtocolError,
        EgressError::Terms { .. } => Error::ConfigurationError,
        EgressError::NoSuchHost { .. } => Error::DestinationNotFound,
        EgressError::NameServers { .. } => Error::DnsError { rcode: None, info_code: None },
        EgressError::Forbidden { .. } => Error::DestinationIpProhibited,
        EgressError::Busy { .. } => Error::ConnectionLimitReached,
        EgressError::Connect { .. } => Error::ConnectionRefused,
        EgressError::Tls { .. } => Error::TlsProtocolError,
        EgressError::Reset { .. } => Error::ConnectionTerminated,
        EgressError::Timeout { wait, .. } => match wait {
            Wait::Resolve => Error::DnsTimeout,
            Wait::Connect => Error::ConnectionTimeout,
            Wait::BetweenBytes => Error::ConnectionReadTimeout,
            _ => Error::HttpResponseTimeout,
        },
        EgressError::RequestTooLarge { most } => Error::HttpRequestBodySize(Some(*most)),
        EgressError::ResponseTooLarge { most, .. } => Error::HttpResponseBodySize(Some(*most)),
        EgressError::HeadersTooLarge { message: Message::Request, .. } => Error::HttpRequestHeaderSectionSize(None),
        EgressError::HeadersTooLarge { message: Message::Response, .. } => Error::HttpResponseHeaderSectionSize(None),
        EgressError::BreakerOpen { .. } => Error::DestinationUnavailable,
        _ => Error::HttpProtocolError,
    }
}

pub(super) fn of_body(error: &BodyError) -> Error {
    match error {
        BodyError::Egress(error) => code(error),
        BodyError::Source(_) | BodyError::Over => Error::HttpResponseIncomplete,
    }
}
