//! What only a server can meet, while it is there.

use std::time::Duration;

use cofferdam_state::{KeyValueError, Quota, Space, StateError, StateSettings, Swap, Usage, open};
use redis::{AsyncCommands as _, aio::MultiplexedConnection, cmd};

use crate::{
    server::Server,
    stores::{Stores, ample, key, redis_at, space, until},
};

async fn all_names(connection: &mut MultiplexedConnection) -> Vec<String> {
    let mut names: Vec<String> = connection.keys("*").await.unwrap();
    names.sort();
    names
}

fn url_of(stores: &Stores) -> String {
    let StateSettings::Redis { url, .. } = &stores.settings else { panic!("{:?}", stores.settings) };
    url.clone()
}

async fn past(stores: &Stores) -> MultiplexedConnection {
    redis::Client::open(url_of(stores)).unwrap().get_multiplexed_async_connection().await.unwrap()
}

#[tokio::test]
async fn other_prefixes_are_not_touched() {
    let server = Server::start().await;
    let mut connection = server.connection().await;
    let theirs = "tes:kv1:{notes/local/default}:v";
    let _: () = connection.set(theirs, "theirs").await.unwrap();
    let _: () = connection.set("session:1", "theirs").await.unwrap();
    let StateSettings::Redis { url, ca_file, timeout, .. } = redis_at(&server.url()) else { panic!() };
    let with = |prefix: &str| StateSettings::Redis {
        url: url.clone(),
        prefix: prefix.to_owned(),
        ca_file: ca_file.clone(),
        timeout,
    };
    let (one, other) = (open(&with("one")).await.unwrap(), open(&with("one:kv1")).await.unwrap());
    one.set(&space(), &key("k"), b"1".to_vec(), &ample()).await.unwrap();
    other.set(&space(), &key("k"), b"2".to_vec(), &ample()).await.unwrap();
    assert_eq!(one.get(&space(), &key("k")).await.unwrap(), Some(b"1".to_vec()));
    let names = all_names(&mut connection).await;
    let ours = ["one:kv1:kv1:{notes/local/default}", "one:kv1:{notes/local/default}"];
    let ours = ours.iter().flat_map(|name| ["i", "v"].map(|kind| format!("{name}:{kind}")));
    let mut expected: Vec<String> = ours.chain([theirs.to_owned(), "session:1".to_owned()]).collect();
    expected.sort();
    assert_eq!(names, expected);
    one.delete(&space(), &key("k")).await.unwrap();
    other.delete(&space(), &key("k")).await.unwrap();
    // Nothing is left behind of what is empty.
    assert_eq!(all_names(&mut connection).await, ["session:1", theirs]);
    let _: () = connection.get(theirs).await.unwrap();
}

/// Also without anybody writing or reading.
#[tokio::test]
async fn a_space_of_which_all_expires_leaves_the_server() {
    let stores = Stores::redis().await;
    let mut connection = past(&stores).await;
    let brief = Quota { ttl: Some(Duration::from_millis(300)), ..ample() };
    stores.one.set(&space(), &key("a"), b"v".to_vec(), &ample()).await.unwrap();
    stores.one.set(&space(), &key("b"), b"v".to_vec(), &brief).await.unwrap();
    let names = all_names(&mut connection).await;
    assert_eq!(names.len(), 3);
    for name in &names {
        let left: i64 = connection.pttl(name).await.unwrap();
        assert_eq!(left, -1, "{name} holds what does not expire");
    }
    stores.one.delete(&space(), &key("a")).await.unwrap();
    until("all is gone", async || all_names(&mut connection.clone()).await.is_empty()).await;
    assert_eq!(stores.one.usage(&space()).await.unwrap(), Usage::default());
}

