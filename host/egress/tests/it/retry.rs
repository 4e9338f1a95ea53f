//! Sent again when it may help, when it does no harm, and in time.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant, SystemTime},
};

use cofferdam_egress::{Body, Retry, Terms, full};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::io::AsyncWriteExt as _;

use crate::{
    dns::{Answer, Dns},
    server::{Server, echo, head, hello, status},
    setting::{egress, get, pieces, post, terms, text},
};

const RETRY: Retry = Retry { attempts: 4, backoff: Duration::from_millis(5), longest: Duration::from_secs(2) };

fn retrying() -> Terms {
    Terms { retry: Some(RETRY), ..terms() }
}

/// Closes the first connections without an answer, and answers by later ones.
async fn resets_then_works(resets: usize) -> Server {
    Server::raw("127.0.0.1:0", move |mut stream, number| async move {
        head(&mut stream).await;
        if number > resets {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            head(&mut stream).await;
        }
    })
    .await
}

/// Answers with `first` so many times, and then sends back what it gets.
async fn echo_after(count: usize, first: impl Fn() -> Response<Body> + Send + Sync + 'static) -> Server {
    let (asked, first) = (std::sync::Arc::new(AtomicUsize::new(0)), std::sync::Arc::new(first));
    Server::new(move |request: Request<Incoming>| {
        let (asked, first) = (asked.clone(), first.clone());
        async move {
            if asked.fetch_add(1, Ordering::SeqCst) < count {
                // Read, so that it is not for want of reading that it comes again.
                let _ = request.into_body().collect().await;
                return first();
            }
            echo(request).await
        }
    })
    .await
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer() {
    let server = resets_then_works(2).await;
    let sent = egress().send(get(server.url("/")), &retrying()).await.unwrap();
    assert_eq!((sent.attempts, server.accepted()), (3, 3));
    assert_eq!(text(sent).await, "ok");
    let server = resets_then_works(1).await;
    let error = egress().send(get(server.url("/")), &terms()).await.unwrap_err();
    assert_eq!((error.code(), server.accepted()), ("connection-reset", 1));
}

#[tokio::test]
async fn no_more_often_than_granted() {
    let server = resets_then_works(usize::MAX).await;
    let error = egress().send(get(server.url("/")), &retrying()).await.unwrap_err();
    assert_eq!((error.code(), server.accepted()), ("connection-reset", 4));
}

#[tokio::test]
async fn only_what_may_be_done_twice() {
    for (method, key, times) in
        [("GET", false, 4), ("PUT", false, 4), ("POST", false, 1), ("POST", true, 4), ("PATCH", false, 1)]
    {
        let server = resets_then_works(usize::MAX).await;
        let mut request = Request::builder().method(method).uri(server.url("/")).body(full("body")).unwrap();
        if key {
            request.headers_mut().insert("idempotency-key", "8e03978e".parse().unwrap());
        }
        egress().send(request, &retrying()).await.unwrap_err();
        assert_eq!(server.accepted(), times, "{method}, with a key: {key}");
    }
}

#[tokio::test]
async fn statuses_that_pass_and_the_body_as_it_was() {
    for code in [429, 502, 503, 504] {
        let server = echo_after(2, move || status(code)).await;
        let mut request = post(server.url("/"), pieces(["one ".into(), "two".into()]));
        *request.method_mut() = http::Method::PUT;
        let sent = egress().send(request, &retrying()).await.unwrap();
        assert_eq!((sent.attempts, sent.response.status().as_u16(), sent.traffic.sent()), (3, 200, 21), "{code}");
        assert_eq!(text(sent).await, "one two");
    }
    for code in [400, 404, 500, 501] {
        let server = echo_after(1, move || status(code)).await;
        let sent = egress().send(get(server.url("/")), &retrying()).await.unwrap();
        assert_eq!((sent.attempts, sent.response.status().as_u16()), (1, code));
    }
}

#[tokio::test]
async fn the_last_answer_is_the_callers() {
    let server = echo_after(usize::MAX, || Response::builder().status(503).body(full("why")).unwrap()).await;
    let sent = egress().send(get(server.url("/")), &retrying()).await.unwrap();
    assert_eq!((sent.attempts, sent.response.status().as_u16()), (4, 503));
    assert_eq!(text(sent).await, "why");
}

#[tokio::test]
async fn a_large_body_is_sent_once() {
    let server = echo_after(usize::MAX, || status(503)).await;
    for body in [full(vec![0; 100_000]), pieces(vec![vec![0; 10_000].into(); 10])] {
        let mut request = post(server.url("/"), body);
        *request.method_mut() = http::Method::PUT;
        assert_eq!(egress().send(request, &retrying()).await.unwrap().attempts, 1);
    }
}

#[tokio::test]
async fn the_server_says_when() {
    let server =
        echo_after(1, || Response::builder().status(503).header("retry-after", "1").body(full("")).unwrap()).await;
    let start = Instant::now();
    assert_eq!(egress().send(get(server.url("/")), &retrying()).await.unwrap().attempts, 2);
    assert!(start.elapsed() >= Duration::from_secs(1));

    let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
    let server =
        echo_after(1, move || Response::builder().status(429).header("retry-after", &soon).body(full("")).unwrap())
            .await;
    let start = Instant::now();
    assert_eq!(egress().send(get(server.url("/")), &retrying()).await.unwrap().attempts, 2);
    assert!(start.elapsed() >= Duration::from_millis(500));

    for later in ["3", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        let server =
            echo_after(1, move || Response::builder().status(503).header("retry-after", later).body(full("")).unwrap())
                .await;
        let start = Instant::now();
        let sent = egress().send(get(server.url("/")), &retrying()).await.unwrap();
        assert_eq!((sent.attempts, sent.response.status().as_u16()), (1, 503), "{later}");
        assert!(start.elapsed() < Duration::from_secs(2));
    }
}

#[tokio::test]
async fn never_beyond_the_whole() {
    let server = resets_then_works(usize::MAX).await;
    let retry = Retry { attempts: u32::MAX, backoff: Duration::from_millis(50), longest: Duration::from_millis(100) };
    let terms = Terms { retry: Some(retry), timeout: Duration::from_millis(500), ..terms() };
    let start = Instant::now();
    let error = egress().send(get(server.url("/")), &terms).await.unwrap_err();
    // The end comes between two attempts, or in the middle of one.
    assert!(["connection-reset", "timeout"].contains(&error.code()), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
    assert!((2..20).contains(&server.accepted()), "{}", server.accepted());
}

/// Each attempt that makes a connection resolves and judges anew.
#[tokio::test]
async fn an_attempt_that_resolves_to_the_inside_is_the_last() {
    let server = resets_then_works(usize::MAX).await;
    let dns = Dns::new(|name, kind, before| {
        Answer::addresses(name, kind, &[if before == 0 { [127, 0, 0, 1].into() } else { [169, 254, 169, 254].into() }])
    })
    .await;
    let error = dns.egress().send(get(server.named("http", "moving.example")), &retrying()).await.unwrap_err();
    assert_eq!((error.code(), server.accepted()), ("address-forbidden", 1));
}

#[tokio::test]
async fn nothing_listens_yet() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let retry = Retry { attempts: 1000, backoff: Duration::from_millis(20), longest: Duration::from_millis(40) };
    let patient = Terms { retry: Some(retry), ..terms() };
    let engine = egress();
    let sending = tokio::spawn(async move { engine.send(get(format!("http://127.0.0.1:{port}/")), &patient).await });
    let once = egress().send(get(format!("http://127.0.0.1:{port}/")), &terms()).await.unwrap_err();
    assert_eq!(once.code(), "connect-failed");
    let _server = Server::at(&format!("127.0.0.1:{port}"), None, hello).await;
    let sent = sending.await.unwrap().unwrap();
    assert!(sent.attempts > 1);
    assert_eq!(text(sent).await, "hello");
}
