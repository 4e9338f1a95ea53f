//! What a request shows of us: a token or password for one repository, asked for when the registry wants it.
//!
//! Nobody is asked before a registry has asked us: what is public is read without a credential leaving the machine.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use reqwest::{Method, StatusCode, header::HeaderValue};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use crate::{
    Reference, RegistryError,
    challenge::Challenge,
    credentials::{Credential, Credentials},
    endpoint,
    exchange::{Ask, Lines},
    limits,
};

/// What is to be done in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    Pull,
    Push,
}

/// The value of an `Authorization` header, and whether a credential stands behind it.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) header: HeaderValue,
    pub(crate) with_credentials: bool,
}

/// What was shown last and taken, by registry, repository and action.
#[derive(Default)]
pub(crate) struct Tokens {
    kept: Mutex<BTreeMap<Key, Shown>>,
    credentials: Credentials,
}

type Key = (String, String, Action);

/// Says nothing of what it holds.
impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    /// What was taken last time.
    pub(crate) fn kept(&self, reference: &Reference, action: Action) -> Option<Shown> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&key(reference, action)).cloned()
    }

    /// Answers a challenge. `None`: there is nothing to answer it with.
    ///
    /// # Errors
    ///
    /// The credentials cannot be had, or the token service is away, refuses, or is one that credentials may not go to.
    pub(crate) async fn answer(
        &self,
        challenge: &Challenge,
        reference: &Reference,
        action: Action,
        lines: &Lines,
        root: &Url,
        time: Duration,
    ) -> Result<Option<Shown>, RegistryError> {
        let credential = self.credentials.of(reference.registry(), time).await?;
        let with_credentials = !matches!(credential, Credential::Anonymous);
        let text = match challenge {
            Challenge::Basic => match &credential {
                Credential::Password { user, password } => basic(user, password),
                // A refresh token is for a token service, and there is none here.
                Credential::Anonymous | Credential::Refresh(_) => return Ok(None),
            },
            Challenge::Bearer { realm, service } => {
                let ask = token_request(realm, service.as_deref(), &credential, reference, action, root, time)?;
                format!("Bearer {}", fetch(&ask, &credential, lines).await?)
            }
        };
        let odd = |_| RegistryError::Odd {
            of: reference.to_string(),
            doing: ASKING,
            why: "the token has characters that no header may have".to_owned(),
        };
        let mut header = HeaderValue::from_str(&text).map_err(odd)?;
        header.set_sensitive(true);
        let shown = Shown { header, with_credentials };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= limits::TOKENS {
            kept.clear();
        }
        kept.insert(key(reference, action), shown.clone());
        Ok(Some(shown))
    }
}

fn key(reference: &Reference, action: Action) -> Key {
    (reference.registry().to_owned(), reference.repository().to_owned(), action)
}

// === the token service ===

const ASKING: &str = "asking for a token";

/// The request of docker's token protocol: a GET with the password as basic authentication, or a POST that exchanges
/// a refresh token. What is asked for is what we are about to do, whatever the challenge says.
fn token_request(
    realm: &str,
    service: Option<&str>,
    credential: &Credential,
    reference: &Reference,
    action: Action,
    root: &Url,
    time: Duration,
) -> Result<Ask, RegistryError> {
    let odd = |why: String| RegistryError::Odd { of: reference.to_string(), doing: ASKING, why };
    let mut url =
        Url::parse(realm).map_err(|_| odd("the registry names no address of its token service".to_owned()))?;
    endpoint::may_lead_to(root, &url)
        .map_err(|why| odd(format!("the address of the token service is not used: {why}")))?;
    let actions = match action {
        Action::Pull => "pull",
        Action::Push => "pull,push",
    };
    let mut fields = vec![("scope", format!("repository:{}:{actions}", reference.repository()))];
    fields.extend(service.map(|service| ("service", service.to_owned())));
    let body = if let Credential::Refresh(token) = credential {
        fields.push(("grant_type", "refresh_token".to_owned()));
        fields.push(("client_id", "cofferdam".to_owned()));
        fields.push(("refresh_token", token.clone()));
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Some((Bytes::from(form), "application/x-www-form-urlencoded"))
    } else {
        url.query_pairs_mut().extend_pairs(fields);
        None
    };
    Ok(Ask {
        of: reference.to_string(),
        doing: ASKING,
        what: "the token service's answer",
        method: if body.is_some() { Method::POST } else { Method::GET },
        url,
        accept: None,
        body,
        most: limits::TOKEN,
        time,
    })
}

async fn fetch(ask: &Ask, credential: &Credential, lines: &Lines) -> Result<String, RegistryError> {
    #[derive(Deserialize)]
    struct Granted {
        /// OAuth 2's name, and docker's older one for the same.
        access_token: Option<String>,
        token: Option<String>,
    }
    let authorization = match credential {
        Credential::Password { user, password } => HeaderValue::from_str(&basic(user, password)).ok(),
        Credential::Anonymous | Credential::Refresh(_) => None,
    };
    let authorization = authorization.map(|mut value| {
        value.set_sensitive(true);
        value
    });
    // The service is its own root here: what it redirects to gets no password of ours unless it is the same place.
    let answer = lines.once(ask, &ask.url, authorization.as_ref()).await?;
    if answer.status != StatusCode::OK {
        return Err(ask.denied(&answer, !matches!(credential, Credential::Anonymous)));
    }
    let granted: Granted = serde_json::from_slice(&answer.body).map_err(|_| ask.odd("the answer is not JSON"))?;
    granted.access_token.or(granted.token).ok_or_else(|| ask.odd("the answer holds no token"))
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}