/// A cluster refuses scripts whose keys belong to several nodes, or that use keys they did not name.
#[tokio::test]
async fn a_node_of_a_cluster_takes_all_operations() {
    let server = Server::with(&["--cluster-enabled", "yes"]).await;
    let mut admin = server.connection().await;
    cmd("CLUSTER").arg(&["ADDSLOTSRANGE", "0", "16383"]).exec_async(&mut admin).await.unwrap();
    until("the cluster is ready", async || {
        let info: String = cmd("CLUSTER").arg("INFO").query_async(&mut admin.clone()).await.unwrap();
        info.contains("cluster_state:ok")
    })
    .await;
    let store = open(&redis_at(&server.url())).await.unwrap();
    let long = Quota { ttl: Some(Duration::from_secs(3600)), ..ample() };
    for tenant in ["a", "b}{c", "d"] {
        let space = Space::new("notes", tenant, "default").unwrap();
        store.set(&space, &key("k"), b"v".to_vec(), &long).await.unwrap();
        assert_eq!(store.increment(&space, &key("n"), 1, &ample()).await.unwrap(), 1);
        assert_eq!(store.swap(&space, &key("k"), Some(b"v"), b"w".to_vec(), &long).await.unwrap(), Swap::Done);
        assert_eq!(store.get(&space, &key("k")).await.unwrap(), Some(b"w".to_vec()));
        assert!(store.exists(&space, &key("n")).await.unwrap());
        assert_eq!(store.list(&space, None, 10).await.unwrap().keys, ["k", "n"].map(key));
        assert_eq!(store.usage(&space).await.unwrap(), Usage { keys: 2, bytes: 4 });
    }
    let mut slots = std::collections::BTreeSet::new();
    for name in all_names(&mut admin).await {
        slots.insert(cmd("CLUSTER").arg("KEYSLOT").arg(name).query_async::<u16>(&mut admin).await.unwrap());
    }
    assert_eq!(slots.len(), 3, "a slot for each space");
    cmd("CLUSTER").arg("DELSLOTSRANGE").arg(&["0", "16383"]).exec_async(&mut admin).await.unwrap();
    let error = store.get(&space(), &key("k")).await.unwrap_err();
    assert!(error.is_away() && error.to_string().contains("cluster"), "{error}");
}

#[tokio::test]
async fn a_list_is_mended_when_its_index_was_evicted() {
    let stores = Stores::redis().await;
    let mut connection = past(&stores).await;
    for text in ["b", "a"] {
        stores.one.set(&space(), &key(text), b"v".to_vec(), &ample()).await.unwrap();
    }
    let _: () = connection.del("test:kv1:{notes/local/default}:i").await.unwrap();
    assert_eq!(stores.one.list(&space(), None, 10).await.unwrap().keys, ["a", "b"].map(key));
    let _: () = connection.del("test:kv1:{notes/local/default}:v").await.unwrap();
    assert_eq!(stores.one.list(&space(), None, 10).await.unwrap().keys, []);
    assert_eq!(stores.one.usage(&space()).await.unwrap(), Usage::default());
    stores.one.set(&space(), &key("c"), b"v".to_vec(), &ample()).await.unwrap();
    assert_eq!(stores.one.list(&space(), None, 10).await.unwrap().keys, [key("c")]);
}

