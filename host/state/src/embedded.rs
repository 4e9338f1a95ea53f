//! The store in a file: SQLite, shared by the host processes of one user.
//!
//! **Durability.** The file is in WAL mode with `synchronous=NORMAL`. What was written is in the operating system's hands
//! when the call returns: the end of this process, however sudden, loses nothing. A power cut, or the end of the
//! operating system, may lose the last writes, those since the last checkpoint (a thousand pages) or flush; never half
//! of one, and never the file. `FULL` would wait for the disk in every write, some milliseconds each, and would hand
//! guests a way to keep the disk of the whole machine busy.
//!
//! **Threads.** SQLite blocks, so it has threads of its own ([`lane`]): one that writes, since SQLite lets only one write
//! at a time anyway, and two that read meanwhile from a snapshot. Tokio's pool for blocking work was rejected: writers
//! that wait for each other, or for another process, would fill it, and files of guests wait for the same pool.
//!
//! **Other processes** wait for each other at `BEGIN IMMEDIATE`, the one point where a write takes its lock, so that no
//! transaction has to give up half way.

mod connection;
mod fault;
mod file;
mod lane;
mod layout;

use std::{fmt, path::Path, path::PathBuf, sync::Arc, time::Duration};

use backon::{BlockingRetryable as _, ConstantBuilder};
use rusqlite::{Connection, Transaction, TransactionBehavior};

pub(crate) use self::fault::Fault;
use self::{file::Identity, lane::Lane};
use crate::{KeyValueError, StateError};

/// Threads that read. More than one, so that a large answer does not hold up a small one.
const READERS: usize = 2;

/// How long one operation may take in all: waiting for its turn, for other processes, and for the disk.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often an operation that would take too long at once is begun again, each time with less to do.
const TURNS: usize = 1000;

/// How SQLite's "busy" is met where its own waiting does not cover it: while another process recovers or closes the
/// file. Both are short.
const RETRY: ConstantBuilder = ConstantBuilder::new().with_delay(Duration::from_millis(20)).with_max_times(3);

/// An open file.
pub(crate) struct Embedded {
    file: Arc<PathBuf>,
    identity: Identity,
    writer: Lane,
    readers: Lane,
}

impl Embedded {
    /// Opens the file, and makes it if there is none.
    pub(crate) async fn open(file: &Path) -> Result<Self, StateError> {
        let path = file.to_owned();
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(&path)).await;
        opened.unwrap_or_else(|_| Err(StateError::File { file: file.to_owned(), what: "opening it failed".to_owned() }))
    }

    fn open_blocking(file: &Path) -> Result<Self, StateError> {
        let failed = |what: String| StateError::File { file: file.to_owned(), what };
        let identity = file::prepare(file)?;
        let writer = connection::open_writer(file)?;
        let readers = (0..READERS).map(|_| connection::open_reader(file)).collect::<Result<_, _>>()?;
        let start = |name, connections| {
            Lane::start(name, connections).map_err(|error| failed(format!("no thread for it: {error}")))
        };
        let (writer, readers) = (start("state-writer", vec![writer])?, start("state-reader", readers)?);
        Ok(Self { file: Arc::new(file.to_owned()), identity, writer, readers })
    }

    /// Reads from one snapshot.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, KeyValueError> {
        self.run(&self.readers, TransactionBehavior::Deferred, work).await
    }

    /// Writes, in one transaction that is committed when `work` returns a value, or an answer of its own
    /// ([`Fault::Said`]): answers come before anything is changed that they would have to take back.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, KeyValueError> {
        self.run(&self.writer, TransactionBehavior::Immediate, work).await
    }

    async fn run<T: Send + 'static>(
        &self,
        lane: &Lane,
        behavior: TransactionBehavior,
        work: impl Fn(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, KeyValueError> {
        let job = move |connection: &mut Connection| {
            for _ in 0..TURNS {
                match (|| transact(connection, behavior, &work)).retry(RETRY).when(Fault::is_busy).call() {
                    Err(Fault::Again) => {}
                    result => return result,
                }
            }
            Err(Fault::Again)
        };
        match tokio::time::timeout(PATIENCE, lane.run(job)).await {
            Ok(Some(result)) => result.map_err(|fault| fault.into_error(&self.file)),
            Ok(None) => Err(self.away("the thread that serves it has ended; restart the host")),
            Err(_) => Err(self.away(&format!("not done within {} s; it is overloaded", PATIENCE.as_secs()))),
        }
    }

    /// Whether the file answers, and still is the one that was opened.
    pub(crate) async fn check(&self) -> Result<(), KeyValueError> {
        let read = |transaction: &Transaction<'_>| Ok(transaction.query_row("SELECT 1", [], |_| Ok(()))?);
        self.read(read).await?;
        if self.writer.is_closed() {
            return Err(self.away("the thread that writes has ended; restart the host"));
        }
        let file = Arc::clone(&self.file);
        let now = tokio::task::spawn_blocking(move || Identity::of(&file)).await;
        match now {
            Ok(Ok(now)) if now == self.identity => Ok(()),
            // SQLite would go on in a file without a name, and what is written would be gone at the end.
            _ => Err(self.away("the file was removed or replaced while open; restart the host")),
        }
    }

    fn away(&self, why: &str) -> KeyValueError {
        KeyValueError::Unavailable { store: self.file.display().to_string(), why: why.to_owned() }
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").field("file", &self.file).finish_non_exhaustive()
    }
}

fn transact<T>(
    connection: &mut Connection,
    behavior: TransactionBehavior,
    work: impl Fn(&Transaction<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let transaction = connection.transaction_with_behavior(behavior)?;
    if layout::version(&transaction)? != layout::VERSION {
        return Err(Fault::Outdated);
    }
    let result = work(&transaction);
    match result {
        // Dropping the transaction rolls it back.
        Err(Fault::Sql(error)) => Err(Fault::Sql(error)),
        result => {
            transaction.commit()?;
            result
        }
    }
}
