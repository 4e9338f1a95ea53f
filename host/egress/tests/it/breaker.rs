//! A host that fails is left alone for a time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use cofferdam_egress::{Breaker, EgressError, PoolKey, Retry, Terms};

use crate::{
    server::{Server, status},
    setting::{egress, get, terms},
};

const BREAKER: Breaker = Breaker { failures: 3, open: Duration::from_millis(300) };

fn guarded() -> Terms {
    Terms { breaker: Some(BREAKER), ..terms() }
}

/// Answers with a status that can be changed.
async fn moody(first: u16) -> (Server, Arc<AtomicU16>) {
    let mood = Arc::new(AtomicU16::new(first));
    let server = Server::new({
        let mood = Arc::clone(&mood);
        move |_| {
            let answer = status(mood.load(Ordering::SeqCst));
            async { answer }
        }
    })
    .await;
    (server, mood)
}

#[tokio::test]
async fn opens_closes_and_keeps_to_its_caller() {
    let (server, mood) = moody(500).await;
    let egress = egress();
    for _ in 0..3 {
        assert_eq!(egress.send(get(server.url("/")), &guarded()).await.unwrap().response.status(), 500);
    }
    let error = egress.send(get(server.url("/")), &guarded()).await.unwrap_err();
    let EgressError::BreakerOpen { failures: 3, retry_after, .. } = error else { panic!("{error}") };
    assert!(retry_after <= BREAKER.open);
    assert_eq!(server.seen().len(), 3);

    let other = Terms { pool: PoolKey::new("plugin", "other"), ..guarded() };
    assert_eq!(egress.send(get(server.url("/")), &other).await.unwrap().response.status(), 500);
    assert_eq!(egress.send(get(server.url("/")), &terms()).await.unwrap().response.status(), 500);

    mood.store(200, Ordering::SeqCst);
    tokio::time::sleep(retry_after).await;
    for _ in 0..5 {
        assert_eq!(egress.send(get(server.url("/")), &guarded()).await.unwrap().response.status(), 200);
    }
}

#[tokio::test]
async fn hosts_that_cannot_be_reached_count() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let egress = egress();
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(egress.send(get(format!("http://127.0.0.1:{port}/")), &guarded()).await.unwrap_err().code());
    }
    assert_eq!(codes, ["connect-failed", "connect-failed", "connect-failed", "breaker-open"]);
}

#[tokio::test]
async fn what_is_not_the_hosts_fault_does_not_count() {
    let (server, _) = moody(404).await;
    let egress = egress();
    let ungranted = Terms { networks: cofferdam_egress::Networks::default(), ..guarded() };
    for _ in 0..5 {
        assert_eq!(egress.send(get(server.url("/")), &ungranted).await.unwrap_err().code(), "address-forbidden");
        assert_eq!(egress.send(get(server.url("/")), &guarded()).await.unwrap().response.status(), 404);
    }
}

/// When the breaker opens between two attempts, the caller gets what the host said.
#[tokio::test]
async fn attempts_end_when_it_opens() {
    let (server, _) = moody(503).await;
    let retry = Retry { attempts: 10, backoff: Duration::from_millis(1), longest: Duration::from_millis(2) };
    let sent = egress().send(get(server.url("/")), &Terms { retry: Some(retry), ..guarded() }).await.unwrap();
    assert_eq!((sent.attempts, sent.response.status().as_u16()), (3, 503));
}
