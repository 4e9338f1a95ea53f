//! New connections: to an address that was judged, with TLS for the host of the URL, speaking what was agreed on.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use hyper::{
    client::conn::{http1, http2},
    rt::Executor,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ClientConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::{Instant, timeout},
};
use tokio_rustls::TlsConnector;

use crate::{
    clock::{Clock, Patience},
    error::{EgressError, Wait, causes},
    limits,
    meter::{Meter, Metered},
    origin::Scheme,
    pool::{From, Key, Lease, Pool, Sender, Wire},
    request::Speaks,
    resolve::{Resolved, Resolver},
    slots::Slot,
    tls,
};

/// Makes connections. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    pub(crate) resolver: Resolver,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) pool: Pool,
    pub(crate) timeout: Duration,
}

// === impl Connector ===

impl Connector {
    /// A new connection for `key`.
    pub(crate) async fn connect(&self, key: &Arc<Key>, clock: &Clock) -> Result<Lease, EgressError> {
        let patience = clock.patience(Wait::Connect, Some(self.timeout));
        let origin = &key.origin;
        let looking = patience.with(Wait::Resolve);
        let resolved = looking.wait(self.resolver.resolve(&origin.host, origin.port, &key.networks)).await??;
        let slot = match self.slot(key, &patience).await? {
            Way::Make(slot) => slot,
            Way::Use(lease) => return Ok(lease),
        };
        let (stream, address) = patience.wait(race(&resolved.addresses)).await?.map_err(|failures| {
            let (addresses, errors): (Vec<_>, Vec<_>) = failures.into_iter().unzip();
            let why = errors.first().map_or_else(|| "there was none to connect to".to_owned(), |error| causes(error));
            EgressError::Connect { host: origin.to_string(), addresses, why }
        })?;
        // Small requests are not held back for more to come. Failing that they are, and all else works.
        let _ = stream.set_nodelay(true);
        let place = Place { address, resolved: &resolved, slot };
        match origin.scheme {
            Scheme::Http => patience.wait(self.speak(key, stream, Speaks::Http1, place)).await?,
            Scheme::Https => {
                let failed = |why: String| EgressError::Tls { host: origin.to_string(), address, why };
                let name = tls::server_name(&origin.host)
                    .ok_or_else(|| failed("the host is no name that a certificate could have".to_owned()))?;
                let handshake = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream);
                let stream = patience.wait(handshake).await?.map_err(|error| match tls_error(&error) {
                    Some(error) => failed(causes(error)),
                    None => EgressError::Reset { host: origin.to_string(), address, why: causes(&error) },
                })?;
                let speaks = match stream.get_ref().1.alpn_protocol() {
                    Some(tls::HTTP2) => Speaks::Http2,
                    _ => Speaks::Http1,
                };
                patience.wait(self.speak(key, stream, speaks, place)).await?
            }
        }
    }

    /// The right to open a connection, or one that makes it needless. Waiting for either is part of connecting.
    async fn slot(&self, key: &Key, patience: &Patience) -> Result<Way, EgressError> {
        let waits_for = Mutex::new(None);
        let slot = self.pool.slots().acquire(&key.pool, |pool| self.pool.make_room(pool), &waits_for);
        let either = async {
            tokio::select! {
                biased;
                slot = slot => Way::Make(slot),
                lease = self.pool.arrival(key) => Way::Use(lease),
            }
        };
        patience.wait(either).await.map_err(|timeout| match waits_for.into_inner() {
            Ok(Some(with)) => EgressError::Busy { host: key.origin.to_string(), with },
            _ => timeout,
        })
    }

    /// Starts the protocol upon a stream.
    async fn speak<S>(&self, key: &Arc<Key>, stream: S, speaks: Speaks, place: Place<'_>) -> Result<Lease, EgressError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Place { address, resolved, slot } = place;
        let failed =
            |error: hyper::Error| EgressError::Reset { host: key.origin.to_string(), address, why: causes(&error) };
        let meter = Meter::new();
        let stream = TokioIo::new(Metered::new(stream, Arc::clone(&meter)));
        let (life, tasks) = Tasks::new(slot);
        let wire = || {
            Arc::new(Wire {
                life,
                address,
                withheld: resolved.withheld,
                born: Instant::now(),
                meter: Arc::clone(&meter),
            })
        };
        match speaks {
            Speaks::Http1 => {
                let mut builder = http1::Builder::new();
                builder
                    .max_headers(limits::HEADERS)
                    .max_header_size(limits::HEADER_BYTES)
                    .max_buf_size(limits::READ_AHEAD);
                let (sender, connection) = builder.handshake(stream).await.map_err(failed)?;
                tasks.execute(drive(connection));
                Ok(Lease { sender: Sender::Http1(sender), wire: wire(), from: From::New })
            }
            Speaks::Http2 => {
                let mut builder = http2::Builder::new(tasks.clone());
                builder
                    .timer(TokioTimer::new())
                    .initial_stream_window_size(limits::STREAM_WINDOW)
                    .initial_connection_window_size(limits::CONNECTION_WINDOW)
                    .max_header_list_size(limits::HEADER_LIST)
                    .max_send_buf_size(limits::SEND_BUFFER);
                let (sender, connection) = builder.handshake(stream).await.map_err(failed)?;
                tasks.execute(drive(connection));
                let wire = wire();
                self.pool.share(key, &sender, &wire);
                Ok(Lease { sender: Sender::Http2(sender), wire, from: From::New })
            }
        }
    }
}

