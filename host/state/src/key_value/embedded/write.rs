//! Writing. Each operation first finds out whether it may, and then changes something.

use rusqlite::Transaction;

use super::ledger::Ledger;
use crate::{
    embedded::Fault,
    key_value::{Key, KeyValueError, Quota, Space, Swap, number},
};

pub(super) fn set_many(
    transaction: &Transaction<'_>,
    space: &Space,
    pairs: &[(Key, Vec<u8>)],
    quota: &Quota,
) -> Result<(), Fault> {
    Ledger::keep(transaction, space, |ledger| {
        ledger.admit(pairs.iter().map(|(key, value)| (key, value.len() as u64)), quota)?;
        pairs.iter().try_for_each(|(key, value)| ledger.put(key, value, quota))
    })
}

pub(super) fn delete_many(transaction: &Transaction<'_>, space: &Space, keys: &[Key]) -> Result<(), Fault> {
    Ledger::keep(transaction, space, |ledger| keys.iter().try_for_each(|key| ledger.remove(key)))
}

pub(super) fn increment(
    transaction: &Transaction<'_>,
    space: &Space,
    key: &Key,
    delta: i64,
    quota: &Quota,
) -> Result<i64, Fault> {
    Ledger::keep(transaction, space, |ledger| {
        let before = match ledger.value_of(key)? {
            Some(value) => number::parse(&value)?,
            None => 0,
        };
        let sum = before.checked_add(delta).ok_or(KeyValueError::Overflow)?;
        let text = sum.to_string().into_bytes();
        quota.admit_value(&text)?;
        ledger.admit([(key, text.len() as u64)], quota)?;
        ledger.put(key, &text, quota)?;
        Ok(sum)
    })
}

pub(super) fn swap(
    transaction: &Transaction<'_>,
    space: &Space,
    key: &Key,
    expected: Option<&[u8]>,
    new: &[u8],
    quota: &Quota,
) -> Result<Swap, Fault> {
    Ledger::keep(transaction, space, |ledger| {
        let current = ledger.value_of(key)?;
        if current.as_deref() != expected {
            return Ok(Swap::Lost(current));
        }
        ledger.admit([(key, new.len() as u64)], quota)?;
        ledger.put(key, new, quota)?;
        Ok(Swap::Done)
    })
}
