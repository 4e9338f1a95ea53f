//! The client: settings, connections, attempts and time.

use std::{fmt, fs::File, io::Read as _, path::Path, sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable as _};
use bytes::Bytes;
use reqwest::{Certificate, Method, StatusCode, header::WWW_AUTHENTICATE};
use tokio::time;
use url::Url;

use crate::{
    Reference, RegistryError, RegistrySettings, challenge, endpoint,
    exchange::{Answer, Ask, Lines},
    limits,
    reference::is_registry,
    tokens::{Action, Tokens},
};

/// Speaks to registries. Clones share connections and tokens.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    settings: RegistrySettings,
    lines: Lines,
    tokens: Tokens,
}

/// What is asked of a repository, short of where it is.
pub(crate) struct Request<'a> {
    pub(crate) reference: &'a Reference,
    pub(crate) doing: &'static str,
    pub(crate) what: &'static str,
    pub(crate) action: Action,
    pub(crate) method: Method,
    pub(crate) accept: Option<String>,
    pub(crate) body: Option<(Bytes, &'static str)>,
    pub(crate) most: u64,
}

impl Registry {
    /// A client by these settings. Makes no request.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Settings`]: a listed host that is none, no time or attempts, or a certificate file that cannot
    /// be read.
    pub fn new(settings: RegistrySettings) -> Result<Self, RegistryError> {
        let wrong = |what: String| RegistryError::Settings { what };
        if let Some(odd) = settings.plain_http.iter().find(|listed| !is_registry(listed)) {
            return Err(wrong(format!("{odd:?} is no host or host:port, in lower case, to be spoken to without TLS")));
        }
        if settings.timeout.is_zero() || settings.attempts == 0 {
            return Err(wrong("a request needs more than no time, and at least one attempt".to_owned()));
        }
        let certificates = match &settings.ca_file {
            Some(path) => {
                certificates(path).map_err(|why| wrong(format!("certificates in {}: {why}", path.display())))?
            }
            None => Vec::new(),
        };
        let lines = Lines::new(certificates, settings.timeout)?;
        Ok(Self { inner: Arc::new(Inner { settings, lines, tokens: Tokens::default() }) })
    }

    /// Where this reference's registry is.
    pub(crate) fn root(&self, reference: &Reference) -> Result<Url, RegistryError> {
        endpoint::root(reference.registry(), &self.inner.settings.plain_http).ok_or_else(|| RegistryError::Odd {
            of: reference.to_string(),
            doing: "finding the registry",
            why: "its address cannot be used".to_owned(),
        })
    }

    /// One exchange in a repository, after an answer to whoever wants to know who asks. Any answer that is one.
    pub(crate) async fn exchange(&self, request: &Request<'_>, url: Url) -> Result<Answer, RegistryError> {
        let Inner { settings, lines, tokens } = &*self.inner;
        let Request { reference, action, .. } = *request;
        let root = self.root(reference)?;
        let sent = request.body.as_ref().map_or(0, |(bytes, _)| bytes.len() as u64);
        let ask = Ask {
            of: reference.to_string(),
            doing: request.doing,
            what: request.what,
            method: request.method.clone(),
            url,
            accept: request.accept.clone(),
            body: request.body.clone(),
            most: request.most,
            time: settings.timeout + limits::transfer(request.most.max(sent)),
        };
        let mut shown = tokens.kept(reference, action);
        let mut answer = lines.once(&ask, &root, shown.as_ref().map(|shown| &shown.header)).await?;
        // Asked by storage that the registry led to, it would be storage that says where a password goes.
        if answer.status == StatusCode::UNAUTHORIZED && answer.from_registry {
            let offered = answer.headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
            if let Some(challenge) = challenge::parse(offered) {
                let time = settings.timeout;
                shown = tokens.answer(&challenge, reference, action, lines, &root, time).await?;
                if let Some(shown) = &shown {
                    answer = lines.once(&ask, &root, Some(&shown.header)).await?;
                }
            }
        }
        if answer.status.is_success() || answer.status == StatusCode::NOT_FOUND {
            return Ok(answer);
        }
        Err(ask.denied(&answer, shown.is_some_and(|shown| shown.with_credentials)))
    }

    /// Reads something of a repository, as often as is allowed while the registry is away. `None`: it is not there.
    pub(crate) async fn read(
        &self,
        request: &Request<'_>,
        kind: &str,
        last: &str,
    ) -> Result<Option<Answer>, RegistryError> {
        let url = self.address(request.reference, kind, last)?;
        let url = &url;
        let answer = self.attempts(move || self.exchange(request, url.clone())).await?;
        Ok((answer.status != StatusCode::NOT_FOUND).then_some(answer))
    }

    /// The address of something in a repository.
    pub(crate) fn address(&self, reference: &Reference, kind: &str, last: &str) -> Result<Url, RegistryError> {
        let root = self.root(reference)?;
        endpoint::within(&root, reference, kind, last).ok_or_else(|| RegistryError::Odd {
            of: reference.to_string(),
            doing: "finding the registry",
            why: "its address cannot be used".to_owned(),
        })
    }

    /// Does this again while the registry is away, with growing pauses that differ from host to host.
    pub(crate) async fn attempts<T, F: Future<Output = Result<T, RegistryError>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<T, RegistryError> {
        let pauses = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(limits::PAUSE)
            .with_max_delay(limits::LONGEST_PAUSE)
            .with_max_times(self.inner.settings.attempts.saturating_sub(1) as usize);
        attempt
            .retry(pauses)
            .when(RegistryError::is_away)
            .notify(|error, pause| tracing::debug!(%error, ?pause, "a registry is away, and asked again"))
            .await
    }

    /// Does this within a time that is bounded whatever the registry does: that of `requests` requests, each made as
    /// often as is allowed, and of a transfer of this many bytes.
    pub(crate) async fn within<T>(
        &self,
        reference: &Reference,
        doing: &'static str,
        requests: u32,
        bytes: u64,
        work: impl Future<Output = Result<T, RegistryError>>,
    ) -> Result<T, RegistryError> {
        let settings = &self.inner.settings;
        // A jittered pause is at most twice the pause.
        let one = settings.timeout.saturating_mul(requests).saturating_add(limits::LONGEST_PAUSE * 2);
        let whole = one.saturating_add(limits::transfer(bytes)).saturating_mul(settings.attempts).min(LONGEST);
        match time::timeout(whole, work).await {
            Ok(done) => done,
            Err(_) => Err(RegistryError::Away {
                of: reference.to_string(),
                doing,
                why: format!("not done within {} s", whole.as_secs()),
            }),
        }
    }
}

/// Whatever the settings say: an hour for anything.
const LONGEST: Duration = Duration::from_secs(3600);

/// Leaves out connections and tokens.
impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, String> {
    let mut pem = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(limits::CERTIFICATES + 1).read_to_end(&mut pem).map_err(|error| error.to_string())?;
    if pem.len() as u64 > limits::CERTIFICATES {
        return Err(format!("more than {} bytes", limits::CERTIFICATES));
    }
    let found = Certificate::from_pem_bundle(&pem).map_err(|_| "not PEM".to_owned())?;
    if found.is_empty() { Err("there is none".to_owned()) } else { Ok(found) }
}

#[cfg(test)]
mod tests;
