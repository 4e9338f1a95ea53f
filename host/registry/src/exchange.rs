//! One request and its whole answer, bounded in bytes, time and hops.
//!
//! Redirects are followed here and not by the client below, so that credentials stay with the registry and so that
//! [`endpoint::may_lead_to`] decides about each.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{
    Client, Method, Response, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION},
};
use serde::Deserialize;
use tokio::time;
use url::Url;

use crate::{
    RegistryError, endpoint,
    error::{ANONYMOUS, WITH_CREDENTIALS, shown},
    limits,
};

/// A request.
#[derive(Clone)]
pub(crate) struct Ask {
    /// The reference, for errors.
    pub(crate) of: String,
    /// What the request is for, for errors.
    pub(crate) doing: &'static str,
    /// What an answer that is too long is one of, for errors.
    pub(crate) what: &'static str,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) accept: Option<String>,
    /// What is sent, and its media type.
    pub(crate) body: Option<(Bytes, &'static str)>,
    /// Bytes of an answer that says yes.
    pub(crate) most: u64,
    /// For the whole exchange, redirects included.
    pub(crate) time: Duration,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Whether the registry itself answered, and not where it sent us.
    pub(crate) from_registry: bool,
}

/// The connections to everywhere.
pub(crate) struct Lines {
    /// Speaks TLS, and goes through the proxies that the environment names. A machine without any certificates can
    /// have no such client; that matters to those only who need it.
    tls: Result<Client, String>,
    /// Speaks plain HTTP, to what is near: no proxy.
    plain: Client,
}

impl Lines {
    pub(crate) fn new(certificates: Vec<reqwest::Certificate>, timeout: Duration) -> Result<Self, RegistryError> {
        let base = || {
            Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .connect_timeout(limits::CONNECT.min(timeout))
                .user_agent(concat!("cofferdam/", env!("CARGO_PKG_VERSION")))
        };
        let plain = base().no_proxy().tls_certs_only([]).build();
        Ok(Self {
            tls: base().https_only(true).tls_certs_merge(certificates).build().map_err(|error| causes(&error)),
            plain: plain.map_err(|error| RegistryError::Settings { what: causes(&error) })?,
        })
    }

    /// One attempt: sends the request, follows it to where the registry says, and reads the answer.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Away`] when there is no answer in time, or one that says "not now"; a redirect that may not be
    /// followed; more bytes than asked for. All other statuses are answers.
    pub(crate) async fn once(
        &self,
        ask: &Ask,
        root: &Url,
        authorization: Option<&HeaderValue>,
    ) -> Result<Answer, RegistryError> {
        match time::timeout(ask.time, self.follow(ask, root, authorization)).await {
            Ok(answer) => answer,
            Err(_) => Err(ask.away(format!("no answer within {} s", ask.time.as_secs_f32()))),
        }
    }

    async fn follow(
        &self,
        ask: &Ask,
        root: &Url,
        authorization: Option<&HeaderValue>,
    ) -> Result<Answer, RegistryError> {
        let mut url = ask.url.clone();
        for _ in 0..=limits::REDIRECTS {
            let from_registry = url.origin() == root.origin();
            // Storage elsewhere is no business of the registry's credentials.
            let authorization = authorization.filter(|_| from_registry);
            let response = self.send(ask, &url, authorization).await?;
            // Only reading is sent on: an upload that is would go to a place nobody named.
            if !response.status().is_redirection() || !matches!(ask.method, Method::GET | Method::HEAD) {
                return self.read(ask, response, from_registry).await;
            }
            let target = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let target = target.and_then(|text| url.join(text).ok());
            let target = target.ok_or_else(|| ask.odd("the registry redirects to nowhere"))?;
            endpoint::may_lead_to(root, &target)
                .map_err(|why| ask.odd(&format!("a redirect is not followed: {why}")))?;
            url = target;
        }
        Err(ask.odd(&format!("more than {} redirects", limits::REDIRECTS)))
    }

    async fn send(&self, ask: &Ask, url: &Url, authorization: Option<&HeaderValue>) -> Result<Response, RegistryError> {
        let client = match url.scheme() {
            "http" => &self.plain,
            _ => self
                .tls
                .as_ref()
                .map_err(|why| RegistryError::Settings { what: format!("TLS cannot be used: {why}") })?,
        };
        let mut request = client.request(ask.method.clone(), url.clone());
        if let Some(accept) = &ask.accept {
            request = request.header(ACCEPT, accept);
        }
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        if let Some((bytes, media_type)) = &ask.body {
            request = request.header(CONTENT_TYPE, *media_type).body(bytes.clone());
        }
        request.send().await.map_err(|error| ask.away(causes(&error.without_url())))
    }

    async fn read(&self, ask: &Ask, mut response: Response, from_registry: bool) -> Result<Answer, RegistryError> {
        let status = response.status();
        if status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) {
            return Err(ask.away(format!("the registry answered with status {}", status.as_u16())));
        }
        let most = if status.is_success() { ask.most } else { limits::COMPLAINT };
        let mut body = Vec::new();
        let too_large = || RegistryError::TooLarge { of: ask.of.clone(), what: ask.what, most };
        if status.is_success() && response.content_length().is_some_and(|length| length > most) {
            return Err(too_large());
        }
        loop {
            let chunk = response
                .chunk()
                .await
                .map_err(|error| ask.away(format!("the answer broke off: {}", causes(&error.without_url()))))?;
            let Some(chunk) = chunk else { break };
            if (body.len() + chunk.len()) as u64 > most {
                if status.is_success() {
                    return Err(too_large());
                }
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers: std::mem::take(response.headers_mut()), body, from_registry })
    }
}

// === impl Ask ===

impl Ask {
    pub(crate) fn away(&self, why: String) -> RegistryError {
        RegistryError::Away { of: self.of.clone(), doing: self.doing, why }
    }

    pub(crate) fn odd(&self, why: &str) -> RegistryError {
        RegistryError::Odd { of: self.of.clone(), doing: self.doing, why: why.to_owned() }
    }

    /// What an answer means that is not the one hoped for.
    pub(crate) fn denied(&self, answer: &Answer, with_credentials: bool) -> RegistryError {
        match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => RegistryError::Refused {
                of: self.of.clone(),
                doing: self.doing,
                status: answer.status.as_u16(),
                said: answer.complaint(),
                who: if with_credentials { WITH_CREDENTIALS } else { ANONYMOUS },
            },
            StatusCode::NOT_FOUND => RegistryError::Missing { of: self.of.clone(), doing: self.doing },
            status => self.odd(&format!("the registry answered with status {}{}", status.as_u16(), answer.complaint())),
        }
    }
}

// === impl Answer ===

impl Answer {
    /// The first error code of the distribution specification's error document, in brackets; or nothing.
    fn complaint(&self) -> String {
        #[derive(Deserialize)]
        struct Errors {
            errors: Vec<OneError>,
        }
        #[derive(Deserialize)]
        struct OneError {
            code: String,
        }
        match serde_json::from_slice::<Errors>(&self.body) {
            Ok(Errors { errors }) => {
                errors.first().map_or_else(String::new, |error| format!(" ({})", shown(&error.code)))
            }
            Err(_) => String::new(),
        }
    }
}

/// An error and what it comes from, on one line. reqwest's own text says little more than that something failed.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    shown(&text)
}
