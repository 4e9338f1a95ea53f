//! What a server may do with its answers.

use bytes::Bytes;
use cofferdam_tests::{Upstream, asked_path, body, streamed};
use futures::{StreamExt as _, future, stream};
use http::Response;
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, sync::watch};

use super::{LOOPBACK, broke_off, builder, call, fetch, rule};

#[test]
fn answers_stream() {
    let (sender, receiver) = watch::channel(false);
    let upstream = Upstream::start(move |asked| {
        if asked.path() == "/first-is-there" {
            sender.send_replace(true);
            return Response::new(body("thanks"));
        }
        let mut there = receiver.clone();
        let first = stream::once(future::ready(Bytes::from_static(b"first ")));
        // The last is sent when the guest has told that it has the first.
        let last = stream::once(async move {
            let _closed = there.wait_for(|there| *there).await;
            Bytes::from_static(b"last")
        });
        Response::new(streamed(first.chain(last)))
    });
    let host = builder(&rule(&upstream.url("/"), &format!("{LOOPBACK}, timeout = \"30s\"")), "", "").start();
    let then = json!({ "url": upstream.url("/first-is-there") });
    let answer = call(&host, "fetch", json!({ "url": upstream.url("/"), "then": then }));
    assert_eq!((&answer["body"], &answer["then"]["body"]), (&json!("first last"), &json!("thanks")), "{answer}");
}

#[test]
fn pieces_and_trailers_come_as_they_were_sent() {
    let upstream = Upstream::raw(|mut stream| async move {
        let _path = asked_path(&mut stream).await;
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n";
        for piece in [head, "1\r\na\r\n", "1\r\nb\r\n", "1;ext=1\r\nc\r\n", "0\r\nx-sum: 6\r\n\r\n"] {
            let _gone = stream.write_all(piece.as_bytes()).await;
        }
    });
    let host = builder(&rule(&upstream.url("/"), LOOPBACK), "", "").start();
    let answer = fetch(&host, &upstream.url("/"));
    assert_eq!((&answer["body"], &answer["trailers"]), (&json!("abc"), &json!([["x-sum", "6"]])), "{answer}");
}

#[test]
fn an_answer_that_breaks_off_is_no_whole_answer() {
    let upstream = Upstream::raw(|mut stream| async move {
        let _path = asked_path(&mut stream).await;
        let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this").await;
    });
    let host = builder(&rule(&upstream.url("/"), LOOPBACK), "", "").start();
    let answer = fetch(&host, &upstream.url("/"));
    assert_eq!(answer["body"], "only this", "{answer}");
    broke_off(&answer, "http-protocol-error", "HTTP protocol error");
}

#[test]
fn an_upgrade_is_not_taken_up() {
    let upstream = Upstream::raw(|mut stream| async move {
        let _path = asked_path(&mut stream).await;
        let switch = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: anything\r\n\r\nanything";
        let _gone = stream.write_all(switch).await;
    });
    let host = builder(&rule(&upstream.url("/"), &format!("{LOOPBACK}, timeout = \"10s\"")), "", "").start();
    let answer = fetch(&host, &upstream.url("/"));
    assert!(answer["error"].is_string() && answer["status"].is_null(), "{answer}");
}
