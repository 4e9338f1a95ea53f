//! What an operator decides about a database.

use std::{fmt, path::PathBuf, time::Duration};

/// Where a database is and how it is spoken to.
#[derive(Clone, Debug)]
pub enum DatabaseSettings {
    /// A file on this machine.
    Sqlite {
        /// The file. Its directory must be writable, also to read: SQLite keeps its log beside it.
        file: PathBuf,
        /// Whether the file is made where there is none.
        create: Create,
    },
    /// A server.
    Postgres {
        /// `postgres://user:password@host:5432/database`.
        url: ConnectionUrl,
        /// Certificate authorities in PEM, one of which must have signed the server's certificate. Without them, the
        /// public ones count.
        ca_file: Option<PathBuf>,
        /// Whether the connection is encrypted.
        tls: Tls,
        /// The most connections at a time, at least 1. Statements beyond that wait.
        pool: u32,
        /// How long it may take to connect to one host, and to be let in.
        connect_timeout: Duration,
    },
}

/// Whether a database is made where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Create {
    /// A missing file is an error of the settings.
    #[default]
    Never,
    /// An empty database is made.
    IfMissing,
}

/// Whether a connection is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Encrypted, and the certificate checked with the host's name. There is no weaker kind of encryption.
    #[default]
    Required,
    /// In the clear: for a socket on this machine, or a network that is encrypted below. The password may be read on
    /// the way, and the answers altered.
    Off,
}

/// A connection string with a password in it, which is never shown.
#[derive(Clone)]
pub struct ConnectionUrl(String);

impl ConnectionUrl {
    /// Takes the text as it is; [`open`](crate::open) reads it.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ConnectionUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionUrl(..)")
    }
}
