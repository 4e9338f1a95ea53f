//! The tables of the file, and how older layouts become this one.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::key_value;

/// Marks the file as ours: "Coff".
const APPLICATION: i64 = 0x436f_6666;

/// What makes each version of the layout from the one before. Steps are only ever added.
const STEPS: [&str; 1] = [key_value::TABLES];

/// The newest layout that this program knows.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// What a file turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Empty,
    Ours { version: i64 },
    Foreign,
}

/// Looks at the file, all at one moment: another process may be just making it.
pub(super) fn look(connection: &mut Connection) -> rusqlite::Result<Found> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let pragma = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let things: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match application {
        APPLICATION => Found::Ours { version },
        0 if version == 0 && things == 0 => Found::Empty,
        _ => Found::Foreign,
    })
}

/// The layout that the file has now.
pub(super) fn version(transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
    transaction.prepare_cached("PRAGMA user_version")?.query_row([], |row| row.get(0))
}

/// Brings the tables to [`VERSION`], and says which they have then: another process may have brought them there since
/// [`look`], or further.
pub(super) fn advance(transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
    let version = version(transaction)?;
    let done = usize::try_from(version).unwrap_or(0);
    if done >= STEPS.len() {
        return Ok(version);
    }
    for step in STEPS.iter().skip(done) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(VERSION)
}
