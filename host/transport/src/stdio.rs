//! One client, on standard input and output.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use cofferdam_gate::Gate;
use cofferdam_policy::Transport;
use cofferdam_protocol::McpServer;
use rmcp::{ServiceExt, service::ServerInitializeError, transport::io::stdio_pipes};
use thiserror::Error;
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::sync::CancellationToken;

/// Why serving on stdio ended badly.
#[derive(Debug, Error)]
#[error("stdio: {0}")]
pub struct StdioError(String);

/// Serves `server` until standard input ends or `closing` fires; then lets calls finish, for up to
/// `grace` when the host was told to end and for five seconds when the client left.
///
/// `over` is what the server was made with; it fires as soon as either happens, and ends what a
/// client only listens to.
///
/// # Errors
/// When the client does not speak the protocol. A client that connects, says nothing or only looks
/// around, and leaves, is no error.
pub async fn serve(
    server: McpServer,
    gate: Arc<Gate>,
    grace: Duration,
    closing: CancellationToken,
    over: CancellationToken,
) -> Result<(), StdioError> {
    let cut = CancellationToken::new();
    let (input, output) = stdio_pipes();
    let input = TellsItsEnd { input, over };
    let starting = server.for_connection(Transport::Stdio).serve_with_ct((input, output), cut.clone());
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

pin_project_lite::pin_project! {
    /// Standard input that says so when it ends. The library lets calls finish then, and would wait
    /// for what a client listens to as well, which never finishes by itself.
    struct TellsItsEnd<R> {
        #[pin]
        input: R,
        over: CancellationToken,
    }
}

impl<R: AsyncRead> AsyncRead for TellsItsEnd<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let before = buffer.filled().len();
        let read = ready!(this.input.poll_read(cx, buffer));
        if read.is_err() || (buffer.filled().len() == before && buffer.remaining() > 0) {
            this.over.cancel();
        }
        Poll::Ready(read)
    }
}
