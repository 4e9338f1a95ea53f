//! Keys and values, by a guest that wants more of them than it was granted: the same in the store
//! that is built in and in Redis.

mod away;
mod bounds;
mod kept;

use cofferdam_tests::{HostBuilder, RedisServer, TestHost, guest};
use serde_json::{Value, json};

/// Where keys and values are.
enum Store {
    /// In a file of each host's own.
    File,
    Redis(RedisServer),
}

fn both() -> [Store; 2] {
    [Store::File, Store::Redis(RedisServer::start())]
}

impl Store {
    /// A host whose plugin `probe` has these buckets, in this store.
    fn builder(&self, buckets: &str) -> HostBuilder {
        self.put(HostBuilder::new().named_plugin("probe", &guest("probe")).policy(&granted("probe", buckets)))
    }

    /// The same store for another host.
    fn put(&self, builder: HostBuilder) -> HostBuilder {
        match self {
            Self::File => builder,
            Self::Redis(redis) => builder.file("redis-url", redis.url()).config(redis.config()),
        }
    }
}

/// The entry of a plugin that has these buckets.
fn granted(plugin: &str, buckets: &str) -> String {
    format!("[[plugin]]\nname = \"{plugin}\"\n[plugin.grants]\nkeyvalue = [{buckets}]\n")
}

/// A bucket to read and write, with more said of it.
fn bucket(name: &str, more: &str) -> String {
    let comma = if more.is_empty() { "" } else { ", " };
    format!("{{ bucket = \"{name}\", access = \"read-write\"{comma}{more} }}")
}

/// Does one thing to a bucket of `probe`.
#[track_caller]
fn kv(host: &TestHost, op: &str, more: Value) -> Value {
    kv_of(host, "probe_kv", op, more)
}

#[track_caller]
fn kv_of(host: &TestHost, tool: &str, op: &str, more: Value) -> Value {
    let mut arguments = json!({ "op": op });
    arguments.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    let reply = host.rpc().call(tool, arguments);
    assert!(!reply.failed(), "{op}: {}", reply.message);
    reply.result()["structuredContent"].clone()
}

fn get(host: &TestHost, key: &str) -> Value {
    kv(host, "get", json!({ "key": key }))["value"].clone()
}

fn set(host: &TestHost, key: &str, value: &str) -> Value {
    kv(host, "set", json!({ "key": key, "value": value }))
}

fn is_set() -> Value {
    json!({ "set": true })
}
