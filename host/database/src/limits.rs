//! Bounds that are the same for every statement, and where their numbers come from.

use std::time::Duration;

/// Bytes of one statement. The longest that people write by hand have some kilobytes; data belongs in parameters.
pub const STATEMENT: usize = 64 << 10;

/// Parameters of one statement. PostgreSQL's protocol counts them in 16 bits; a bulk insert of 10 columns gets to 100
/// rows.
pub const PARAMETERS: usize = 1000;

/// Bytes of all parameters of one statement.
pub const PARAMETER_BYTES: u64 = 16 << 20;

/// Bytes that every value of an answer counts besides its content: what it takes in memory at least, so that a
/// million nulls are not for free.
pub const VALUE: u64 = 40;

/// Columns of an answer. PostgreSQL has 1664 at most, SQLite 2000.
pub const COLUMNS: usize = 1000;

/// Characters of the database's own words in an error.
pub const MESSAGE: usize = 500;

/// Sessions with one SQLite file at a time. Each has a thread; of the writers all but one wait for a lock.
pub(crate) const SQLITE_SESSIONS: usize = 8;

/// Connections to one PostgreSQL server that an operator may ask for. It has 100 by default, for everybody.
pub(crate) const POOL: u32 = 200;

/// How long the server's own timeout may take to reach us before the connection is given up instead.
pub(crate) const GRACE: Duration = Duration::from_millis(500);

/// How long a session may take to end: to commit or roll back, and to be cleaned.
pub(crate) const ENDING: Duration = Duration::from_secs(5);

/// How long the request to cancel a statement may take.
pub(crate) const CANCELLING: Duration = Duration::from_secs(2);

/// Bytes of one message of the server beyond the bytes of an answer. Length of an error, and what
/// binary forms have more than what is counted.
pub(crate) const MESSAGE_ROOM: u64 = 1 << 20;

/// SQLite's virtual machine asks every so many instructions whether to go on: some microseconds.
pub(crate) const SQLITE_STEPS: i32 = 1000;

/// Bytes of a file with certificates. The list of all public authorities has a quarter of that.
pub(crate) const CERTIFICATES: u64 = 1 << 20;

/// The longest time of a statement or transaction: a day. Above it, clocks and servers overflow.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes that SQLite may allocate in this process, all statements together. A single value is no longer than an answer
/// ([`Bounds::bytes`](crate::Bounds::bytes)), but a statement can hold thousands of them.
pub const SQLITE_MEMORY: u32 = 512 << 20;

/// The bounds of [`Bounds::bytes`](crate::Bounds::bytes) as the length of a value in SQLite: room for a schema's own
/// texts, and what SQLite can count.
pub(crate) const SQLITE_SHORTEST: u64 = 64 << 10;
pub(crate) const SQLITE_LONGEST: u64 = 1_000_000_000;

/// [`PARAMETERS`] as SQLite counts.
pub(crate) const SQLITE_PARAMETERS: i32 = 1000;
