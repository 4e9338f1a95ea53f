//! The body of a request on its way out: counted, and kept for another attempt while it is small.
//!
//! The caller's body is read once, by whichever attempt is under way. What an attempt reads is kept too, up to
//! [`limits::REPLAY`], when the request may be sent again: the next attempt then begins with what was kept and goes on with
//! the caller's body where the last one stopped. With more than that the body flows through, and there is no next attempt.

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use tokio::sync::oneshot;

use crate::{
    body::{Body, BodyError},
    error::{EgressError, Message},
    limits,
    meter::Meter,
    request::check_size,
    traffic::Counts,
};

/// The body of one request, over all attempts to send it.
#[derive(Clone, Debug)]
pub(crate) struct Source(Arc<Mutex<State>>);

/// The body of one attempt.
#[derive(Debug)]
pub(crate) struct Upload {
    source: Source,
    meter: Arc<Meter>,
    attempt: u64,
    /// How many of the kept pieces this attempt has had.
    had: usize,
    over: bool,
    /// Tells [`Unfinished`] when it is dropped.
    _held: oneshot::Sender<()>,
}

/// Whether an attempt still holds its body.
#[derive(Debug)]
pub(crate) struct Unfinished(oneshot::Receiver<()>);

/// Whether a request may be sent again, which is when what was read of its body is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    Never,
    Maybe,
}

#[derive(Debug)]
struct State {
    /// The caller's body, until its end.
    body: Option<Body>,
    kept: Kept,
    /// Of the attempt that may read; an older one that lingers in a connection gets nothing.
    attempt: u64,
    /// Whoever is to be told that its attempt is over.
    waker: Option<Waker>,
    /// Bytes read of the caller's body.
    read: u64,
    most: u64,
    host: Arc<str>,
    failure: Option<EgressError>,
    counts: Arc<Counts>,
}

/// What was read of the caller's body.
#[derive(Debug)]
enum Kept {
    All { pieces: VecDeque<Bytes>, bytes: usize, trailers: Option<HeaderMap> },
    NotAll,
}

// === impl Source ===

impl Source {
    pub(crate) fn new(body: Body, repeat: Repeat, most: u64, host: Arc<str>, counts: Arc<Counts>) -> Self {
        let kept = match repeat {
            Repeat::Maybe if body.size_hint().lower() <= limits::REPLAY as u64 => {
                Kept::All { pieces: VecDeque::new(), bytes: 0, trailers: None }
            }
            _ => Kept::NotAll,
        };
        let body = (!body.is_end_stream()).then_some(body);
        let state = State { body, kept, attempt: 0, waker: None, read: 0, most, host, failure: None, counts };
        Self(Arc::new(Mutex::new(state)))
    }

    /// The body for another attempt, by the connection of `meter`, from its beginning. The one of the last attempt ends.
    pub(crate) fn attempt(&self, meter: Arc<Meter>) -> (Upload, Unfinished) {
        self.cancel();
        let (held, unfinished) = oneshot::channel();
        let attempt = self.state().attempt;
        let upload = Upload { source: self.clone(), meter, attempt, had: 0, over: false, _held: held };
        (upload, Unfinished(unfinished))
    }

