//! Key-value for plugins: names, the trait and what it answers with.

mod embedded;
mod error;
mod key;
pub mod limits;
mod number;
mod quota;
mod redis;
mod space;

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;

pub(crate) use self::{embedded::TABLES, redis::RedisKeyValue};
pub use self::{
    error::{KeyValueError, Which},
    key::{Cursor, Key, NotAKey},
    quota::{Quota, Usage},
    space::{NotASpace, Space},
};

/// A store of values by key, in spaces that know nothing of each other.
///
/// An entry that has expired is not there, for every operation. Whether a write took place is unknown after
/// [`KeyValueError::Unavailable`]; after every other error it did not.
#[async_trait]
pub trait KeyValue: Send + Sync + fmt::Debug {
    /// The value of a key, if there is one.
    async fn get(&self, space: &Space, key: &Key) -> Result<Option<Vec<u8>>, KeyValueError>;

    /// Gives a key a value, and what the quota says of expiry. An earlier value is replaced and its bytes given back.
    async fn set(&self, space: &Space, key: &Key, value: Vec<u8>, quota: &Quota) -> Result<(), KeyValueError>;

    /// Removes a key. That it is not there is no error.
    async fn delete(&self, space: &Space, key: &Key) -> Result<(), KeyValueError>;

    /// Whether a key has a value.
    async fn exists(&self, space: &Space, key: &Key) -> Result<bool, KeyValueError>;

    /// Up to `most` keys (at least one, at most [`limits::PAGE`]) in the order of their bytes, from the cursor of the
    /// page before. Keys that are there during the whole iteration are met exactly once.
    async fn list(&self, space: &Space, cursor: Option<Cursor>, most: usize) -> Result<Page, KeyValueError>;

    /// The values of several keys as of one moment, in the order of `keys`. At most [`limits::BATCH`] of them.
    async fn get_many(&self, space: &Space, keys: &[Key]) -> Result<Vec<Option<Vec<u8>>>, KeyValueError>;

    /// Gives several keys their values: all of them or, on an error, none. Of a key named twice, the last value stays.
    /// At most [`limits::BATCH`] of them.
    async fn set_many(&self, space: &Space, pairs: Vec<(Key, Vec<u8>)>, quota: &Quota) -> Result<(), KeyValueError>;

    /// Removes several keys at once. At most [`limits::BATCH`] of them.
    async fn delete_many(&self, space: &Space, keys: &[Key]) -> Result<(), KeyValueError>;

    /// Adds to a number, and returns the sum. A key without a value counts as 0. Numbers are kept as decimal text
    /// without leading zeros or plus, in the range of `i64`.
    async fn increment(&self, space: &Space, key: &Key, delta: i64, quota: &Quota) -> Result<i64, KeyValueError>;

    /// Gives a key a value if it has the one expected; `None` expects that it has none.
    async fn swap(
        &self,
        space: &Space,
        key: &Key,
        expected: Option<&[u8]>,
        new: Vec<u8>,
        quota: &Quota,
    ) -> Result<Swap, KeyValueError>;

    /// What a space holds now.
    async fn usage(&self, space: &Space) -> Result<Usage, KeyValueError>;

    /// Whether the store answers.
    async fn check(&self) -> Result<(), KeyValueError>;
}

/// Some keys of a space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// In the order of their bytes.
    pub keys: Vec<Key>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<Cursor>,
}

impl Page {
    /// A page of keys of which one more was looked for than it is to have.
    fn cut(mut keys: Vec<Key>, most: usize) -> Self {
        let more = keys.len() > most;
        keys.truncate(most);
        let next = keys.last().filter(|_| more).cloned().map(Cursor::after);
        Self { keys, next }
    }
}

/// Of a key named twice, the last value.
fn last_wins(pairs: Vec<(Key, Vec<u8>)>) -> Vec<(Key, Vec<u8>)> {
    pairs.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect()
}

/// What became of a swap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The key has the new value.
    Done,
    /// The key had this value, which was not the one expected, and still has it.
    Lost(Option<Vec<u8>>),
}
