//! What a space holds, kept right while it is written to.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Transaction};

use super::read::{count, find, now};
use crate::{
    embedded::Fault,
    key_value::{Key, KeyValueError, Quota, Space, Usage, limits, quota::Change},
};

/// One space within a transaction that writes.
///
/// Everything that changes entries goes through here, so that the row of the space always says what its entries add up
/// to. [`Ledger::admit`] is asked before anything is written.
pub(super) struct Ledger<'a> {
    transaction: &'a Transaction<'a>,
    /// None until something is put into a space that has nothing.
    id: Option<i64>,
    space: &'a Space,
    used: Usage,
    now: i64,
}

impl<'a> Ledger<'a> {
    /// Does what is to be done with a space, and writes down what it holds then: also when there is an answer instead
    /// of a value, since something may have been cleared away before.
    pub(super) fn keep<T>(
        transaction: &'a Transaction<'a>,
        space: &'a Space,
        work: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut ledger = Self::open(transaction, space)?;
        let result = work(&mut ledger);
        if let Err(Fault::Sql(error)) = result {
            return Err(Fault::Sql(error));
        }
        ledger.close()?;
        result
    }

    /// Clears away a little of what has expired, anywhere, so that spaces nobody writes to any more are cleared too.
    fn open(transaction: &'a Transaction<'a>, space: &'a Space) -> Result<Self, Fault> {
        let now = now();
        clear_anywhere(transaction, now)?;
        let id = find(transaction, space)?;
        let used = match id {
            None => Usage::default(),
            Some(id) => {
                let (keys, bytes) = transaction
                    .prepare_cached("SELECT keys, bytes FROM space WHERE id = ?1")?
                    .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Usage { keys: count(keys)?, bytes: count(bytes)? }
            }
        };
        Ok(Self { transaction, id, space, used, now })
    }

