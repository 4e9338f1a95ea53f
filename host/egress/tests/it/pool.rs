//! Connections are used again by those that they were made for, and by nobody else.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cofferdam_egress::{Egress, EgressError, EgressSettings, Networks, PoolKey, Terms};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::{io::AsyncWriteExt as _, sync::Semaphore};

use crate::{
    dns::Dns,
    server::{Server, head, hello},
    setting::{SHORT, egress, get, networks, pieces, settings, terms, text, until},
};

fn with_pool(plugin: &str, tenant: &str) -> Terms {
    Terms { pool: PoolKey::new(plugin, tenant), ..terms() }
}

/// Sends until one comes by a connection that the server has seen before. A connection is kept a moment after the end of a
/// response, so that the very next request may still make a new one.
async fn until_reused(egress: &Egress, server: &Server, url: &str, terms: &Terms) {
    for _ in 0..100 {
        let before = server.accepted();
        text(egress.send(get(url), terms).await.unwrap()).await;
        if server.accepted() == before {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no connection was used again");
}

#[tokio::test]
async fn the_same_caller_gets_the_same_connection() {
    let server = Server::new(hello).await;
    let egress = egress();
    until_reused(&egress, &server, &server.url("/"), &terms()).await;
}

#[tokio::test]
async fn nobody_gets_the_connection_of_another() {
    let server = Server::new(hello).await;
    let dns = Dns::with(&["127.0.0.1"]).await;
    let egress = dns.egress();
    let url = server.url("/");
    until_reused(&egress, &server, &url, &terms()).await;
    let wider = Terms { networks: networks(&["127.0.0.0/8", "10.0.0.0/8"]), ..terms() };
    let narrower = Terms { networks: networks(&["127.0.0.1/32"]), ..terms() };
    for other in [with_pool("plugin", "other"), with_pool("other", "tenant"), wider, narrower] {
        let before = server.accepted();
        text(egress.send(get(&url), &other).await.unwrap()).await;
        assert_eq!(server.accepted(), before + 1, "{other:?}");
    }
    // The same machine by another name is another host.
    let before = server.accepted();
    text(egress.send(get(server.named("http", "api.example")), &terms()).await.unwrap()).await;
    assert_eq!(server.accepted(), before + 1);
}

#[tokio::test]
async fn a_connection_of_a_wider_grant_does_not_serve_a_narrower_one() {
    let server = Server::new(hello).await;
    let egress = egress();
    until_reused(&egress, &server, &server.url("/"), &terms()).await;
    let ungranted = Terms { networks: Networks::default(), ..terms() };
    let error = egress.send(get(server.url("/")), &ungranted).await.unwrap_err();
    assert_eq!(error.code(), "address-forbidden");
}

#[tokio::test]
async fn unused_connections_are_closed_in_time_and_kept_only_so_many() {
    let server = Server::new(hello).await;
    let egress = Egress::new(EgressSettings { idle: SHORT, idle_per_host: 2, ..settings() }).unwrap();
    let terms = terms();
    let sent = futures::future::join_all((0..6).map(|_| egress.send(get(server.url("/")), &terms))).await;
    assert_eq!(server.open(), 6);
    for sent in sent {
        text(sent.unwrap()).await;
    }
    until("all but two are closed", || server.open() <= 2).await;
    until("the rest is closed", || server.open() == 0).await;
    let none = Egress::new(EgressSettings { idle_per_host: 0, ..settings() }).unwrap();
    text(none.send(get(server.url("/")), &terms).await.unwrap()).await;
    until("none is kept", || server.open() == 0).await;
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_passed_over() {
    let server = Server::raw("127.0.0.1:0", |mut stream, _| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    })
    .await;
    let egress = egress();
    for number in 1..=5 {
        let sent = egress.send(get(server.url("/")), &terms()).await.unwrap();
        assert_eq!((text(sent).await.as_str(), server.accepted()), ("ok", number));
        until("the server closed it", || server.open() == 0).await;
    }
}

/// Answers when it may.
async fn slow_server() -> (Server, Arc<Semaphore>) {
    let may = Arc::new(Semaphore::new(0));
    let server = Server::new({
        let may = Arc::clone(&may);
        move |request: Request<Incoming>| {
            let may = Arc::clone(&may);
            async move {
                may.acquire().await.unwrap().forget();
                hello(request).await
            }
        }
    })
    .await;
    (server, may)
}

#[tokio::test]
async fn one_caller_cannot_take_all_connections() {
    let (server, may) = slow_server().await;
    let limited = EgressSettings { connections_per_pool: 3, connections: 8, connect_timeout: SHORT, ..settings() };
    let egress = Egress::new(limited).unwrap();
    let greedy: Vec<_> = (0..3)
        .map(|_| {
            let (egress, request) = (egress.clone(), get(server.url("/")));
            tokio::spawn(async move { text(egress.send(request, &terms()).await.unwrap()).await })
        })
        .collect();
    until("three wait", || server.seen().len() == 3).await;
    let error = egress.send(get(server.url("/")), &terms()).await.unwrap_err();
    assert!(matches!(error, EgressError::Busy { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        format!(
            "{}: no connection was free in time: plugin for tenant has 3 open, which is all it may have",
            server.url("").trim_end_matches('/')
        )
    );
    assert_eq!(server.accepted(), 3);

    let (other, request) = (egress.clone(), get(server.url("/")));
    let other =
        tokio::spawn(async move { text(other.send(request, &with_pool("other", "tenant")).await.unwrap()).await });
    until("the other is served", || server.seen().len() == 4).await;
    may.add_permits(4);
    for task in greedy.into_iter().chain([other]) {
        assert_eq!(task.await.unwrap(), "hello");
    }
}

#[tokio::test]
async fn all_callers_together_have_a_bound() {
    let (server, may) = slow_server().await;
    let limited = EgressSettings { connections_per_pool: 2, connections: 2, connect_timeout: SHORT, ..settings() };
    let egress = Egress::new(limited).unwrap();
    let tasks: Vec<_> = ["a", "b"]
        .map(|plugin| {
            let (egress, request) = (egress.clone(), get(server.url("/")));
            tokio::spawn(async move { text(egress.send(request, &with_pool(plugin, "tenant")).await.unwrap()).await })
        })
        .into();
    until("two wait", || server.seen().len() == 2).await;
    let error = egress.send(get(server.url("/")), &with_pool("c", "tenant")).await.unwrap_err();
    assert_eq!(error.code(), "too-many-connections");
    may.add_permits(2);
    for task in tasks {
        assert_eq!(task.await.unwrap(), "hello");
    }
}

#[tokio::test]
async fn kept_connections_make_room_for_wanted_ones() {
    let (first, second) = (Server::new(hello).await, Server::new(hello).await);
    for (connections_per_pool, connections, pool) in [(1, 8, "plugin"), (8, 1, "other")] {
        let egress = Egress::new(EgressSettings { connections_per_pool, connections, ..settings() }).unwrap();
        until_reused(&egress, &first, &first.url("/"), &terms()).await;
        // The connection is kept a moment after that; nothing but time tells.
        tokio::time::sleep(SHORT).await;
        assert_eq!(first.open(), 1);
        text(egress.send(get(second.url("/")), &with_pool(pool, "tenant")).await.unwrap()).await;
        until("the kept connection is closed", || first.open() == 0).await;
    }
}

/// More callers than connections: each gets its turn.
#[tokio::test]
async fn those_who_wait_get_what_others_leave() {
    let server = Server::new(|_| async { Response::new(pieces(["a".into(), "b".into()])) }).await;
    let egress = Egress::new(EgressSettings { connections_per_pool: 2, ..settings() }).unwrap();
    let terms = terms();
    let all = (0..40).map(|_| async { text(egress.send(get(server.url("/")), &terms).await.unwrap()).await });
    assert_eq!(futures::future::join_all(all).await, vec!["ab"; 40]);
    assert!(server.open() <= 2);
}

/// A body that is read only in part is no reason to read the rest for the sake of a connection.
#[tokio::test]
async fn a_connection_with_an_unread_response_is_not_used_again() {
    let answered = Arc::new(AtomicBool::new(false));
    let server = Server::new({
        let answered = Arc::clone(&answered);
        move |_| {
            let body = if answered.swap(true, Ordering::SeqCst) {
                pieces(["second".into()])
            } else {
                pieces(std::iter::once("first".into()).chain(std::iter::repeat_n(vec![0; 1 << 16].into(), 1 << 10)))
            };
            async { Response::new(body) }
        }
    })
    .await;
    let egress = egress();
    let terms = Terms { largest_response: u64::MAX, ..terms() };
    let sent = egress.send(get(server.url("/")), &terms).await.unwrap();
    let mut body = sent.response.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "first");
    drop(body);
    assert_eq!(text(egress.send(get(server.url("/")), &terms).await.unwrap()).await, "second");
    assert_eq!(server.accepted(), 2);
}
