//! Threads with a connection each, and the queue before them.

use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

/// Operations that wait for a thread. Each may hold the values it is to write; whoever comes when it is full waits
/// before it, holding no more than before.
const QUEUE: usize = 64;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A queue and its threads, which end when it is dropped.
pub(super) struct Lane {
    jobs: mpsc::Sender<Job>,
}

impl Lane {
    /// A thread for each connection.
    pub(super) fn start(name: &str, connections: Vec<Connection>) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        for mut connection in connections {
            let queue = Arc::clone(&queue);
            let serve = move || {
                // The lock is held while waiting for a job, by one thread, and given up before doing it.
                let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
                while let Some(job) = next() {
                    job(&mut connection);
                }
            };
            thread::Builder::new().name(name.to_owned()).spawn(serve)?;
        }
        Ok(Self { jobs })
    }

    /// Runs `work` on one of the threads; `None` if there is none any more. Work that nobody waits for any longer when
    /// its turn comes is not begun.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let job = move |connection: &mut Connection| {
            if !answer.is_closed() {
                // Whoever asked may have left meanwhile.
                answer.send(work(connection)).ok();
            }
        };
        self.jobs.send(Box::new(job)).await.ok()?;
        answered.await.ok()
    }

    /// Whether no thread serves the queue.
    pub(super) fn is_closed(&self) -> bool {
        self.jobs.is_closed()
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").finish_non_exhaustive()
    }
}
