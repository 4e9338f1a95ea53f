//! A server that goes away and comes back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use cofferdam_state::{KeyValueError, StateSettings, open};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, timeout},
};

use crate::{
    server::Server,
    stores::{ample, key, redis_at, space, until},
};

fn impatient(url: &str) -> StateSettings {
    let StateSettings::Redis { url, prefix, ca_file, .. } = redis_at(url) else { panic!() };
    StateSettings::Redis { url, prefix, ca_file, timeout: Duration::from_millis(700) }
}

#[tokio::test]
async fn a_server_that_restarts_is_away_and_then_works() {
    let mut server = Server::start().await;
    let store = open(&redis_at(&server.url())).await.unwrap();
    store.set(&space(), &key("k"), b"v".to_vec(), &ample()).await.unwrap();
    server.stop();
    for _ in 0..3 {
        for error in [
            store.get(&space(), &key("k")).await.unwrap_err(),
            store.set(&space(), &key("k"), b"v".to_vec(), &ample()).await.unwrap_err(),
            store.check().await.unwrap_err(),
        ] {
            assert!(matches!(error, KeyValueError::Unavailable { .. }), "{error:?}");
        }
    }
    server.start_again().await;
    // What was cached of the outage is asked about again: the first that is asked is answered.
    store.set(&space(), &key("k"), b"new".to_vec(), &ample()).await.unwrap();
    assert_eq!(store.get(&space(), &key("k")).await.unwrap(), Some(b"new".to_vec()));
}

#[tokio::test]
async fn a_read_does_not_notice_a_restart_between_two_calls() {
    let mut server = Server::start().await;
    let store = open(&redis_at(&server.url())).await.unwrap();
    assert_eq!(store.get(&space(), &key("k")).await.unwrap(), None);
    for _ in 0..3 {
        server.start_again().await;
        assert_eq!(store.get(&space(), &key("k")).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_not_waited_for_forever() {
    let server = Server::start().await;
    let store = open(&impatient(&server.url())).await.unwrap();
    server.freeze();
    for _ in 0..2 {
        let begun = Instant::now();
        let error = store.get(&space(), &key("k")).await.unwrap_err();
        assert!(matches!(error, KeyValueError::Unavailable { .. }), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
    let error = open(&impatient(&server.url())).await.map(drop).unwrap_err();
    assert!(error.to_string().contains("not available"), "{error}");
    server.thaw();
    until("it answers again", async || store.get(&space(), &key("k")).await.is_ok()).await;
}

/// As when a machine loses its power, or a firewall forgets a connection: nothing comes back, and nothing says so.
#[tokio::test]
async fn a_connection_that_goes_silent_is_given_up_for_a_new_one() {
    let server = Server::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}/", listener.local_addr().unwrap());
    let (silence, silent) = watch::channel(());
    let connections = Arc::new(AtomicU32::new(0));
    let (counted, port) = (Arc::clone(&connections), server.port);
    let between = tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
            let mut silent = silent.clone();
            silent.mark_unchanged();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    // Both ends stay open.
                    _ = silent.changed() => std::future::pending().await,
                }
            });
        }
    });
    let store = open(&impatient(&url)).await.unwrap();
    store.set(&space(), &key("k"), b"v".to_vec(), &ample()).await.unwrap();
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    silence.send(()).unwrap();
    let error = timeout(Duration::from_secs(10), store.get(&space(), &key("k"))).await.unwrap().unwrap_err();
    assert!(matches!(error, KeyValueError::Unavailable { .. }), "{error:?}");
    until("it works again", async || store.get(&space(), &key("k")).await.is_ok()).await;
    assert_eq!(store.get(&space(), &key("k")).await.unwrap(), Some(b"v".to_vec()));
    between.abort();
}

/// What arrives after nobody waits for it any longer is not taken for the answer to something else.
#[tokio::test]
async fn late_answers_are_not_mixed_up() {
    let server = Server::start().await;
    let store = open(&impatient(&server.url())).await.unwrap();
    let patient = open(&redis_at(&server.url())).await.unwrap();
    for at in 0..20 {
        patient.set(&space(), &key(&format!("k{at}")), at.to_string().into_bytes(), &ample()).await.unwrap();
    }
    server.freeze();
    let asked = (0..10).map(|at| {
        let store = store.clone();
        async move { store.get(&space(), &key(&format!("k{at}"))).await }
    });
    for answer in futures::future::join_all(asked).await {
        assert!(answer.is_err());
    }
    server.thaw();
    for at in 10..20 {
        until("there is an answer", async || {
            let Ok(value) = store.get(&space(), &key(&format!("k{at}"))).await else { return false };
            assert_eq!(value, Some(at.to_string().into_bytes()));
            true
        })
        .await;
    }
}
