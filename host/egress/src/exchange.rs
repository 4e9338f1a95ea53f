//! One request upon one connection, until the head of its response is there.

use std::sync::Arc;

use http::{Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::runtime::Handle;

use crate::{
    clock::Clock,
    error::{EgressError, Message, Wait, causes},
    limits,
    pool::{From, Key, Lease, Pool, Sender, Wire},
    request::{Head, Speaks, check_size},
    terms::Terms,
    upload::{Source, Unfinished},
};

/// An exchange that is under way: its part of a connection, and its request's body. Dropping it ends both.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// Nothing once the exchange is over.
    parts: Option<Parts>,
    key: Arc<Key>,
    pool: Pool,
    source: Source,
    /// Responses are dropped anywhere, also outside of the runtime.
    runtime: Handle,
}

#[derive(Debug)]
struct Parts {
    sender: Sender,
    wire: Arc<Wire>,
    unfinished: Unfinished,
}

/// Why there is no response.
pub(crate) enum Failed {
    /// The connection, a kept one, was closed before any of the request was sent.
    Unsent,
    Error(EgressError),
}

// === impl Exchange ===

impl Exchange {
    /// Sends the request, and waits for the head of the response.
    pub(crate) async fn run(
        lease: Lease,
        head: &Head,
        source: &Source,
        (key, pool): (&Arc<Key>, &Pool),
        (clock, terms): (&Clock, &Terms),
    ) -> Result<(Response<Incoming>, Self), Failed> {
        let Lease { sender, wire, from } = lease;
        let (upload, unfinished) = source.attempt(Arc::clone(&wire.meter));
        let request = head.request(sender.speaks(), &key.origin, upload).map_err(Failed::Error)?;
        wire.meter.exchange();
        let mut exchange = Self {
            parts: Some(Parts { sender, wire: Arc::clone(&wire), unfinished }),
            key: Arc::clone(key),
            pool: pool.clone(),
            source: source.clone(),
            runtime: Handle::current(),
        };
        let patience = clock.patience(Wait::FirstByte, terms.first_byte);
        let answered = match exchange.parts.as_mut().map(|parts| &mut parts.sender) {
            Some(Sender::Http1(sender)) => {
                let answer = async {
                    // A new connection takes a moment to be ready; a kept one that is not will not be.
                    if from == From::New && sender.ready().await.is_err() {
                        tracing::debug!("a new connection was closed at once");
                    }
                    sender.try_send_request(request).await
                };
                patience.wait(answer).await
            }
            Some(Sender::Http2(sender)) => patience.wait(sender.try_send_request(request)).await,
            None => return Err(Failed::Unsent),
        };
        let failed = match answered {
            Ok(Ok(response)) => match exchange.check(&response, terms) {
                Ok(()) => return Ok((response, exchange)),
                Err(error) => error,
            },
            Ok(Err(mut error)) => {
                let unsent = error.take_message().is_some() && source.untouched();
                if unsent && from == From::Kept {
                    pool.retire(key, &wire);
                    return Err(Failed::Unsent);
                }
                exchange.explain(&wire, error.error())
            }
            Err(timeout) => timeout,
        };
        // A connection of HTTP/2 that fails one may be dead for all.
        pool.retire(key, &wire);
        Err(Failed::Error(source.failure().unwrap_or(failed)))
    }

    /// Whether the head of a response is one that is handed on.
    fn check(&self, response: &Response<Incoming>, terms: &Terms) -> Result<(), EgressError> {
        let host = || self.key.origin.to_string();
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(self.breach("it switches to a protocol that nobody asked for".to_owned()));
        }
        check_size(response.headers())
            .map_err(|()| EgressError::HeadersTooLarge { host: host(), message: Message::Response })?;
        if response.body().size_hint().lower() > terms.largest_response {
            return Err(EgressError::ResponseTooLarge { host: host(), most: terms.largest_response });
        }
        Ok(())
    }

    /// What an error of the connection means.
    fn explain(&self, wire: &Wire, error: &hyper::Error) -> EgressError {
        let host = self.key.origin.to_string();
        if wire.meter.tripped() {
            return self.breach("it sends too much that is no part of a body".to_owned());
        }
        if error.is_parse_too_large() {
            return EgressError::HeadersTooLarge { host, message: Message::Response };
        }
        if error.is_parse() {
            return self.breach(causes(error));
        }
        if error.is_user() {
            return EgressError::Request { what: causes(error) };
        }
        EgressError::Reset { host, address: wire.address, why: causes(error) }
    }

    /// What an error within the body of the response means.
    pub(crate) fn broken_off(&self, error: &hyper::Error) -> EgressError {
        match &self.parts {
            Some(parts) if parts.wire.meter.tripped() => {
                self.breach("it sends too much that is no part of a body".to_owned())
            }
            _ => self.breach(format!("the response broke off: {}", causes(error))),
        }
    }

    pub(crate) fn breach(&self, why: String) -> EgressError {
        let host = self.key.origin.to_string();
        match &self.parts {
            Some(parts) => EgressError::Protocol { host, address: parts.wire.address, why },
            None => EgressError::Request { what: why },
        }
    }

    pub(crate) fn wire(&self) -> Option<&Wire> {
        self.parts.as_ref().map(|parts| &*parts.wire)
    }

    /// The response is there to its end. The connection is kept for others, if the request is out as well; if not, the
    /// exchange goes on until it is dropped.
    pub(crate) fn finish(&mut self) {
        let Some(Parts { sender, wire, .. }) = self.parts.take_if(|parts| parts.unfinished.is_finished()) else {
            return;
        };
        let (pool, key) = (self.pool.clone(), Arc::clone(&self.key));
        match sender {
            Sender::Http1(mut sender) => {
                self.runtime.spawn(async move {
                    if let Ok(Ok(())) = tokio::time::timeout(limits::READY, sender.ready()).await {
                        pool.keep(&key, sender, wire);
                    }
                });
            }
            Sender::Http2(sender) => {
                if wire.meter.is_stuck() {
                    pool.retire(&key, &wire);
                }
                drop((sender, wire));
                pool.released(&key);
            }
        }
    }
}

impl Drop for Exchange {
    /// An HTTP/1 connection goes with its exchange. A stream of HTTP/2 is reset by dropping what reads it, and its
    /// connection goes on for others; unless the body of the request is stuck in it, which only closing it ends.
    fn drop(&mut self) {
        let Some(Parts { sender, wire, mut unfinished }) = self.parts.take() else { return };
        if sender.speaks() == Speaks::Http1 {
            return wire.close();
        }
        self.source.cancel();
        drop(sender);
        let (pool, key) = (self.pool.clone(), Arc::clone(&self.key));
        if wire.meter.is_stuck() {
            // Not even a reset gets out before what waits. The connection goes when its other exchanges are over.
            pool.retire(&key, &wire);
        }
        self.runtime.spawn(async move {
            if tokio::time::timeout(limits::GRACE, unfinished.finished()).await.is_err() {
                pool.retire(&key, &wire);
                wire.close();
            }
            drop(wire);
            pool.released(&key);
        });
    }
}
