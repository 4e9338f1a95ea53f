use ::url::form_urlencoded;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    super::network::{Networks, is_private},
    Attach, AttachAs, Breaker, HttpDenied, Methods, Retry, Scheme, UrlPattern,
    url::{Part, RequestUrl},
};
use crate::units::{Bytes, Span};

/// What a whole call may take by default; a request is part of one.
const TIMEOUT: Span = Span::secs(30);
const LONGEST_TIMEOUT: Span = Span::secs(600);
const REQUEST: Bytes = Bytes::mib(1);
/// As much as one call across the boundary may bring by default.
const RESPONSE: Bytes = Bytes::mib(8);
/// Four times the memory that a guest has by default, for those that are given more.
const LARGEST: Bytes = Bytes::mib(256);

const FORM: &str = r#"{ url = "https://api.example.com/v1/", methods = ["GET"] }"#;

/// Which requests may be sent, and what the host does with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written")]
pub struct HttpRule {
    pub url: UrlPattern,
    pub methods: Methods,
    /// What the host attaches, so that the guest needs no secret of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Attach>,
    /// Where the host's addresses may lie, beside the public ones.
    #[serde(skip_serializing_if = "Networks::is_empty")]
    pub networks: Networks,
    /// For one request, from the look-up of the name to the end of the answer, all attempts included.
    pub timeout: Span,
    /// Bytes of a request's body.
    pub request: Bytes,
    /// Bytes of an answer's body.
    pub response: Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
}

/// Which requests may be sent, and what the host does with them.
#[derive(Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table, such as { url = \"https://api.example.com/v1/\", methods = [\"GET\"] }"
)]
#[schemars(rename = "HttpRule")]
struct Written {
    /// The URLs, such as "https://api.example.com/v1/". A slash at the end means all below it; * is
    /// one label of the host or one segment of the path. The query is free.
    #[schemars(required)]
    url: Option<UrlPattern>,
    /// The methods, such as ["GET", "POST"].
    #[schemars(required)]
    methods: Option<Methods>,
    /// A secret that the host attaches to each request, such as { name = "api-token", as = "bearer" }.
    secret: Option<Attach>,
    /// Networks that are not public and that the host's addresses may lie in, such as ["10.1.0.0/16"].
    /// Default: none.
    #[serde(default)]
    networks: Networks,
    /// Time for one request, all attempts included. Default 30s, at most 10m.
    timeout: Option<Span>,
    /// Bytes of a request's body. Default 1MiB, at most 256MiB.
    request: Option<Bytes>,
    /// Bytes of an answer's body. Default 8MiB, at most 256MiB.
    response: Option<Bytes>,
    /// Sends failed requests again. Default: never.
    retry: Option<Retry>,
    /// Leaves a host alone that keeps failing. Default: never.
    breaker: Option<Breaker>,
}

impl TryFrom<Written> for HttpRule {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let missing = |key: &str| format!("`{key}` is missing: a rule is written {FORM}");
        let rule = Self {
            url: written.url.ok_or_else(|| missing("url"))?,
            methods: written.methods.ok_or_else(|| missing("methods"))?,
            secret: written.secret,
            networks: written.networks,
            timeout: written.timeout.unwrap_or(TIMEOUT),
            request: written.request.unwrap_or(REQUEST),
            response: written.response.unwrap_or(RESPONSE),
            retry: written.retry,
            breaker: written.breaker,
        };
        rule.check()?;
        Ok(rule)
    }
}

/// What is known of a request when it is decided upon.
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    pub(super) url: &'a RequestUrl<'a>,
    pub(super) query: Option<&'a str>,
}

impl Asked<'_> {
    /// Whether the query has a parameter that some server takes for this one.
    fn has(&self, parameter: &str) -> bool {
        // Some servers split at semicolons, too.
        let query = self.query.unwrap_or_default().replace(';', "&");
        let parameter = folded(parameter);
        form_urlencoded::parse(query.as_bytes()).any(|(name, _)| folded(&name) == parameter)
    }
}

