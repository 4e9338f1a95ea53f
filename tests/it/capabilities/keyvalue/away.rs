//! Stores that are not there, or are something else.

use std::fs;

use cofferdam_tests::{RedisServer, eventually};
use serde_json::json;

use super::{Store, bucket, get, is_set, kv, set};
use crate::capabilities::bench::Home;

#[test]
fn a_redis_that_goes_away_and_comes_back_needs_no_restart_of_the_host() {
    let store = Store::Redis(RedisServer::start());
    let host = store.builder(&bucket("default", "")).config("[log]\nlevel = \"trace\"").start();
    let Store::Redis(mut redis) = store else { unreachable!("it was made just now") };
    assert_eq!(set(&host, "a", "x"), is_set());
    redis.stop();
    for op in ["get", "set", "increment", "list"] {
        let found = kv(&host, op, json!({ "key": "a" }));
        assert_eq!(found, json!({ "error": "other", "detail": "the store is not available, try again later" }), "{op}");
    }
    redis.start_again();
    eventually("the store works again", || (set(&host, "a", "y") == is_set()).then_some(()));
    assert_eq!(get(&host, "a"), "y");
    let log = host.log();
    assert!(log.contains("is not available"), "the operator can see why: {log}");
    assert!(!log.contains(redis.password()), "{log}");
}

#[test]
fn a_redis_that_was_never_there_does_not_keep_the_host_from_starting() {
    let mut redis = RedisServer::start();
    redis.stop();
    let store = Store::Redis(redis);
    let host = store.builder(&bucket("default", "")).start();
    let Store::Redis(mut redis) = store else { unreachable!("it was made just now") };
    let found = set(&host, "a", "x");
    assert_eq!(found["error"], "other", "{found}");
    assert!(found["detail"].as_str().unwrap().starts_with("the store is not available"), "{found}");
    redis.start_again();
    eventually("the store is there", || (set(&host, "a", "x") == is_set()).then_some(()));
}

#[test]
fn a_wrong_password_is_the_operators_to_mend() {
    let redis = RedisServer::start();
    let wrong = redis.url().replace(redis.password(), "wrong-wrong-wrong");
    let home = Home::of(Store::File.builder(&bucket("default", "")).file("redis-url", wrong).config(redis.config()));
    let called = home.call("kv", &json!({ "op": "get", "key": "a" }));
    assert_eq!(called.structured["error"], "other", "{called:?}");
    assert!(called.effects.to_string().contains("check the user, the password"), "{called:?}");
    assert!(!format!("{called:?}").contains("wrong-wrong"), "{called:?}");
}

#[test]
fn a_file_that_is_no_store_is_left_as_it_is() {
    const TEXT: &str = "this is no store, however long it is";
    let builder = Store::File.builder(&bucket("default", "")).file("state.db", TEXT);
    let path = builder.path("state.db");
    let home = Home::of(builder);
    let called = home.call("kv", &json!({ "op": "set", "key": "a", "value": "x" }));
    assert_eq!(called.structured["error"], "other", "{called:?}");
    // The guest learns no path; the operator does.
    assert!(!called.structured.to_string().contains("state.db"), "{called:?}");
    assert!(called.effects.to_string().contains("state.db"), "{called:?}");
    assert_eq!(fs::read_to_string(path).unwrap(), TEXT);
}
