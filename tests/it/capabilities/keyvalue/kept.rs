//! What is kept, for whom, and until when.

use std::{fs, thread};

use cofferdam_tests::{HostBuilder, StdioHost, eventually, forge, guest, run_cli_in};
use serde_json::{Value, json};

use super::{Store, both, bucket, get, granted, is_set, kv, kv_of, set};

#[test]
fn every_operation_does_what_it_says() {
    for store in both() {
        let host = store.builder(&bucket("default", "")).start();
        assert_eq!(get(&host, "a"), Value::Null);
        assert_eq!(set(&host, "a", "one"), is_set());
        // An empty name is `default`.
        assert_eq!(kv(&host, "get", json!({ "bucket": "default", "key": "a" })), json!({ "value": "one" }));
        assert_eq!(set(&host, "a", "two"), is_set());
        assert_eq!(
            (get(&host, "a"), kv(&host, "exists", json!({ "key": "a" }))),
            (json!("two"), json!({ "exists": true }))
        );
        assert_eq!(kv(&host, "delete", json!({ "key": "a" })), json!({ "deleted": true }));
        assert_eq!(kv(&host, "delete", json!({ "key": "a" })), json!({ "deleted": true }), "it is no error");
        assert_eq!(
            (get(&host, "a"), kv(&host, "exists", json!({ "key": "a" }))),
            (Value::Null, json!({ "exists": false }))
        );
        // Numbers.
        assert_eq!(kv(&host, "increment", json!({ "key": "n" })), json!({ "sum": 1 }));
        assert_eq!(kv(&host, "increment", json!({ "key": "n", "delta": -5 })), json!({ "sum": -4 }));
        assert_eq!(get(&host, "n"), "-4");
        assert_eq!(kv(&host, "increment", json!({ "key": "n", "delta": i64::MIN }))["error"], "other");
        assert_eq!(set(&host, "text", "x"), is_set());
        assert_eq!(kv(&host, "increment", json!({ "key": "text" }))["error"], "other");
        // What nobody came between is replaced, and what somebody did is not.
        assert_eq!(kv(&host, "cas", json!({ "key": "c", "value": "1" })), json!({ "seen": null, "swapped": true }));
        assert_eq!(kv(&host, "cas", json!({ "key": "c", "value": "2" })), json!({ "seen": "1", "swapped": true }));
        assert_eq!(
            kv(&host, "cas", json!({ "key": "c", "value": "4", "meanwhile": "3" })),
            json!({ "seen": "2", "swapped": false, "now": "3" })
        );
        // Many at once, and in order.
        let pairs = json!([["m1", "x"], ["m2", "y"], ["m1", "z"]]);
        assert_eq!(kv(&host, "set_many", json!({ "pairs": pairs })), json!({ "set": 3 }));
        assert_eq!(
            kv(&host, "get_many", json!({ "keys": ["m2", "none", "m1"] })),
            json!({ "pairs": [["m2", "y"], null, ["m1", "z"]] })
        );
        assert_eq!(kv(&host, "list", json!({})), json!({ "keys": ["c", "m1", "m2", "n", "text"], "cursor": null }));
        assert_eq!(kv(&host, "delete_many", json!({ "keys": ["m1", "m2", "none"] })), json!({ "deleted": true }));
        assert_eq!(kv(&host, "list", json!({})), json!({ "keys": ["c", "n", "text"], "cursor": null }));
        for key in ["", "a\nb", "a\0", &"x".repeat(513)] {
            assert_eq!(set(&host, key, "x")["error"], "other", "{key:?}");
        }
    }
}

#[test]
fn long_listings_come_in_pages() {
    for store in both() {
        let host = store.builder(&bucket("default", "")).start();
        for tens in 0..2 {
            let pairs: Vec<_> = (0..600).map(|n| json!([format!("key-{tens}-{n:03}"), "x"])).collect();
            assert_eq!(kv(&host, "set_many", json!({ "pairs": pairs })), json!({ "set": 600 }));
        }
        let first = kv(&host, "list", json!({}));
        let second = kv(&host, "list", json!({ "cursor": first["cursor"] }));
        let keys = |page: &Value| page["keys"].as_array().unwrap().len();
        assert_eq!((keys(&first), keys(&second), &second["cursor"]), (1000, 200, &Value::Null));
        assert_eq!(second["keys"][0], "key-1-400");
        let pairs: Vec<_> = (0..1001).map(|n| json!([format!("{n}"), "x"])).collect();
        assert_eq!(kv(&host, "set_many", json!({ "pairs": pairs }))["error"], "other", "too many at a time");
    }
}

#[test]
fn nothing_is_lost_between_calls_that_run_at_once() {
    for store in both() {
        let host = store.builder(&bucket("default", "")).start();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        assert!(kv(&host, "increment", json!({ "key": "n" }))["sum"].is_i64());
                    }
                });
            }
        });
        assert_eq!(get(&host, "n"), "40");
    }
}

