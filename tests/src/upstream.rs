//! A web server as a test wants it: what it was asked is kept, and what it answers is the test's.

use std::{
    convert::Infallible,
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, future::BoxFuture, stream};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    task::yield_now,
};

/// What the server answers.
pub type Answer = Response<UnsyncBoxBody<Bytes, io::Error>>;

type Handler = Arc<dyn Fn(Asked) -> BoxFuture<'static, Answer> + Send + Sync>;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which connection it came over, from 1.
    pub connection: usize,
    pub method: String,
    /// Path and query, as they stood in the request.
    pub target: String,
    pub headers: HeaderMap,
    /// As much of it as came.
    pub body: Bytes,
}

impl Asked {
    /// A header's value; empty when it is absent.
    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()).unwrap_or_default()
    }

    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// A server that runs until this is dropped.
pub struct Upstream {
    address: SocketAddr,
    seen: Arc<Seen>,
    runtime: Option<Runtime>,
}

#[derive(Debug, Default)]
struct Seen {
    requests: Mutex<Vec<Asked>>,
    connections: AtomicUsize,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Upstream {
    /// A server that answers every request with this.
    pub fn saying(text: &'static str) -> Self {
        Self::start(move |_| Response::new(body(text)))
    }

    /// A server whose answers need nothing to wait for.
    pub fn start(handler: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", handler)
    }

    /// The same at an address of the test's choice.
    pub fn at(address: &str, handler: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::new(address, Arc::new(move |asked| Box::pin(std::future::ready(handler(&asked)))))
    }

    /// A server that may take its time.
    pub fn waiting<F: Future<Output = Answer> + Send + 'static>(
        handler: impl Fn(Asked) -> F + Send + Sync + 'static,
    ) -> Self {
        Self::new("127.0.0.1:0", Arc::new(move |asked| Box::pin(handler(asked))))
    }

    /// A server that gets connections, and does with each whatever this does. Counts no requests.
    pub fn raw<F: Future<Output = ()> + Send + 'static>(
        handler: impl Fn(TcpStream) -> F + Send + Sync + 'static,
    ) -> Self {
        Self::listening("127.0.0.1:0", move |stream, _, _| handler(stream))
    }

    fn new(address: &str, handler: Handler) -> Self {
        Self::listening(address, move |stream, connection, seen| {
            let handler = handler.clone();
            async move {
                let service = service_fn(move |request| answer(request, connection, seen.clone(), handler.clone()));
                // The other side may go away at any time; what it asked is kept.
                let _ended = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            }
        })
    }

    fn listening<F: Future<Output = ()> + Send + 'static>(
        address: &str,
        serve: impl Fn(TcpStream, usize, Arc<Seen>) -> F + Send + Sync + 'static,
    ) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::<Seen>::default());
        let kept = seen.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = seen.connections.fetch_add(1, Ordering::SeqCst) + 1;
                let _unset = stream.set_nodelay(true);
                tokio::spawn(serve(stream, connection, seen.clone()));
            }
        });
        Self { address, seen: kept, runtime: Some(runtime) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// `http://`, the address, and this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Everything it was asked so far.
    pub fn requests(&self) -> Vec<Asked> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// How many connections were opened to it.
    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // An endless answer is not waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    connection: usize,
    seen: Arc<Seen>,
    handler: Handler,
) -> Result<Answer, Infallible> {
    let (parts, mut incoming) = request.into_parts();
    let target = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let mut all = Vec::new();
    while let Some(Ok(frame)) = incoming.frame().await {
        if let Ok(data) = frame.into_data() {
            all.extend_from_slice(&data);
        }
    }
    let (method, headers) = (parts.method.to_string(), parts.headers);
    let asked = Asked { connection, method, target, headers, body: all.into() };
    seen.requests.lock().unwrap().push(asked.clone());
    Ok(handler(asked).await)
}

/// A body that is there as a whole.
pub fn body(bytes: impl Into<Bytes>) -> UnsyncBoxBody<Bytes, io::Error> {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A body in chunks, each of which is on its way before the next is made.
pub fn slowly(bytes: impl Into<Vec<u8>>, size: usize) -> UnsyncBoxBody<Bytes, io::Error> {
    let bytes = bytes.into();
    pieces(bytes.chunks(size).map(Bytes::copy_from_slice).collect())
}

/// The same with chunks of the test's choice.
pub fn pieces(list: Vec<Bytes>) -> UnsyncBoxBody<Bytes, io::Error> {
    streamed(stream::iter(list).then(|piece| async {
        // What was made before is written now.
        yield_now().await;
        piece
    }))
}

/// A body of whatever comes.
pub fn streamed(stream: impl Stream<Item = Bytes> + Send + 'static) -> UnsyncBoxBody<Bytes, io::Error> {
    StreamBody::new(stream.map(|piece| Ok(Frame::data(piece)))).boxed_unsync()
}

/// Reads the head of a request off a connection that nothing else reads; its path.
pub async fn asked_path(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return String::new(),
        }
    }
    String::from_utf8_lossy(&head).split_whitespace().nth(1).unwrap_or_default().to_owned()
}
