//! Servers on loopback: some that speak HTTP, and some that only pretend to.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use cofferdam_egress::{Body, BodyError, full};
use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// One request, as far as the tests look at it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
}

/// A server, stopped when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    accepted: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

/// Counts an open connection.
struct Open(Arc<AtomicUsize>);

impl Server {
    /// Speaks HTTP/1 and HTTP/2, whichever it is spoken to.
    pub(crate) async fn new<F>(answer: impl Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        Self::at("127.0.0.1:0", None, answer).await
    }

    /// The same with TLS.
    pub(crate) async fn tls<F>(
        config: ServerConfig,
        answer: impl Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        Self::at("127.0.0.1:0", Some(TlsAcceptor::from(Arc::new(config))), answer).await
    }

    pub(crate) async fn at<F>(
        address: &str,
        tls: Option<TlsAcceptor>,
        answer: impl Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let record = Arc::clone(&seen);
        let mut server = Self::raw(address, move |stream, _| {
            let (answer, record, tls) = (answer.clone(), Arc::clone(&record), tls.clone());
            async move {
                let serve = |request: Request<Incoming>| {
                    record.lock().unwrap().push(Seen {
                        method: request.method().clone(),
                        target: request.uri().to_string(),
                        version: request.version(),
                        headers: request.headers().clone(),
                    });
                    let answer = answer(request);
                    async move { Ok::<_, BodyError>(answer.await) }
                };
                match tls {
                    // A client that goes away in the middle, or does not like us, is what some tests are about.
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            talk(stream, serve).await;
                        }
                    }
                    None => talk(stream, serve).await,
                }
            }
        })
        .await;
        server.seen = seen;
        server
    }

    /// Does what it likes with a connection. The second argument is the number of the connection, from 1.
    pub(crate) async fn raw<F>(address: &str, serve: impl Fn(TcpStream, usize) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counts = (Arc::clone(&accepted), Arc::clone(&open));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = counts.0.fetch_add(1, Ordering::SeqCst) + 1;
                counts.1.fetch_add(1, Ordering::SeqCst);
                let (serving, open) = (serve(stream, number), Open(Arc::clone(&counts.1)));
                tokio::spawn(async move {
                    serving.await;
                    drop(open);
                });
            }
        });
        Self { address, seen: Arc::default(), accepted, open, task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The same for a host by name.
    pub(crate) fn named(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}/", self.address.port())
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Connections until now.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Connections that are served now.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

async fn talk<S, F>(stream: S, serve: impl Fn(Request<Incoming>) -> F)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
    F: Future<Output = Result<Response<Body>, BodyError>> + Send + 'static,
{
    // What ends it is the test's concern.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service_fn(serve)).await;
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What most servers here answer.
pub(crate) async fn hello(_: Request<Incoming>) -> Response<Body> {
    Response::new(full("hello"))
}

/// Sends back what came.
pub(crate) async fn echo(request: Request<Incoming>) -> Response<Body> {
    Response::new(request.into_body().map_err(|error| BodyError::Source(error.into())).boxed_unsync())
}

pub(crate) fn status(status: u16) -> Response<Body> {
    Response::builder().status(status).body(full("")).unwrap()
}

/// Reads the head of a request, and nothing of what follows if it can.
pub(crate) async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}
