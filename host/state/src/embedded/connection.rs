//! Connections to the file.

use std::{path::Path, time::Duration};

use backon::BlockingRetryable as _;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use super::{
    RETRY,
    fault::{is_busy, is_damage},
    layout::{self, Found},
};
use crate::{StateError, text::shown};

/// How long SQLite waits for a lock of another process. Their writes take milliseconds. With what [`RETRY`] adds, it is
/// less than anybody waits for an operation, so that who waited is told what for.
const BUSY: Duration = Duration::from_secs(2);

/// Bytes that the write-ahead log keeps on disk once its content is in the file.
const LOG: i64 = 16 << 20;

/// The connection that writes. Nothing in the file is changed unless it turns out to be ours.
pub(super) fn open_writer(file: &Path) -> Result<Connection, StateError> {
    let failed = |error: rusqlite::Error| explain(file, &error);
    let mut connection = open(file).map_err(failed)?;
    let found = (|| layout::look(&mut connection)).retry(RETRY).when(is_busy).call().map_err(failed)?;
    match found {
        Found::Empty => {}
        Found::Ours { version } if version <= layout::VERSION => {}
        Found::Ours { version: found } => {
            return Err(StateError::Newer { file: file.to_owned(), found, known: layout::VERSION });
        }
        Found::Foreign => return Err(StateError::Foreign { file: file.to_owned() }),
    }
    let mode = (|| connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0)))
        .retry(RETRY)
        .when(is_busy)
        .call()
        .map_err(failed)?;
    if mode != "wal" {
        let what = "its file system has no shared memory, as network file systems have none; name a local file";
        return Err(StateError::File { file: file.to_owned(), what: what.to_owned() });
    }
    connection.pragma_update(None, "journal_size_limit", LOG).map_err(failed)?;
    let advanced = || {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version = layout::advance(&transaction)?;
        transaction.commit().map(|()| version)
    };
    match advanced.retry(RETRY).when(is_busy).call().map_err(failed)? {
        layout::VERSION => Ok(connection),
        found => Err(StateError::Newer { file: file.to_owned(), found, known: layout::VERSION }),
    }
}

/// A connection that reads only, to a file that [`open_writer`] has opened.
pub(super) fn open_reader(file: &Path) -> Result<Connection, StateError> {
    let opened = open(file).and_then(|connection| {
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    });
    opened.map_err(|error| explain(file, &error))
}

fn open(file: &Path) -> rusqlite::Result<Connection> {
    // Without URIs: a file name is a file name. The file is there, see `file::prepare`.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY)?;
    // The file may have been altered: its schema runs nothing, and cells are looked at before they are believed.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "normal")?;
    Ok(connection)
}

fn explain(file: &Path, error: &rusqlite::Error) -> StateError {
    let (file, why) = (file.to_owned(), shown(&error.to_string()));
    if is_damage(error) {
        StateError::Corrupt { file, why }
    } else if is_busy(error) {
        StateError::File { file, what: "another process holds it and does not let go".to_owned() }
    } else {
        StateError::File { file, what: why }
    }
}
