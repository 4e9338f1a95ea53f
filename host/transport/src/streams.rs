//! Requests and streams that are open at a time, counted until their last byte is sent.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use cofferdam_protocol::RequestId;
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};
use tracing::Instrument;

/// What holds a place for as long as a response is on its way.
#[derive(Clone, Debug)]
pub(crate) struct Streams {
    places: Arc<Semaphore>,
    /// Requests whose answer a client waits for. What a client merely listens to is not among them.
    pub(crate) answering: TaskTracker,
}

impl Streams {
    pub(crate) fn new(most: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(most)), answering: TaskTracker::new() }
    }
}

/// Gives each request an id, which its lines of log and its response bear.
pub(crate) async fn name(mut request: Request, next: Next) -> Response {
    let id = RequestId::fresh();
    let span = tracing::info_span!("request", request = id.as_str());
    let header = HeaderValue::from_str(id.as_str());
    request.extensions_mut().insert(id);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(header) = header {
        response.headers_mut().insert("x-request-id", header);
    }
    response
}

/// Takes a place for each request, or says that there is none.
pub(crate) async fn count(State(streams): State<Streams>, request: Request, next: Next) -> Response {
    let Ok(place) = streams.places.clone().try_acquire_owned() else {
        tracing::warn!("refused: `http.max_streams` requests and streams are open");
        return busy("too many requests and streams are open here: try again\n");
    };
    // A GET is a stream that a client listens to; a POST is answered, also when it is answered
    // with a stream.
    let answering = (request.method() == Method::POST).then(|| streams.answering.token());
    let held = Held { _place: place, _answering: answering };
    next.run(request).await.map(|body| Body::new(Holding { body, _held: held }))
}

pub(crate) fn busy(text: &'static str) -> Response {
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

struct Held {
    _place: OwnedSemaphorePermit,
    _answering: Option<TaskTrackerToken>,
}

pin_project_lite::pin_project! {
    struct Holding {
        #[pin]
        body: Body,
        _held: Held,
    }
}

impl http_body::Body for Holding {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