    /// Ends the body of the current attempt with an error.
    pub(crate) fn cancel(&self) {
        let mut state = self.state();
        state.attempt += 1;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether another attempt would have the whole body.
    pub(crate) fn can_repeat(&self) -> bool {
        let state = self.state();
        state.failure.is_none()
            && match &state.kept {
                Kept::All { .. } => true,
                // Nothing was read, so nothing is missing.
                Kept::NotAll => state.body.is_none() && state.read == 0,
            }
    }

    /// Whether no attempt has read anything of the caller's body.
    pub(crate) fn untouched(&self) -> bool {
        let state = self.state();
        state.read == 0 && state.failure.is_none()
    }

    /// Why the body itself put an end to the request.
    pub(crate) fn failure(&self) -> Option<EgressError> {
        self.state().failure.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Unfinished ===

impl Unfinished {
    pub(crate) fn is_finished(&mut self) -> bool {
        matches!(self.0.try_recv(), Err(oneshot::error::TryRecvError::Closed))
    }

    /// Waits until the body is held no more.
    pub(crate) async fn finished(&mut self) {
        // Nothing is ever sent: the sender goes.
        let _ = (&mut self.0).await;
    }
}

// === impl State ===

impl State {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, EgressError>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = match Pin::new(body).poll_frame(cx) {
            Poll::Pending => {
                self.waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(frame) => frame,
        };
        let frame = match frame {
            None => {
                self.body = None;
                return Poll::Ready(None);
            }
            Some(Err(BodyError::Egress(error))) => return Poll::Ready(Some(Err(error))),
            Some(Err(error)) => {
                return Poll::Ready(Some(Err(EgressError::Source { why: crate::error::causes(&error) })));
            }
            Some(Ok(frame)) => frame,
        };
        if let Some(data) = frame.data_ref() {
            self.read = self.read.saturating_add(data.len() as u64);
            if self.read > self.most {
                return Poll::Ready(Some(Err(EgressError::RequestTooLarge { most: self.most })));
            }
            self.kept.piece(data);
        }
        if let Some(trailers) = frame.trailers_ref() {
            if check_size(trailers).is_err() {
                let host = self.host.to_string();
                return Poll::Ready(Some(Err(EgressError::HeadersTooLarge { host, message: Message::Request })));
            }
            self.kept.trailers(trailers);
            self.body = None;
        }
        Poll::Ready(Some(Ok(frame)))
    }
}

// === impl Kept ===

impl Kept {
    fn piece(&mut self, data: &Bytes) {
        if let Self::All { pieces, bytes, .. } = self {
            *bytes = bytes.saturating_add(data.len());
            if *bytes > limits::REPLAY || pieces.len() >= limits::REPLAY_PIECES {
                *self = Self::NotAll;
            } else {
                pieces.push_back(data.clone());
            }
        }
    }

    fn trailers(&mut self, fields: &HeaderMap) {
        if let Self::All { trailers, .. } = self {
            *trailers = Some(fields.clone());
        }
    }
}

// === impl Upload ===

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(None);
        }
        let mut state = this.source.state();
        if state.attempt != this.attempt {
            drop(state);
            this.over = true;
            return Poll::Ready(Some(Err(BodyError::Over)));
        }
        if let Kept::All { pieces, trailers, .. } = &state.kept {
            if let Some(piece) = pieces.get(this.had) {
                let piece = piece.clone();
                this.had += 1;
                state.counts.sent(piece.len());
                this.meter.handed(piece.len());
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            if state.body.is_none() {
                let trailers = trailers.clone();
                drop(state);
                this.over = true;
                return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
            }
        }
        match state.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => {
                drop(state);
                this.over = true;
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => {
                state.body = None;
                state.failure = Some(error.clone());
                drop(state);
                this.over = true;
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(Some(Ok(frame))) => {
                let data = frame.data_ref().map(Bytes::len);
                if let Some(bytes) = data {
                    state.counts.sent(bytes);
                    this.meter.handed(bytes);
                    this.had += 1;
                }
                drop(state);
                this.over = data.is_none();
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let state = self.source.state();
        self.over
            || state.attempt == self.attempt
                && state.body.is_none()
                && state.failure.is_none()
                && match &state.kept {
                    Kept::All { pieces, trailers, .. } => pieces.len() <= self.had && trailers.is_none(),
                    Kept::NotAll => true,
                }
    }

    fn size_hint(&self) -> SizeHint {
        let state = self.source.state();
        let kept = match &state.kept {
            Kept::All { pieces, .. } => pieces.iter().skip(self.had).map(Bytes::len).sum::<usize>() as u64,
            Kept::NotAll => 0,
        };
        let rest = state.body.as_ref().map_or_else(|| SizeHint::with_exact(0), http_body::Body::size_hint);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(kept));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(kept)) {
            hint.set_upper(upper);
        }
        hint
    }
}
