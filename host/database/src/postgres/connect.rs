//! Connections: made, kept in the pool, asked to stop.
//!
//! The sockets are opened here and not by the client library, so that [`Frames`] stands between the two.

use std::{fmt, io, sync::Arc, time::Duration};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};
use tokio_postgres::{
    AsyncMessage, CancelToken, Client, Connection as Line, NoTls,
    tls::{MakeTlsConnect, TlsStream},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    address::{Address, Place},
    errors,
    frames::{Frames, Longest, Watched},
};
use crate::{SqlError, limits};

/// Makes connections for the pool.
pub(crate) struct Manager {
    address: Address,
    tls: Option<MakeRustlsConnect>,
    connect_timeout: Duration,
}

/// One connection. Dropping it closes it.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) longest: Arc<Longest>,
    /// Reads and writes for the client.
    task: JoinHandle<()>,
    place: Place,
    tls: Option<MakeRustlsConnect>,
}

/// What it takes to stop the statement of a connection, without holding the connection.
pub(crate) struct Canceller {
    token: CancelToken,
    place: Place,
    tls: Option<MakeRustlsConnect>,
}

/// A socket of either kind.
trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Manager(..)")
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection(..)")
    }
}

impl Manager {
    pub(crate) fn new(address: Address, tls: Option<MakeRustlsConnect>, connect_timeout: Duration) -> Self {
        Self { address, tls, connect_timeout }
    }

    async fn connect(&self, place: &Place) -> Result<Connection, SqlError> {
        let longest = Longest::new();
        let config = &self.address.config;
        let (client, task) = match (&self.tls, place) {
            (Some(tls), Place::Tcp { host, name, port }) => {
                let socket = tcp(host, *port).await.map_err(|e| errors::of_socket(&e))?;
                let Ok(tls) = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls.clone(), name);
                let (client, line) = config
                    .connect_raw(socket, Watched::new(tls, longest.clone()))
                    .await
                    .map_err(|e| errors::of_connecting(&e))?;
                (client, tokio::spawn(attend(line)))
            }
            _ => {
                let socket = open(place).await.map_err(|e| errors::of_socket(&e))?;
                let (client, line) = config
                    .connect_raw(Frames::new(socket, longest.clone()), NoTls)
                    .await
                    .map_err(|e| errors::of_connecting(&e))?;
                (client, tokio::spawn(attend(line)))
            }
        };
        Ok(Connection { client, longest, task, place: place.clone(), tls: self.tls.clone() })
    }
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = SqlError;

    async fn create(&self) -> Result<Connection, SqlError> {
        let mut why = SqlError::unavailable("the url names no host");
        for place in &self.address.places {
            match timeout(self.connect_timeout, self.connect(place)).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(e)) => why = e,
                Err(_) => why = SqlError::unavailable("connecting took too long"),
            }
        }
        tracing::warn!(error = %why, "cannot connect to the database");
        Err(why)
    }

    async fn recycle(&self, connection: &mut Connection, metrics: &Metrics) -> RecycleResult<SqlError> {
        if connection.client.is_closed() {
            return Err(RecycleError::message("closed"));
        }
        // What forwards connections forgets idle ones without telling.
        if metrics.last_used() > IDLE {
            connection.client.check_connection().await.map_err(|_| RecycleError::message("lost"))?;
        }
        Ok(())
    }
}

impl Connection {
    pub(crate) fn canceller(&self) -> Canceller {
        Canceller { token: self.client.cancel_token(), place: self.place.clone(), tls: self.tls.clone() }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Canceller {
    /// Asks the server to stop what the connection is at. It does not say whether it did.
    pub(crate) async fn cancel(&self) {
        let asked = timeout(limits::CANCELLING, async {
            match (&self.tls, &self.place) {
                (Some(tls), Place::Tcp { host, name, port }) => {
                    let socket = tcp(host, *port).await.map_err(drop)?;
                    let Ok(tls) = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls.clone(), name);
                    self.token.cancel_query_raw(socket, tls).await.map_err(drop)
                }
                (_, place) => {
                    let socket = open(place).await.map_err(drop)?;
                    self.token.cancel_query_raw(socket, NoTls).await.map_err(drop)
                }
            }
        });
        if !matches!(asked.await, Ok(Ok(()))) {
            tracing::debug!("a statement could not be cancelled; its own timeout ends it");
        }
    }
}

async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let socket = TcpStream::connect((host, port)).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

async fn open(place: &Place) -> io::Result<Box<dyn Socket>> {
    match place {
        Place::Tcp { host, port, .. } => Ok(Box::new(tcp(host, *port).await?)),
        #[cfg(unix)]
        Place::Socket(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(not(unix))]
        Place::Socket(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Reads and writes until the client goes. Notices, which a statement can make any number of, are dropped.
async fn attend<S, T>(mut line: Line<S, T>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: TlsStream + Unpin,
{
    while let Some(message) = std::future::poll_fn(|cx| line.poll_message(cx)).await {
        match message {
            Ok(AsyncMessage::Notice(_) | AsyncMessage::Notification(_)) => {}
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

/// How long a connection may be idle before it is tried when it is taken.
const IDLE: Duration = Duration::from_secs(30);
