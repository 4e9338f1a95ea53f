//! Reading, from one snapshot each. What has expired is passed over, and cleared away by writes.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{OptionalExtension as _, Transaction};

use crate::{
    embedded::Fault,
    key_value::{Cursor, Key, KeyValueError, Page, Space, Usage, limits},
};

/// Milliseconds since 1970, by the clock of this machine, which all processes that share the file have.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The number of a space; none if nothing is in it.
pub(super) fn find(transaction: &Transaction<'_>, space: &Space) -> rusqlite::Result<Option<i64>> {
    transaction
        .prepare_cached("SELECT id FROM space WHERE plugin = ?1 AND tenant = ?2 AND bucket = ?3")?
        .query_row((space.plugin(), space.tenant(), space.bucket()), |row| row.get(0))
        .optional()
}

pub(super) fn value(transaction: &Transaction<'_>, space: i64, key: &Key) -> rusqlite::Result<Option<Vec<u8>>> {
    transaction
        .prepare_cached("SELECT value FROM entry WHERE space = ?1 AND key = ?2 AND (expires IS NULL OR expires > ?3)")?
        .query_row((space, key.as_str(), now()), |row| row.get(0))
        .optional()
}

pub(super) fn get(transaction: &Transaction<'_>, space: &Space, key: &Key) -> Result<Option<Vec<u8>>, Fault> {
    let Some(space) = find(transaction, space)? else { return Ok(None) };
    Ok(value(transaction, space, key)?)
}

pub(super) fn exists(transaction: &Transaction<'_>, space: &Space, key: &Key) -> Result<bool, Fault> {
    let Some(space) = find(transaction, space)? else { return Ok(false) };
    let found = transaction
        .prepare_cached("SELECT 1 FROM entry WHERE space = ?1 AND key = ?2 AND (expires IS NULL OR expires > ?3)")?
        .exists((space, key.as_str(), now()))?;
    Ok(found)
}

pub(super) fn get_many(
    transaction: &Transaction<'_>,
    space: &Space,
    keys: &[Key],
) -> Result<Vec<Option<Vec<u8>>>, Fault> {
    let Some(space) = find(transaction, space)? else { return Ok(vec![None; keys.len()]) };
    let mut bytes = 0;
    let mut values = Vec::with_capacity(keys.len());
    for key in keys {
        let value = value(transaction, space, key)?;
        bytes += value.as_ref().map_or(0, |value| value.len() as u64);
        if bytes > limits::VALUES {
            return Err(KeyValueError::TooLarge { most: limits::VALUES }.into());
        }
        values.push(value);
    }
    Ok(values)
}

pub(super) fn list(
    transaction: &Transaction<'_>,
    space: &Space,
    cursor: Option<&Cursor>,
    most: usize,
) -> Result<Page, Fault> {
    let Some(space) = find(transaction, space)? else { return Ok(Page::default()) };
    let most = most.clamp(1, limits::PAGE);
    // Every key comes after the empty text. One more than asked for tells whether there is another page.
    let after = cursor.map_or("", Cursor::as_str);
    let mut statement = transaction.prepare_cached(
        "SELECT key FROM entry WHERE space = ?1 AND key > ?2 AND (expires IS NULL OR expires > ?3)
         ORDER BY key LIMIT ?4",
    )?;
    let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    let rows = statement.query_map((space, after, now(), limit), |row| row.get::<_, String>(0))?;
    let mut keys = Vec::new();
    for text in rows {
        let convert =
            |error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error));
        keys.push(Key::try_from(text?).map_err(convert)?);
    }
    Ok(Page::cut(keys, most))
}

pub(super) fn usage(transaction: &Transaction<'_>, space: &Space) -> Result<Usage, Fault> {
    let Some(space) = find(transaction, space)? else { return Ok(Usage::default()) };
    // From what is counted, take what has expired and was not cleared away yet: little, and found by its index.
    let (keys, bytes): (i64, i64) = transaction
        .prepare_cached(
            "SELECT s.keys - count(e.id), s.bytes - coalesce(sum(octet_length(e.key) + length(e.value)), 0)
             FROM space s LEFT JOIN entry e ON e.space = s.id AND e.expires <= ?2
             WHERE s.id = ?1",
        )?
        .query_row((space, now()), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Usage { keys: count(keys)?, bytes: count(bytes)? })
}

/// A count, of which there is none below nothing.
pub(super) fn count(number: i64) -> rusqlite::Result<u64> {
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, number))
}
