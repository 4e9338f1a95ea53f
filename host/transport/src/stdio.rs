//! One client, on standard input and output.

use std::{sync::Arc, time::Duration};

use cofferdam_gate::Gate;
use cofferdam_policy::Transport;
use cofferdam_protocol::McpServer;
use rmcp::{ServiceExt, service::ServerInitializeError, transport::io::stdio_pipes};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

/// Why serving on stdio ended badly.
#[derive(Debug, Error)]
#[error("stdio: {0}")]
pub struct StdioError(String);

/// Serves `server` until standard input ends or `closing` fires; then lets calls finish for up to
/// `grace`.
///
/// # Errors
/// When the client does not speak the protocol. A client that connects, says nothing or only looks
/// around, and leaves, is no error.
pub async fn serve(
    server: McpServer,
    gate: Arc<Gate>,
    grace: Duration,
    closing: CancellationToken,
) -> Result<(), StdioError> {
    let cut = CancellationToken::new();
    let starting = server.for_connection(Transport::Stdio).serve_with_ct(stdio_pipes(), cut.clone());
    let running = tokio::select! {
        () = closing.cancelled() => return Ok(()),
        running = starting => match running {
            Ok(running) => running,
            Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
            Err(error) => return Err(StdioError(error.to_string())),
        }
    };
    let waiting = running.waiting();
    tokio::pin!(waiting);
    let ended = tokio::select! {
        ended = &mut waiting => ended,
        () = closing.cancelled() => {
            if tokio::time::timeout(grace, gate.idle()).await.is_err() {
                tracing::warn!("the grace period is over");
            }
            // What the last call answered has to leave through the pipe.
            tokio::time::sleep(Duration::from_millis(50)).await;
            cut.cancel();
            waiting.await
        }
    };
    ended.map(drop).map_err(|e| StdioError(e.to_string()))
}
