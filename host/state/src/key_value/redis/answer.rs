//! What scripts answer with: a word, and what belongs to it.

use redis::Value;
use thiserror::Error;

use crate::key_value::{Key, KeyValueError, Quota, Usage, Which};

/// An answer that none of our scripts gives.
#[derive(Debug, Error)]
#[error("an answer that fits nothing that was asked")]
pub(super) struct Odd;

#[derive(Debug)]
pub(super) struct Answer {
    word: String,
    rest: Vec<Value>,
}

impl Answer {
    pub(super) fn new(value: Value) -> Result<Self, Odd> {
        let Value::Array(items) = value else { return Err(Odd) };
        let mut rest = items.into_iter();
        let word = rest.next().ok_or(Odd)?;
        Ok(Self { word: text(word)?, rest: rest.collect() })
    }

    pub(super) fn word(&self) -> &str {
        &self.word
    }

    /// Whether the script cleared away what has expired, and has not come to anything else.
    pub(super) fn is_again(&self) -> bool {
        self.word == "over" && self.rest == [Value::BulkString(b"again".to_vec())]
    }

    /// Which part of the quota the script spoke of.
    pub(super) fn over(self, quota: &Quota) -> Result<KeyValueError, Odd> {
        let (which, most) = match text(self.only()?)?.as_str() {
            "keys" => (Which::Keys, quota.keys),
            "bytes" => (Which::Bytes, quota.bytes),
            "value" => (Which::Value, quota.largest_value()),
            _ => return Err(Odd),
        };
        Ok(KeyValueError::OverQuota { which, most })
    }

    pub(super) fn keys(self) -> Result<Vec<Key>, Odd> {
        self.rest.into_iter().map(|item| Key::try_from(text(item)?).map_err(|_| Odd)).collect()
    }

    /// As many values as there were keys.
    pub(super) fn values(self, count: usize) -> Result<Vec<Option<Vec<u8>>>, Odd> {
        if self.rest.len() != count {
            return Err(Odd);
        }
        self.rest.into_iter().map(value).collect()
    }

    /// The one value there may be.
    pub(super) fn value(mut self) -> Result<Option<Vec<u8>>, Odd> {
        let only = self.rest.pop().unwrap_or(Value::Nil);
        if self.rest.is_empty() { value(only) } else { Err(Odd) }
    }

    pub(super) fn number(self) -> Result<i64, Odd> {
        text(self.only()?)?.parse().map_err(|_| Odd)
    }

    pub(super) fn usage(self) -> Result<Usage, Odd> {
        let [Value::Int(keys), Value::Int(bytes)] = self.rest[..] else { return Err(Odd) };
        let count = |number: i64| u64::try_from(number).map_err(|_| Odd);
        Ok(Usage { keys: count(keys)?, bytes: count(bytes)? })
    }

    fn only(mut self) -> Result<Value, Odd> {
        let only = self.rest.pop().ok_or(Odd)?;
        if self.rest.is_empty() { Ok(only) } else { Err(Odd) }
    }
}

fn value(item: Value) -> Result<Option<Vec<u8>>, Odd> {
    match item {
        Value::BulkString(bytes) => Ok(Some(bytes)),
        Value::Nil => Ok(None),
        _ => Err(Odd),
    }
}

fn text(item: Value) -> Result<String, Odd> {
    match item {
        Value::BulkString(bytes) => String::from_utf8(bytes).map_err(|_| Odd),
        _ => Err(Odd),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(items: &[Value]) -> Answer {
        let mut all = vec![Value::BulkString(b"done".to_vec())];
        all.extend_from_slice(items);
        Answer::new(Value::Array(all)).unwrap()
    }

    #[test]
    fn answers_of_something_else_are_odd() {
        assert!(Answer::new(Value::Nil).is_err());
        assert!(Answer::new(Value::Array(Vec::new())).is_err());
        assert!(Answer::new(Value::Array(vec![Value::Int(1)])).is_err());
        assert!(of(&[]).usage().is_err());
        assert!(of(&[Value::Int(-1), Value::Int(0)]).usage().is_err());
        assert!(of(&[Value::Nil]).values(2).is_err());
        assert!(of(&[Value::BulkString(b"a\nb".to_vec())]).keys().is_err());
        assert!(of(&[Value::BulkString(b"1x".to_vec())]).number().is_err());
    }
}
