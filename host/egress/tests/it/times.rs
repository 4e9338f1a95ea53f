//! Nothing takes longer than granted.

use std::time::{Duration, Instant};

use cofferdam_egress::{BodyError, Egress, EgressError, EgressSettings, Terms, Wait};
use http::Response;
use http_body_util::BodyExt as _;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};

use crate::{
    server::{Server, head, hello},
    setting::{SHORT, egress, get, post, settings, silence, terms, text, until},
};

fn waited_for(error: &EgressError) -> Wait {
    match error {
        EgressError::Timeout { wait, .. } => *wait,
        other => panic!("{other}"),
    }
}

/// Sends this, and then a byte now and then, for ever.
async fn drip(beginning: &'static str) -> Server {
    Server::raw("127.0.0.1:0", move |mut stream, _| async move {
        head(&mut stream).await;
        let _ = stream.write_all(beginning.as_bytes()).await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

/// Sends this and then nothing, until the other side goes.
async fn silent_after(beginning: &'static str) -> Server {
    Server::raw("127.0.0.1:0", move |mut stream, _| async move {
        head(&mut stream).await;
        let _ = stream.write_all(beginning.as_bytes()).await;
        head(&mut stream).await;
    })
    .await
}

#[tokio::test]
async fn a_server_that_says_nothing() {
    let server = silent_after("").await;
    let first = Terms { first_byte: Some(SHORT), ..terms() };
    assert_eq!(waited_for(&egress().send(get(server.url("/")), &first).await.unwrap_err()), Wait::FirstByte);
    let whole = Terms { timeout: SHORT, ..terms() };
    assert_eq!(waited_for(&egress().send(get(server.url("/")), &whole).await.unwrap_err()), Wait::Whole);
    until("the connections are closed", || server.open() == 0).await;
}

#[tokio::test]
async fn a_head_that_comes_by_the_byte() {
    let server = drip("HTTP/1.1 200 OK\r\nx-slow: ").await;
    let first = Terms { first_byte: Some(SHORT), ..terms() };
    assert_eq!(waited_for(&egress().send(get(server.url("/")), &first).await.unwrap_err()), Wait::FirstByte);
    until("the connection is closed", || server.open() == 0).await;
}

async fn ended_by(server: &Server, terms: Terms) -> Wait {
    let sent = egress().send(get(server.url("/")), &terms).await.unwrap();
    match sent.response.into_body().collect().await {
        Err(BodyError::Egress(error)) => waited_for(&error),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_body_that_falls_silent() {
    let server = silent_after("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx").await;
    assert_eq!(ended_by(&server, Terms { between_bytes: Some(SHORT), ..terms() }).await, Wait::BetweenBytes);
    assert_eq!(ended_by(&server, Terms { timeout: SHORT, ..terms() }).await, Wait::Whole);
    until("the connections are closed", || server.open() == 0).await;
}

#[tokio::test]
async fn a_body_that_never_falls_silent_and_never_ends() {
    let server = drip("HTTP/1.1 200 OK\r\n\r\n").await;
    let start = Instant::now();
    let terms = Terms { between_bytes: Some(Duration::from_secs(10)), timeout: 2 * SHORT, ..terms() };
    assert_eq!(ended_by(&server, terms).await, Wait::Whole);
    assert!(start.elapsed() >= 2 * SHORT);
    until("the connection is closed", || server.open() == 0).await;
}

/// Time spent by whoever reads is not the server's.
#[tokio::test]
async fn a_reader_that_is_slow_is_no_silence() {
    let server =
        Server::new(|_| async { Response::new(crate::setting::pieces(["a".into(), "b".into(), "c".into()])) }).await;
    let sent = egress().send(get(server.url("/")), &Terms { between_bytes: Some(SHORT), ..terms() }).await.unwrap();
    let mut body = sent.response.into_body();
    let mut text = Vec::new();
    while let Some(frame) = body.frame().await {
        text.extend_from_slice(&frame.unwrap().into_data().unwrap_or_default());
        tokio::time::sleep(SHORT + SHORT / 2).await;
    }
    assert_eq!(text, b"abc");
}

/// The end of the time ends the exchange, and not only the wait of somebody who asks.
#[tokio::test]
async fn a_response_that_nobody_reads_is_closed_all_the_same() {
    let server = drip("HTTP/1.1 200 OK\r\n\r\n").await;
    let sent = egress().send(get(server.url("/")), &Terms { timeout: SHORT, ..terms() }).await.unwrap();
    until("the connection is closed", || server.open() == 0).await;
    let error = sent.response.into_body().collect().await.unwrap_err();
    assert!(matches!(error, BodyError::Egress(EgressError::Timeout { wait: Wait::Whole, .. })), "{error}");
}

#[tokio::test]
async fn a_body_of_a_request_that_never_ends() {
    let server = silent_after("").await;
    let request = post(server.url("/"), silence());
    let error = egress().send(request, &Terms { timeout: SHORT, ..terms() }).await.unwrap_err();
    assert_eq!(waited_for(&error), Wait::Whole);
    until("the connection is closed", || server.open() == 0).await;
}

/// A listener whose queue is full answers no further connection, as a host that drops packets would.
#[tokio::test]
async fn a_host_that_does_not_answer() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener: TcpListener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(SHORT, TcpStream::connect(address)).await {
        queued.push(stream);
    }
    let egress = Egress::new(EgressSettings { connect_timeout: SHORT, ..settings() }).unwrap();
    let error = egress.send(get(format!("http://{address}/")), &terms()).await.unwrap_err();
    assert_eq!(waited_for(&error), Wait::Connect);
}

#[tokio::test]
async fn tls_that_does_not_answer() {
    let server = silent_after("").await;
    let egress = Egress::new(EgressSettings { connect_timeout: SHORT, ..settings() }).unwrap();
    let error = egress.send(get(format!("https://{}/", server.address)), &terms()).await.unwrap_err();
    assert_eq!(waited_for(&error), Wait::Connect);
    until("the connection is closed", || server.open() == 0).await;
}

#[tokio::test]
async fn whoever_is_in_time_is_not_troubled() {
    let server = Server::new(hello).await;
    let terms =
        Terms { first_byte: Some(Duration::from_secs(9)), between_bytes: Some(Duration::from_secs(9)), ..terms() };
    assert_eq!(text(egress().send(get(server.url("/")), &terms).await.unwrap()).await, "hello");
}
