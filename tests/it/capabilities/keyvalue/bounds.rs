//! What a bucket may hold, and what may be done with one.

use cofferdam_policy::Capability;
use serde_json::{Value, json};

use super::{both, bucket, get, is_set, kv, set};
use crate::capabilities::bench::Home;

#[track_caller]
fn over(found: &Value, what: &str) {
    assert_eq!(found["error"], "other", "{found}");
    assert!(found["detail"].as_str().unwrap().contains(what), "{found}");
}

#[test]
fn keys_bytes_and_values_are_counted_exactly() {
    for store in both() {
        let host = store.builder(&bucket("default", "keys = 3, bytes = \"100B\", value = \"60B\"")).start();
        let fill = |key: &str, bytes: u64| kv(&host, "set", json!({ "key": key, "filler": bytes }));
        over(&fill("a", 61), "at most 60 bytes in a value");
        assert_eq!(fill("a", 60), is_set());
        // 61 with its key; 39 are left, one of them for the next key.
        over(&fill("b", 39), "at most 100 bytes in the space");
        assert_eq!(fill("b", 38), is_set());
        over(&fill("c", 0), "at most 100 bytes in the space");
        over(&kv(&host, "increment", json!({ "key": "c" })), "at most 100 bytes in the space");
        // What is replaced is given back, and what is deleted.
        assert_eq!(fill("b", 10), is_set());
        assert_eq!(fill("c", 26), is_set());
        over(&fill("d", 0), "at most 3 keys in the space");
        over(&kv(&host, "cas", json!({ "key": "d", "value": "" })), "at most 3 keys in the space");
        assert_eq!(kv(&host, "delete", json!({ "key": "a" })), json!({ "deleted": true }));
        // All of a batch, or nothing.
        over(&kv(&host, "set_many", json!({ "pairs": [["d", "x"], ["e", "x"]] })), "at most 3 keys in the space");
        assert_eq!((get(&host, "d"), get(&host, "e")), (Value::Null, Value::Null));
        assert_eq!(kv(&host, "set_many", json!({ "pairs": [["d", "x"], ["d", "y"]] })), json!({ "set": 2 }));
        assert_eq!(get(&host, "d"), "y");
    }
}

#[test]
fn a_bucket_that_is_granted_to_be_read_is_not_written() {
    for store in both() {
        let tool = |name: &str, bucket: &str| format!("[plugin.tools.{name}.grants]\nkeyvalue = [{bucket}]\n");
        let builder = cofferdam_tests::HostBuilder::new()
            .named_plugin("probe", &cofferdam_tests::guest("probe"))
            .policy("[[plugin]]\nname = \"probe\"")
            .policy(&tool("kv", "{ bucket = \"default\" }"))
            .policy(&tool("kv_too", &bucket("default", "")));
        let host = store.put(builder).start();
        assert_eq!(super::kv_of(&host, "probe_kv_too", "set", json!({ "key": "a", "value": "1" })), is_set());
        for (op, more) in [
            ("set", json!({ "key": "a", "value": "2" })),
            ("set", json!({ "key": "b", "value": "2" })),
            ("delete", json!({ "key": "a" })),
            ("increment", json!({ "key": "a" })),
            ("cas", json!({ "key": "a", "value": "2" })),
            ("set_many", json!({ "pairs": [["a", "2"]] })),
            ("delete_many", json!({ "keys": ["a"] })),
        ] {
            assert_eq!(kv(&host, op, more), json!({ "error": "access-denied" }), "{op}");
        }
        assert_eq!((get(&host, "a"), kv(&host, "list", json!({}))["keys"].clone()), (json!("1"), json!(["a"])));
        assert_eq!(set(&host, "a", "2"), json!({ "error": "access-denied" }));
    }
}

#[test]
fn the_record_has_keys_and_no_values() {
    let home = Home::of(super::Store::File.builder(&bucket("default", "value = \"20B\"")));
    let effects = |arguments: Value| {
        let called = home.call("kv", &arguments);
        assert!(!called.effects.to_string().contains("4111"), "{called:?}");
        called.of(Capability::KeyValue).into_iter().cloned().collect::<Vec<_>>()
    };
    let shown = |effect: &Value| ["operation", "target", "verdict", "sent", "received"].map(|key| effect[key].clone());
    let all = effects(json!({ "op": "set", "key": "card", "value": "4111-1111" }));
    assert_eq!(shown(&all[0]), [json!("open"), json!("default"), json!("allowed"), json!(0), json!(0)]);
    assert_eq!(shown(&all[1]), [json!("set"), json!("default/card"), json!("allowed"), json!(9), json!(0)]);
    let all = effects(json!({ "op": "get", "key": "card" }));
    assert_eq!(shown(&all[1]), [json!("get"), json!("default/card"), json!("allowed"), json!(0), json!(9)]);
    let all = effects(json!({ "op": "set", "key": "card", "value": "4111-1111-1111-1111-1111" }));
    assert_eq!(shown(&all[1])[..3], [json!("set"), json!("default/card"), json!("refused")]);
    assert_eq!(all[1]["why"], "over quota: at most 20 bytes in a value");
    let all = effects(json!({ "op": "get", "bucket": "other", "key": "card" }));
    assert_eq!((all.len(), shown(&all[0])[1..3].to_vec()), (1, vec![json!("other"), json!("refused")]));
}
