//! A connection that counts what goes through it, and stops reading at more than bodies account for.
//!
//! Between the bodies that a caller reads, a server can send what nobody sees: interim answers, pings, settings, empty frames,
//! extensions of chunks. Each has a bound somewhere, or none. Here is one for all of them together, below the protocol.
//!
//! What is written tells whether the bodies of requests got out. A peer of HTTP/2 can give a stream no room, end its response
//! all the same, and have what waits for room stay in the connection after the exchange.

#[cfg(test)]
mod tests;

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits;

/// What has been read and what was allowed, shared by the connection and the exchanges upon it.
#[derive(Debug)]
pub(crate) struct Meter {
    read: AtomicU64,
    allowed: AtomicU64,
    tripped: AtomicBool,
    handed: AtomicU64,
    written: AtomicU64,
}

pin_project! {
    /// A stream that a [`Meter`] watches.
    #[derive(Debug)]
    pub(crate) struct Metered<S> {
        #[pin]
        stream: S,
        meter: Arc<Meter>,
    }
}

// === impl Meter ===

impl Meter {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            read: AtomicU64::new(0),
            allowed: AtomicU64::new(limits::OVERHEAD),
            tripped: AtomicBool::new(false),
            handed: AtomicU64::new(0),
            written: AtomicU64::new(0),
        })
    }

    /// One more exchange runs upon the connection.
    pub(crate) fn exchange(&self) {
        self.allow(limits::OVERHEAD_EXCHANGE);
    }

    /// These bytes of a body were read by whoever asked for them.
    pub(crate) fn body(&self, bytes: usize) {
        self.allow((bytes as u64).saturating_mul(1 + limits::OVERHEAD_BYTE));
    }

    /// Whether this ended the connection.
    pub(crate) fn tripped(&self) -> bool {
        self.tripped.load(Ordering::Relaxed)
    }

    /// These bytes of a request's body were handed to the connection.
    pub(crate) fn handed(&self, bytes: usize) {
        self.handed.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Whether bodies of requests wait in the connection. Heads and frames are written too, so that as many bytes of a
    /// body may go unnoticed.
    pub(crate) fn is_stuck(&self) -> bool {
        self.handed.load(Ordering::Relaxed) > self.written.load(Ordering::Relaxed)
    }

    fn wrote(&self, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &outcome {
            self.written.fetch_add(*bytes as u64, Ordering::Relaxed);
        }
        outcome
    }

    fn allow(&self, bytes: u64) {
        self.allowed.fetch_add(bytes, Ordering::Relaxed);
    }

    fn read(&self, bytes: usize) -> io::Result<()> {
        let read = self.read.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        if read > self.allowed.load(Ordering::Relaxed) {
            self.tripped.store(true, Ordering::Relaxed);
            return Err(io::Error::other("the server sends too much that is no part of a body"));
        }
        Ok(())
    }
}

// === impl Metered ===

impl<S> Metered<S> {
    pub(crate) fn new(stream: S, meter: Arc<Meter>) -> Self {
        Self { stream, meter }
    }
}

impl<S: AsyncRead> AsyncRead for Metered<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let before = buf.filled().len();
        ready!(this.stream.poll_read(cx, buf))?;
        Poll::Ready(this.meter.read(buf.filled().len().saturating_sub(before)))
    }
}

impl<S: AsyncWrite> AsyncWrite for Metered<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        this.meter.wrote(this.stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        this.meter.wrote(this.stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_shutdown(cx)
    }
}
