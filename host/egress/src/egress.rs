//! The engine, and what it gives back.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use backon::Retryable as _;
use http::Response;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::Instant;
use url::Host;

use crate::{
    body::Body,
    breaker::{Breakers, Refused, Verdict},
    clock::Clock,
    connect::Connector,
    download::Download,
    error::{EgressError, Wait},
    exchange::{Exchange, Failed},
    limits,
    networks::Networks,
    origin::Origin,
    pool::{Key, Pool},
    request::Head,
    resolve::Resolver,
    retry,
    settings::{EgressSettings, SettingsError},
    terms::Terms,
    tls,
    traffic::{Counts, Tally, Traffic},
    upload::Source,
};

/// Sends requests. One for a process; clones are the same engine.
#[derive(Clone, Debug)]
pub struct Egress(Arc<Engine>);

#[derive(Debug)]
struct Engine {
    connector: Connector,
    breakers: Breakers,
}

/// A response, and what is to be recorded of how it came about.
#[derive(Debug)]
pub struct Sent {
    /// The response. Its body streams, and ends with an error when a bound is met.
    pub response: Response<Body>,
    /// Where the request went.
    pub address: SocketAddr,
    /// How often it was sent.
    pub attempts: u32,
    /// Addresses of the host that were passed over because they may not be connected to.
    pub withheld: usize,
    /// Counts what goes through, and says when it is over.
    pub traffic: Traffic,
}

/// One request, over all attempts.
struct Run<'a> {
    engine: &'a Engine,
    key: Arc<Key>,
    head: Head,
    source: Source,
    clock: Clock,
    terms: &'a Terms,
    attempts: AtomicU32,
}

/// A response that has a head, and the exchange that brings its body.
struct Answer {
    response: Response<Incoming>,
    exchange: Exchange,
}

/// Why there may be another attempt.
enum Setback {
    /// There is no response.
    Error(EgressError),
    /// There is one, and it says to come again. It is the caller's when nobody does.
    Answer(Box<Answer>),
}

// === impl Egress ===

impl Egress {
    /// Reads the certificate authorities and the machine's name servers; connects to nothing.
    ///
    /// # Errors
    /// When `settings` cannot be used.
    pub fn new(settings: EgressSettings) -> Result<Self, SettingsError> {
        settings.check()?;
        let pool = Pool::new(&settings);
        let EgressSettings { ca_files, dns, connect_timeout, .. } = settings;
        let connector =
            Connector { resolver: Resolver::new(dns)?, tls: tls::config(&ca_files)?, pool, timeout: connect_timeout };
        Ok(Self(Arc::new(Engine { connector, breakers: Breakers::new() })))
    }

    /// Sends one request, whose URL is absolute. To be called within a tokio runtime with time and IO.
    ///
    /// # Errors
    /// When there is no response, or one that has more than granted. A response with any status is one.
    pub async fn send(&self, request: http::Request<Body>, terms: &Terms) -> Result<Sent, EgressError> {
        let origin = Origin::of(request.uri())?;
        let host: Arc<str> = origin.to_string().into();
        let clock = Clock::start(terms.timeout, Arc::clone(&host))?;
        let (head, body) = Head::of(request, &origin, terms.largest_request)?;
        let repeat = retry::may_repeat(terms.retry, head.method(), head.headers());
        let counts = Arc::new(Counts::default());
        let source = Source::new(body, repeat, terms.largest_request, host, Arc::clone(&counts));
        let key = Arc::new(Key { pool: terms.pool.clone(), origin, networks: terms.networks.clone() });
        let run = Run { engine: &self.0, key, head, source, clock, terms, attempts: AtomicU32::new(0) };
        let longest = terms.retry.map_or(Duration::ZERO, |retry| retry.longest);
        let sent = (|| run.attempt())
            .retry(retry::pauses(terms.retry, repeat))
            .when(|setback| run.may_repeat(setback))
            .adjust(|setback, pause| run.adjust(setback, pause?, longest))
            .await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(Setback::Answer(answer)) => *answer,
            Err(Setback::Error(error)) => {
                tracing::debug!(origin = %run.key.origin, code = error.code(), %error, "no response");
                return Err(error);
            }
        };
        run.hand_over(answer, counts)
    }

    /// Resolves once and gives only addresses that may be connected to, at least one, for whoever makes connections of
    /// another kind. They are to be connected to as they are: asking for the name again would undo the check.
    ///
    /// # Errors
    /// When the host has no address, or none that `networks` admits, or nobody says in time.
    pub async fn resolve(&self, host: &Host, port: u16, networks: &Networks) -> Result<Vec<SocketAddr>, EgressError> {
        let connector = &self.0.connector;
        let clock = Clock::start(connector.timeout, host.to_string().into())?;
        let patience = clock.patience(Wait::Resolve, None).with_name(Wait::Resolve);
        let mut resolved = patience.wait(connector.resolver.resolve(host, port, networks)).await??;
        resolved.addresses.truncate(limits::TRIED);
        Ok(resolved.addresses)
    }
}

