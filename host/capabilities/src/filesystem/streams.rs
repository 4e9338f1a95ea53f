//! Streams from and to files: bounded, and counted into what was opened.

use std::{fs::File, io, mem, sync::Arc};

use bytes::Bytes;
use cofferdam_policy::Capability;
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi::{
    async_trait,
    p2::{DynInputStream, InputStream, OutputStream, Pollable, StreamError, StreamResult},
};

use super::{
    change::{self, At},
    disk::blocking,
    node::Node,
    why::Why,
};
use crate::effects::Recorder;

/// Bytes that are taken at a time; as many as are read at a time.
const CAPACITY: usize = 64 * 1024;

/// Counts what is read from a file.
pub(super) struct Input {
    pub(super) inner: DynInputStream,
    /// Keeps it open, too: the descriptor may be gone.
    pub(super) node: Node,
}

impl Input {
    fn counted(&self, result: StreamResult<Bytes>) -> StreamResult<Bytes> {
        if let Ok(bytes) = &result {
            self.node.received(bytes.len() as u64);
        }
        result
    }
}

#[async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {
        self.inner.ready().await;
    }
}

#[async_trait]
impl InputStream for Input {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let result = self.inner.read(size);
        self.counted(result)
    }

    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        let result = self.inner.blocking_read(size).await;
        self.counted(result)
    }

    async fn cancel(&mut self) {
        self.inner.cancel().await;
    }
}

/// A file that is written, and what says whether it may be.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) file: Arc<File>,
    pub(super) node: Node,
    pub(super) recorder: Recorder,
}

impl Target {
    /// Writes all of it, as soon as nobody else changes the directory.
    pub(super) async fn write(&self, at: At, bytes: Bytes) -> Result<(), Why> {
        let length = bytes.len() as u64;
        let result = match self.node.root.account().await {
            Ok(mut account) => {
                let file = self.file.clone();
                blocking(move || change::write(&file, at, &bytes, &mut account)).await
            }
            Err(why) => Err(why),
        };
        match &result {
            Ok(()) => self.node.sent(length),
            // Beside the opening, which went well.
            Err(why) => {
                let effect = self.recorder.begin(Capability::Filesystem, "write", &self.node.path);
                why.tell(effect);
            }
        }
        result
    }
}

/// Writes to a file.
pub(super) struct Output {
    target: Target,
    at: At,
    state: State,
}

enum State {
    Ready,
    /// So many bytes are being written.
    Busy(AbortOnDropHandle<Result<(), Why>>, u64),
    Failed(Why),
    Closed,
}

impl Output {
    pub(super) fn new(target: Target, at: At) -> Self {
        Self { target, at, state: State::Ready }
    }

    fn failed(&mut self) -> StreamResult<()> {
        match mem::replace(&mut self.state, State::Closed) {
            State::Failed(why) => Err(StreamError::LastOperationFailed(why.into())),
            State::Closed => Err(StreamError::Closed),
            state => {
                self.state = state;
                Ok(())
            }
        }
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {
        let State::Busy(task, bytes) = &mut self.state else { return };
        let done = task.await.unwrap_or_else(|error| Err(Why::Io(io::Error::other(error))));
        self.state = match done {
            Ok(()) => {
                if let At::Position(position) = &mut self.at {
                    *position = position.saturating_add(*bytes);
                }
                State::Ready
            }
            Err(why) => State::Failed(why),
        };
    }
}

#[async_trait]
impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.failed()?;
        if !matches!(self.state, State::Ready) || bytes.len() > CAPACITY {
            return Err(StreamError::trap("it wrote more than it was told that it may"));
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let (target, at, length) = (self.target.clone(), self.at, bytes.len() as u64);
        let task = tokio::spawn(async move { target.write(at, bytes).await });
        self.state = State::Busy(AbortOnDropHandle::new(task), length);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        // Nothing is kept back.
        self.failed()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.failed()?;
        Ok(if matches!(self.state, State::Ready) { CAPACITY } else { 0 })
    }

    /// Waits for what is being written: a guest cannot leave writes behind by dropping their streams.
    async fn cancel(&mut self) {
        self.ready().await;
        self.state = State::Closed;
    }
}
