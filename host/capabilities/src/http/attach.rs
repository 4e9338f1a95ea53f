//! Puts a secret into a request that was admitted without it.

use std::str::FromStr;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use cofferdam_egress::Body;
use cofferdam_policy::AttachAs;
use cofferdam_secrets::Secret;
use http::{HeaderName, HeaderValue, Request, Uri, header, uri::PathAndQuery};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

/// # Errors
/// When the secret cannot stand where it belongs. The text does not quote it.
pub(super) fn attach(request: &mut Request<Body>, how: &AttachAs, secret: &Secret) -> Result<(), String> {
    let secret = secret.expose();
    match how {
        AttachAs::Bearer => set(request, header::AUTHORIZATION, &Zeroizing::new(format!("Bearer {secret}"))),
        AttachAs::Basic { user } => {
            let pair = Zeroizing::new(match user {
                Some(user) => format!("{user}:{secret}"),
                None => secret.to_owned(),
            });
            let encoded = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
            set(request, header::AUTHORIZATION, &Zeroizing::new(format!("Basic {}", *encoded)))
        }
        AttachAs::Header(name) => {
            let name = HeaderName::from_str(name.as_ref()).map_err(|_| "the policy names no header".to_owned())?;
            set(request, name, secret)
        }
        AttachAs::Query(name) => {
            let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
            let value = utf8_percent_encode(secret, NON_ALPHANUMERIC);
            let mut parts = request.uri().clone().into_parts();
            let path = parts.path_and_query.as_ref().map_or("/", PathAndQuery::as_str);
            let joint = if path.contains('?') { '&' } else { '?' };
            let path = PathAndQuery::from_str(&format!("{path}{joint}{name}={value}"));
            parts.path_and_query = Some(path.map_err(|_| "the URL with its secret is too long".to_owned())?);
            *request.uri_mut() = Uri::from_parts(parts).map_err(|_| "the URL cannot hold its secret".to_owned())?;
            Ok(())
        }
    }
}

/// In place of whatever the guest set under that name.
fn set(request: &mut Request<Body>, name: HeaderName, value: &str) -> Result<(), String> {
    let mut value = HeaderValue::from_str(value).map_err(|_| "the secret cannot stand in a header".to_owned())?;
    value.set_sensitive(true);
    request.headers_mut().insert(name, value);
    Ok(())
}
