//! The body of a response on its way in: counted, timed, and ended when its time is over, whether or not it is read.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::{
    task::AbortHandle,
    time::{Instant, Sleep, sleep_until},
};

use crate::{
    body::BodyError,
    clock::Clock,
    error::{EgressError, Message, Wait},
    exchange::Exchange,
    request::check_size,
    terms::Terms,
    traffic::{End, Tally},
};

/// The body of a response.
pub(crate) struct Download {
    stage: Arc<Mutex<Stage>>,
    tally: Tally,
    most: u64,
    between: Option<Duration>,
    /// Runs while the server is waited for.
    silence: Option<Pin<Box<Sleep>>>,
    host: Arc<str>,
    watch: AbortHandle,
}

/// What is left of a response, shared with the watch that ends it.
enum Stage {
    Open {
        incoming: Incoming,
        exchange: Exchange,
        waker: Option<Waker>,
    },
    /// Read to its end; the body of the request may still be on its way.
    Read {
        _exchange: Exchange,
    },
    /// Its time was over. The error is for whoever reads next.
    Expired(Option<EgressError>),
    Gone,
}

// === impl Download ===

impl Download {
    pub(crate) fn new(incoming: Incoming, mut exchange: Exchange, tally: Tally, clock: &Clock, terms: &Terms) -> Self {
        let stage = if incoming.is_end_stream() {
            tally.end(End::Complete);
            exchange.finish();
            Stage::Read { _exchange: exchange }
        } else {
            Stage::Open { incoming, exchange, waker: None }
        };
        let stage = Arc::new(Mutex::new(stage));
        let watch = tokio::spawn(watch(Arc::clone(&stage), clock.clone())).abort_handle();
        Self {
            stage,
            tally,
            most: terms.largest_response,
            between: terms.between_bytes,
            silence: None,
            host: Arc::clone(&clock.host),
            watch,
        }
    }

    /// Ends the exchange with an error.
    fn fail(&mut self, error: EgressError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.tally.end(End::Failed(error.code()));
        self.close();
        Poll::Ready(Some(Err(error.into())))
    }

    /// Ends the exchange.
    fn close(&mut self) {
        self.watch.abort();
        let stage = std::mem::replace(&mut *lock(&self.stage), Stage::Gone);
        // Not under the lock: what goes here may wake others.
        drop(stage);
    }

    /// The response is there to its end.
    fn finish(&mut self) {
        self.tally.end(End::Complete);
        let mut stage = lock(&self.stage);
        match std::mem::replace(&mut *stage, Stage::Gone) {
            Stage::Open { mut exchange, incoming, .. } => {
                drop(incoming);
                exchange.finish();
                *stage = Stage::Read { _exchange: exchange };
            }
            other => *stage = other,
        }
    }

    /// Whether the server was silent for too long. Asked only while it is waited for.
    fn silent(&mut self, cx: &mut Context<'_>) -> Option<EgressError> {
        let between = self.between?;
        if self.silence.is_none() {
            self.silence = Some(Box::pin(sleep_until(Instant::now().checked_add(between)?)));
        }
        let silence = self.silence.as_mut()?;
        silence.as_mut().poll(cx).is_ready().then(|| EgressError::Timeout {
            host: self.host.to_string(),
            wait: Wait::BetweenBytes,
            after: between,
        })
    }
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let mut stage = lock(&this.stage);
        let (polled, ended, meter) = match &mut *stage {
            Stage::Open { incoming, exchange, waker } => {
                let polled = Pin::new(&mut *incoming).poll_frame(cx);
                if polled.is_pending() {
                    *waker = Some(cx.waker().clone());
                }
                let meter = exchange.wire().map(|wire| Arc::clone(&wire.meter));
                let polled = polled.map_err(|error| exchange.broken_off(&error));
                (polled, incoming.is_end_stream(), meter)
            }
            Stage::Expired(error) => {
                let error = error.take();
                drop(stage);
                return match error {
                    Some(error) => this.fail(error),
                    None => Poll::Ready(None),
                };
            }
            Stage::Read { .. } | Stage::Gone => return Poll::Ready(None),
        };
        drop(stage);
        match polled {
            Poll::Pending => match this.silent(cx) {
                Some(error) => this.fail(error),
                None => Poll::Pending,
            },
            Poll::Ready(None) => {
                this.finish();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => this.fail(error),
            Poll::Ready(Some(Ok(frame))) => {
                this.silence = None;
                if let Some(data) = frame.data_ref() {
                    if let Some(meter) = meter {
                        meter.body(data.len());
                    }
                    if this.tally.total(data.len()) > this.most {
                        let (host, most) = (this.host.to_string(), this.most);
                        return this.fail(EgressError::ResponseTooLarge { host, most });
                    }
                    this.tally.received(data.len());
                }
                if frame.trailers_ref().is_some_and(|trailers| check_size(trailers).is_err()) {
                    let host = this.host.to_string();
                    return this.fail(EgressError::HeadersTooLarge { host, message: Message::Response });
                }
                if ended {
                    this.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &*lock(&self.stage) {
            Stage::Open { incoming, .. } => incoming.is_end_stream(),
            Stage::Read { .. } | Stage::Gone => true,
            Stage::Expired(error) => error.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &*lock(&self.stage) {
            Stage::Open { incoming, .. } => incoming.size_hint(),
            Stage::Read { .. } | Stage::Gone => SizeHint::with_exact(0),
            Stage::Expired(_) => SizeHint::default(),
        }
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.close();
    }
}

/// Ends the exchange when its time is over, also when nobody reads.
async fn watch(stage: Arc<Mutex<Stage>>, clock: Clock) {
    sleep_until(clock.end).await;
    let mut guard = lock(&stage);
    let next = match &*guard {
        Stage::Open { .. } => Stage::Expired(Some(clock.over())),
        Stage::Read { .. } | Stage::Expired(_) | Stage::Gone => Stage::Gone,
    };
    let last = std::mem::replace(&mut *guard, next);
    drop(guard);
    if let Stage::Open { waker, incoming, exchange } = last {
        drop((incoming, exchange));
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

fn lock(stage: &Mutex<Stage>) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}
