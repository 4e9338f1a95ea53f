//! Servers that send what is no response, as much of it as they can; and streams of HTTP/2.

use std::sync::Arc;

use bytes::Bytes;
use cofferdam_egress::{Egress, Terms, full};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt as _;
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    sync::mpsc::{Receiver, channel},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    dns::Dns,
    server::{Server, echo, head},
    setting::{SHORT, egress, failure, get, post, silence, terms, text, until},
    tls::{Authority, HTTP2},
};

/// Sends the same for ever when a request is there.
async fn repeats(first: &'static str, again: &'static str) -> Server {
    Server::raw("127.0.0.1:0", move |mut stream, _| async move {
        head(&mut stream).await;
        let _ = stream.write_all(first.as_bytes()).await;
        let again = again.repeat(1 + 65536 / again.len());
        while stream.write_all(again.as_bytes()).await.is_ok() {}
    })
    .await
}

#[tokio::test]
async fn interim_answers_without_end() {
    let server = repeats("", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n").await;
    let error = egress().send(get(server.url("/")), &terms()).await.unwrap_err();
    assert_eq!(error.code(), "protocol-error", "{error}");
    until("the connection is closed", || server.open() == 0).await;
}

#[tokio::test]
async fn a_few_interim_answers() {
    let server = Server::raw("127.0.0.1:0", |mut stream, _| async move {
        head(&mut stream).await;
        let interim = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(5);
        let _ = stream.write_all(format!("{interim}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").as_bytes()).await;
        head(&mut stream).await;
    })
    .await;
    assert_eq!(text(egress().send(get(server.url("/")), &terms()).await.unwrap()).await, "ok");
}

#[tokio::test]
async fn chunks_that_are_all_extension() {
    let server = repeats(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n",
    )
    .await;
    let sent = egress().send(get(server.url("/")), &Terms { largest_response: u64::MAX, ..terms() }).await.unwrap();
    assert_eq!(failure(sent.response.into_body()).await.0, "protocol-error");
    until("the connection is closed", || server.open() == 0).await;
}

/// A byte in each chunk is unusual, and still a body.
#[tokio::test]
async fn chunks_of_one_byte() {
    let server = repeats("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n").await;
    let sent = egress().send(get(server.url("/")), &Terms { largest_response: 1 << 15, ..terms() }).await.unwrap();
    assert_eq!(failure(sent.response.into_body()).await, ("response-too-large", 1 << 15));
}

/// A server of HTTP/2 that does what it likes with its connections, and an engine that knows it.
struct Http2 {
    server: Server,
    egress: Egress,
    url: String,
    _dns: Dns,
}

impl Http2 {
    async fn new<F>(serve: impl Fn(TlsStream<TcpStream>) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let authority = Authority::new();
        let acceptor = TlsAcceptor::from(Arc::new(authority.server("api.example", &[HTTP2])));
        let server = Server::raw("127.0.0.1:0", move |stream, _| {
            let (acceptor, serve) = (acceptor.clone(), serve.clone());
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream).await;
                }
            }
        })
        .await;
        let dns = Dns::with(&["127.0.0.1"]).await;
        let (egress, url) = (authority.egress(&dns), server.named("https", "api.example"));
        Self { server, egress, url, _dns: dns }
    }
}

