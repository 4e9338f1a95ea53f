//! What SQLite's errors are here. Its words about a statement are passed on, but never those about a file.

use rusqlite::{Error, ErrorCode, ffi};

use crate::{ConstraintKind, SqlError, error::shown};

/// The error of a statement whose answer may have so many bytes.
pub(crate) fn within(error: &Error, sql: &str, most: u64) -> SqlError {
    match error.sqlite_error_code() {
        Some(ErrorCode::TooBig) => SqlError::TooLarge { what: "a value", most },
        _ => of(error, sql),
    }
}

/// The error of a statement, or of one of our own.
pub(crate) fn of(error: &Error, sql: &str) -> SqlError {
    let (code, message, offset) = match error {
        Error::SqliteFailure(code, message) => (code, message.as_deref(), None),
        Error::SqlInputError { error, msg, offset, .. } => (error, Some(msg.as_str()), usize::try_from(*offset).ok()),
        Error::MultipleStatement => return SqlError::NotOneStatement { why: "there is more after the first" },
        _ => return SqlError::Invalid { message: "SQLite does not accept it".to_owned(), position: None },
    };
    let words = || shown(message.unwrap_or("SQLite gave no reason"));
    match code.code {
        ErrorCode::ConstraintViolation => {
            SqlError::Constraint { kind: constraint(code.extended_code), message: words() }
        }
        ErrorCode::ReadOnly => SqlError::ReadOnly,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::SchemaChanged => {
            SqlError::Conflict { message: "the database is in use".to_owned() }
        }
        ErrorCode::OperationInterrupted => SqlError::Timeout,
        ErrorCode::OutOfMemory => {
            SqlError::TooLarge { what: "what the statement holds in memory", most: crate::limits::SQLITE_MEMORY.into() }
        }
        ErrorCode::AuthorizationForStatementDenied => SqlError::Denied { message: words() },
        ErrorCode::CannotOpen => SqlError::unavailable("SQLite cannot open the file, or the log beside it"),
        ErrorCode::NotADatabase => SqlError::unavailable("the file is no SQLite database"),
        ErrorCode::DatabaseCorrupt => SqlError::unavailable("the file is damaged"),
        ErrorCode::DiskFull => SqlError::unavailable("there is no space left"),
        ErrorCode::SystemIoFailure => SqlError::unavailable("reading or writing the file failed"),
        ErrorCode::PermissionDenied => SqlError::unavailable("the file may not be used"),
        _ => SqlError::Invalid { message: words(), position: offset.and_then(|at| character(sql, at)) },
    }
}

fn constraint(extended: i32) -> ConstraintKind {
    match extended {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            ConstraintKind::Unique
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ConstraintKind::ForeignKey,
        ffi::SQLITE_CONSTRAINT_NOTNULL => ConstraintKind::NotNull,
        ffi::SQLITE_CONSTRAINT_CHECK => ConstraintKind::Check,
        _ => ConstraintKind::Other,
    }
}

/// Which character, from 1, is at this byte.
fn character(sql: &str, at: usize) -> Option<u32> {
    u32::try_from(sql.get(..at)?.chars().count() + 1).ok()
}
