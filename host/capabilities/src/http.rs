//! `wasi:http`: requests to what was granted. Needs the grant `http`.
//!
//! Three steps, in this order: the request as the guest made it is held against the policy; the
//! secret of the rule that admits it is attached; the engine sends it to an address that it
//! checked. A guest has no part in the last two and sees nothing of them. What comes back is scanned
//! for every secret of the call and masked before the guest reads it.

mod attach;
mod body;
mod errors;

use std::sync::Arc;

use cofferdam_egress::{BodyError, Egress, PoolKey, Sent, Terms};
use cofferdam_policy::{Attach, Capability, Grants, HttpRule, Limits, SecretName};
use cofferdam_secrets::{Masker, SecretError, Secrets};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpHooks};

use crate::{Recorder, effects::Pending, refusal::NOT_GRANTED};

/// What a guest may never set: who it is and where the request goes is the host's to say, and so is
/// what only concerns one connection (RFC 9110, 7.6.1).
const OURS: [HeaderName; 12] = [
    header::AUTHORIZATION,
    header::CONNECTION,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
];

fn is_ours(name: &HeaderName) -> bool {
    OURS.contains(name) || name.as_str().starts_with("proxy-")
}

/// What one call may send.
pub(crate) struct Http {
    pub(crate) ctx: WasiHttpCtx,
    pub(crate) hooks: Outgoing,
}

/// The way out of one call.
pub(crate) struct Outgoing {
    grants: Arc<Grants>,
    sender: Sender,
    left: u32,
    most: u32,
}

/// What sending takes; one for each request, on a task of its own.
#[derive(Clone)]
struct Sender {
    egress: Egress,
    secrets: Secrets,
    /// Every secret that an answer is scanned for.
    names: Arc<[SecretName]>,
    recorder: Recorder,
    pool: PoolKey,
    at_once: Arc<Semaphore>,
}

impl Http {
    pub(crate) fn open(
        grants: Arc<Grants>,
        limits: &Limits,
        pool: PoolKey,
        egress: Egress,
        secrets: Secrets,
        names: Arc<[SecretName]>,
        recorder: Recorder,
    ) -> Self {
        let at_once = Arc::new(Semaphore::new(limits.requests_at_once as usize));
        let sender = Sender { egress, secrets, names, recorder, pool, at_once };
        let (left, most) = (limits.requests, limits.requests);
        Self { ctx: WasiHttpCtx::new(), hooks: Outgoing { grants, sender, left, most } }
    }
}

/// A request's response, and what ends when the response does.
type Answer = (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for Outgoing {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(is_ours)
    }

    /// The engine writes it, from the URL that was checked.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Answer, Error>> + Send> {
        let effect = self.sender.recorder.begin(Capability::Http, name_of(request.method()), shown(request.uri()));
        match self.admit(&request) {
            Ok(rule) => {
                let sender = self.sender.clone();
                Box::new(async move {
                    let response = sender.send(request, &rule, options, effect).await?;
                    Ok((response, Box::new(async { Ok(()) }) as _))
                })
            }
            Err(why) => {
                effect.refused(why);
                Box::new(async { Err(Error::HttpRequestDenied) })
            }
        }
    }
}

impl Outgoing {
    /// The rule that admits a request as the guest made it, or why none does.
    fn admit(&mut self, request: &Request<WasiBody>) -> Result<HttpRule, String> {
        let Some(grant) = &self.grants.http else { return Err(NOT_GRANTED.into()) };
        let rule = grant.permit(request.method(), request.uri()).map_err(|denied| denied.to_string())?;
        // Its type does not let a guest put these in; this does not rest on that.
        if let Some(name) = request.headers().keys().find(|name| is_ours(name)) {
            return Err(format!("it sets the header {name}"));
        }
        self.left =
            self.left.checked_sub(1).ok_or_else(|| format!("it sent {} requests, as many as it may", self.most))?;
        Ok(rule.clone())
    }
}

