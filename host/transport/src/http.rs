//! Streamable HTTP at `/mcp`, HTTP+SSE at `/sse` and `/messages`, health.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{self, Next},
    response::Response,
    serve::Listener,
};
use cofferdam_gate::Gate;
use cofferdam_policy::Transport;
use cofferdam_protocol::McpServer;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::{
    AllowedHost, AllowedOrigin,
    drain::{Drain, FAREWELL},
    guard::{self, Guard},
    health::Health,
    sessions::{self, Remembered},
    sse,
    streams::{self, Streams},
};

/// What a listener allows.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Hosts that are served beside loopback.
    pub allowed_hosts: Vec<AllowedHost>,
    /// Origins whose pages are served beside those of loopback.
    pub allowed_origins: Vec<AllowedOrigin>,
    /// Bytes of a request's body.
    pub max_body: usize,
    /// Open sessions of the older era, of each transport.
    pub max_sessions: usize,
    /// Requests and streams open at a time.
    pub max_streams: usize,
    /// How long calls may take to finish once the host is told to end.
    pub grace: Duration,
    pub version: &'static str,
}

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything that was asked was answered.
    Drained,
    /// The grace period was over before that.
    Cut,
}

/// Serves `server` on `listener` until `closing` fires, then lets what is inside finish.
pub async fn serve(
    listener: TcpListener,
    server: McpServer,
    gate: Arc<Gate>,
    settings: HttpSettings,
    closing: CancellationToken,
) -> io::Result<Ended> {
    let closed = CancellationToken::new();
    let streams = Streams::new(settings.max_streams);
    let health = Health::new(gate, settings.version);
    let app = router(&server, &settings, &streams, health.clone(), &closing, &closed);
    let listener = UntilClosing { listener: Some(listener), closing: closing.clone() };
    let drain =
        Drain { closing: closing.clone(), answering: streams.answering, closed: closed.clone(), grace: settings.grace };
    let draining = tokio::spawn(drain.run());
    tokio::spawn(async move {
        closing.cancelled().await;
        health.drain();
    });
    // Connections that are open go on until everything is answered, so that a probe on one of them
    // hears that the host drains.
    let serving = axum::serve(listener, app).with_graceful_shutdown(closed.clone().cancelled_owned()).into_future();
    tokio::select! {
        ended = serving => ended?,
        // Connections that stay open with nothing on them are not waited for.
        () = async { closed.cancelled().await; tokio::time::sleep(FAREWELL).await; } => {}
    }
    let all = draining.await.map_err(io::Error::other)?;
    Ok(if all { Ended::Drained } else { Ended::Cut })
}

/// A listener that takes no connections any more once the host is told to end.
struct UntilClosing {
    /// Gone when it is closed: the kernel refuses connections then.
    listener: Option<TcpListener>,
    closing: CancellationToken,
}

impl Listener for UntilClosing {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        if let Some(listener) = &mut self.listener {
            tokio::select! {
                // The trait's, which knows what to do when the process has no descriptors left.
                (stream, address) = Listener::accept(listener) => {
                    // Head and body of an answer are small writes of their own. With Nagle's algorithm
                    // the second waits for the client's delayed acknowledgement of the first: 40 ms on
                    // every call.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "cannot set TCP_NODELAY");
                    }
                    return (stream, address);
                }
                () = self.closing.cancelled() => {}
            }
        }
        self.listener = None;
        std::future::pending().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.as_ref().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?.local_addr()
    }
}

/// A client whose connection stays would send it new work for as long as the host drains.
async fn say_goodbye(State(closing): State<CancellationToken>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if closing.is_cancelled() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn router(
    server: &McpServer,
    settings: &HttpSettings,
    streams: &Streams,
    health: Health,
    closing: &CancellationToken,
    closed: &CancellationToken,
) -> Router {
    let guard = Guard::new(&settings.allowed_hosts, &settings.allowed_origins);
    let manager = sessions::manager(settings.max_sessions);
    let mut config = StreamableHttpServerConfig::default()
        .with_cancellation_token(closed.clone())
        .with_max_request_body_bytes(settings.max_body)
        // A client of the current era gets plain JSON unless something comes before the result.
        .with_json_response(true)
        // Hosts and origins are checked before, for every route alike.
        .disable_allowed_hosts()
        .disable_allowed_origins();
    config.session_store = Some(Remembered::new());
    let factory = {
        let server = server.clone();
        move || Ok(server.for_connection(Transport::Http))
    };
    let streamable = StreamableHttpService::new(factory, manager.clone(), config);
    let mcp =
        Router::new().route_service("/mcp", streamable).layer(middleware::from_fn_with_state(manager, sessions::cap));
    let older = sse::Sessions::new(
        server.clone(),
        settings.max_sessions,
        settings.max_body,
        streams.answering.clone(),
        closed.clone(),
    );
    mcp.merge(older.router())
        .layer(middleware::from_fn_with_state(closing.clone(), say_goodbye))
        .layer(cors(guard.clone()))
        .layer(middleware::from_fn_with_state(guard, guard::check))
        .layer(middleware::from_fn_with_state(streams.clone(), streams::count))
        .layer(middleware::from_fn(streams::name))
        .merge(health.router())
}

/// What pages of allowed origins may send and read.
fn cors(guard: Guard) -> CorsLayer {
    let exposed =
        ["x-request-id", "mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name", "www-authenticate"];
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin: &HeaderValue, _| {
            origin.to_str().is_ok_and(|origin| guard.answers_origin(origin))
        }))
        .allow_methods([Method::GET, Method::POST, Method::DELETE, Method::OPTIONS])
        // `Mcp-Param-*` has no end of names, so what is asked for is what is allowed.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed.map(HeaderName::from_static))
        .vary([header::ORIGIN, header::ACCESS_CONTROL_REQUEST_METHOD, header::ACCESS_CONTROL_REQUEST_HEADERS])
        .max_age(Duration::from_secs(600))
}
