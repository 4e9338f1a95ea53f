//! One row for each thing that can be granted.

use cofferdam_policy::Capability;
use serde_json::{Value, json};

use super::{
    Bench, Called,
    bench::{SECRET, VARIABLE},
};

/// A thing that can be granted, how it is used, and what comes of that.
pub(super) struct Row {
    pub(super) capability: Capability,
    /// The tool that uses it. There is another one of the same code, whose name ends with `_too`.
    pub(super) tool: &'static str,
    pub(super) arguments: fn(&Bench) -> Value,
    /// What grants it, as a line under `grants`.
    pub(super) grant: fn(&Bench) -> String,
    /// What takes it away, of what is given to all.
    pub(super) away: Option<&'static str>,
    pub(super) worked: Check,
    /// What a use comes to in a plugin of which no tool has it.
    pub(super) without: Refused,
    /// And in a tool that does not have it, where another tool of its plugin does.
    pub(super) withheld: Refused,
}

/// Looks at a call, and may make the same call again.
type Check = fn(&Called, &dyn Fn() -> Called) -> bool;

#[derive(Clone, Copy)]
pub(super) enum Refused {
    /// The interface says so: the tool has this as `error`.
    InWords(&'static str),
    /// The interface has no way to say so, and the host ended the call.
    ByTheEnd,
    /// Nothing came of it, and the tool cannot know.
    Silently,
    /// It is there, and nothing is in it.
    Empty(Check),
    /// It is there, and other than it was.
    Changed(Check),
}

/// The row of a capability, by its key.
pub(super) fn of(key: &str) -> &'static Row {
    ALL.iter().find(|row| row.capability.key() == key).unwrap_or_else(|| panic!("there is no row for {key}"))
}

