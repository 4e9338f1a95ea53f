//! The line to Redis: one connection that many operations share, made anew when it breaks.
//!
//! An operation has one time for everything, the settings' `timeout`: connecting, asking, and asking again. What only
//! reads is asked again when the line broke; what writes only when the server cannot have begun with it
//! ([`trouble::never_began`]), because a second `set` might undo what somebody else did after the first.
//!
//! The library's connection manager makes a new connection when the old one is seen to break. It stays with a connection
//! that merely gets no answers, as when the other machine is gone without a word, and with a failure to log in, as while
//! a password is being changed: there, [`Line::ask`] takes a new manager.

mod config;
mod trouble;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use backon::{ExponentialBuilder, Retryable as _};
use redis::{
    Client, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::time;

pub(crate) use self::{config::LineSettings, trouble::Trouble};

/// How often something is asked in all, and the pauses between. A server that restarts is away for longer than this;
/// what it covers is a connection that was closed while idle.
const RETRY: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(20))
    .with_max_delay(Duration::from_millis(200))
    .with_max_times(3);

/// Operations under way on the line. More of them wait their turn, within their time.
const UNDER_WAY: usize = 128;

/// When to ask again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Repeat {
    /// Whenever there was no answer: asking twice is as good as once.
    Freely,
    /// Only if the server cannot have begun.
    IfNotBegun,
}

/// A line to a server.
pub(crate) struct Line {
    server: String,
    /// What must not be repeated, whoever says it.
    password: Option<String>,
    timeout: Duration,
    client: Client,
    config: ConnectionManagerConfig,
    manager: ArcSwap<ConnectionManager>,
}

impl Line {
    /// A line that is not connected yet: it connects when something is asked.
    pub(crate) fn new(settings: LineSettings) -> RedisResult<Self> {
        let LineSettings { client, server, password, timeout } = settings;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(timeout))
            .set_concurrency_limit(UNDER_WAY)
            // Asking again is done here, where it is known what may be asked again.
            .set_number_of_retries(0);
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config.clone())?;
        Ok(Self { server, password, timeout, client, config, manager: ArcSwap::from_pointee(manager) })
    }

    /// Host and port.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Asks the server something.
    pub(crate) async fn ask<T, F, A>(&self, repeat: Repeat, request: F) -> Result<T, Trouble>
    where
        F: Fn(ConnectionManager) -> A,
        A: Future<Output = RedisResult<T>>,
    {
        let once = || async {
            let manager = self.manager.load_full();
            let answer = request(ConnectionManager::clone(&manager)).await;
            if answer.as_ref().is_err_and(trouble::outlives_the_cause) {
                self.renew(&manager);
            }
            answer
        };
        let again = |error: &redis::RedisError| match repeat {
            Repeat::Freely => trouble::is_away(error),
            Repeat::IfNotBegun => trouble::never_began(error),
        };
        let before = self.manager.load_full();
        match time::timeout(self.timeout, once.retry(RETRY).when(again)).await {
            Ok(answer) => answer.map_err(|error| Trouble::of(&error, self.password.as_deref())),
            Err(_) => {
                self.renew(&before);
                Err(Trouble::Away(format!("no answer within {} s", self.timeout.as_secs_f32())))
            }
        }
    }

    /// Takes a new manager in the place of the one that was used, unless somebody else did so already.
    fn renew(&self, used: &Arc<ConnectionManager>) {
        // It fails for settings only that have worked before.
        if let Ok(fresh) = ConnectionManager::new_lazy_with_config(self.client.clone(), self.config.clone()) {
            self.manager.compare_and_swap(used, Arc::new(fresh));
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("server", &self.server).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