/// How an exchange comes to a connection.
enum Way {
    Make(Slot),
    Use(Lease),
}

/// Where a new connection goes, and its right to be.
struct Place<'a> {
    address: SocketAddr,
    resolved: &'a Resolved,
    slot: Slot,
}

/// Runs what belongs to a connection: until it ends, or the connection's [`Wire`] closes it.
///
/// hyper runs HTTP/2 in tasks of its own, which wait for streams to end by themselves. Each of them is run here, so that
/// none outlives the connection; and each holds the slot, which is free when the socket is closed.
#[derive(Clone, Debug)]
struct Tasks {
    life: watch::Receiver<()>,
    slot: Arc<Slot>,
}

impl Tasks {
    fn new(slot: Slot) -> (watch::Sender<()>, Self) {
        let (sender, life) = watch::channel(());
        (sender, Self { life, slot: Arc::new(slot) })
    }
}

impl<F> Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, task: F) {
        let Self { mut life, slot } = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = life.changed() => {}
                _ = task => {}
            }
            // Named, so that it is held until here.
            drop(slot);
        });
    }
}

/// Runs a connection, and tells operators who look closely how it ended.
async fn drive(connection: impl Future<Output = hyper::Result<()>>) {
    if let Err(error) = connection.await {
        tracing::debug!(error = %causes(&error), "a connection ended");
    }
}

/// Connects to the first address that answers: one after the other, the next as soon as one fails or takes long.
async fn race(addresses: &[SocketAddr]) -> Result<(TcpStream, SocketAddr), Vec<(SocketAddr, io::Error)>> {
    let mut left = addresses.iter().take(limits::TRIED);
    let mut under_way = FuturesUnordered::new();
    let mut failures = Vec::new();
    loop {
        if let Some(address) = left.next() {
            under_way.push(async move { (*address, TcpStream::connect(*address).await) });
        }
        let outcome = if left.len() == 0 {
            under_way.next().await
        } else {
            match timeout(limits::NEXT_ADDRESS, under_way.next()).await {
                Ok(outcome) => outcome,
                Err(_) => continue,
            }
        };
        match outcome {
            Some((address, Ok(stream))) => return Ok((stream, address)),
            Some((address, Err(error))) => failures.push((address, error)),
            None if left.len() == 0 => return Err(failures),
            None => {}
        }
    }
}

/// What TLS itself has to say, when it is not the connection that broke.
fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}
