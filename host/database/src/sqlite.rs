//! SQLite: a file, and sessions on it.
//!
//! Every session opens the file anew, in a thread of its own, and closes it at its end: there is no state of a
//! connection that could reach the next guest, and opening costs less than a millisecond. The write-ahead log lets
//! readers and one writer work at the same time.
//!
//! # Types
//!
//! SQLite's columns have no types, values have. What a column declares is a hint that is followed if the value fits:
//!
//! | declared | stored | here |
//! |---|---|---|
//! | `BOOLEAN`, `BOOL` | the integers 0 and 1 | boolean |
//! | `DATE` | a date's text | date |
//! | `TIME` | a time's text | time |
//! | `DATETIME`, `TIMESTAMP`.. | a date and time, with `T` or a space | timestamp; with an offset or `Z`, instant |
//! | `DECIMAL`.., `NUMERIC`.. | digits as text, an integer | decimal |
//! | `UUID` | a UUID's text, or 16 bytes | UUID |
//! | `JSON` | a document's text, an integer | JSON |
//! | anything, or an expression | integer, real, text, blob | integer, float, text, binary |
//!
//! What does not fit is what it is stored as. Mind that a column declared `DECIMAL` has SQLite's numeric affinity:
//! it stores `12.30` as a binary float, which comes out as a float, since its digits are gone. Declared
//! `DECIMAL TEXT` it keeps the text.
//!
//! Parameters are bound as what SQLite has: a boolean as 0 or 1, everything with a text form as its (normal) text,
//! arrays and vectors as JSON text, which `json_each` takes apart: `WHERE id IN (SELECT value FROM json_each(?1))`.
//! Placeholders are `?1`, or `$1` as on PostgreSQL, or `?` alone; names are not supported.

mod authorize;
mod bind;
mod column;
mod connect;
mod errors;
mod hold;
mod run;

use std::{
    fmt, io,
    path::{Path, PathBuf, absolute},
    sync::Arc,
};

use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
    task::spawn_blocking,
    time::{Instant, timeout_at},
};

use crate::{
    Access, Create, OpenError, SqlError, limits,
    session::{Session, session},
    statement::Dialect,
};

/// A file, and how many are at it.
#[derive(Clone)]
pub(crate) struct Sqlite {
    file: Arc<PathBuf>,
    sessions: Arc<Semaphore>,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sqlite(..)")
    }
}

impl Sqlite {
    pub(crate) async fn open(name: &str, file: &Path, create: Create) -> Result<Self, OpenError> {
        let wrong = |why: &str| OpenError::File { name: name.to_owned(), why: why.to_owned() };
        // Absolute, it is never one of the names that mean something to SQLite: empty, `:memory:`, `file:..`.
        let file = absolute(file).map_err(|_| wrong("the file's name is empty"))?;
        let found = file.clone();
        let made = spawn_blocking(move || match found.metadata() {
            Ok(metadata) if metadata.is_file() => connect::check(&found).map_err(|_| "it is no SQLite database"),
            Ok(_) => Err("it is no file"),
            Err(e) if e.kind() == io::ErrorKind::NotFound => match create {
                Create::Never => Err("there is no such file; make it, or let it be made when it is missing"),
                Create::IfMissing => connect::create(&found)
                    .map_err(|_| "the file cannot be made: its directory must exist and be writable"),
            },
            Err(_) => Err("the file cannot be looked at"),
        });
        made.await.map_err(|_| wrong("opening it failed"))?.map_err(wrong)?;
        Ok(Self { file: Arc::new(file), sessions: Arc::new(Semaphore::new(limits::SQLITE_SESSIONS)) })
    }

    /// Takes a thread and begins.
    pub(crate) async fn begin(&self, access: Access, deadline: Instant) -> Result<Session, SqlError> {
        let permit = timeout_at(deadline, self.sessions.clone().acquire_owned())
            .await
            .map_err(|_| SqlError::Timeout)?
            .map_err(|_| SqlError::Closed)?;
        let (session, commands) = session(Dialect::Sqlite, access, deadline);
        let (ready, begun) = oneshot::channel();
        let (file, runtime) = (self.file.clone(), Handle::current());
        spawn_blocking(move || {
            hold::run(&file, access, deadline, ready, commands, &runtime);
            // Kept as long as the thread is at work, whoever still waits for it.
            drop(permit);
        });
        match timeout_at(deadline + limits::GRACE, begun).await {
            Ok(begun) => begun.map_err(|_| SqlError::Closed)??,
            Err(_) => return Err(SqlError::Timeout),
        }
        Ok(session)
    }
}
