//! What is sent is what was asked for, and what comes back is what the server sent.

use bytes::Bytes;
use cofferdam_egress::{Terms, full};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::{
    server::{Server, echo, head, hello},
    setting::{egress, get, post, terms, text},
};

#[tokio::test]
async fn redirects_are_answers() {
    let inside = Server::new(hello).await;
    let targets =
        [inside.url("/secret"), "http://169.254.169.254/latest/meta-data/".to_owned(), "//evil.example/".to_owned()];
    for target in targets {
        for status in [301, 302, 303, 307, 308] {
            let location = target.clone();
            let server = Server::new(move |_| {
                let response = Response::builder().status(status).header("location", &location).body(full("")).unwrap();
                async move { response }
            })
            .await;
            let sent = egress().send(get(server.url("/")), &terms()).await.unwrap();
            assert_eq!(sent.response.status(), status);
            assert_eq!(sent.response.headers()["location"], target);
            assert_eq!(server.seen().len(), 1);
        }
    }
    assert_eq!(inside.accepted(), 0);
}

#[tokio::test]
async fn methods_paths_and_bodies_arrive_as_they_were() {
    let server = Server::new(echo).await;
    let egress = egress();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        let request = Request::builder()
            .method(method)
            .uri(server.url("/a/../b%2Fc?d=%20&e"))
            .header("x-own", "value")
            .body(full("body"))
            .unwrap();
        let answer = text(egress.send(request, &terms()).await.unwrap()).await;
        let seen = server.seen().pop().unwrap();
        assert_eq!(
            (seen.method.as_str(), seen.target.as_str(), answer.as_str()),
            (method, "/a/../b%2Fc?d=%20&e", "body")
        );
        assert_eq!(seen.headers["x-own"], "value");
        assert!(!seen.headers.contains_key("user-agent"), "nothing is said that was not asked for");
    }
}

#[tokio::test]
async fn a_guest_cannot_say_where_a_request_ends() {
    let server = Server::new(echo).await;
    let mut request = post(server.url("/"), full("0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"));
    request.headers_mut().insert("transfer-encoding", "chunked".parse().unwrap());
    request.headers_mut().insert("host", "other.example".parse().unwrap());
    let answer = text(egress().send(request, &terms()).await.unwrap()).await;
    assert!(answer.starts_with("0\r\n\r\nGET /smuggled"));
    let seen = server.seen();
    assert_eq!((seen.len(), seen[0].target.as_str()), (1, "/"));
    assert_eq!(seen[0].headers["host"], server.address.to_string());
    assert!(!seen[0].headers.contains_key("transfer-encoding"));
}

#[tokio::test]
async fn cookies_are_not_remembered() {
    let server =
        Server::new(|_| async { Response::builder().header("set-cookie", "id=1").body(full("x")).unwrap() }).await;
    let egress = egress();
    for _ in 0..2 {
        let sent = egress.send(get(server.url("/")), &terms()).await.unwrap();
        assert_eq!(sent.response.headers()["set-cookie"], "id=1");
        text(sent).await;
    }
    assert!(server.seen().iter().all(|seen| !seen.headers.contains_key("cookie")));
}

#[tokio::test]
async fn compressed_bodies_stay_compressed() {
    let bytes = Bytes::from_static(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
    let server = Server::new(move |_| {
        let body = full(bytes.clone());
        async { Response::builder().header("content-encoding", "gzip").body(body).unwrap() }
    })
    .await;
    let sent = egress().send(get(server.url("/")), &terms()).await.unwrap();
    assert_eq!(sent.response.headers()["content-encoding"], "gzip");
    assert_eq!(sent.response.into_body().collect().await.unwrap().to_bytes()[..2], [0x1f, 0x8b]);
    assert!(!server.seen()[0].headers.contains_key("accept-encoding"));
}

#[tokio::test]
async fn another_protocol_is_refused() {
    let server = Server::raw("127.0.0.1:0", |mut stream, _| async move {
        head(&mut stream).await;
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        let _ = stream.write_all(answer).await;
        head(&mut stream).await;
    })
    .await;
    let mut request = get(server.url("/"));
    request.headers_mut().insert("connection", "upgrade".parse().unwrap());
    request.headers_mut().insert("upgrade", "websocket".parse().unwrap());
    let error = egress().send(request, &terms()).await.unwrap_err();
    assert_eq!(error.code(), "protocol-error", "{error}");
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let answers: [&[u8]; 4] = [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 9999 What\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
    ];
    for answer in answers {
        let server = Server::raw("127.0.0.1:0", move |mut stream, _| async move {
            head(&mut stream).await;
            let _ = stream.write_all(answer).await;
            head(&mut stream).await;
        })
        .await;
        let error = egress().send(get(server.url("/")), &terms()).await.unwrap_err();
        assert_eq!(error.code(), "protocol-error", "{error}");
    }
}

#[tokio::test]
async fn what_went_through_is_counted() {
    let server = Server::new(echo).await;
    let sent = egress().send(post(server.url("/"), full("12345")), &terms()).await.unwrap();
    let traffic = sent.traffic.clone();
    assert_eq!((traffic.sent(), traffic.received()), (5, 0));
    assert_eq!(text(sent).await, "12345");
    let totals = traffic.finished().await;
    assert_eq!((totals.sent, totals.received, totals.end), (5, 5, cofferdam_egress::End::Complete));
}

#[tokio::test]
async fn terms_without_end_are_refused() {
    let endless = Terms { timeout: std::time::Duration::MAX, ..terms() };
    assert_eq!(egress().send(get("http://127.0.0.1:1/"), &endless).await.unwrap_err().code(), "invalid-terms");
}