// === impl Run ===

impl Run<'_> {
    /// Sends the request once.
    async fn attempt(&self) -> Result<Answer, Setback> {
        let Key { pool, origin, .. } = &*self.key;
        let ticket = self.engine.breakers.ask(pool, origin, self.terms.breaker).map_err(|refused| {
            let Refused { failures, retry_after } = refused;
            Setback::Error(EgressError::BreakerOpen { host: origin.to_string(), failures, retry_after })
        })?;
        self.attempts.fetch_add(1, Ordering::Relaxed);
        match self.exchange().await {
            Ok(answer) => {
                let status = answer.response.status();
                ticket.tell(if status.is_server_error() { Verdict::Fails } else { Verdict::Works });
                if retry::is_passing(status) { Err(Setback::Answer(Box::new(answer))) } else { Ok(answer) }
            }
            Err(error) => {
                if error.blames_host() {
                    ticket.tell(Verdict::Fails);
                }
                Err(Setback::Error(error))
            }
        }
    }

    /// Sends the request upon a kept connection or a new one.
    async fn exchange(&self) -> Result<Answer, EgressError> {
        let connector = &self.engine.connector;
        for stale in 0.. {
            let kept = if stale < limits::STALE { connector.pool.take(&self.key) } else { None };
            let lease = match kept {
                Some(lease) => lease,
                None => connector.connect(&self.key, &self.clock).await?,
            };
            let place = (&self.key, &connector.pool);
            match Exchange::run(lease, &self.head, &self.source, place, (&self.clock, self.terms)).await {
                Ok((response, exchange)) => return Ok(Answer { response, exchange }),
                Err(Failed::Error(error)) => return Err(error),
                Err(Failed::Unsent) => {}
            }
        }
        // A new connection is never found stale, so that the loop ends before its counter does.
        Err(self.clock.over())
    }

    fn may_repeat(&self, setback: &Setback) -> bool {
        let may = match setback {
            Setback::Error(error) => error.may_pass(),
            Setback::Answer(_) => true,
        };
        may && self.source.can_repeat()
    }

    /// The pause before the next attempt; none when that attempt would come too late, or before a closed door.
    fn adjust(&self, setback: &Setback, proposed: Duration, longest: Duration) -> Option<Duration> {
        let asked = match setback {
            Setback::Error(_) => None,
            Setback::Answer(answer) => retry::retry_after(answer.response.headers(), SystemTime::now()),
        };
        let pause = retry::pause(proposed, asked, longest)?;
        let at = Instant::now().checked_add(pause).filter(|at| *at < self.clock.end)?;
        let Key { pool, origin, .. } = &*self.key;
        (!self.engine.breakers.would_refuse(pool, origin, self.terms.breaker, at)).then_some(pause)
    }

    /// Makes the response one that the caller can have.
    fn hand_over(self, answer: Answer, counts: Arc<Counts>) -> Result<Sent, EgressError> {
        let Answer { response, exchange } = answer;
        let Some((address, withheld)) = exchange.wire().map(|wire| (wire.address, wire.withheld)) else {
            return Err(self.clock.over());
        };
        let (mut parts, incoming) = response.into_parts();
        // What the library left there is about its own connection.
        parts.extensions.clear();
        let (tally, traffic) = Tally::new(counts);
        let download = Download::new(incoming, exchange, tally, &self.clock, self.terms);
        let attempts = self.attempts.into_inner();
        Ok(Sent {
            response: Response::from_parts(parts, download.boxed_unsync()),
            address,
            attempts,
            withheld,
            traffic,
        })
    }
}
