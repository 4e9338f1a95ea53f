//! Key-value in Redis.
//!
//! The layout, three keys for a space, is told in `names` and in `scripts/prelude.lua`. The server's clock is the one
//! that counts, so that replicas with other clocks agree on what has expired.
//!
//! Rejected: a key of Redis for each entry, with its own expiry. What expires would go without being counted, the
//! entries of a space could not be listed without walking through everybody's, and every number of what a space uses
//! would be an estimate. The price is that a space lives on one node of a cluster.
//!
//! A server that evicts (`maxmemory-policy` other than `noeviction`) takes entries away, or what is known about them:
//! lists are mended when that is seen, times to live cannot be. It is said in the log when the store is opened.

mod answer;
mod names;
mod open;
mod scripts;

use async_trait::async_trait;
use redis::ScriptInvocation;

use self::{answer::Answer, names::names, scripts::Scripts};
use super::{
    Cursor, Key, KeyValue, KeyValueError, Page, Quota, Space, Swap, Usage, error::admit_batch, last_wins, limits,
};
use crate::line::{Line, Repeat, Trouble};

/// How often an operation that would hold up the server for too long is asked for again, each time with less to do.
const TURNS: usize = 1000;

/// Key-value on a server.
#[derive(Debug)]
pub(crate) struct RedisKeyValue {
    line: Line,
    prefix: String,
    scripts: Scripts,
}

impl RedisKeyValue {
    /// The first arguments of all scripts that may make a space larger.
    fn grow<'a>(&self, script: &'a redis::Script, space: &Space, quota: &Quota) -> ScriptInvocation<'a> {
        let mut call = self.call(script, space);
        call.arg(quota.keys).arg(quota.bytes);
        match quota.ttl_millis() {
            Some(ttl) => call.arg(ttl),
            None => call.arg(""),
        };
        call
    }

    fn call<'a>(&self, script: &'a redis::Script, space: &Space) -> ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        for name in names(&self.prefix, space) {
            call.key(name);
        }
        call
    }

    async fn ask(&self, repeat: Repeat, call: &ScriptInvocation<'_>) -> Result<Answer, KeyValueError> {
        for _ in 0..TURNS {
            let answer = self.line.ask(repeat, |mut manager| async move { call.invoke_async(&mut manager).await });
            let answer = answer.await.map_err(|trouble| self.error(trouble))?;
            let answer = Answer::new(answer).map_err(|odd| self.odd(&odd))?;
            if !answer.is_again() {
                return Ok(answer);
            }
        }
        Err(self.error(Trouble::Away("it is clearing away what has expired".to_owned())))
    }

    fn error(&self, trouble: Trouble) -> KeyValueError {
        let store = format!("Redis at {}", self.line.server());
        match trouble {
            Trouble::Away(why) => KeyValueError::Unavailable { store, why },
            Trouble::Refused(why) => KeyValueError::Refused { store, why },
            Trouble::Odd(why) => KeyValueError::Corrupt { store, why },
        }
    }

    fn odd(&self, answer: &answer::Odd) -> KeyValueError {
        self.error(Trouble::Odd(answer.to_string()))
    }

    /// The answer to a write: that it is done, or what stood in its way.
    fn done(&self, answer: Answer, quota: &Quota) -> Result<Answer, KeyValueError> {
        match answer.word() {
            "done" => Ok(answer),
            "over" => Err(answer.over(quota).unwrap_or_else(|odd| self.odd(&odd))),
            "nan" => Err(KeyValueError::NotANumber),
            "overflow" => Err(KeyValueError::Overflow),
            _ => Err(self.odd(&answer::Odd)),
        }
    }
}

#[async_trait]
impl KeyValue for RedisKeyValue {
    async fn get(&self, space: &Space, key: &Key) -> Result<Option<Vec<u8>>, KeyValueError> {
        let mut values = self.get_many(space, std::slice::from_ref(key)).await?;
        Ok(values.pop().flatten())
    }

    async fn set(&self, space: &Space, key: &Key, value: Vec<u8>, quota: &Quota) -> Result<(), KeyValueError> {
        self.set_many(space, vec![(key.clone(), value)], quota).await
    }

