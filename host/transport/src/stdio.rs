//! One client, on standard input and output.

use std::{
    io::{self, Cursor},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use cofferdam_gate::Gate;
use cofferdam_policy::Transport;
use cofferdam_protocol::McpServer;
use rmcp::{ServiceExt, service::ServerInitializeError, transport::io::stdio_pipes};
use serde_json::Value;
use thiserror::Error;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader, ReadBuf};
use tokio_util::sync::CancellationToken;

/// Why serving on stdio ended badly.
#[derive(Debug, Error)]
#[error("stdio: {0}")]
pub struct StdioError(String);

/// Time for a message to get from one end of this process to the other.
const SETTLE: Duration = Duration::from_millis(50);
/// A line may be as long as the library reads.
const LONGEST_LINE: u64 = 16 << 20;

/// Serves `server` until standard input ends or `closing` fires; then lets calls finish, for up to
/// `grace`.
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
    let mut input = BufReader::new(input);
    let first = tokio::select! {
        () = closing.cancelled() => return Ok(()),
        first = first_request(&mut input) => first.map_err(|e| StdioError(e.to_string()))?,
    };
    let Some(first) = first else { return Ok(()) };
    let finished = {
        let gate = gate.clone();
        Box::pin(async move {
            // What was read last is still on its way to the gate.
            tokio::time::sleep(SETTLE).await;
            let _cut = tokio::time::timeout(grace, gate.idle()).await;
            tokio::time::sleep(SETTLE).await;
        })
    };
    let input = EndsLast { input: Cursor::new(first).chain(input), over, ended: false, finished };
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
            tokio::time::sleep(SETTLE).await;
            cut.cancel();
            waiting.await
        }
    };
    ended.map(drop).map_err(|e| StdioError(e.to_string()))
}

/// The first line that is a request; `None` when input ends before there is one.
///
/// The library gives up on a client that begins with anything else. A client that left a stray
/// notification, or a shell that printed a greeting, is no reason not to serve what comes next.
async fn first_request(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    loop {
        let mut line = Vec::new();
        if (&mut *input).take(LONGEST_LINE).read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        let message: Option<Value> = serde_json::from_slice(&line).ok();
        if message.is_some_and(|m| m.get("method").is_some() && m.get("id").is_some()) {
            return Ok(Some(line));
        }
        tracing::debug!(bytes = line.len(), "ignored a line before the first request");
    }
}

pin_project_lite::pin_project! {
    /// Standard input whose end comes after the answers to what was read from it.
    ///
    /// The library stops sending what plugins tell, and waits five seconds for answers, once its
    /// input ends; a script that pipes its requests in would lose what takes longer.
    struct EndsLast<R, F> {
        #[pin]
        input: R,
        over: CancellationToken,
        ended: bool,
        finished: F,
    }
}

impl<R: AsyncRead, F: Future<Output = ()> + Unpin> AsyncRead for EndsLast<R, F> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        if !*this.ended {
            let before = buffer.filled().len();
            let read = ready!(this.input.poll_read(cx, buffer));
            if read.is_ok() && (buffer.filled().len() > before || buffer.remaining() == 0) {
                return Poll::Ready(read);
            }
            *this.ended = true;
            // What a client only listens to never finishes by itself.
            this.over.cancel();
        }
        Pin::new(this.finished).poll(cx).map(Ok)
    }
}