impl Sender {
    async fn send(
        self,
        request: Request<WasiBody>,
        rule: &HttpRule,
        options: Option<RequestOptions>,
        effect: Pending,
    ) -> Result<Response<WasiBody>, Error> {
        // Given back when the response is at its end. Nobody closes it.
        let place = self.at_once.clone().acquire_owned().await.map_err(|_| Error::ConnectionLimitReached)?;
        let mut request = request.map(|body| body.map_err(|e| BodyError::Source(e.to_string().into())).boxed_unsync());
        if !self.names.is_empty() {
            only_what_can_be_scanned(request.headers_mut());
        }
        if let Some(Attach { name, how }) = &rule.secret {
            let secret = match self.secrets.get(name).await {
                Ok(secret) => secret,
                Err(error) => {
                    effect.failed(error.to_string());
                    return Err(Error::ConfigurationError);
                }
            };
            if let Err(why) = attach::attach(&mut request, how, &secret) {
                effect.failed(why);
                return Err(Error::ConfigurationError);
            }
        }
        // Made now, not when the call began: a secret that was rotated since is found as well.
        let masker = match self.masker().await {
            Ok(masker) => masker,
            Err(error) => {
                effect.failed(error.to_string());
                return Err(Error::ConfigurationError);
            }
        };
        let sent = match self.egress.send(request, &terms(rule, options, self.pool.clone())).await {
            Ok(sent) => sent,
            Err(error) => {
                let code = errors::code(&error);
                match error.code() {
                    "address-forbidden" | "request-too-large" | "breaker-open" => effect.refused(error.to_string()),
                    _ => effect.failed(error.to_string()),
                }
                return Err(code);
            }
        };
        let Sent { response, traffic, .. } = sent;
        effect.settled();
        let (mut parts, body) = response.into_parts();
        if !masker.is_empty() {
            if let Some(coding) = parts.headers.get(header::CONTENT_ENCODING).filter(|c| *c != "identity") {
                let coding = String::from_utf8_lossy(coding.as_bytes()).into_owned();
                effect.failed(format!("the response is encoded as {coding}, which cannot be scanned for secrets"));
                return Err(Error::HttpResponseContentCoding(None));
            }
            parts.headers = masked(&parts.headers, &masker);
        }
        let body = body::Scanned::new(body, &masker, traffic, effect, place);
        Ok(Response::from_parts(parts, body.boxed_unsync()))
    }

    async fn masker(&self) -> Result<Arc<Masker>, SecretError> {
        if self.names.is_empty() { Ok(Masker::nothing()) } else { self.secrets.masker(&self.names).await }
    }
}

/// A response's headers as a guest may read them.
fn masked(headers: &HeaderMap, masker: &Masker) -> HeaderMap {
    let mut masked = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        // Masking changes how long the body is.
        if name == header::CONTENT_LENGTH {
            continue;
        }
        if let Ok(value) = HeaderValue::from_bytes(&masker.bytes(value.as_bytes())) {
            masked.append(name, value);
        }
    }
    masked
}

/// An answer that is packed, or comes in parts that the guest chose the borders of, would carry a
/// secret past the scan.
fn only_what_can_be_scanned(headers: &mut HeaderMap) {
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.remove(header::RANGE);
    headers.remove(header::IF_RANGE);
}

fn terms(rule: &HttpRule, options: Option<RequestOptions>, pool: PoolKey) -> Terms {
    let options = options.unwrap_or_default();
    Terms {
        pool,
        networks: cofferdam_egress::Networks::new(rule.networks.ranges().iter().copied()),
        timeout: rule.timeout.get(),
        first_byte: options.first_byte_timeout,
        between_bytes: options.between_bytes_timeout,
        largest_request: rule.request.get(),
        largest_response: rule.response.get(),
        retry: rule.retry.as_ref().map(|r| cofferdam_egress::Retry {
            attempts: r.attempts,
            backoff: r.backoff.get(),
            longest: r.longest.get(),
        }),
        breaker: rule.breaker.as_ref().map(|b| cofferdam_egress::Breaker { failures: b.failures, open: b.open.get() }),
    }
}

/// A URL for the record. What stands in a query belongs to the caller, not into logs.
fn shown(uri: &Uri) -> String {
    let query = if uri.query().is_some() { "?…" } else { "" };
    let scheme = uri.scheme_str().unwrap_or("https");
    format!("{scheme}://{}{}{query}", uri.authority().map_or("", |a| a.as_str()), uri.path())
}

fn name_of(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "CONNECT" => "CONNECT",
        "TRACE" => "TRACE",
        _ => "other method",
    }
}

#[cfg(test)]
mod tests;
