//! How much a space may hold, and how much it does.

use std::time::Duration;

use super::{Key, KeyValueError, Which, limits};

/// How much a space may hold. The default is nothing.
///
/// It comes with each write and is not kept, so that a change of policy counts at once. A space that holds more than a
/// quota that became smaller keeps it, and takes writes that do not make it larger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Keys of the space.
    pub keys: u64,
    /// Bytes of all keys and values of the space.
    pub bytes: u64,
    /// Bytes of one value; never more than [`limits::VALUE`].
    pub value: u64,
    /// How long after it was written an entry expires. `None`: not at all, and this is how a space is made to last; it
    /// lifts none of the limits above. At least a millisecond, at most [`limits::TTL`].
    pub ttl: Option<Duration>,
}

impl Quota {
    /// Bytes that one value may have.
    pub(crate) fn largest_value(&self) -> u64 {
        self.value.min(limits::VALUE)
    }

    pub(crate) fn admit_value(&self, value: &[u8]) -> Result<(), KeyValueError> {
        let most = self.largest_value();
        if value.len() as u64 <= most { Ok(()) } else { Err(KeyValueError::OverQuota { which: Which::Value, most }) }
    }

    /// What every value of a batch, and the batch, must be like.
    pub(crate) fn admit_values(&self, pairs: &[(Key, Vec<u8>)]) -> Result<(), KeyValueError> {
        let mut sum = 0;
        for (_, value) in pairs {
            self.admit_value(value)?;
            sum += value.len() as u64;
        }
        if sum <= limits::VALUES { Ok(()) } else { Err(KeyValueError::TooLarge { most: limits::VALUES }) }
    }

    /// The time to live in milliseconds.
    pub(crate) fn ttl_millis(&self) -> Option<i64> {
        let millis = |ttl: Duration| i64::try_from(ttl.min(limits::TTL).as_millis()).unwrap_or(i64::MAX);
        self.ttl.map(|ttl| millis(ttl).max(1))
    }
}

/// How much a space holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Keys that have not expired.
    pub keys: u64,
    /// Bytes of those keys and their values.
    pub bytes: u64,
}

/// How a write would change what a space holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Change {
    keys: u64,
    more: u64,
    less: u64,
}

impl Change {
    pub(crate) fn add(&mut self, key: &Key, value: u64) {
        self.keys += 1;
        self.more += key.size() + value;
    }

    pub(crate) fn replace(&mut self, before: u64, after: u64) {
        self.more += after;
        self.less += before;
    }

    /// Which part of the quota the change would exceed, if any. What makes a space no larger exceeds nothing.
    pub(crate) fn over(self, used: Usage, quota: &Quota) -> Option<(Which, u64)> {
        let keys = used.keys.saturating_add(self.keys);
        let bytes = used.bytes.saturating_add(self.more).saturating_sub(self.less);
        if self.keys > 0 && keys > quota.keys {
            Some((Which::Keys, quota.keys))
        } else if self.more > self.less && bytes > quota.bytes {
            Some((Which::Bytes, quota.bytes))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_grows_nothing_exceeds_nothing() {
        let used = Usage { keys: 10, bytes: 100 };
        let quota = Quota { keys: 5, bytes: 50, value: 50, ttl: None };
        let mut change = Change::default();
        change.replace(20, 20);
        assert_eq!(change.over(used, &quota), None);
        change.replace(0, 1);
        assert_eq!(change.over(used, &quota), Some((Which::Bytes, 50)));
        change.add(&"k".parse().unwrap(), 0);
        assert_eq!(change.over(used, &quota), Some((Which::Keys, 5)));
    }

    #[test]
    fn nothing_fits_into_the_default() {
        let error = Quota::default().admit_value(b"x").unwrap_err();
        assert!(matches!(error, KeyValueError::OverQuota { which: Which::Value, most: 0 }));
    }

    #[test]
    fn no_quota_lifts_the_bound_of_a_value() {
        let quota = Quota { value: u64::MAX, ..Quota::default() };
        assert_eq!(quota.largest_value(), limits::VALUE);
    }

    #[test]
    fn times_to_live_are_never_zero_and_never_overflow() {
        let millis = |ttl| Quota { ttl: Some(ttl), ..Quota::default() }.ttl_millis();
        assert_eq!(millis(Duration::ZERO), Some(1));
        assert_eq!(millis(Duration::from_millis(1500)), Some(1500));
        assert_eq!(millis(Duration::MAX), Some(3_162_240_000_000));
        assert_eq!(Quota::default().ttl_millis(), None);
    }
}