#[test]
fn what_was_kept_outlasts_the_host() {
    for store in both() {
        let home = store.builder(&bucket("default", "")).files();
        let call = |arguments: Value| -> Value {
            let finished = run_cli_in(home.path(), &["call", "probe_kv", &arguments.to_string(), "--json"], &[]);
            let said: Value = serde_json::from_str(&finished.out).unwrap_or_else(|_| panic!("{finished:?}"));
            said["structured"].clone()
        };
        assert_eq!(call(json!({ "op": "set", "key": "a", "value": "kept" })), is_set());
        assert_eq!(call(json!({ "op": "get", "key": "a" })), json!({ "value": "kept" }));
        if matches!(store, Store::File) {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(home.path().join("state.db")).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "nobody else can read it: {mode:o}");
        }
    }
}

#[test]
fn a_host_that_serves_and_a_command_share_one_store() {
    for store in both() {
        // The file is in the directory of the first host, and the second one is told.
        let host = store.builder(&bucket("default", "")).start();
        assert_eq!(set(&host, "a", "by serve"), is_set());
        let called = host.cli(&["call", "probe_kv", r#"{"op":"cas","key":"a","value":"by call"}"#, "--json"]);
        let said: Value = serde_json::from_str(&called.out).unwrap_or_else(|_| panic!("{called:?}"));
        assert_eq!(said["structured"], json!({ "seen": "by serve", "swapped": true }));
        assert_eq!(get(&host, "a"), "by call");
        let other =
            HostBuilder::new().named_plugin("probe", &guest("probe")).policy(&granted("probe", &bucket("default", "")));
        let other = match &store {
            Store::File => other.config(&format!("[state]\nfile = {:?}", host.path("state.db"))),
            Store::Redis(_) => store.put(other),
        };
        let mut stdio = StdioHost::start(other);
        let ask = |op: &str, id: u64| {
            let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} });
            let params = json!({ "name": "probe_kv", "arguments": { "op": op, "key": "n" }, "_meta": meta });
            json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
        };
        // Both at once.
        for id in 1..=10 {
            stdio.send(&ask("increment", id));
            assert!(kv(&host, "increment", json!({ "key": "n" }))["sum"].is_i64());
        }
        let sums = (1..=10).filter(|_| stdio.receive()["result"]["structuredContent"]["sum"].is_i64()).count();
        assert_eq!((sums, get(&host, "n")), (10, json!("20")));
    }
}

#[test]
fn a_bucket_is_its_plugins_own() {
    for store in both() {
        // Another component, so that the two are none under one name. The template of its resources
        // is the same, and of two plugins with one template the second is refused: it has to differ.
        let other = forge::with_name(&guest("probe"), "other");
        let other = replaced(&other, b"probe://say/", b"other://say/");
        let builder = HostBuilder::new()
            .named_plugin("probe", &guest("probe"))
            .plugin("other", &other)
            .policy(&granted("probe", &format!("{}, {}", bucket("default", ""), bucket("second", ""))))
            .policy(&granted("other", &bucket("default", "")));
        let host = store.put(builder).start();
        assert_eq!(set(&host, "a", "mine"), is_set());
        assert_eq!(kv_of(&host, "other_kv", "get", json!({ "key": "a" })), json!({ "value": null }));
        assert_eq!(kv_of(&host, "other_kv", "list", json!({})), json!({ "keys": [], "cursor": null }));
        assert_eq!(kv_of(&host, "other_kv", "set", json!({ "key": "a", "value": "other" })), is_set());
        assert_eq!(get(&host, "a"), "mine");
        // And two buckets of one plugin are two.
        assert_eq!(kv(&host, "get", json!({ "bucket": "second", "key": "a" })), json!({ "value": null }));
        // Names that would be the other's if somebody put them together without care.
        for name in [
            "probe/default",
            "../probe/default",
            "other:default",
            "probe",
            "DEFAULT",
            "default ",
            "default/a",
            "*",
            "second\0",
        ] {
            assert_eq!(
                kv_of(&host, "other_kv", "open", json!({ "bucket": name })),
                json!({ "error": "no-such-store" }),
                "{name:?}"
            );
        }
    }
}

/// With one text of as many bytes as another in its place.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let at: Vec<usize> = bytes.windows(from.len()).enumerate().filter(|(_, w)| *w == from).map(|(at, _)| at).collect();
    assert!(!at.is_empty());
    at.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to));
    bytes
}

#[test]
fn what_has_a_time_to_live_is_gone_when_it_is_over() {
    for store in both() {
        let host =
            store.builder(&format!("{}, {}", bucket("default", ""), bucket("short", "keys = 1, ttl = \"1s\""))).start();
        let short = |op: &str, more: Value| {
            let mut more = more;
            more["bucket"] = json!("short");
            kv(&host, op, more)
        };
        assert_eq!(set(&host, "a", "x"), is_set());
        assert_eq!(short("set", json!({ "key": "a", "value": "x" })), is_set());
        eventually("it is gone", || (short("exists", json!({ "key": "a" }))["exists"] == false).then_some(()));
        assert_eq!(short("list", json!({})), json!({ "keys": [], "cursor": null }));
        // Its room is free again, and what is for ever is there.
        assert_eq!(short("set", json!({ "key": "b", "value": "x" })), is_set());
        assert_eq!(get(&host, "a"), "x");
    }
}
