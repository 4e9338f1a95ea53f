//! Nothing is longer than granted, and nothing is held as a whole.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use cofferdam_egress::{Body, End, Terms, full};
use http::Response;
use http_body_util::BodyExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::{
    server::{Server, head, hello},
    setting::{egress, failure, get, pieces, terms, until},
};

const MIB: u64 = 1 << 20;

/// A body of this many MiB, made while it is read, and how many of them were.
fn mebibytes(count: usize) -> (Body, Arc<AtomicUsize>) {
    let piece = Bytes::from(vec![b'x'; 1 << 20]);
    let made = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&made);
    let counted = (0..count).map(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        piece.clone()
    });
    (pieces(counted), made)
}

#[tokio::test]
async fn a_response_within_its_bound_and_one_byte_beyond() {
    let server = Server::new(|_| async { Response::new(pieces(["four".into(), "more".into()])) }).await;
    for (largest_response, expected) in [(8, ("none", 8)), (7, ("response-too-large", 4))] {
        let sent = egress().send(get(server.url("/")), &Terms { largest_response, ..terms() }).await.unwrap();
        let traffic = sent.traffic.clone();
        assert_eq!(failure(sent.response.into_body()).await, expected);
        let end = traffic.finished().await.end;
        assert_eq!(end, if expected.0 == "none" { End::Complete } else { End::Failed(expected.0) });
    }
}

#[tokio::test]
async fn a_response_that_says_it_is_too_large_is_not_begun() {
    let server = Server::new(|_| async { Response::new(full("12345678")) }).await;
    for (largest_response, fits) in [(8, true), (7, false)] {
        let sent = egress().send(get(server.url("/")), &Terms { largest_response, ..terms() }).await;
        assert_eq!(
            sent.map(|_| ()).map_err(|error| error.code()),
            if fits { Ok(()) } else { Err("response-too-large") }
        );
    }
}

#[tokio::test]
async fn an_endless_response_ends() {
    let server = Server::raw("127.0.0.1:0", |mut stream, _| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    })
    .await;
    let sent = egress().send(get(server.url("/")), &terms()).await.unwrap();
    let (code, bytes) = failure(sent.response.into_body()).await;
    assert_eq!(code, "response-too-large");
    assert!(bytes <= terms().largest_response);
    until("the connection is closed", || server.open() == 0).await;
}

#[tokio::test]
async fn a_gigabyte_flows_through() {
    let server = Server::new(|_| async { Response::new(mebibytes(1024).0) }).await;
    let sent = egress().send(get(server.url("/")), &Terms { largest_response: 1024 * MIB, ..terms() }).await.unwrap();
    assert_eq!(failure(sent.response.into_body()).await, ("none", 1024 * MIB));
}

/// What nobody reads stays where it is: the server gets no further than what sockets and windows hold.
#[tokio::test]
async fn nothing_reads_ahead_of_the_reader() {
    let (body, made) = mebibytes(1024);
    let body = std::sync::Mutex::new(Some(body));
    let server = Server::new({
        let body = Arc::new(body);
        move |_| {
            let body = body.lock().unwrap().take().unwrap();
            async { Response::new(body) }
        }
    })
    .await;
    let sent = egress().send(get(server.url("/")), &Terms { largest_response: 1024 * MIB, ..terms() }).await.unwrap();
    // Until it makes no progress for a while.
    let last = AtomicUsize::new(usize::MAX);
    let still = AtomicUsize::new(0);
    until("the server is stuck", || {
        let now = made.load(Ordering::SeqCst);
        let before = last.swap(now, Ordering::SeqCst);
        let count = if now == before && now > 0 {
            still.fetch_add(1, Ordering::SeqCst)
        } else {
            still.swap(0, Ordering::SeqCst)
        };
        count > 40
    })
    .await;
    assert!(made.load(Ordering::SeqCst) < 64, "{made:?} MiB were read of a body that nobody reads");
    drop(sent);
}

/// A head with this many fields of this many bytes.
async fn with_fields(count: usize, bytes: usize) -> Server {
    Server::raw("127.0.0.1:0", move |mut stream, _| async move {
        head(&mut stream).await;
        let mut answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n".to_owned();
        for number in 0..count {
            answer.push_str(&format!("x-{number}: {}\r\n", "v".repeat(bytes)));
        }
        let _ = stream.write_all(format!("{answer}\r\n").as_bytes()).await;
        head(&mut stream).await;
    })
    .await
}

#[tokio::test]
async fn heads_have_a_bound() {
    let cases = [(90, 10, true), (101, 1, false), (20, 3000, true), (20, 4000, false), (1, 1 << 20, false)];
    for (count, bytes, fits) in cases {
        let server = with_fields(count, bytes).await;
        let sent = egress().send(get(server.url("/")), &terms()).await;
        let code = sent.map(|_| ()).map_err(|error| error.code());
        assert_eq!(code, if fits { Ok(()) } else { Err("headers-too-large") }, "{count} fields of {bytes} bytes");
    }
}

#[tokio::test]
async fn trailers_have_a_bound() {
    for (count, fits) in [(50, true), (200, false)] {
        let server = Server::raw("127.0.0.1:0", move |mut stream, _| async move {
            head(&mut stream).await;
            let mut answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n".to_owned();
            for number in 0..count {
                answer.push_str(&format!("x-{number}: v\r\n"));
            }
            let _ = stream.write_all(format!("{answer}\r\n").as_bytes()).await;
            head(&mut stream).await;
        })
        .await;
        let sent = egress().send(get(server.url("/")), &terms()).await.unwrap();
        assert_eq!(sent.response.into_body().collect().await.is_ok(), fits, "{count}");
    }
}

#[tokio::test]
async fn a_response_without_a_body_has_none() {
    let server = Server::new(hello).await;
    let mut request = get(server.url("/"));
    *request.method_mut() = http::Method::HEAD;
    let sent = egress().send(request, &Terms { largest_response: 0, ..terms() }).await.unwrap();
    assert_eq!(sent.response.headers()["content-length"], "5");
    assert_eq!(sent.traffic.clone().finished().await.end, End::Complete);
    assert_eq!(failure(sent.response.into_body()).await, ("none", 0));
}
