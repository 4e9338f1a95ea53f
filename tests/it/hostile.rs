//! Components that attack the host: each is stopped by its own limit, with an error that names it,
//! and the others go on.

mod cache;
mod calls;
mod checking;
mod company;
mod compilation;
mod files;
mod instantiation;

use std::{collections::BTreeMap, io::Write, net::TcpStream, path::Path};

use cofferdam_tests::{HostBuilder, TestHost, eventually, guest, run_cli};
use serde_json::{Value, json};

/// A host with a plugin that does what it should, `neighbour`.
fn with_neighbour() -> HostBuilder {
    HostBuilder::new().plugin("neighbour", &guest("greeter"))
}

#[track_caller]
fn neighbour_answers(host: &TestHost, when: &str) {
    let reply = host.rpc().call("neighbour_greet", json!({ "name": "Ada" }));
    assert_eq!(reply.text(), "Hello, Ada!", "{when}");
}

/// A call whose answer nobody reads. Dropping it is a client that goes away.
struct Unread {
    _connection: TcpStream,
}

impl Unread {
    fn call(host: &TestHost, tool: &str) -> Self {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({ "name": tool, "arguments": {}, "_meta": meta });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
        let address = host.rpc().base().strip_prefix("http://").unwrap();
        let mut connection = TcpStream::connect(address).unwrap();
        write!(
            connection,
            "POST /mcp HTTP/1.1\r\nhost: {address}\r\naccept: application/json, text/event-stream\r\n\
             content-type: application/json\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\n\
             mcp-name: {tool}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        Self { _connection: connection }
    }
}

/// Calls that are inside the host.
fn running(host: &TestHost) -> u64 {
    let report: Value = serde_json::from_str(&host.rpc().get("/health").1).unwrap();
    report["calls_running"].as_u64().unwrap()
}

#[track_caller]
fn until_running(host: &TestHost, calls: u64) {
    eventually(&format!("{calls} calls are inside"), || (running(host) == calls).then_some(()));
}

/// What `cofferdam plugins` says of the files in `home`.
struct Plugins {
    served: Vec<String>,
    refused: BTreeMap<String, Refused>,
}

#[derive(Debug)]
struct Refused {
    step: String,
    found: String,
    mend: String,
}

impl Plugins {
    #[track_caller]
    fn of(home: &Path) -> Self {
        let listed = run_cli(home, &["plugins", "--json"]);
        assert_eq!(listed.code, Some(0), "{}", listed.err);
        let listed: Value = serde_json::from_str(&listed.out).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let refused = |r: &Value| {
            let why = Refused { step: text(&r["step"]), found: text(&r["found"]), mend: text(&r["mend"]) };
            (text(&r["plugin"]), why)
        };
        Self {
            served: listed["served"].as_array().unwrap().iter().map(|p| text(&p["name"])).collect(),
            refused: listed["refused"].as_array().unwrap().iter().map(refused).collect(),
        }
    }

    /// The refusal of this plugin at this step, which says all of this, and nothing else of it.
    #[track_caller]
    fn assert_refused(&self, plugin: &str, step: &str, says: &[&str]) {
        let Some(refused) = self.refused.get(plugin) else { panic!("{plugin} is not refused: {:?}", self.served) };
        assert_eq!(refused.step, step, "{plugin}: {refused:?}");
        let text = format!("{}; {}", refused.found, refused.mend);
        for words in says {
            assert!(text.contains(words), "{plugin}: {words:?} in {text:?}");
        }
        assert!(!text.contains(char::is_control), "{plugin}: {text:?}");
        assert!(!self.served.iter().any(|served| served == plugin), "{plugin} is served");
    }
}
