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
use moka::sync::Cache;
use rmcp::transport::streamable_http_server::session::{
    SessionState, SessionStore, SessionStoreError, local::LocalSessionManager,
};

use crate::streams::busy;

/// How long a session may be idle before it is closed.
const IDLE: Duration = Duration::from_secs(5 * 60);
/// How long it can be opened again after that.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// Bytes of remembered parameters.
const MEMORY: u64 = 32 << 20;
/// Parameters that are larger are not remembered; honest ones have a few hundred bytes.
const LARGEST: usize = 64 << 10;

pub(crate) fn manager() -> Arc<LocalSessionManager> {
    let mut manager = LocalSessionManager::default();
    manager.session_config.keep_alive = Some(IDLE);
    Arc::new(manager)
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

/// How many sessions may be open.
#[derive(Clone, Debug)]
pub(crate) struct SessionCap {
    pub(crate) manager: Arc<LocalSessionManager>,
    pub(crate) most: usize,
}

/// Refuses requests that would open one session too many.
pub(crate) async fn cap(State(cap): State<SessionCap>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    // Only the older era has sessions, and only its first request is without the session's id.
    let modern = headers.get("mcp-protocol-version").is_some_and(|v| v.as_bytes() >= b"2026-07-28".as_slice());
    let opens = request.method() == Method::POST && !modern && !headers.contains_key("mcp-session-id");
    if opens && cap.manager.sessions.read().await.len() >= cap.most {
        tracing::warn!("refused: `http.max_sessions` sessions are open");
        return busy("too many sessions are open here: try again\n");
    }
    next.run(request).await
}
