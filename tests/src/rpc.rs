//! A client of the current era, as plain as can be: what it sends and gets is what is on the wire.

use std::time::Duration;

use serde_json::{Map, Value, json};
use ureq::{Agent, Body, http::Response};

const VERSION: &str = "2026-07-28";

/// Talks to one host.
#[derive(Clone, Debug)]
pub struct Rpc {
    agent: Agent,
    base: String,
}

/// An answer to a request.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    /// The JSON-RPC message; null when the body was something else.
    pub message: Value,
    /// The notifications that came before it, when it was a stream.
    pub before: Vec<Value>,
}

impl Rpc {
    /// A client of the host at `base`, such as `http://127.0.0.1:3000`.
    pub fn new(base: &str) -> Self {
        let config =
            Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(120))).build();
        Self { agent: config.into(), base: base.to_owned() }
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    /// The bare agent, for requests that are not MCP.
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// A GET; status and body.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut response = self.agent.get(format!("{}{path}", self.base)).call().unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    /// One request of the current era.
    pub fn request(&self, method: &str, params: Value) -> Reply {
        self.request_with(method, params, json!({}))
    }

    /// The same with more in `_meta`, such as a progress token or client capabilities.
    pub fn request_with(&self, method: &str, params: Value, meta: Value) -> Reply {
        let mut params = params.as_object().cloned().unwrap_or_default();
        let mut all = Map::new();
        all.insert("io.modelcontextprotocol/protocolVersion".into(), VERSION.into());
        all.insert("io.modelcontextprotocol/clientCapabilities".into(), json!({}));
        all.extend(meta.as_object().cloned().unwrap_or_default());
        params.insert("_meta".into(), all.into());
        let named = params.get("name").or_else(|| params.get("uri")).and_then(Value::as_str).map(str::to_owned);
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut request = self
            .agent
            .post(format!("{}/mcp", self.base))
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .header("mcp-protocol-version", VERSION)
            .header("mcp-method", method);
        if let Some(named) = named {
            request = request.header("mcp-name", named);
        }
        read(request.send(body.to_string()).unwrap())
    }

    /// Calls a tool.
    pub fn call(&self, tool: &str, arguments: Value) -> Reply {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// The names of all tools, in the order they are listed.
    pub fn tools(&self) -> Vec<String> {
        let reply = self.request("tools/list", json!({}));
        let tools = reply.result()["tools"].as_array().cloned().unwrap_or_default();
        tools.iter().filter_map(|t| t["name"].as_str().map(str::to_owned)).collect()
    }
}

fn read(mut response: Response<Body>) -> Reply {
    let status = response.status().as_u16();
    let stream = response.headers().get("content-type").is_some_and(|t| t.as_bytes().starts_with(b"text/event-stream"));
    let text = response.body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
    if !stream {
        let message = serde_json::from_str(&text).unwrap_or(Value::Null);
        return Reply { status, message, before: Vec::new() };
    }
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let mut before: Vec<Value> = data.filter_map(|data| serde_json::from_str(data.trim()).ok()).collect();
    let message = before.pop().unwrap_or(Value::Null);
    Reply { status, message, before }
}

impl Reply {
    /// The result; panics when it is an error.
    #[track_caller]
    pub fn result(&self) -> &Value {
        assert!(self.message.get("result").is_some(), "no result: {} {}", self.status, self.message);
        &self.message["result"]
    }

    /// The JSON-RPC error's code; `None` when it is a result.
    pub fn error_code(&self) -> Option<i64> {
        self.message["error"]["code"].as_i64()
    }

    /// The text of the result's first content.
    #[track_caller]
    pub fn text(&self) -> &str {
        self.result()["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {}", self.message))
    }

    /// Whether it is a result that says that the tool failed.
    #[track_caller]
    pub fn failed(&self) -> bool {
        self.result()["isError"] == true
    }

    /// What a failed result says for programs: `code`, `limit` and so on.
    #[track_caller]
    pub fn failure(&self) -> &Value {
        assert!(self.failed(), "it did not fail: {}", self.message);
        &self.result()["_meta"]["dev.cofferdam/error"]
    }
}