#[tokio::test]
async fn interim_answers_without_end_by_http2() {
    let Http2 { server, egress, url, _dns } = Http2::new(|stream| async {
        let Ok(mut connection) = h2::server::handshake(stream).await else { return };
        let Some(Ok((_, mut respond))) = connection.accept().await else { return };
        loop {
            let mut interim = Response::new(());
            *interim.status_mut() = StatusCode::EARLY_HINTS;
            let mut link = HeaderValue::try_from("</a>".repeat(1000)).unwrap();
            // Written out each time, instead of as a reference to the last.
            link.set_sensitive(true);
            interim.headers_mut().insert("link", link);
            if respond.send_informational(interim).is_err() {
                return;
            }
            let ended = std::future::poll_fn(|cx| match connection.poll_closed(cx) {
                std::task::Poll::Ready(_) => std::task::Poll::Ready(true),
                std::task::Poll::Pending => std::task::Poll::Ready(false),
            });
            if ended.await {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    let error = egress.send(get(&url), &terms()).await.unwrap_err();
    assert_eq!(error.code(), "protocol-error", "{error}");
    until("the connection is closed", || server.open() == 0).await;
}

#[tokio::test]
async fn empty_frames_without_end_by_http2() {
    let Http2 { server, egress, url, _dns } = Http2::new(|stream| async {
        let Ok(mut connection) = h2::server::handshake(stream).await else { return };
        let Some(Ok((_, mut respond))) = connection.accept().await else { return };
        let Ok(mut body) = respond.send_response(Response::new(()), false) else { return };
        loop {
            for _ in 0..100 {
                if body.send_data(Bytes::new(), false).is_err() {
                    return;
                }
            }
            let ended = std::future::poll_fn(|cx| match connection.poll_closed(cx) {
                std::task::Poll::Ready(_) => std::task::Poll::Ready(true),
                std::task::Poll::Pending => std::task::Poll::Ready(false),
            });
            if ended.await {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    let sent = egress.send(get(&url), &terms()).await.unwrap();
    assert_eq!(failure(sent.response.into_body()).await, ("protocol-error", 0));
    until("the connection is closed", || server.open() == 0).await;
}

#[tokio::test]
async fn heads_have_a_bound_by_http2() {
    for (count, bytes, fits) in [(90, 100, true), (150, 1, false), (20, 4000, false)] {
        let Http2 { server: _server, egress, url, _dns } = Http2::new(move |stream| async move {
            let Ok(mut connection) = h2::server::handshake(stream).await else { return };
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                let mut answer = Response::new(());
                for number in 0..count {
                    let name = HeaderName::try_from(format!("x-{number}")).unwrap();
                    answer.headers_mut().insert(name, HeaderValue::try_from("v".repeat(bytes)).unwrap());
                }
                let _ = respond.send_response(answer, true);
            }
        })
        .await;
        let sent = egress.send(get(&url), &Terms { timeout: 5 * SHORT, ..terms() }).await;
        assert_eq!(sent.is_ok(), fits, "{count} fields of {bytes} bytes: {sent:?}");
    }
}

/// Dropping one response of a connection resets its stream, and leaves the others alone.
#[tokio::test]
async fn a_dropped_stream_is_reset_and_the_connection_goes_on() {
    let (tell, told) = channel::<h2::Reason>(4);
    let Http2 { server, egress, url, _dns } = Http2::new(move |stream| {
        let tell = tell.clone();
        async move {
            let Ok(mut connection) = h2::server::handshake(stream).await else { return };
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                let quick = request.uri().path() == "/quick";
                let Ok(mut body) = respond.send_response(Response::new(()), false) else { return };
                let _ = body.send_data(Bytes::from("begun"), quick);
                let tell = tell.clone();
                tokio::spawn(async move {
                    // Held until the client resets it.
                    let reset = std::future::poll_fn(|cx| body.poll_reset(cx)).await;
                    if let (Ok(reason), false) = (reset, quick) {
                        let _ = tell.send(reason).await;
                    }
                });
            }
        }
    })
    .await;
    let first = egress.send(get(&url), &terms()).await.unwrap();
    let mut kept = egress.send(get(&url), &terms()).await.unwrap().response.into_body();
    drop(first);
    let mut told: Receiver<_> = told;
    assert_eq!(told.recv().await, Some(h2::Reason::CANCEL));
    assert_eq!(kept.frame().await.unwrap().unwrap().into_data().unwrap(), "begun");
    assert_eq!(text(egress.send(get(format!("{url}quick")), &terms()).await.unwrap()).await, "begun");
    assert_eq!((server.accepted(), server.open()), (1, 1));
}

/// A peer that gives no room for a body would hold what waits for it; the end of the exchange is the end of that.
#[tokio::test]
async fn an_upload_that_nobody_takes_ends_with_its_exchange() {
    let Http2 { server, egress, url, _dns } = Http2::new(|stream| async {
        let Ok(mut connection) = h2::server::Builder::new().initial_window_size(0).handshake::<_, Bytes>(stream).await
        else {
            return;
        };
        let mut held = Vec::new();
        while let Some(Ok(exchange)) = connection.accept().await {
            held.push(exchange);
        }
    })
    .await;
    let brief = Terms { timeout: SHORT, ..terms() };
    for body in [full(vec![0; 1 << 19]), silence()] {
        let error = egress.send(post(&url, body), &brief).await.unwrap_err();
        assert_eq!(error.code(), "timeout", "{error}");
    }
    until("the connection is closed", || server.open() == 0).await;
}

/// The same when the server has answered already, and the connection is one for others too: the stream is reset, or the
/// connection goes. The request's body is in one piece, in many, or not there yet.
#[tokio::test]
async fn an_upload_that_nobody_takes_ends_with_its_response() {
    let (tell, mut told) = channel::<()>(4);
    let Http2 { server: _server, egress, url, _dns } = Http2::new(move |stream| {
        let tell = tell.clone();
        async move {
            let mut builder = h2::server::Builder::new();
            let Ok(mut connection) = builder.initial_window_size(0).handshake::<_, Bytes>(stream).await else { return };
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                let Ok(mut body) = respond.send_response(Response::new(()), false) else { return };
                let tell = tell.clone();
                tokio::spawn(async move {
                    // Either way there is nothing left to wait for.
                    let _ = std::future::poll_fn(|cx| body.poll_reset(cx)).await;
                    drop(request);
                    let _ = tell.send(()).await;
                });
            }
        }
    })
    .await;
    let bodies = [full(vec![0; 1 << 19]), crate::setting::pieces(vec![vec![0; 1 << 14].into(); 32]), silence()];
    for body in bodies {
        let sent = egress.send(post(&url, body), &terms()).await.unwrap();
        drop(sent);
        let over = tokio::time::timeout(10 * SHORT, told.recv()).await;
        assert_eq!(over.ok().flatten(), Some(()));
    }
}

#[tokio::test]
async fn bodies_flow_by_http2() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("api.example", &[HTTP2]), echo).await;
    let dns = Dns::with(&["127.0.0.1"]).await;
    let egress = authority.egress(&dns);
    let large = Terms { largest_request: 32 << 20, largest_response: 32 << 20, ..terms() };
    let body = vec![7; 16 << 20];
    let sent = egress.send(post(server.named("https", "api.example"), full(body.clone())), &large).await.unwrap();
    assert_eq!(sent.response.into_body().collect().await.unwrap().to_bytes(), body);
    let error = egress
        .send(
            post(server.named("https", "api.example"), crate::setting::pieces(vec![vec![0; 1 << 20].into(); 2])),
            &terms(),
        )
        .await;
    assert_eq!(error.unwrap_err().code(), "request-too-large");
}
