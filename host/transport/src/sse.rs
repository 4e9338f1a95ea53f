//! HTTP+SSE, the transport of 2024-11-05, for clients that know no other.
//!
//! A GET opens a stream; its first event says where to POST. What is posted is answered with 202
//! and its result comes on the stream. The protocol library has no server for it any more; what it
//! has is a server over any pair of a stream and a sink, which is what a session is here.

use std::{
    collections::HashMap,
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Query, Request, State},
    http::{HeaderValue, StatusCode, request::Parts},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use cofferdam_policy::Transport;
use cofferdam_protocol::McpServer;
use futures::{Stream, StreamExt, sink};
use rmcp::{
    ServiceExt,
    model::{ClientJsonRpcMessage, ClientNotification, GetExtensions, JsonRpcMessage, RequestId, ServerJsonRpcMessage},
};
use serde::Deserialize;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};
use uuid::Uuid;

use crate::streams::busy;

/// Messages on their way in either direction; a peer that is further ahead waits.
const BACKLOG: usize = 32;
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Open sessions by id.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    open: Arc<Mutex<HashMap<Uuid, Session>>>,
    server: McpServer,
    most: usize,
    body: usize,
    answering: TaskTracker,
    closed: CancellationToken,
}

#[derive(Clone, Debug)]
struct Session {
    incoming: mpsc::Sender<ClientJsonRpcMessage>,
    /// Requests that were posted and whose result has not left yet.
    unanswered: Arc<Mutex<HashMap<RequestId, TaskTrackerToken>>>,
}

impl Sessions {
    pub(crate) fn new(
        server: McpServer,
        most: usize,
        body: usize,
        answering: TaskTracker,
        closed: CancellationToken,
    ) -> Self {
        Self { open: Arc::default(), server, most, body, answering, closed }
    }

    pub(crate) fn router(self) -> Router {
        Router::new().route("/sse", get(open)).route("/messages", post(receive)).with_state(self)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn open(State(sessions): State<Sessions>) -> Response {
    let id = Uuid::new_v4();
    let (incoming, from_client) = mpsc::channel(BACKLOG);
    let (to_client, outgoing) = mpsc::channel::<ServerJsonRpcMessage>(BACKLOG);
    let session = Session { incoming, unanswered: Arc::default() };
    {
        let mut open = sessions.lock();
        if open.len() >= sessions.most {
            tracing::warn!("refused: `http.max_sessions` sessions are open");
            return busy("too many sessions are open here: try again\n");
        }
        open.insert(id, session.clone());
    }
    let ends = sessions.closed.child_token();
    let sink = sink::unfold(to_client, |to_client, message| async move {
        to_client.send(message).await.map_err(|_| std::io::Error::from(std::io::ErrorKind::BrokenPipe))?;
        Ok::<_, std::io::Error>(to_client)
    });
    let server = sessions.server.for_connection(Transport::Sse);
    let token = ends.clone();
    tokio::spawn(async move {
        let transport = (Box::pin(sink), ReceiverStream::new(from_client));
        match server.serve_with_ct(transport, token).await {
            Ok(running) => drop(running.waiting().await),
            Err(error) => tracing::debug!(%error, "a session ended before it began"),
        }
    });
    let endpoint = Event::default().event("endpoint").data(format!("/messages?sessionId={id}"));
    let unanswered = session.unanswered;
    let messages = ReceiverStream::new(outgoing).map(move |message| {
        if let JsonRpcMessage::Response(response) = &message {
            unanswered.lock().unwrap_or_else(PoisonError::into_inner).remove(&response.id);
        } else if let JsonRpcMessage::Error(error) = &message
            && let Some(id) = &error.id
        {
            unanswered.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        }
        let text = serde_json::to_string(&message).unwrap_or_default();
        Ok::<_, Infallible>(Event::default().event("message").data(text))
    });
    let leaving = Leaving { id, sessions, _ends: ends.clone().drop_guard() };
    let events = futures::stream::once(async { Ok(endpoint) }).chain(messages).take_until(ends.cancelled_owned());
    let stream = Held { events: Box::pin(events), _leaving: leaving };
    let mut response = Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    // Proxies that buffer would hold each event back.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// Ends a session when its stream does.
struct Leaving {
    id: Uuid,
    sessions: Sessions,
    _ends: DropGuard,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.sessions.lock().remove(&self.id);
    }
}

struct Held {
    events: Pin<Box<dyn Stream<Item = Result<Event, Infallible>> + Send>>,
    _leaving: Leaving,
}

impl Stream for Held {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.as_mut().poll_next(cx)
    }
}

#[derive(Debug, Deserialize)]
struct Address {
    #[serde(rename = "sessionId")]
    session: String,
}

async fn receive(State(sessions): State<Sessions>, Query(address): Query<Address>, request: Request) -> Response {
    let session = address.session.parse().ok().and_then(|id: Uuid| sessions.lock().get(&id).cloned());
    let Some(session) = session else {
        return (StatusCode::NOT_FOUND, "no such session: open one at /sse\n").into_response();
    };
    let (parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, sessions.body).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than `http.max_body` allows\n").into_response();
    };
    match message(&bytes, parts) {
        None => (StatusCode::BAD_REQUEST, "the body is no JSON-RPC message\n").into_response(),
        Some(message) => deliver(&sessions, &session, message).await,
    }
}

fn message(bytes: &Bytes, parts: Parts) -> Option<ClientJsonRpcMessage> {
    let mut message: ClientJsonRpcMessage = serde_json::from_slice(bytes).ok()?;
    if let JsonRpcMessage::Request(request) = &mut message {
        // Where the handler finds headers and principal.
        request.request.extensions_mut().insert(parts);
    }
    Some(message)
}

async fn deliver(sessions: &Sessions, session: &Session, message: ClientJsonRpcMessage) -> Response {
    if let JsonRpcMessage::Request(request) = &message {
        let token = sessions.answering.token();
        session.unanswered.lock().unwrap_or_else(PoisonError::into_inner).insert(request.id.clone(), token);
    }
    if let JsonRpcMessage::Notification(notification) = &message
        && let ClientNotification::CancelledNotification(cancelled) = &notification.notification
        && let Some(id) = &cancelled.params.request_id
    {
        // It will have no answer, and nobody waits for one.
        session.unanswered.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
    match session.incoming.try_send(message) {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(TrySendError::Full(message)) => match session.incoming.send(message).await {
            Ok(()) => StatusCode::ACCEPTED.into_response(),
            Err(_closed) => StatusCode::GONE.into_response(),
        },
        Err(TrySendError::Closed(_)) => StatusCode::GONE.into_response(),
    }
}
