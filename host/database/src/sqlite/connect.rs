//! A connection that can do as little as possible, before any guest's statement.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, Error, ErrorCode, OpenFlags, config::DbConfig, limits::Limit};
use tokio::time::Instant;

use crate::{Access, limits};

/// Opens the file.
pub(crate) fn open(file: &Path, access: Access, deadline: Instant) -> Result<Connection, Error> {
    let mode = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    // One thread at a time has it: no locks of its own.
    let connection = Connection::open_with_flags(file, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(CONVERTING)?;
    restrict(&connection)?;
    match access {
        Access::Read => connection.pragma_update(None, "query_only", true)?,
        // The file keeps it: it is done once. While somebody reads it cannot be done, and is at another time.
        Access::Write => match connection.pragma_update(None, "journal_mode", "wal") {
            Err(e) if e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
            done => done?,
        },
    }
    connection.busy_timeout(deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)))?;
    Ok(connection)
}

/// Makes an empty database.
pub(crate) fn create(file: &Path) -> Result<(), Error> {
    let mode = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(file, mode)?.pragma_update(None, "journal_mode", "wal")
}

/// Whether the file is a database.
pub(crate) fn check(file: &Path) -> Result<(), Error> {
    let mode = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, mode)?;
    match connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(())) {
        // Somebody is at work on it.
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
        outcome => outcome,
    }
}

/// Turns off what a file could do to who reads it, and what SQL could do beyond its rows.
fn restrict(connection: &Connection) -> Result<(), Error> {
    use DbConfig as Config;
    for (setting, on) in [
        (Config::SQLITE_DBCONFIG_DEFENSIVE, true),
        (Config::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (Config::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
        (Config::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
        (Config::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
        (Config::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
        // A misspelt column is an error, and not its own name as text.
        (Config::SQLITE_DBCONFIG_DQS_DML, false),
        (Config::SQLITE_DBCONFIG_DQS_DDL, false),
        (Config::SQLITE_DBCONFIG_ENABLE_FKEY, true),
    ] {
        connection.set_db_config(setting, on)?;
    }
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    // Of all of SQLite in this process; it can only be lowered.
    connection.pragma_update(None, "hard_heap_limit", limits::SQLITE_MEMORY)?;
    for (limit, most) in [
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 100),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 500),
        (Limit::SQLITE_LIMIT_PARSER_DEPTH, 500),
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, 127),
        // Matching takes the pattern's length times the text's.
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 500),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, limits::SQLITE_PARAMETERS),
    ] {
        connection.set_limit(limit, most)?;
    }
    Ok(())
}

/// How long a file that has no write-ahead log yet is waited for to get one.
const CONVERTING: Duration = Duration::from_millis(100);
