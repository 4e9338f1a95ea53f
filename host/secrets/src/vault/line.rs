//! One request to Vault and its whole answer, bounded.

use std::{error::Error, path::Path, time::Duration};

use reqwest::{
    Certificate, Client, Method, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use url::Url;
use zeroize::Zeroizing;

use super::{Trouble, address};
use crate::{SettingsError, file};

/// Bytes of an answer. Vault keeps no secret that is longer.
const ANSWER: usize = 1 << 20;
/// Bytes of a file with certificates. The list of all public authorities has a quarter of that.
const CERTIFICATES: usize = 1 << 20;
/// Characters of an error's text.
const LONGEST_QUOTE: usize = 200;

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
/// Vault's agents can be told to want it: no page in a browser can make a request with it.
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");

/// The connection to Vault.
pub(super) struct Line {
    address: Url,
    client: Client,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// Empty but for an answer that says yes: what else Vault says is not read.
    pub(super) body: Zeroizing<Vec<u8>>,
}

// === impl Line ===

impl Line {
    pub(super) fn new(
        address: Url,
        namespace: Option<&str>,
        ca_file: Option<&Path>,
        timeout: Duration,
    ) -> Result<Self, SettingsError> {
        address::check(&address).map_err(|why| SettingsError::Address { why })?;
        let mut headers = HeaderMap::from_iter([(REQUEST, HeaderValue::from_static("true"))]);
        if let Some(namespace) = namespace {
            let why = || SettingsError::Login { what: "namespace", why: "it is no text for a header".to_owned() };
            headers.insert(NAMESPACE, HeaderValue::from_str(namespace).map_err(|_| why())?);
        }
        // Credentials go to the one address that is configured: not through a proxy that the environment names, and not
        // to where an answer leads.
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(timeout)
            .default_headers(headers)
            .user_agent(concat!("cofferdam/", env!("CARGO_PKG_VERSION")));
        let client = if address.scheme() == "https" {
            client.https_only(true).tls_certs_merge(ca_file.map(certificates).transpose()?.unwrap_or_default())
        } else {
            client.tls_certs_only([])
        };
        let client = client.build().map_err(|error| SettingsError::Client { why: causes(&error) })?;
        Ok(Self { address, client })
    }

    /// Where these are, which were checked.
    pub(super) fn url(&self, paths: &[&str]) -> Url {
        address::within(&self.address, paths)
    }

    /// One request. All statuses but those that say "not now" and "elsewhere" are answers.
    pub(super) async fn ask(
        &self,
        method: Method,
        url: &Url,
        token: Option<&HeaderValue>,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, Trouble> {
        let mut request = self.client.request(method, url.clone());
        if let Some(token) = token {
            request = request.header(TOKEN, token.clone());
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let response = request.send().await.map_err(|error| Trouble::Away(causes(&error.without_url())))?;
        let status = response.status();
        match status {
            // A standby that is not up to date answers with 412.
            StatusCode::PRECONDITION_FAILED | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                Err(Trouble::Away(format!("it answered with status {}", status.as_u16())))
            }
            StatusCode::SERVICE_UNAVAILABLE => Err(Trouble::Away("it is sealed, or in maintenance".to_owned())),
            _ if status.is_server_error() => Err(Trouble::Away(format!("it answered with status {}", status.as_u16()))),
            _ if status.is_redirection() => Err(Trouble::Away(
                "it sends us elsewhere, where no token is sent: configure the address of the active node".to_owned(),
            )),
            _ if status.is_success() => Ok(Answer { status, body: read(response).await? }),
            _ => Ok(Answer { status, body: Zeroizing::default() }),
        }
    }
}

async fn read(mut response: Response) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let too_long = || Trouble::Odd(format!("it has more than {ANSWER} bytes"));
    let length = response.content_length().unwrap_or(0);
    let length = usize::try_from(length).ok().filter(|length| *length <= ANSWER).ok_or_else(too_long)?;
    let mut body = Zeroizing::new(Vec::with_capacity(length));
    loop {
        let chunk = response.chunk().await;
        let chunk =
            chunk.map_err(|error| Trouble::Away(format!("its answer broke off: {}", causes(&error.without_url()))))?;
        let Some(chunk) = chunk else { return Ok(body) };
        if body.len() + chunk.len() > ANSWER {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, SettingsError> {
    let wrong = |why: &str| SettingsError::Certificates { path: path.to_owned(), why: why.to_owned() };
    let pem = file::read_now(path, CERTIFICATES).map_err(|error| wrong(&error.to_string()))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|_| wrong("it is not PEM"))?;
    if found.is_empty() { Err(wrong("there is no certificate in it")) } else { Ok(found) }
}

/// An error and what it comes from, on one line. The client's own text says little more than that something failed.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text.chars().take(LONGEST_QUOTE).flat_map(char::escape_debug).collect()
}