    /// Bytes of the value that a key has; one that has expired is removed on this occasion.
    pub(super) fn size_of(&mut self, key: &Key) -> Result<Option<u64>, Fault> {
        let Some(id) = self.id else { return Ok(None) };
        let found: Option<(i64, Option<i64>)> = self
            .transaction
            .prepare_cached("SELECT length(value), expires FROM entry WHERE space = ?1 AND key = ?2")?
            .query_row((id, key.as_str()), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match found {
            Some((_, Some(expires))) if expires <= self.now => {
                self.remove(key)?;
                Ok(None)
            }
            Some((size, _)) => Ok(Some(count(size)?)),
            None => Ok(None),
        }
    }

    pub(super) fn value_of(&mut self, key: &Key) -> Result<Option<Vec<u8>>, Fault> {
        // Asked first, since it looks at the clock that this whole transaction goes by.
        if self.size_of(key)?.is_none() {
            return Ok(None);
        }
        let value = self
            .transaction
            .prepare_cached("SELECT value FROM entry WHERE space = ?1 AND key = ?2")?
            .query_row((self.id, key.as_str()), |row| row.get(0))
            .optional()?;
        Ok(value)
    }

    /// Whether these values may be put, if nothing else is.
    ///
    /// What has expired does not count, and is cleared away in batches as long as it is in the way.
    pub(super) fn admit<'k>(
        &mut self,
        sizes: impl IntoIterator<Item = (&'k Key, u64)>,
        quota: &Quota,
    ) -> Result<(), Fault> {
        let mut change = Change::default();
        for (key, size) in sizes {
            match self.size_of(key)? {
                Some(before) => change.replace(before, size),
                None => change.add(key, size),
            }
        }
        for _ in 0..limits::PURGES {
            let Some((which, most)) = change.over(self.used, quota) else { return Ok(()) };
            if self.clear_here()? == 0 {
                return Err(KeyValueError::OverQuota { which, most }.into());
            }
        }
        Err(Fault::Again)
    }

    /// Gives a key a value, and the time to live of the quota.
    pub(super) fn put(&mut self, key: &Key, value: &[u8], quota: &Quota) -> Result<(), Fault> {
        let before = self.size_of(key)?;
        let id = self.id_or_new()?;
        let expires = quota.ttl_millis().map(|ttl| self.now.saturating_add(ttl));
        self.transaction
            .prepare_cached(
                "INSERT INTO entry (space, key, value, expires) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (space, key) DO UPDATE SET value = excluded.value, expires = excluded.expires",
            )?
            .execute((id, key.as_str(), value, expires))?;
        match before {
            Some(before) => self.used.bytes = self.used.bytes.saturating_sub(before),
            None => {
                self.used.keys += 1;
                self.used.bytes += key.size();
            }
        }
        self.used.bytes += value.len() as u64;
        Ok(())
    }

    pub(super) fn remove(&mut self, key: &Key) -> Result<(), Fault> {
        let Some(id) = self.id else { return Ok(()) };
        let size: Option<i64> = self
            .transaction
            .prepare_cached(
                "DELETE FROM entry WHERE space = ?1 AND key = ?2 RETURNING octet_length(key) + length(value)",
            )?
            .query_row((id, key.as_str()), |row| row.get(0))
            .optional()?;
        if let Some(size) = size {
            self.give_back(1, count(size)?);
        }
        Ok(())
    }

    /// Writes down what the space holds now. A space with nothing in it is not kept.
    fn close(self) -> Result<(), Fault> {
        let Some(id) = self.id else { return Ok(()) };
        if self.used.keys == 0 {
            self.transaction.prepare_cached("DELETE FROM space WHERE id = ?1")?.execute([id])?;
        } else {
            let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            self.transaction.prepare_cached("UPDATE space SET keys = ?2, bytes = ?3 WHERE id = ?1")?.execute((
                id,
                number(self.used.keys),
                number(self.used.bytes),
            ))?;
        }
        Ok(())
    }

    fn id_or_new(&mut self) -> Result<i64, Fault> {
        if let Some(id) = self.id {
            return Ok(id);
        }
        let id = self
            .transaction
            .prepare_cached(
                "INSERT INTO space (plugin, tenant, bucket, keys, bytes) VALUES (?1, ?2, ?3, 0, 0) RETURNING id",
            )?
            .query_row((self.space.plugin(), self.space.tenant(), self.space.bucket()), |row| row.get(0))?;
        self.id = Some(id);
        Ok(id)
    }

    /// Clears away a batch of what has expired in this space, and says how many that were.
    fn clear_here(&mut self) -> Result<u64, Fault> {
        let Some(id) = self.id else { return Ok(0) };
        let mut statement = self.transaction.prepare_cached(
            "DELETE FROM entry WHERE id IN (
                 SELECT id FROM entry WHERE space = ?1 AND expires <= ?2 ORDER BY expires LIMIT ?3
             ) RETURNING octet_length(key) + length(value)",
        )?;
        let mut gone = Usage::default();
        for size in statement.query_map((id, self.now, limits::PURGE as i64), |row| row.get(0))? {
            gone.keys += 1;
            gone.bytes += count(size?)?;
        }
        self.give_back(gone.keys, gone.bytes);
        Ok(gone.keys)
    }

    fn give_back(&mut self, keys: u64, bytes: u64) {
        self.used.keys = self.used.keys.saturating_sub(keys);
        self.used.bytes = self.used.bytes.saturating_sub(bytes);
    }
}

/// Clears away a batch of what has expired in any space.
fn clear_anywhere(transaction: &Transaction<'_>, now: i64) -> Result<(), Fault> {
    let mut statement = transaction.prepare_cached(
        "DELETE FROM entry WHERE id IN (SELECT id FROM entry WHERE expires <= ?1 ORDER BY expires LIMIT ?2)
         RETURNING space, octet_length(key) + length(value)",
    )?;
    let mut gone: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    let rows = statement.query_map((now, limits::PURGE as i64), |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
    for row in rows {
        let (space, size) = row?;
        let (keys, bytes) = gone.entry(space).or_default();
        *keys += 1;
        *bytes += size;
    }
    for (space, (keys, bytes)) in gone {
        transaction
            .prepare_cached("UPDATE space SET keys = keys - ?2, bytes = bytes - ?3 WHERE id = ?1")?
            .execute((space, keys, bytes))?;
        transaction.prepare_cached("DELETE FROM space WHERE id = ?1 AND keys = 0")?.execute([space])?;
    }
    Ok(())
}