pub(super) const ALL: &[Row] = &[
    Row {
        capability: Capability::Clock,
        tool: "clock",
        arguments: |_| json!({ "wait_ms": 20 }),
        grant: |_| r#"clock = "real""#.into(),
        away: Some(r#"clock = "frozen""#),
        worked: |called, _| passed(called) >= 20_000_000,
        without: Refused::Changed(stands_still),
        withheld: Refused::Changed(stands_still),
    },
    Row {
        capability: Capability::Config,
        tool: "config",
        arguments: |_| json!({ "key": "greeting" }),
        grant: |_| r#"config = { greeting = "hello from the policy" }"#.into(),
        away: None,
        worked: |called, _| called.structured["value"] == "hello from the policy",
        without: Refused::ByTheEnd,
        withheld: Refused::InWords("upstream"),
    },
    Row {
        capability: Capability::Environment,
        tool: "env",
        arguments: |_| json!({}),
        grant: |_| format!("environment = [\"{VARIABLE}\"]"),
        away: None,
        worked: |called, _| called.structured["variables"] == json!([[VARIABLE, "hello from outside"]]),
        without: Refused::Empty(|called, _| called.structured["variables"] == json!([])),
        withheld: Refused::Empty(|called, _| called.structured["variables"] == json!([])),
    },
    Row {
        capability: Capability::Filesystem,
        tool: "read_file",
        arguments: |_| json!({ "path": "/data/hello.txt" }),
        grant: |bench| format!("filesystem = [{{ path = {:?}, at = \"/data\" }}]", bench.directory.path()),
        away: None,
        worked: |called, _| called.structured["text"] == "hello from a file",
        without: Refused::Empty(|called, _| called.structured["error"] == "no-preopen"),
        withheld: Refused::Empty(|called, _| called.structured["error"] == "no-preopen"),
    },
    Row {
        capability: Capability::HostInfo,
        tool: "host_info",
        arguments: |_| json!({}),
        grant: |_| "host_info = true".into(),
        away: None,
        worked: |called, _| called.structured["version"].is_string(),
        without: Refused::InWords("not-permitted"),
        withheld: Refused::InWords("not-permitted"),
    },
    Row {
        capability: Capability::Http,
        tool: "fetch",
        arguments: |bench| json!({ "url": bench.upstream.url("/hello") }),
        grant: |bench| {
            let url = bench.upstream.url("/");
            format!("http = [{{ url = \"{url}\", methods = [\"GET\"], networks = [\"127.0.0.0/8\"] }}]")
        },
        away: None,
        worked: |called, _| called.structured["body"] == "hello from a server",
        without: Refused::ByTheEnd,
        withheld: Refused::InWords("http-request-denied"),
    },
    Row {
        capability: Capability::KeyValue,
        tool: "kv",
        arguments: |_| json!({ "op": "increment", "bucket": "default", "key": "times" }),
        grant: |_| r#"keyvalue = [{ bucket = "default", access = "read-write" }]"#.into(),
        away: None,
        // It is kept from one process to the next.
        worked: |called, again| {
            let sum = called.structured["sum"].as_i64();
            sum.is_some() && again().structured["sum"].as_i64() == sum.map(|n| n + 1)
        },
        without: Refused::InWords("access-denied"),
        withheld: Refused::InWords("access-denied"),
    },
    Row {
        capability: Capability::Log,
        tool: "log",
        arguments: |_| json!({ "text": "hello from a guest" }),
        grant: |_| "log = true".into(),
        away: Some("log = false"),
        worked: |called, _| called.beside.contains("hello from a guest"),
        without: Refused::Silently,
        withheld: Refused::Silently,
    },
    Row {
        capability: Capability::Progress,
        tool: "progress",
        arguments: |_| json!({ "done": 1, "total": 2, "text": "half of it" }),
        grant: |_| "progress = true".into(),
        away: Some("progress = false"),
        worked: |called, _| called.beside.contains("1 of 2 half of it"),
        without: Refused::Silently,
        withheld: Refused::Silently,
    },
    Row {
        capability: Capability::Random,
        tool: "random",
        arguments: |_| json!({}),
        grant: |_| r#"random = "real""#.into(),
        away: Some(r#"random = { seed = "seven" }"#),
        worked: |called, again| called.structured["bytes"] != again().structured["bytes"],
        without: Refused::Changed(draws_the_same),
        withheld: Refused::Changed(draws_the_same),
    },
    Row {
        capability: Capability::Secrets,
        tool: "secret_exists",
        arguments: |_| json!({ "name": "token" }),
        grant: |_| r#"secrets = ["token"]"#.into(),
        away: None,
        worked: |called, _| called.structured["exists"] == true && !format!("{called:?}").contains(SECRET),
        without: Refused::InWords("not-permitted"),
        withheld: Refused::InWords("not-permitted"),
    },
    Row {
        capability: Capability::Sockets,
        tool: "connect",
        arguments: |bench| {
            let (port, send) = (bench.upstream.port(), "GET /hello HTTP/1.0\r\n\r\n");
            json!({ "host": "127.0.0.1", "port": port, "send": send, "read": 12 })
        },
        grant: |bench| {
            let port = bench.upstream.port();
            format!("sockets = [{{ address = \"127.0.0.1:{port}\", networks = [\"127.0.0.0/8\"] }}]")
        },
        away: None,
        worked: |called, _| called.structured["received"] == "HTTP/1.0 200",
        without: Refused::ByTheEnd,
        withheld: Refused::InWords("access-denied"),
    },
    Row {
        capability: Capability::Sql,
        tool: "sql",
        arguments: |_| {
            let statements = json!([{ "sql": "select ?1 as what", "parameters": ["it"] }]);
            json!({ "database": "main", "op": "query", "statements": statements })
        },
        grant: |_| r#"sql = [{ database = "main", access = "read" }]"#.into(),
        away: None,
        worked: |called, _| called.structured["results"][0]["rows"] == json!([["it"]]),
        without: Refused::InWords("not-permitted"),
        withheld: Refused::InWords("not-permitted"),
    },
];

/// Nanoseconds that the guest saw pass.
fn passed(called: &Called) -> u64 {
    let at = |n: usize| called.structured["monotonic"][n].as_u64().unwrap();
    at(1) - at(0)
}

fn stands_still(called: &Called, _: &dyn Fn() -> Called) -> bool {
    passed(called) == 0 && called.structured["wall"][0] == called.structured["wall"][1]
}

fn draws_the_same(called: &Called, again: &dyn Fn() -> Called) -> bool {
    called.structured == again().structured
}
