//! Key-value in a file.

mod ledger;
mod read;
mod write;

use async_trait::async_trait;

use super::{Cursor, Key, KeyValue, KeyValueError, Page, Quota, Space, Swap, Usage, error::admit_batch, last_wins};
use crate::embedded::Embedded;

/// The tables: spaces with what they hold, and their entries.
///
/// An entry has a number of its own beside its key, so that large values stay out of the index that pages of keys are
/// read from.
pub(crate) const TABLES: &str = "
    CREATE TABLE space (
        id INTEGER PRIMARY KEY,
        plugin TEXT NOT NULL,
        tenant TEXT NOT NULL,
        bucket TEXT NOT NULL,
        keys INTEGER NOT NULL CHECK (keys >= 0),
        bytes INTEGER NOT NULL CHECK (bytes >= 0),
        UNIQUE (plugin, tenant, bucket)
    ) STRICT;
    CREATE TABLE entry (
        id INTEGER PRIMARY KEY,
        space INTEGER NOT NULL REFERENCES space (id),
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        -- Milliseconds since 1970.
        expires INTEGER,
        UNIQUE (space, key)
    ) STRICT;
    CREATE INDEX entry_expires ON entry (expires) WHERE expires IS NOT NULL;
    CREATE INDEX entry_space_expires ON entry (space, expires) WHERE expires IS NOT NULL;
";

#[async_trait]
impl KeyValue for Embedded {
    async fn get(&self, space: &Space, key: &Key) -> Result<Option<Vec<u8>>, KeyValueError> {
        let (space, key) = (space.clone(), key.clone());
        self.read(move |transaction| read::get(transaction, &space, &key)).await
    }

    async fn set(&self, space: &Space, key: &Key, value: Vec<u8>, quota: &Quota) -> Result<(), KeyValueError> {
        self.set_many(space, vec![(key.clone(), value)], quota).await
    }

    async fn delete(&self, space: &Space, key: &Key) -> Result<(), KeyValueError> {
        self.delete_many(space, std::slice::from_ref(key)).await
    }

    async fn exists(&self, space: &Space, key: &Key) -> Result<bool, KeyValueError> {
        let (space, key) = (space.clone(), key.clone());
        self.read(move |transaction| read::exists(transaction, &space, &key)).await
    }

    async fn list(&self, space: &Space, cursor: Option<Cursor>, most: usize) -> Result<Page, KeyValueError> {
        let space = space.clone();
        self.read(move |transaction| read::list(transaction, &space, cursor.as_ref(), most)).await
    }

    async fn get_many(&self, space: &Space, keys: &[Key]) -> Result<Vec<Option<Vec<u8>>>, KeyValueError> {
        admit_batch(keys)?;
        let (space, keys) = (space.clone(), keys.to_vec());
        self.read(move |transaction| read::get_many(transaction, &space, &keys)).await
    }

    async fn set_many(&self, space: &Space, pairs: Vec<(Key, Vec<u8>)>, quota: &Quota) -> Result<(), KeyValueError> {
        admit_batch(&pairs)?;
        quota.admit_values(&pairs)?;
        let (space, quota, pairs) = (space.clone(), quota.clone(), last_wins(pairs));
        self.write(move |transaction| write::set_many(transaction, &space, &pairs, &quota)).await
    }

    async fn delete_many(&self, space: &Space, keys: &[Key]) -> Result<(), KeyValueError> {
        admit_batch(keys)?;
        let (space, keys) = (space.clone(), keys.to_vec());
        self.write(move |transaction| write::delete_many(transaction, &space, &keys)).await
    }

    async fn increment(&self, space: &Space, key: &Key, delta: i64, quota: &Quota) -> Result<i64, KeyValueError> {
        let (space, key, quota) = (space.clone(), key.clone(), quota.clone());
        self.write(move |transaction| write::increment(transaction, &space, &key, delta, &quota)).await
    }

    async fn swap(
        &self,
        space: &Space,
        key: &Key,
        expected: Option<&[u8]>,
        new: Vec<u8>,
        quota: &Quota,
    ) -> Result<Swap, KeyValueError> {
        quota.admit_value(&new)?;
        let (space, quota) = (space.clone(), quota.clone());
        let (key, expected) = (key.clone(), expected.map(<[u8]>::to_vec));
        self.write(move |transaction| write::swap(transaction, &space, &key, expected.as_deref(), &new, &quota)).await
    }

    async fn usage(&self, space: &Space) -> Result<Usage, KeyValueError> {
        let space = space.clone();
        self.read(move |transaction| read::usage(transaction, &space)).await
    }

    async fn check(&self) -> Result<(), KeyValueError> {
        Self::check(self).await
    }
}
