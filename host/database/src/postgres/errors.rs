//! What a server's errors are here, and how much of their words is passed on.

use std::{error::Error as _, io, sync::Arc};

use tokio_postgres::{
    Error,
    error::{DbError, ErrorPosition, SqlState},
};

use super::address::{Address, Place};
use crate::{ConstraintKind, SqlError};

/// Passes on a server's words: cut, in one line, and without what an operator keeps to themselves.
#[derive(Clone)]
pub(crate) struct Words {
    hidden: Arc<[String]>,
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Words(..)")
    }
}

impl Words {
    /// Hides the password and the places of this address.
    pub(crate) fn without(address: &Address) -> Self {
        let password = address.config.get_password().map(|p| String::from_utf8_lossy(p).into_owned());
        let places = address.places.iter().flat_map(|place| match place {
            Place::Tcp { host, name, .. } => vec![host.clone(), name.clone()],
            Place::Socket(path) => vec![path.display().to_string()],
        });
        // Of two letters there is nothing to hide, and every word would have them.
        let hidden = password.into_iter().chain(places).filter(|text| text.chars().count() > 2);
        Self { hidden: hidden.collect() }
    }

    /// The error of a statement.
    pub(crate) fn of(&self, error: &Error) -> SqlError {
        match error.as_db_error() {
            Some(error) => self.of_server(error),
            None if error.is_closed() => SqlError::unavailable("the connection was lost"),
            None => match error.source().and_then(|e| e.downcast_ref::<io::Error>()) {
                Some(e) => of_socket(e),
                None => SqlError::unavailable("the connection was lost, or the server said what is no answer"),
            },
        }
    }

    fn of_server(&self, error: &DbError) -> SqlError {
        let code = error.code();
        let message = || self.message(error);
        let kind = match *code {
            SqlState::QUERY_CANCELED => return SqlError::Timeout,
            SqlState::READ_ONLY_SQL_TRANSACTION => return SqlError::ReadOnly,
            SqlState::IN_FAILED_SQL_TRANSACTION => return SqlError::Aborted,
            SqlState::LOCK_NOT_AVAILABLE => return SqlError::Conflict { message: message() },
            // Words about files come with it too.
            SqlState::INSUFFICIENT_PRIVILEGE => {
                let words =
                    if error.message().contains('/') { "the role may not do that".to_owned() } else { message() };
                return SqlError::Denied { message: words };
            }
            SqlState::INVALID_SQL_STATEMENT_NAME | SqlState::DUPLICATE_PSTATEMENT => {
                return SqlError::unavailable("a statement did away with what this connection had prepared");
            }
            SqlState::UNIQUE_VIOLATION => ConstraintKind::Unique,
            SqlState::FOREIGN_KEY_VIOLATION => ConstraintKind::ForeignKey,
            SqlState::NOT_NULL_VIOLATION => ConstraintKind::NotNull,
            SqlState::CHECK_VIOLATION => ConstraintKind::Check,
            SqlState::EXCLUSION_VIOLATION => ConstraintKind::Exclusion,
            _ => ConstraintKind::Other,
        };
        match code.code().get(..2).unwrap_or_default() {
            "23" | "27" | "44" => SqlError::Constraint { kind, message: message() },
            "40" => SqlError::Conflict { message: message() },
            // Settings of a transaction, roles.
            "25" | "2B" | "0L" | "0P" => SqlError::Denied { message: message() },
            "22" => match parameter(error) {
                Some(index) => SqlError::Parameter { index, message: message() },
                None => SqlError::Invalid { message: message(), position: position(error) },
            },
            // The statement's grammar, names and values, limits on it, and what functions raise.
            "0A" | "20" | "21" | "24" | "2F" | "34" | "38" | "39" | "3F" | "42" | "54" | "55" | "P0" => {
                SqlError::Invalid { message: message(), position: position(error) }
            }
            // Connections, resources, files, foreign servers, faults: their words are about the server.
            _ => SqlError::unavailable(format!("the server failed with SQLSTATE {}", code.code())),
        }
    }

    /// The server's message and what it says besides.
    fn message(&self, error: &DbError) -> String {
        let more = [error.detail(), error.hint()].into_iter().flatten();
        let all = more.fold(error.message().to_owned(), |all, more| format!("{all}: {more}"));
        self.shown(&all)
    }

    fn shown(&self, text: &str) -> String {
        let hidden = self.hidden.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "..."));
        crate::error::shown(&hidden)
    }
}

/// Why there is no connection, in words without the address.
pub(crate) fn of_socket(error: &io::Error) -> SqlError {
    SqlError::unavailable(match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens there (connection refused)",
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            "the connection was lost"
        }
        io::ErrorKind::UnexpectedEof => "the server closed the connection",
        io::ErrorKind::TimedOut => "it does not answer",
        io::ErrorKind::NotFound => "there is no such socket",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "there is no way to the host",
        _ => "the host cannot be reached, or its name cannot be resolved",
    })
}

/// Why the server did not let us in.
pub(crate) fn of_connecting(error: &Error) -> SqlError {
    if let Some(error) = error.as_db_error() {
        return SqlError::unavailable(match error.code().code() {
            "28P01" | "28000" => "the server refused the user or the password".to_owned(),
            "3D000" => "the server has no database of this name".to_owned(),
            "53300" => "the server has too many connections".to_owned(),
            "57P03" => "the server is starting or stopping".to_owned(),
            "42501" => "the role may not connect".to_owned(),
            other => format!("the server refused with SQLSTATE {other}"),
        });
    }
    let mut cause = error.source();
    while let Some(e) = cause {
        // An I/O error tells its inner error by reference only.
        let inner =
            e.downcast_ref::<io::Error>().and_then(io::Error::get_ref).map(|e| e as &(dyn std::error::Error + 'static));
        let tls = [Some(e), inner].into_iter().flatten().find_map(|e| e.downcast_ref::<rustls::Error>());
        if let Some(tls) = tls {
            return SqlError::unavailable(match tls {
                rustls::Error::InvalidCertificate(_) => {
                    "the server's certificate is not by an authority of ca_file, is out of date, or is for another name"
                }
                _ => "TLS with the server failed",
            });
        }
        if let Some(e) = e.downcast_ref::<io::Error>() {
            return of_socket(e);
        }
        cause = e.source();
    }
    SqlError::unavailable("the server has no TLS, or wants a password or another way to log in")
}

/// Which parameter an error is about: the server says so in its context only.
fn parameter(error: &DbError) -> Option<usize> {
    let (_, after) = error.where_()?.split_once("parameter $")?;
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    after[..digits].parse().ok()
}

fn position(error: &DbError) -> Option<u32> {
    match error.position()? {
        ErrorPosition::Original(position) => Some(*position),
        ErrorPosition::Internal { .. } => None,
    }
}
