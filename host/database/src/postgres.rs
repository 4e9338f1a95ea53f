//! PostgreSQL: a pool of connections, and sessions on them.

mod address;
mod connect;
mod decode;
mod encode;
mod errors;
mod form;
mod frames;
mod hold;
mod numeric;
mod run;
mod tls;

use std::{path::Path, time::Duration};

use deadpool::{
    Runtime,
    managed::{Pool, PoolError, QueueMode, TimeoutType, Timeouts},
};
use tokio::{sync::oneshot, time::Instant};

use crate::{
    Access, ConnectionUrl, OpenError, SqlError, Tls, limits,
    session::{Session, session},
    statement::Dialect,
};

use address::Address;
use connect::Manager;
use errors::Words;
use hold::Hold;

/// A server, and the connections to it.
#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    pool: Pool<Manager>,
    words: Words,
    connect_timeout: Duration,
}

impl Postgres {
    pub(crate) fn new(
        name: &str,
        url: &ConnectionUrl,
        ca_file: Option<&Path>,
        tls: Tls,
        pool: u32,
        connect_timeout: Duration,
    ) -> Result<Self, OpenError> {
        let range = |what, range: String| OpenError::Range { name: name.to_owned(), what, range };
        if pool == 0 || pool > limits::POOL {
            return Err(range("pool", format!("1 to {}", limits::POOL)));
        }
        if connect_timeout.is_zero() || connect_timeout > limits::LONGEST {
            return Err(range("connect_timeout", "more than nothing and at most a day".to_owned()));
        }
        let address = Address::parse(name, url, tls)?;
        let connector = match tls {
            Tls::Required => Some(tls::connector(name, ca_file)?),
            Tls::Off if ca_file.is_some() => {
                let why = "there is a ca_file, and tls is off: remove one of them".to_owned();
                return Err(OpenError::Tls { name: name.to_owned(), why });
            }
            Tls::Off => None,
        };
        let words = Words::without(&address);
        let manager = Manager::new(address, connector, connect_timeout);
        let pool = Pool::builder(manager)
            .max_size(pool as usize)
            .runtime(Runtime::Tokio1)
            // The one that was used last is the least likely to have been closed by something on the way.
            .queue_mode(QueueMode::Lifo)
            .build()
            .map_err(|_| range("pool", format!("1 to {}", limits::POOL)))?;
        Ok(Self { pool, words, connect_timeout })
    }

    /// Takes a connection and begins.
    pub(crate) async fn begin(&self, access: Access, deadline: Instant) -> Result<Session, SqlError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeouts = Timeouts {
            wait: Some(left),
            create: Some(left.min(self.connect_timeout)),
            recycle: Some(limits::CANCELLING),
        };
        let connection = self.pool.timeout_get(&timeouts).await.map_err(|e| match e {
            PoolError::Backend(e) => e,
            PoolError::Timeout(TimeoutType::Wait) => SqlError::Timeout,
            PoolError::Timeout(_) => SqlError::unavailable("connecting took too long"),
            PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                SqlError::unavailable("the pool is closed")
            }
        })?;
        let (session, commands) = session(Dialect::Postgres, access, deadline);
        let (ready, begun) = oneshot::channel();
        let hold = Hold::new(connection, self.words.clone());
        tokio::spawn(hold.run(access, deadline, ready, commands));
        begun.await.map_err(|_| SqlError::Closed)??;
        Ok(session)
    }
}