/// A parameter's name as the most forgiving of servers reads it: any case, without blanks and
/// brackets, all punctuation alike.
fn folded(name: &str) -> String {
    let end = name.trim().split(['[', '\0']).next().unwrap_or_default();
    end.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

impl HttpRule {
    /// What its parts do not say by themselves.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.timeout > LONGEST_TIMEOUT {
            return Err(format!("`timeout = \"{}\"` is out of range: at most {LONGEST_TIMEOUT}", self.timeout));
        }
        for (key, size) in [("request", self.request), ("response", self.response)] {
            if size > LARGEST {
                return Err(format!("`{key} = \"{size}\"` is out of range: at most {LARGEST}"));
            }
        }
        let host = self.url.host().root();
        self.networks.suit(&host)?;
        if let Some(secret) = &self.secret
            && self.url.scheme() == Scheme::Http
            // A name leads wherever its DNS says: granted networks do not keep it in them.
            && !host.address().is_some_and(is_private)
        {
            return Err(format!(
                "{} would carry the secret {} in clear: write https; plain http goes with a secret to an address of a private network only, such as http://10.1.2.3/",
                self.url, secret.name
            ));
        }
        Ok(())
    }

    /// The first part of a request, in the order of [`Part`], that this rule does not permit.
    pub(super) fn permit(&self, asked: &Asked<'_>) -> Result<(), Part> {
        self.url.matches(asked.url)?;
        if !self.methods.contains(asked.method) {
            return Err(Part::Method);
        }
        match self.parameter() {
            Some(parameter) if asked.has(parameter) => Err(Part::Query),
            _ => Ok(()),
        }
    }

    /// The query parameter that a guest may not write itself.
    fn parameter(&self) -> Option<&str> {
        self.secret.as_ref().and_then(Attach::parameter)
    }

    pub(super) fn denied(&self, part: Part, request: &Asked<'_>) -> HttpDenied {
        let (asked, nearest) = (format!("{} {}", bounded(request.method.as_str()), request.url), self.url.to_string());
        match part {
            Part::Host => HttpDenied::Host { asked, nearest },
            Part::Scheme => HttpDenied::Scheme { asked, nearest },
            Part::Port => HttpDenied::Port { asked, nearest },
            Part::Path => HttpDenied::Path { asked, nearest },
            Part::Method | Part::Limits => HttpDenied::Method { asked, nearest, allowed: self.methods.to_string() },
            Part::Query => HttpDenied::Query { asked, nearest, parameter: self.parameter().unwrap_or_default().into() },
        }
    }

    /// Whether every request that `later` is about is about this one as well, so that `later` is
    /// never asked.
    pub(super) fn hides(&self, later: &Self) -> bool {
        self.url.covers(&later.url).is_ok() && self.methods.covers(&later.methods)
    }

    /// Whether it refuses some request, for its query, that `own` permits.
    pub(super) fn takes_from(&self, own: &Self) -> bool {
        let same = |parameter: &str| own.parameter().is_some_and(|other| folded(other) == folded(parameter));
        self.parameter().is_some_and(|parameter| !same(parameter))
            && self.url.meets(&own.url)
            && self.methods.meets(&own.methods)
    }

    /// That it permits no more than `wider`, or the part in which it does and in which words.
    pub(super) fn within(&self, wider: &Self) -> Result<(), (Part, String)> {
        let beyond = |part, why: String| Err((part, why));
        if let Err(part) = wider.url.covers(&self.url) {
            let what = match part {
                Part::Host => "the host is not that of",
                Part::Scheme => "the scheme is not that of",
                Part::Port => "the port is not that of",
                _ => "the path goes beyond that of",
            };
            return beyond(part, format!("{what} {}", wider.url));
        }
        if !wider.methods.covers(&self.methods) {
            return beyond(Part::Method, format!("{} allows {}", wider.url, wider.methods));
        }
        let limits = |why: String| beyond(Part::Limits, why);
        match (&self.secret, &wider.secret) {
            (Some(own), Some(other)) if own == other => {}
            (None, Some(Attach { how: AttachAs::Query(key), .. })) => {
                return limits(format!("without the secret, a guest could write the parameter {key:?} itself"));
            }
            (None, _) => {}
            (Some(own), _) => return limits(format!("with {}", own.describe())),
        }
        if let Err(what) = self.networks.within(&wider.networks) {
            return limits(what);
        }
        for (key, own, most) in [("request", self.request, wider.request), ("response", self.response, wider.response)]
        {
            if own > most {
                return limits(format!("{key} is {own} here and {most} there"));
            }
        }
        if self.timeout > wider.timeout {
            return limits(format!("timeout is {} here and {} there", self.timeout, wider.timeout));
        }
        if self.retry.is_some_and(|retry| !retry.within(wider.retry.as_ref())) {
            return limits("retry is more, or faster, than there".into());
        }
        if !Breaker::within(self.breaker.as_ref(), wider.breaker.as_ref()) {
            return limits("breaker gives way later, or for less, than there".into());
        }
        Ok(())
    }

    /// Words that follow "it can".
    pub(super) fn describe(&self) -> String {
        let below = if self.url.path().goes_below() { " and all below it" } else { "" };
        let with = self.secret.as_ref().map(|secret| format!(", with {}", secret.describe())).unwrap_or_default();
        let retry = self.retry.map(|retry| format!(", sent up to {} times", retry.attempts)).unwrap_or_default();
        let breaker = self
            .breaker
            .map(|breaker| format!(", with a rest of {} after {} failures", breaker.open, breaker.failures))
            .unwrap_or_default();
        format!(
            "send {} requests to {}{below}{}{with}: {} out, {} back and {} each at most{retry}{breaker}",
            self.methods,
            self.url,
            self.networks.describe(),
            self.request,
            self.response,
            self.timeout
        )
    }
}

/// A method is as long as the guest likes.
fn bounded(text: &str) -> String {
    text.chars().take(16).collect()
}
