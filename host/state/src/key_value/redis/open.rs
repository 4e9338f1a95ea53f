//! Opening: whether the server is there, lets us in, and is of a kind that keeps what it is given.

use std::{path::Path, time::Duration};

use super::{RedisKeyValue, Scripts};
use crate::{
    StateError,
    line::{Line, LineSettings, Repeat, Trouble},
    text::shown,
};

/// The first version that knows what a script may be refused for, and freezes the clock while one runs.
const OLDEST: u32 = 7;

impl RedisKeyValue {
    pub(crate) async fn open(
        url: &str,
        prefix: &str,
        ca_file: Option<&Path>,
        timeout: Duration,
    ) -> Result<Self, StateError> {
        admit_prefix(prefix)?;
        let settings = LineSettings::new(url, ca_file, timeout)?;
        let line = Line::new(settings).map_err(|error| StateError::Settings { what: shown(error.category()) })?;
        let opened = Self { line, prefix: prefix.to_owned(), scripts: Scripts::new() };
        opened.greet().await?;
        opened.inquire().await?;
        Ok(opened)
    }

    async fn greet(&self) -> Result<(), StateError> {
        let ping = |mut manager| async move { redis::cmd("PING").exec_async(&mut manager).await };
        let server = self.line.server().to_owned();
        self.line.ask(Repeat::Freely, ping).await.map_err(|trouble| match trouble {
            Trouble::Away(why) => StateError::Away { server, why },
            Trouble::Refused(why) | Trouble::Odd(why) => StateError::Refused { server, why },
        })
    }

    /// Asks what kind of server this is. One that does not tell us, as some hosted ones, is taken as it is.
    async fn inquire(&self) -> Result<(), StateError> {
        let info = |mut manager| async move { redis::cmd("INFO").query_async::<String>(&mut manager).await };
        let Ok(info) = self.line.ask(Repeat::Freely, info).await else { return Ok(()) };
        let server = self.line.server();
        if let Some(version) = field(&info, "redis_version") {
            let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
            if major.is_some_and(|major| major < OLDEST) {
                let what = format!("Redis at {server} is version {}; version 7 or Valkey is needed", shown(version));
                return Err(StateError::Settings { what });
            }
        }
        if let Some(policy) = field(&info, "maxmemory_policy").filter(|policy| *policy != "noeviction") {
            let policy = shown(policy);
            tracing::warn!(%server, %policy, "this Redis may evict what plugins keep; set maxmemory-policy noeviction");
        }
        Ok(())
    }
}

/// One line of what a server says about itself.
fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}

fn admit_prefix(prefix: &str) -> Result<(), StateError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.:".contains(&b);
    if (1..=64).contains(&prefix.len()) && prefix.bytes().all(plain) {
        return Ok(());
    }
    let what = format!("the prefix {:?} for Redis is not 1 to 64 of A-Z, a-z, 0-9, _, -, . and :", shown(prefix));
    Err(StateError::Settings { what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_have_no_braces() {
        assert!(admit_prefix("cofferdam:prod-1").is_ok());
        for bad in ["", "a{b", "a}b", "a b", "é", &"x".repeat(65)] {
            assert!(admit_prefix(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let info = "# Server\r\nredis_version:7.0.15\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n";
        assert_eq!(field(info, "maxmemory"), Some("0"));
        assert_eq!(field(info, "redis_version"), Some("7.0.15"));
        assert_eq!(field(info, "version"), None);
    }
}
