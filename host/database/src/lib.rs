//! SQL for tools: typed rows, parameters as binds, SQLite and PostgreSQL.
//!
//! ```text
//! statement -> kind allowed? -> session (a transaction of our own) -> prepare -> bind -> rows, counted -> end -> clean
//! ```
//!
//! The text of a statement comes from a guest and is hostile; an operator granted it [`Access::Read`] or
//! [`Access::Write`] on one database. Values never become part of the text: they are [`Value`]s, bound by the database.
//!
//! **Who says no.** The database does, wherever it can, since only it knows what its SQL means: a read runs in a
//! transaction that is read-only and that cannot be made anything else (PostgreSQL), or on a file that is opened
//! read-only with every action authorised one by one (SQLite). What is asked before is the *kind* of statement, by its
//! first word ([`SqlError::Refused`]): transactions, sessions and settings are ours, definitions (`CREATE`, `ALTER`,
//! `DROP`, `TRUNCATE`) are the operator's. Rejected: a full SQL parser as a filter. It would refuse valid SQL of a
//! dialect that it does not know, and let pass what it misunderstands; a second parser is a second opinion, not a fence.
//!
//! **A statement runs in a session**, which owns a connection and ends in one place: committed or rolled back, then
//! cleaned, or closed. A caller only holds a channel to it, so that a future dropped at any point leaves nothing open:
//! the session sees the channel close, stops the statement and rolls back. A connection goes back to the pool
//! only when the server confirmed that it has forgotten everything; else it is closed.
//!
//! **All that a guest causes has a bound** ([`Bounds`], [`limits`](mod@limits)): the statement's length, its
//! parameters, rows, bytes, time, one message of the server, connections. Rows are counted as they arrive, and
//! nothing is fetched to be thrown away.
//!
//! # What only the operator can prevent
//!
//! A tool is the database role it is connected as. This crate keeps it from changing anything with [`Access::Read`],
//! but the functions that a role may call are the role's: `pg_read_file` and `pg_ls_dir` for a superuser or
//! `pg_read_server_files`, `pg_terminate_backend` and `pg_cancel_backend` for sessions of the same role, `dblink` and
//! foreign tables where they are installed (they have connections of their own, which are not read-only), functions in
//! untrusted languages. While it runs, a statement may take advisory locks and memory (`work_mem`) and temporary disk
//! space (`temp_file_limit`) on the server. So give each grant a role of its own, without superuser, without `CREATE`
//! on any schema, with `SELECT` on what is to be read; `EXECUTE` can be revoked from what it should not call. On SQLite,
//! sorting large results writes temporary files until the time is up.
//!
//! The crate knows nothing of components, policy or MCP.
#![forbid(unsafe_code)]

mod bounds;
mod database;
mod error;
pub mod limits;
mod postgres;
mod session;
mod settings;
mod sqlite;
mod statement;
mod text;
mod value;

pub use bounds::{Access, Bounds};
pub use database::{Database, Transaction, open};
pub use error::{ConstraintKind, OpenError, SqlError};
pub use settings::{ConnectionUrl, Create, DatabaseSettings, Tls};
pub use value::{Column, Element, Rows, Value};
