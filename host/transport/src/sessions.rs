//! Sessions of the older era.
//!
//! A session that is open costs a task and its buffers; one that is idle is closed after some
//! minutes. Clients do not take that well: several never recover from "no such session". So what
//! is needed to open it again, the parameters of its `initialize`, is remembered for a day.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use futures::Stream;
use moka::sync::Cache;
use rmcp::{
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::{
        common::server_side_http::ServerSseMessage,
        streamable_http_server::{
            SessionId, SessionManager,
            session::{
                RestoreOutcome, SessionState, SessionStore, SessionStoreError,
                local::{LocalSessionManager, LocalSessionManagerError},
            },
        },
    },
};
use thiserror::Error;

use crate::streams::busy;

/// How long a session may be idle before it is closed.
const IDLE: Duration = Duration::from_secs(5 * 60);
/// How long it can be opened again after that.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// Bytes of remembered parameters.
const MEMORY: u64 = 32 << 20;
/// Parameters that are larger are not remembered; honest ones have a few hundred bytes.
const LARGEST: usize = 64 << 10;

/// Open sessions, of which there is a bounded number.
#[derive(Debug)]
pub(crate) struct Sessions {
    inner: LocalSessionManager,
    most: usize,
}

pub(crate) fn manager(most: usize) -> Arc<Sessions> {
    let mut inner = LocalSessionManager::default();
    inner.session_config.keep_alive = Some(IDLE);
    Arc::new(Sessions { inner, most })
}

impl Sessions {
    async fn is_full(&self) -> bool {
        let full = self.inner.sessions.read().await.len() >= self.most;
        if full {
            tracing::warn!("refused: `http.max_sessions` sessions are open");
        }
        full
    }
}

/// Why a session cannot be had.
#[derive(Debug, Error)]
pub(crate) enum SessionError {
    #[error("too many sessions are open")]
    Full,
    #[error(transparent)]
    Local(#[from] LocalSessionManagerError),
}

/// The library's own, with a bound that no way to a new session leads around.
impl SessionManager for Sessions {
    type Error = SessionError;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), SessionError> {
        if self.is_full().await {
            return Err(SessionError::Full);
        }
        Ok(self.inner.create_session().await?)
    }

    async fn restore_session(&self, id: SessionId) -> Result<RestoreOutcome<Self::Transport>, SessionError> {
        if self.is_full().await {
            return Err(SessionError::Full);
        }
        Ok(self.inner.restore_session(id).await?)
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, SessionError> {
        Ok(self.inner.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, SessionError> {
        Ok(self.inner.has_session(id).await?)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), SessionError> {
        Ok(self.inner.close_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        Ok(self.inner.create_stream(id, message).await?)
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), SessionError> {
        Ok(self.inner.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        Ok(self.inner.create_standalone_stream(id).await?)
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        Ok(self.inner.resume(id, last_event_id).await?)
    }
}

/// Remembers sessions in this process.
#[derive(Debug)]
pub(crate) struct Remembered(Cache<String, Arc<str>>);

impl Remembered {
    pub(crate) fn new() -> Arc<Self> {
        let weigh = |id: &String, state: &Arc<str>| u32::try_from(id.len() + state.len()).unwrap_or(u32::MAX);
        Arc::new(Self(Cache::builder().max_capacity(MEMORY).weigher(weigh).time_to_idle(REMEMBERED).build()))
    }
}

#[async_trait::async_trait]
impl SessionStore for Remembered {
    async fn load(&self, id: &str) -> Result<Option<SessionState>, SessionStoreError> {
        self.0.get(id).map(|state| serde_json::from_str(&state)).transpose().map_err(Into::into)
    }

    async fn store(&self, id: &str, state: &SessionState) -> Result<(), SessionStoreError> {
        let state = serde_json::to_string(state)?;
        if state.len() <= LARGEST {
            self.0.insert(id.to_owned(), state.into());
        }
        Ok(())
    }

    async fn delete(&self, id: &str) -> Result<(), SessionStoreError> {
        self.0.invalidate(id);
        Ok(())
    }
}

/// Refuses requests that would open one session too many with words that a client understands.
pub(crate) async fn cap(State(sessions): State<Arc<Sessions>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    // Only the older era has sessions, and only its first request is without the session's id. What
    // a client says of itself here is not trusted: the manager has the last word.
    let modern = headers.get("mcp-protocol-version").is_some_and(|v| v.as_bytes() >= b"2026-07-28".as_slice());
    let opens = request.method() == Method::POST && !modern && !headers.contains_key("mcp-session-id");
    if opens && sessions.is_full().await {
        return busy("too many sessions are open here: try again\n");
    }
    next.run(request).await
}