#[tokio::test]
async fn what_somebody_else_put_there_is_an_error_and_stays() {
    let stores = Stores::redis().await;
    let mut connection = past(&stores).await;
    let name = "test:kv1:{notes/local/default}:v";
    let _: () = connection.set(name, "theirs").await.unwrap();
    for error in [
        stores.one.get(&space(), &key("k")).await.unwrap_err(),
        stores.one.set(&space(), &key("k"), b"v".to_vec(), &ample()).await.unwrap_err(),
        stores.one.increment(&space(), &key("k"), 1, &ample()).await.unwrap_err(),
    ] {
        assert!(matches!(error, KeyValueError::Corrupt { .. }), "{error:?}");
    }
    let theirs: String = connection.get(name).await.unwrap();
    assert_eq!(theirs, "theirs");
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_sent_again() {
    let stores = Stores::redis().await;
    stores.one.set(&space(), &key("k"), b"v".to_vec(), &ample()).await.unwrap();
    cmd("SCRIPT").arg("FLUSH").exec_async(&mut past(&stores).await).await.unwrap();
    stores.one.set(&space(), &key("k"), b"w".to_vec(), &ample()).await.unwrap();
    assert_eq!(stores.one.get(&space(), &key("k")).await.unwrap(), Some(b"w".to_vec()));
}

#[tokio::test]
async fn a_full_server_takes_nothing_and_still_reads_and_deletes() {
    let stores = Stores::redis().await;
    let mut connection = past(&stores).await;
    stores.one.set(&space(), &key("k"), b"v".to_vec(), &ample()).await.unwrap();
    cmd("CONFIG").arg(&["SET", "maxmemory", "1"]).exec_async(&mut connection).await.unwrap();
    let error = stores.one.set(&space(), &key("l"), b"v".to_vec(), &ample()).await.unwrap_err();
    assert!(error.is_away() && error.to_string().contains("maxmemory"), "{error}");
    assert!(error.to_guest().len() < 60);
    assert_eq!(stores.one.get(&space(), &key("k")).await.unwrap(), Some(b"v".to_vec()));
    assert_eq!(stores.one.list(&space(), None, 10).await.unwrap().keys, [key("k")]);
    stores.one.delete(&space(), &key("k")).await.unwrap();
    assert_eq!(stores.one.usage(&space()).await.unwrap(), Usage::default());
}

fn with_password(server: &Server, password: &str) -> StateSettings {
    redis_at(&format!("redis://:{password}@127.0.0.1:{}/", server.port))
}

#[tokio::test]
async fn a_wrong_password_is_said_without_it() {
    let server = Server::with(&["--requirepass", "hunter2"]).await;
    for (settings, wrong) in [(with_password(&server, "swordfish"), "swordfish"), (redis_at(&server.url()), "hunter2")]
    {
        let error = open(&settings).await.map(drop).unwrap_err();
        let text = format!("{error} {error:?} {settings:?}");
        assert!(matches!(error, StateError::Refused { .. }), "{error:?}");
        assert!(!text.contains(wrong) && text.contains(&server.port.to_string()), "{text}");
    }
    let store = open(&with_password(&server, "hunter2")).await.unwrap();
    store.set(&space(), &key("k"), b"v".to_vec(), &ample()).await.unwrap();
    assert!(!format!("{store:?}").contains("hunter2"), "{store:?}");
}

#[tokio::test]
async fn a_password_that_is_changed_and_changed_back_is_lived_through() {
    let server = Server::with(&["--requirepass", "hunter2"]).await;
    let store = open(&with_password(&server, "hunter2")).await.unwrap();
    let client = redis::Client::open(format!("redis://:hunter2@127.0.0.1:{}/", server.port)).unwrap();
    let mut admin = client.get_multiplexed_async_connection().await.unwrap();
    cmd("CONFIG").arg(&["SET", "requirepass", "swordfish"]).exec_async(&mut admin).await.unwrap();
    // Those that are in stay in, so they are shown out; the one who does that stays.
    cmd("CLIENT").arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"]).exec_async(&mut admin).await.unwrap();
    until("it is refused", async || {
        let error = store.check().await.err();
        matches!(error, Some(KeyValueError::Refused { .. }))
    })
    .await;
    cmd("CONFIG").arg(&["SET", "requirepass", "hunter2"]).exec_async(&mut admin).await.unwrap();
    until("it works", async || store.check().await.is_ok()).await;
}

#[tokio::test]
async fn what_an_account_may_not_do_is_refused() {
    let server = Server::start().await;
    let mut admin = server.connection().await;
    let rights = ["SETUSER", "limited", "on", ">hunter2", "~other:*", "+@all"];
    cmd("ACL").arg(&rights).exec_async(&mut admin).await.unwrap();
    let store = open(&redis_at(&format!("redis://limited:hunter2@127.0.0.1:{}/", server.port))).await.unwrap();
    let error = store.set(&space(), &key("k"), b"v".to_vec(), &ample()).await.unwrap_err();
    assert!(matches!(error, KeyValueError::Refused { .. }), "{error:?}");
    assert!(!error.to_string().contains("hunter2") && !error.to_guest().contains("127.0.0.1"), "{error}");
}

#[tokio::test]
async fn databases_of_one_server_are_apart() {
    let server = Server::start().await;
    let (one, other) = (redis_at(&server.url()), redis_at(&format!("{}3", server.url())));
    let (one, other) = (open(&one).await.unwrap(), open(&other).await.unwrap());
    one.set(&space(), &key("k"), b"v".to_vec(), &ample()).await.unwrap();
    assert!(!other.exists(&space(), &key("k")).await.unwrap());
    let error = open(&redis_at(&format!("{}99999", server.url()))).await.map(drop).unwrap_err();
    assert!(matches!(error, StateError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn nobody_there_is_said_at_once() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = open(&redis_at(&format!("redis://127.0.0.1:{port}/"))).await.map(drop).unwrap_err();
    assert!(matches!(error, StateError::Away { .. }), "{error:?}");
}