    async fn delete(&self, space: &Space, key: &Key) -> Result<(), KeyValueError> {
        self.delete_many(space, std::slice::from_ref(key)).await
    }

    async fn exists(&self, space: &Space, key: &Key) -> Result<bool, KeyValueError> {
        let mut call = self.call(&self.scripts.exists, space);
        call.arg(key.as_str());
        match self.ask(Repeat::Freely, &call).await?.word() {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err(self.odd(&answer::Odd)),
        }
    }

    async fn list(&self, space: &Space, cursor: Option<Cursor>, most: usize) -> Result<Page, KeyValueError> {
        let most = most.clamp(1, limits::PAGE);
        let mut call = self.call(&self.scripts.list, space);
        call.arg(cursor.as_ref().map_or("", Cursor::as_str)).arg(most);
        let mut answer = self.ask(Repeat::Freely, &call).await?;
        if answer.word() == "torn" {
            // Whatever writes mends first; this writes nothing else.
            self.delete_many(space, &[]).await?;
            answer = self.ask(Repeat::Freely, &call).await?;
        }
        let keys = self.done(answer, &Quota::default())?.keys().map_err(|odd| self.odd(&odd))?;
        Ok(Page::cut(keys, most))
    }

    async fn get_many(&self, space: &Space, keys: &[Key]) -> Result<Vec<Option<Vec<u8>>>, KeyValueError> {
        admit_batch(keys)?;
        let mut call = self.call(&self.scripts.get, space);
        call.arg(limits::VALUES);
        for key in keys {
            call.arg(key.as_str());
        }
        let answer = self.ask(Repeat::Freely, &call).await?;
        if answer.word() == "large" {
            return Err(KeyValueError::TooLarge { most: limits::VALUES });
        }
        let answer = self.done(answer, &Quota::default())?;
        answer.values(keys.len()).map_err(|odd| self.odd(&odd))
    }

    async fn set_many(&self, space: &Space, pairs: Vec<(Key, Vec<u8>)>, quota: &Quota) -> Result<(), KeyValueError> {
        admit_batch(&pairs)?;
        quota.admit_values(&pairs)?;
        let mut call = self.grow(&self.scripts.set, space, quota);
        for (key, value) in last_wins(pairs) {
            call.arg(key.as_str()).arg(value);
        }
        let answer = self.ask(Repeat::IfNotBegun, &call).await?;
        self.done(answer, quota).map(drop)
    }

    async fn delete_many(&self, space: &Space, keys: &[Key]) -> Result<(), KeyValueError> {
        admit_batch(keys)?;
        let mut call = self.call(&self.scripts.delete, space);
        for key in keys {
            call.arg(key.as_str());
        }
        let answer = self.ask(Repeat::IfNotBegun, &call).await?;
        self.done(answer, &Quota::default()).map(drop)
    }

    async fn increment(&self, space: &Space, key: &Key, delta: i64, quota: &Quota) -> Result<i64, KeyValueError> {
        let mut call = self.grow(&self.scripts.increment, space, quota);
        call.arg(key.as_str()).arg(delta).arg(quota.largest_value());
        let answer = self.ask(Repeat::IfNotBegun, &call).await?;
        self.done(answer, quota)?.number().map_err(|odd| self.odd(&odd))
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
        let mut call = self.grow(&self.scripts.swap, space, quota);
        call.arg(key.as_str()).arg(new);
        if let Some(expected) = expected {
            call.arg(expected);
        }
        let answer = self.ask(Repeat::IfNotBegun, &call).await?;
        if answer.word() == "lost" {
            return answer.value().map(Swap::Lost).map_err(|odd| self.odd(&odd));
        }
        self.done(answer, quota).map(|_| Swap::Done)
    }

    async fn usage(&self, space: &Space) -> Result<Usage, KeyValueError> {
        let answer = self.ask(Repeat::Freely, &self.call(&self.scripts.usage, space)).await?;
        answer.usage().map_err(|odd| self.odd(&odd))
    }

    async fn check(&self) -> Result<(), KeyValueError> {
        let ping = |mut manager| async move { redis::cmd("PING").exec_async(&mut manager).await };
        self.line.ask(Repeat::Freely, ping).await.map_err(|trouble| self.error(trouble))
    }
}
