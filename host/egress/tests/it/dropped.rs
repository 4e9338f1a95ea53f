//! Nothing goes on behind whoever goes away.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cofferdam_egress::{End, Terms};
use http_body_util::BodyExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::{
    server::{Server, head},
    setting::{egress, get, post, silence, terms, until},
};

#[tokio::test]
async fn a_body_that_is_dropped_closes_the_connection() {
    let server = Server::raw("127.0.0.1:0", |mut stream, _| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'x'; 1024]).await.is_ok() {}
    })
    .await;
    let sent = egress().send(get(server.url("/")), &Terms { largest_response: u64::MAX, ..terms() }).await.unwrap();
    let mut body = sent.response.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert_eq!(sent.traffic.finished().await.end, End::Dropped);
    until("the connection is closed", || server.open() == 0).await;
}

#[tokio::test]
async fn a_request_that_is_dropped_closes_the_connection() {
    let reached = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&reached);
    let server = Server::raw("127.0.0.1:0", move |mut stream, _| {
        let tell = Arc::clone(&tell);
        async move {
            head(&mut stream).await;
            tell.store(true, Ordering::SeqCst);
            head(&mut stream).await;
        }
    })
    .await;
    for request in [get(server.url("/")), post(server.url("/"), silence())] {
        reached.store(false, Ordering::SeqCst);
        let sending = tokio::spawn(async move { egress().send(request, &terms()).await.map(|_| ()) });
        until("the server has the request", || reached.load(Ordering::SeqCst)).await;
        sending.abort();
        until("the connection is closed", || server.open() == 0).await;
    }
}

/// A store of a sandbox may be dropped anywhere.
#[test]
fn a_body_may_be_dropped_outside_of_the_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (server, sent) = runtime.block_on(async {
        let server = Server::raw("127.0.0.1:0", |mut stream, _| async move {
            head(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx").await;
            head(&mut stream).await;
        })
        .await;
        let sent = egress().send(get(server.url("/")), &terms()).await.unwrap();
        (server, sent)
    });
    drop(sent);
    runtime.block_on(until("the connection is closed", || server.open() == 0));
    runtime.shutdown_timeout(Duration::from_secs(5));
}
