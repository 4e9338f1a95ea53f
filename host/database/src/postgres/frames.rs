//! The longest message of a server.
//!
//! The client library reads a message whole, and the protocol allows a gigabyte: one row, or one error that quotes a
//! value. This stands below the library, reads the length that each message begins with, and ends the connection at
//! one that is too long before its content is read.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use crate::limits;

/// How long a message may be just now; shared with who runs the statements.
#[derive(Debug)]
pub(crate) struct Longest {
    bytes: AtomicU64,
    exceeded: AtomicBool,
}

impl Longest {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { bytes: AtomicU64::new(limits::MESSAGE_ROOM), exceeded: AtomicBool::new(false) })
    }

    /// Sets it for an answer of so many bytes: what is sent may be longer than what is counted, by the lengths
    /// of short elements in an array.
    pub(crate) fn set(&self, answer: u64) {
        self.bytes.store(answer.saturating_mul(2).saturating_add(limits::MESSAGE_ROOM), Ordering::Relaxed);
    }

    /// Whether the connection ended for that reason.
    pub(crate) fn was_exceeded(&self) -> bool {
        self.exceeded.load(Ordering::Relaxed)
    }
}

/// A stream of messages: a kind of one byte, a length of four that counts itself, the content.
#[derive(Debug)]
pub(crate) struct Frames<S> {
    stream: S,
    longest: Arc<Longest>,
    /// The begun header.
    header: [u8; 5],
    /// How much of it there is.
    read: usize,
    /// Bytes of content to come.
    content: u64,
}

impl<S> Frames<S> {
    pub(crate) fn new(stream: S, longest: Arc<Longest>) -> Self {
        Self { stream, longest, header: [0; 5], read: 0, content: 0 }
    }

    /// Goes over what arrived.
    fn look(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.content > 0 {
                let skipped = usize::try_from(self.content).unwrap_or(usize::MAX).min(bytes.len());
                self.content -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            self.header[self.read] = bytes[0];
            self.read += 1;
            bytes = &bytes[1..];
            if self.read == self.header.len() {
                let [_, length @ ..] = self.header;
                self.read = 0;
                self.content = u64::from(u32::from_be_bytes(length)).saturating_sub(4);
                if self.content > self.longest.bytes.load(Ordering::Relaxed) {
                    self.longest.exceeded.store(true, Ordering::Relaxed);
                    return Err(io::Error::other("a message of the server is too long"));
                }
            }
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Frames<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        Poll::Ready(self.look(&buffer.filled()[before..]))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Frames<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Frames<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

/// Makes a connection TLS and watches what comes out of it.
pub(crate) struct Watched<T> {
    tls: T,
    longest: Arc<Longest>,
}

impl<T> Watched<T> {
    pub(crate) fn new(tls: T, longest: Arc<Longest>) -> Self {
        Self { tls, longest }
    }
}

impl<S, T> TlsConnect<S> for Watched<T>
where
    T: TlsConnect<S>,
    T::Future: Send + 'static,
{
    type Stream = Frames<T::Stream>;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, Self::Error>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let Self { tls, longest } = self;
        let connecting = tls.connect(stream);
        Box::pin(async move { Ok(Frames::new(connecting.await?, longest)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether messages of these contents pass, arriving in pieces of each size.
    fn passes(contents: &[usize], most: u64) -> bool {
        let stream: Vec<u8> = contents
            .iter()
            .flat_map(|length| {
                let header = u32::try_from(length + 4).unwrap().to_be_bytes();
                [vec![b'D'], header.to_vec(), vec![0xff; *length]].concat()
            })
            .collect();
        let results: Vec<bool> = (1..40)
            .map(|piece| {
                let longest = Longest::new();
                longest.bytes.store(most, Ordering::Relaxed);
                let mut frames = Frames::new((), longest.clone());
                let fine = stream.chunks(piece).all(|chunk| frames.look(chunk).is_ok());
                assert_eq!(fine, !longest.was_exceeded());
                fine
            })
            .collect();
        assert!(results.iter().all(|r| *r == results[0]), "however it is cut");
        results[0]
    }

    #[test]
    fn a_message_has_its_length_wherever_it_is_cut() {
        assert!(passes(&[0, 1, 100, 0, 100], 100));
        assert!(!passes(&[0, 1, 101], 100));
        assert!(!passes(&[100, 100, 100_000], 100));
    }
}
