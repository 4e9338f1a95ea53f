//! What a statement may do, and how much.

use std::time::Duration;

/// What an operator granted on a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// `SELECT`, `VALUES`, `TABLE`, `WITH`, `EXPLAIN` and `SHOW`, in a transaction that changes nothing.
    #[default]
    Read,
    /// `INSERT`, `UPDATE`, `DELETE`, `MERGE` and `REPLACE` too. No definitions (`CREATE`, `TRUNCATE`, ...).
    Write,
}

/// The bounds of one statement, or of one transaction. None of them means "unlimited".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// What may be done. Within a transaction, the lesser of its own and the statement's counts.
    pub access: Access,
    /// The most rows that an answer has. More are cut off, and the answer says so.
    pub rows: u64,
    /// The most bytes that an answer takes in memory, where each row and each value counts [`limits::VALUE`](crate::limits::VALUE)
    /// bytes besides its content. More is an error, as is a single value of more.
    pub bytes: u64,
    /// For a statement, the time until its answer, with the wait for a connection. For a transaction, the time from
    /// its beginning to its end, which no statement in it can prolong: it holds locks and a connection.
    pub timeout: Duration,
}

impl Access {
    /// The lesser of two grants.
    pub(crate) fn within(self, other: Self) -> Self {
        self.min(other)
    }
}
