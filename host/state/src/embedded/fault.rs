//! What ends a transaction early.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::{KeyValueError, text::shown};

/// What ends a transaction early.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The database failed. Everything is rolled back.
    Sql(rusqlite::Error),
    /// A newer version of this program has changed the tables since they were opened.
    Outdated,
    /// What was done so far is to be kept, and the operation begun again: it would hold up everybody else for too long.
    Again,
    /// The operation has this answer. Said before anything but clearing away was done, which is kept.
    Said(KeyValueError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<KeyValueError> for Fault {
    fn from(error: KeyValueError) -> Self {
        Self::Said(error)
    }
}

impl Fault {
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Self::Sql(error) if is_busy(error))
    }

    pub(super) fn into_error(self, file: &Path) -> KeyValueError {
        let store = file.display().to_string();
        let error = match self {
            Self::Said(error) => return error,
            Self::Sql(error) => error,
            Self::Outdated => {
                let why = "a newer version of this program has changed it; restart this host with that version";
                return KeyValueError::Unavailable { store, why: why.to_owned() };
            }
            Self::Again => {
                let why = "it is clearing away what has expired".to_owned();
                return KeyValueError::Unavailable { store, why };
            }
        };
        if is_damage(&error) {
            return KeyValueError::Corrupt { store, why: shown(&error.to_string()) };
        }
        let why = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another process holds it and does not let go".to_owned()
            }
            Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
            _ => shown(&error.to_string()),
        };
        KeyValueError::Unavailable { store, why }
    }
}

pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Whether the file does not hold what we put there.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error;
    match error {
        Error::FromSqlConversionFailure(..) | Error::IntegralValueOutOfRange(..) | Error::InvalidColumnType(..) => true,
        // A table that is gone, or a count that would fall below nothing.
        Error::SqlInputError { .. } => true,
        error => matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation)
        ),
    }
}
