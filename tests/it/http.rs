//! What is answered over HTTP, and what is not, as it is on the wire.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::Instant,
};

use cofferdam_tests::{HostBuilder, PATIENCE, Rpc, TestHost, eventually, forge, guest, plugin};
use rustix::process::Signal;
use serde_json::{Value, json};

const CURRENT: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";
const JSON: (&str, &str) = ("content-type", "application/json");
const ACCEPT: (&str, &str) = ("accept", "application/json, text/event-stream");

/// One connection, kept open for as long as the host keeps it.
pub(crate) struct Connection {
    reader: BufReader<TcpStream>,
    host: String,
}

/// Status and headers of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    pub(crate) head: Head,
    pub(crate) body: String,
}

impl Head {
    /// The values of a header, as one.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }
}

impl Whole {
    /// The JSON-RPC message in it: the body, or the last event of a stream.
    #[track_caller]
    fn message(&self) -> Value {
        let last = self.body.lines().filter_map(|l| l.strip_prefix("data:")).map(str::trim).rfind(|d| !d.is_empty());
        let text = last.unwrap_or(&self.body);
        serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {} {:?}", self.head.status, self.body))
    }
}

impl Connection {
    pub(crate) fn to(rpc: &Rpc) -> Self {
        let host = rpc.base().strip_prefix("http://").unwrap().to_owned();
        let stream = TcpStream::connect(&host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { reader: BufReader::new(stream), host }
    }

    /// Sends a request; a header given here takes the place of the usual one.
    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) {
        let mut text = format!("{method} {path} HTTP/1.1\r\n");
        if !headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("host")) {
            text.push_str(&format!("host: {}\r\n", self.host));
        }
        if !body.is_empty() {
            text.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        headers.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
        text.push_str("\r\n");
        text.push_str(body);
        self.write(text.as_bytes());
    }

    /// Writes as much as the host takes: it may answer, and close, before it has read everything.
    fn write(&mut self, bytes: &[u8]) {
        let _closed = self.reader.get_mut().write_all(bytes);
    }

    /// The head of the next answer; `None` when the connection is closed instead.
    pub(crate) fn try_head(&mut self) -> Option<Head> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|s| s.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no HTTP: {first:?}"));
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Some(Head { status, headers })
    }

    #[track_caller]
    pub(crate) fn head(&mut self) -> Head {
        self.try_head().expect("an answer")
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line.trim_end_matches(['\r', '\n']).to_owned()),
            Err(e) if e.kind() == ErrorKind::ConnectionReset => None,
            Err(e) => panic!("nothing came: {e}"),
        }
    }

    /// One chunk of a body that comes in chunks; `None` at its end, or when it was cut.
    fn chunk(&mut self) -> Option<String> {
        let size = usize::from_str_radix(&self.line()?, 16).expect("the size of a chunk");
        let mut bytes = vec![0; size + 2];
        self.reader.read_exact(&mut bytes).ok()?;
        bytes.truncate(size);
        (size > 0).then(|| String::from_utf8(bytes).unwrap())
    }

    fn body(&mut self, head: &Head) -> String {
        if head.get("transfer-encoding").as_deref() == Some("chunked") {
            return std::iter::from_fn(|| self.chunk()).collect();
        }
        let length = head.get("content-length").map_or(0, |l| l.parse().unwrap());
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// A request and its whole answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Whole {
        self.send(method, path, headers, body);
        let head = self.head();
        let body = self.body(&head);
        Whole { head, body }
    }

    /// A request whose answer is a stream of events.
    #[track_caller]
    pub(crate) fn stream(mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Events {
        self.send(method, path, headers, body);
        let head = self.head();
        assert_eq!(head.status, 200, "{head:?}");
        assert_eq!(head.get("content-type").as_deref(), Some("text/event-stream"), "{head:?}");
        Events { connection: self, head, text: String::new() }
    }
}

/// A stream of events, read as they come.
pub(crate) struct Events {
    connection: Connection,
    head: Head,
    text: String,
}

impl Events {
    /// The next event that has data: its name and the data. `None` at the end.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<(String, String)> {
        // Comments keep coming on a stream that says nothing.
        let until = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < until, "no event came");
            while let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| -> Option<String> {
                    let mut lines = event.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                    lines.next().map(|value| value.trim().to_owned())
                };
                if let Some(data) = field("data").filter(|d| !d.is_empty()) {
                    return Some((field("event").unwrap_or_else(|| "message".into()), data));
                }
            }
            let chunk = self.connection.chunk()?;
            self.text.push_str(&chunk);
        }
    }

    /// The next message.
    #[track_caller]
    pub(crate) fn message(&mut self) -> Value {
        let (event, data) = self.next().expect("a message");
        assert_eq!(event, "message", "{data}");
        serde_json::from_str(&data).unwrap_or_else(|e| panic!("{e}: {data}"))
    }

    /// Closes the connection.
    pub(crate) fn close(self) {
        self.connection.reader.get_ref().shutdown(Shutdown::Both).unwrap();
    }
}

/// The headers of a request of the current era.
pub(crate) fn current<'a>(method: &'a str, name: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut headers = vec![JSON, ACCEPT, ("mcp-protocol-version", CURRENT), ("mcp-method", method)];
    if !name.is_empty() {
        headers.push(("mcp-name", name));
    }
    headers
}

/// A request of the current era.
pub(crate) fn request(id: u64, method: &str, mut params: Value) -> String {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = CURRENT.into();
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

fn initialize(version: &str) -> String {
    let params =
        json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }).to_string()
}

fn call(id: u64, tool: &str, arguments: &Value) -> String {
    let params = json!({ "name": tool, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string()
}

fn note(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()
}

/// Opens a session of the older era; its id.
#[track_caller]
fn open(host: &TestHost) -> String {
    let mut connection = Connection::to(host.rpc());
    let answer = connection.ask("POST", "/mcp", &[JSON, ACCEPT], &initialize(LEGACY));
    assert_eq!(answer.message()["result"]["protocolVersion"], LEGACY);
    let session = answer.head.get("mcp-session-id").expect("a session");
    let done = connection.ask("POST", "/mcp", &in_session(&session), &note("notifications/initialized", &json!({})));
    assert_eq!(done.head.status, 202);
    session
}

fn in_session(session: &str) -> [(&str, &str); 4] {
    [JSON, ACCEPT, ("mcp-protocol-version", LEGACY), ("mcp-session-id", session)]
}

/// Opens a stream of HTTP+SSE; it, and where to post.
#[track_caller]
fn open_sse(host: &TestHost) -> (Events, String) {
    let mut events = Connection::to(host.rpc()).stream("GET", "/sse", &[("accept", "text/event-stream")], "");
    let (event, endpoint) = events.next().expect("an event");
    assert_eq!(event, "endpoint");
    assert!(endpoint.starts_with("/messages?sessionId="), "{endpoint}");
    (events, endpoint)
}

/// Posts to a session of HTTP+SSE; the status.
fn post(host: &TestHost, endpoint: &str, message: &str) -> u16 {
    Connection::to(host.rpc()).ask("POST", endpoint, &[JSON], message).head.status
}

fn hostile() -> HostBuilder {
    HostBuilder::new().plugin("hostile", &guest("hostile"))
}

fn greeter() -> HostBuilder {
    HostBuilder::new().plugin("hello", &guest("greeter"))
}

#[track_caller]
fn running(host: &TestHost, calls: u64) {
    eventually(&format!("{calls} calls run"), || {
        let report: Value = serde_json::from_str(&host.rpc().get("/health").1).unwrap();
        (report["calls_running"] == calls).then_some(())
    });
}

#[track_caller]
fn cancelled(host: &TestHost, tool: &str) {
    let line = host.line("the call was cancelled", |l| l["message"] == "call" && l["name"] == tool);
    assert_eq!(line["outcome"], "cancelled", "{line}");
    running(host, 0);
}

#[test]
fn health_of_a_host_that_is_ready() {
    let host = greeter().unsigned("other", &guest("liar")).start();
    assert_eq!(host.rpc().get("/health/live"), (200, "live\n".into()));
    assert_eq!(host.rpc().get("/health/ready"), (200, "ready\n".into()));
    let (status, text) = host.rpc().get("/health");
    let mut report: Value = serde_json::from_str(&text).unwrap();
    assert!(report["uptime_seconds"].take().is_u64(), "{text}");
    assert!(report["version"].take().is_string(), "{text}");
    let wanted = json!({
        "status": "ready", "version": null, "uptime_seconds": null,
        "plugins": 1, "tools": 1, "refused": 1, "calls_running": 0,
    });
    assert_eq!((status, report), (200, wanted));
}

#[test]
fn a_host_that_still_compiles_is_alive_and_not_ready() {
    let slow = forge::slow_to_compile(&guest("greeter"));
    let policy = "[admission]\ncompile_time = \"4s\"";
    let host = greeter().plugin("slow", &slow).policy(policy).start_unready();
    assert_eq!(host.rpc().get("/health/ready"), (503, "starting\n".into()));
    let (status, text) = host.rpc().get("/health");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &report["status"]), (503, &json!("starting")));
    assert_eq!(host.rpc().get("/health/live"), (200, "live\n".into()));
    // A client that is early is not told that there is nothing: it waits.
    assert_eq!(host.rpc().tools(), ["hello_greet"]);
    assert_eq!(host.rpc().get("/health/ready").0, 200);
    let line = host.line("the compile was stopped", |l| l["message"] == "refused");
    assert_eq!((&line["plugin"], &line["step"]), (&json!("slow"), &json!("compile")));
}

#[test]
fn a_host_that_drains_is_alive_and_not_ready() {
    let host = hostile().start();
    let mut probe = Connection::to(host.rpc());
    assert_eq!(probe.ask("GET", "/health/ready", &[], "").head.status, 200);
    let rpc = host.rpc().clone();
    let sleeping = thread::spawn(move || rpc.call("hostile_sleep", json!({ "ms": 3000 })));
    running(&host, 1);
    host.signal(Signal::TERM);
    host.line("it drains", |l| l["message"] == "draining");
    probe.send("GET", "/health/ready", &[], "");
    let head = probe.try_head().expect("a probe is answered while calls finish");
    assert_eq!((head.status, probe.body(&head).as_str()), (503, "draining\n"));
    assert_eq!(sleeping.join().unwrap().text(), "slept");
    assert_eq!(host.wait().code(), Some(0));
}

#[test]
fn only_hosts_that_are_named_are_served() {
    let host = greeter().config("http.allowed_hosts = [\"mcp.example.com\", \"other.example.com:8443\"]").start();
    let mut connection = Connection::to(host.rpc());
    let mut status = |path: &str, name: &str| {
        // Without a body worth reading: what matters is who answers.
        connection.ask("POST", path, &[("host", name)], "").head.status
    };
    for path in ["/mcp", "/sse", "/messages?sessionId=1"] {
        for evil in [
            "evil.example",
            "localhost.evil.example",
            "mcp.example.com.evil.example",
            "other.example.com",
            "user@localhost",
            "0.0.0.0",
            "169.254.169.254",
        ] {
            assert_eq!(status(path, evil), 403, "{path} {evil}");
        }
        for good in
            ["localhost", "127.0.0.1:9", "[::1]", "mcp.example.com:80", "MCP.EXAMPLE.COM", "other.example.com:8443"]
        {
            assert_ne!(status(path, good), 403, "{path} {good}");
        }
    }
    // Probes address a machine.
    for path in ["/health", "/health/live", "/health/ready"] {
        let answer = Connection::to(host.rpc()).ask("GET", path, &[("host", "10.1.2.3:3000")], "");
        assert_eq!(answer.head.status, 200, "{path}");
    }
}

#[test]
fn only_pages_of_origins_that_are_named_are_served() {
    let host =
        greeter().config("http.allowed_origins = [\"https://app.example.com\", \"http://dev.example.com:*\"]").start();
    let body = request(1, "tools/list", json!({}));
    let listed = |origin: &str| {
        let headers = [current("tools/list", ""), vec![("origin", origin)]].concat();
        Connection::to(host.rpc()).ask("POST", "/mcp", &headers, &body)
    };
    for good in [
        "https://app.example.com",
        "http://dev.example.com:5173",
        "http://localhost:5173",
        "http://127.0.0.1",
        "http://[::1]:1",
    ] {
        let answer = listed(good);
        assert_eq!(answer.message()["result"]["tools"][0]["name"], "hello_greet", "{good}");
        assert_eq!(answer.head.get("access-control-allow-origin").as_deref(), Some(good));
    }
    for evil in [
        "https://evil.example",
        "http://app.example.com",
        "https://app.example.com:444",
        "https://app.example.com.evil.example",
        "null",
        "file://",
        "",
    ] {
        let answer = listed(evil);
        assert_eq!(answer.head.status, 403, "{evil}");
        assert_eq!(answer.head.get("access-control-allow-origin"), None, "{evil}");
    }
    for (method, path) in [("GET", "/sse"), ("POST", "/messages?sessionId=1"), ("GET", "/mcp"), ("DELETE", "/mcp")] {
        let answer = Connection::to(host.rpc()).ask(method, path, &[("origin", "https://evil.example")], "");
        assert_eq!(answer.head.status, 403, "{method} {path}");
    }
}

#[test]
fn a_page_asks_first_what_it_may_send() {
    let host = greeter().config("http.allowed_origins = [\"https://app.example.com\"]").start();
    let preflight = |path: &str, origin: &str| {
        let asked = "content-type,mcp-protocol-version,mcp-session-id,mcp-param-region";
        let headers =
            [("origin", origin), ("access-control-request-method", "POST"), ("access-control-request-headers", asked)];
        (Connection::to(host.rpc()).ask("OPTIONS", path, &headers, "").head, asked)
    };
    for path in ["/mcp", "/messages?sessionId=1"] {
        let (head, asked) = preflight(path, "https://app.example.com");
        assert_eq!(head.status, 200, "{path}");
        assert_eq!(head.get("access-control-allow-origin").as_deref(), Some("https://app.example.com"));
        assert_eq!(head.get("access-control-allow-headers").as_deref(), Some(asked));
        let methods = head.get("access-control-allow-methods").unwrap();
        assert!(["GET", "POST", "DELETE"].iter().all(|m| methods.contains(m)), "{methods}");
        assert!(head.get("vary").unwrap().contains("origin"), "{head:?}");
        // No cookie is anybody's business here.
        assert_eq!(head.get("access-control-allow-credentials"), None);
        let (head, _) = preflight(path, "https://evil.example");
        assert_eq!((head.status, head.get("access-control-allow-origin")), (403, None), "{path}");
    }
    let headers = [vec![("origin", "https://app.example.com"), JSON, ACCEPT]].concat();
    let answer = Connection::to(host.rpc()).ask("POST", "/mcp", &headers, &initialize(LEGACY));
    let exposed = answer.head.get("access-control-expose-headers").unwrap();
    for header in ["mcp-session-id", "mcp-protocol-version", "www-authenticate"] {
        assert!(exposed.contains(header), "{exposed}");
    }
}

#[test]
fn bodies_are_bounded() {
    let host = greeter().config("http.max_body = \"64KiB\"").start();
    let padded = |bytes: usize| {
        let text = request(1, "tools/list", json!({}));
        format!("{text}{}", " ".repeat(bytes - text.len()))
    };
    let limit = 64 * 1024;
    let status =
        |body: &str| Connection::to(host.rpc()).ask("POST", "/mcp", &current("tools/list", ""), body).head.status;
    assert_eq!(status(&padded(limit)), 200);
    assert_eq!(status(&padded(limit + 1)), 413);
    // The same when nobody says beforehand how much it will be.
    let mut connection = Connection::to(host.rpc());
    connection.send("POST", "/mcp", &[current("tools/list", ""), vec![("transfer-encoding", "chunked")]].concat(), "");
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    (0..4).for_each(|_| connection.write(chunk.as_bytes()));
    connection.write(b"1\r\n \r\n0\r\n\r\n");
    assert_eq!(connection.head().status, 413);
    let (mut events, endpoint) = open_sse(&host);
    let initialize = initialize(LEGACY);
    let exact = format!("{initialize}{}", " ".repeat(limit - initialize.len()));
    assert_eq!(post(&host, &endpoint, &format!("{exact} ")), 413);
    assert_eq!(post(&host, &endpoint, &exact), 202);
    assert_eq!(events.message()["id"], 0);
}

#[test]
fn sessions_are_bounded() {
    let host = greeter().config("http.max_sessions = 2").start();
    let begin = |version: &str, headers: &[(&str, &str)]| {
        let headers = [&[JSON, ACCEPT], headers].concat();
        Connection::to(host.rpc()).ask("POST", "/mcp", &headers, &initialize(version))
    };
    let sessions: Vec<String> = (0..2).map(|_| open(&host)).collect();
    let refused = begin(LEGACY, &[]);
    assert_eq!((refused.head.status, refused.head.get("retry-after").as_deref()), (503, Some("1")));
    // Nor does it help to say that it is no session.
    for version in [CURRENT, LEGACY] {
        let claimed = begin(version, &[("mcp-protocol-version", CURRENT), ("mcp-method", "initialize")]);
        assert_eq!(claimed.head.get("mcp-session-id"), None, "{claimed:?}");
    }
    // Those that are open go on, and clients without one are not concerned.
    let listed = Connection::to(host.rpc()).ask(
        "POST",
        "/mcp",
        &in_session(&sessions[0]),
        &call(1, "hello_greet", &json!({ "name": "Ada" })),
    );
    assert_eq!(listed.message()["result"]["content"][0]["text"], "Hello, Ada!");
    assert_eq!(host.rpc().tools(), ["hello_greet"]);
    assert_eq!(Connection::to(host.rpc()).ask("DELETE", "/mcp", &in_session(&sessions[0]), "").head.status, 202);
    eventually("a place is free", || (begin(LEGACY, &[]).head.status == 200).then_some(()));
}

#[test]
fn streams_of_the_oldest_transport_are_bounded() {
    let host = greeter().config("http.max_sessions = 2").start();
    let streams: Vec<_> = (0..2).map(|_| open_sse(&host)).collect();
    let refused = Connection::to(host.rpc()).ask("GET", "/sse", &[], "");
    assert_eq!((refused.head.status, refused.head.get("retry-after").as_deref()), (503, Some("1")));
    for (events, _) in streams {
        events.close();
    }
    eventually("a place is free", || {
        let mut connection = Connection::to(host.rpc());
        connection.send("GET", "/sse", &[], "");
        (connection.head().status == 200).then_some(())
    });
}

#[test]
fn requests_at_a_time_are_bounded() {
    let host = hostile().config("http.max_streams = 2").start();
    let (events, _) = open_sse(&host);
    let rpc = host.rpc().clone();
    let sleeping = thread::spawn(move || rpc.call("hostile_sleep", json!({ "ms": 2000 })));
    running(&host, 1);
    let listed = || {
        Connection::to(host.rpc()).ask("POST", "/mcp", &current("tools/list", ""), &request(1, "tools/list", json!({})))
    };
    let refused = listed();
    assert_eq!((refused.head.status, refused.head.get("retry-after").as_deref()), (503, Some("1")));
    assert_eq!(Connection::to(host.rpc()).ask("GET", "/sse", &[], "").head.status, 503);
    // Who asks how it goes is answered.
    assert_eq!(host.rpc().get("/health/ready").0, 200);
    assert_eq!(sleeping.join().unwrap().text(), "slept");
    eventually("the place of the call is free", || (listed().head.status == 200).then_some(()));
    events.close();
}

#[test]
fn a_session_lives_until_it_is_deleted() {
    let host = greeter().start();
    let session = open(&host);
    let other = open(&host);
    assert_ne!(session, other);
    let mut connection = Connection::to(host.rpc());
    let greet = call(1, "hello_greet", &json!({ "name": "Ada" }));
    for _ in 0..3 {
        let answer = connection.ask("POST", "/mcp", &in_session(&session), &greet);
        assert_eq!(answer.message()["result"]["content"][0]["text"], "Hello, Ada!");
    }
    assert_eq!(connection.ask("DELETE", "/mcp", &in_session(&session), "").head.status, 202);
    assert_eq!(connection.ask("POST", "/mcp", &in_session(&session), &greet).head.status, 404);
    assert_eq!(connection.ask("GET", "/mcp", &in_session(&session), "").head.status, 404);
    // It took nobody with it.
    assert_eq!(connection.ask("POST", "/mcp", &in_session(&other), &greet).head.status, 200);
    let stranger = "00000000-0000-4000-8000-000000000000";
    assert_eq!(connection.ask("POST", "/mcp", &in_session(stranger), &greet).head.status, 404);
    assert_eq!(connection.ask("POST", "/mcp", &[JSON, ACCEPT], &greet).head.status, 400);
}

#[test]
fn a_session_that_is_deleted_takes_its_calls_with_it() {
    let host = hostile().start();
    let session = open(&host);
    let mut caller = Connection::to(host.rpc());
    caller.send("POST", "/mcp", &in_session(&session), &call(1, "hostile_sleep_forever", &json!({})));
    running(&host, 1);
    assert_eq!(Connection::to(host.rpc()).ask("DELETE", "/mcp", &in_session(&session), "").head.status, 202);
    cancelled(&host, "hostile_sleep_forever");
}

#[test]
fn a_call_of_a_session_can_be_cancelled_and_holds_nothing_up() {
    let host = hostile().start();
    let session = open(&host);
    let mut caller = Connection::to(host.rpc());
    caller.send("POST", "/mcp", &in_session(&session), &call(1, "hostile_sleep_forever", &json!({})));
    running(&host, 1);
    let cancel = note("notifications/cancelled", &json!({ "requestId": 1 }));
    assert_eq!(Connection::to(host.rpc()).ask("POST", "/mcp", &in_session(&session), &cancel).head.status, 202);
    cancelled(&host, "hostile_sleep_forever");
    // Nobody waits for its answer, so the host does not either.
    host.signal(Signal::TERM);
    assert_eq!(host.wait().code(), Some(0), "{}", host.log());
    drop(caller);
}

#[test]
fn a_client_that_hangs_up_cancels_its_call() {
    let host = hostile().start();
    let mut caller = Connection::to(host.rpc());
    let arguments = json!({ "name": "hostile_sleep_forever", "arguments": {} });
    caller.send("POST", "/mcp", &current("tools/call", "hostile_sleep_forever"), &request(1, "tools/call", arguments));
    running(&host, 1);
    drop(caller);
    cancelled(&host, "hostile_sleep_forever");
}

#[test]
fn what_is_no_request_is_told_so() {
    let host = greeter().start();
    let mut connection = Connection::to(host.rpc());
    let list = request(1, "tools/list", json!({}));
    let headers = current("tools/list", "");
    let without = |name: &str| headers.iter().copied().filter(|(n, _)| *n != name).collect::<Vec<_>>();
    let with = |name, value| [without(name), vec![(name, value)]].concat();
    let mut status = |headers: &[(&str, &str)], body: &str| connection.ask("POST", "/mcp", headers, body).head.status;
    assert_eq!(status(&headers, &list), 200);
    for accept in ["application/json", "text/event-stream", "text/html", "application/json, text/event-stream;q=0"] {
        assert_eq!(status(&with("accept", accept), &list), 406, "{accept}");
    }
    assert_eq!(status(&without("accept"), &list), 406);
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        assert_eq!(status(&with("content-type", kind), &list), 415, "{kind}");
    }
    assert_eq!(status(&without("content-type"), &list), 415);
    assert_eq!(status(&with("content-type", "application/json; charset=utf-8"), &list), 200);
    for body in ["{\"jsonrpc\":", "", "null", "[]", "{}", "\"tools/list\"", &format!("[{list}]")] {
        let status = status(&headers, body);
        assert!((400..500).contains(&status), "{status}: {body}");
    }
    // After all of it the connection still works.
    assert_eq!(status(&headers, &list), 200);
}

#[test]
fn requests_of_the_current_era_are_checked_before_they_are_served() {
    let host = greeter().start();
    let mut connection = Connection::to(host.rpc());
    let mut ask = |headers: &[(&str, &str)], body: &str| -> (u16, i64, Value) {
        let answer = connection.ask("POST", "/mcp", headers, body);
        let message = answer.message();
        assert_eq!(message["id"], 1, "{message}");
        (answer.head.status, message["error"]["code"].as_i64().unwrap_or(0), message)
    };
    let greet = json!({ "name": "hello_greet", "arguments": { "name": "Ada" } });
    let body = request(1, "tools/call", greet.clone());
    let headers = current("tools/call", "hello_greet");
    let with = |name: &'static str, value: &'static str| -> Vec<(&str, &str)> {
        headers
            .iter()
            .copied()
            .filter(|(n, _)| *n != name)
            .chain((!value.is_empty()).then_some((name, value)))
            .collect()
    };
    assert_eq!(ask(&headers, &body).1, 0);
    // base64 of hello_greet
    assert_eq!(ask(&with("mcp-name", "=?base64?aGVsbG9fZ3JlZXQ=?="), &body).1, 0);
    for (name, value) in [
        ("mcp-method", "tools/list"),
        ("mcp-method", "TOOLS/CALL"),
        ("mcp-method", ""),
        ("mcp-name", "other"),
        ("mcp-name", ""),
        ("mcp-name", "=?base64?!!!?="),
        ("mcp-protocol-version", LEGACY),
    ] {
        let (status, code, message) = ask(&with(name, value), &body);
        assert_eq!((status, code), (400, -32020), "{name}: {value:?}: {message}");
    }
    // A version that nobody knows, in both places.
    let unknown = body.replace(CURRENT, "2999-01-01");
    let (status, code, message) = ask(&with("mcp-protocol-version", "2999-01-01"), &unknown);
    assert_eq!((status, code), (400, -32022), "{message}");
    let data = &message["error"]["data"];
    assert_eq!(data["requested"], "2999-01-01");
    assert!(data["supported"].as_array().unwrap().contains(&json!(CURRENT)), "{message}");
    // Without what every request carries.
    for key in ["protocolVersion", "clientCapabilities"] {
        let mut body: Value = serde_json::from_str(&body).unwrap();
        body["params"]["_meta"].as_object_mut().unwrap().remove(&format!("io.modelcontextprotocol/{key}"));
        let (status, code, message) = ask(&headers, &body.to_string());
        assert_eq!((status, code), (400, -32602), "{key}: {message}");
    }
    assert_eq!(ask(&headers, &body).1, 0);
}

#[test]
fn methods_that_there_are_not_are_not_found() {
    let host = greeter().start();
    let mut connection = Connection::to(host.rpc());
    let unknown = ["tools/destroy", "tasks/list", "tasks/result", "", "Tools/List"];
    let removed = ["ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];
    let mut served = Vec::new();
    for method in unknown.into_iter().chain(removed) {
        let params = json!({ "level": "info", "uri": "a:b" });
        let headers = [current(method, ""), vec![("mcp-name", "a:b")]].concat();
        let answer = connection.ask("POST", "/mcp", &headers, &request(1, method, params));
        let message = answer.message();
        if (answer.head.status, &message["error"]["code"]) != (404, &json!(-32601)) || message["id"] != 1 {
            served.push(format!("{method}: {} {message}", answer.head.status));
        }
    }
    assert_eq!(served, Vec::<String>::new());
}

#[test]
fn the_current_era_has_no_sessions() {
    let host = greeter().start();
    let mut connection = Connection::to(host.rpc());
    for method in ["GET", "DELETE"] {
        let answer = connection.ask(method, "/mcp", &[ACCEPT, ("mcp-protocol-version", CURRENT)], "");
        assert_eq!(answer.head.status, 405, "{method}");
    }
    assert_eq!(connection.ask("PUT", "/mcp", &current("tools/list", ""), "{}").head.status, 405);
    // Ids of the older era mean nothing.
    let headers = [current("tools/list", ""), vec![("mcp-session-id", "x"), ("last-event-id", "1")]].concat();
    let answer = connection.ask("POST", "/mcp", &headers, &request(1, "tools/list", json!({})));
    assert_eq!((answer.head.status, answer.head.get("mcp-session-id")), (200, None));
    assert_eq!(connection.ask("GET", "/nowhere", &[], "").head.status, 404);
}

#[test]
fn the_oldest_transport_from_its_first_event_to_its_last() {
    let host = hostile().plugin("hello", &guest("greeter")).start();
    let (mut events, endpoint) = open_sse(&host);
    assert_eq!(events.head.get("x-accel-buffering").as_deref(), Some("no"));
    assert_eq!(post(&host, &endpoint, &initialize("2024-11-05")), 202);
    let opened = events.message();
    assert_eq!((&opened["id"], &opened["result"]["protocolVersion"]), (&json!(0), &json!("2024-11-05")));
    assert_eq!(post(&host, &endpoint, &note("notifications/initialized", &json!({}))), 202);
    assert_eq!(post(&host, &endpoint, &call(1, "hello_greet", &json!({ "name": "Ada" }))), 202);
    let greeted = events.message();
    assert_eq!((&greeted["id"], &greeted["result"]["content"][0]["text"]), (&json!(1), &json!("Hello, Ada!")));
    for body in ["no JSON", "{}", "[]", "null"] {
        assert_eq!(post(&host, &endpoint, body), 400, "{body}");
    }
    for stranger in ["/messages?sessionId=00000000-0000-4000-8000-000000000000", "/messages?sessionId=x"] {
        assert_eq!(post(&host, stranger, &initialize(LEGACY)), 404, "{stranger}");
    }
    assert_eq!(post(&host, "/messages", &initialize(LEGACY)), 400);
    // What it took badly did not hurt it.
    assert_eq!(post(&host, &endpoint, &call(2, "hostile_sleep_forever", &json!({}))), 202);
    running(&host, 1);
    events.close();
    cancelled(&host, "hostile_sleep_forever");
    assert_eq!(post(&host, &endpoint, &initialize(LEGACY)), 404);
}

#[test]
fn sessions_of_the_oldest_transport_do_not_hear_each_other() {
    let host = greeter().start();
    let mut sessions: Vec<_> = (0..3).map(|_| open_sse(&host)).collect();
    for (at, (_, endpoint)) in sessions.iter().enumerate() {
        assert_eq!(post(&host, endpoint, &initialize(LEGACY)), 202);
        assert_eq!(post(&host, endpoint, &call(7, "hello_greet", &json!({ "name": format!("{at}") }))), 202);
    }
    for (at, (events, _)) in sessions.iter_mut().enumerate() {
        assert_eq!(events.message()["id"], 0);
        assert_eq!(events.message()["result"]["content"][0]["text"], format!("Hello, {at}!"));
    }
}

#[test]
fn a_cancelled_call_of_the_oldest_transport_holds_nothing_up() {
    let host = hostile().start();
    let (events, endpoint) = open_sse(&host);
    assert_eq!(post(&host, &endpoint, &initialize(LEGACY)), 202);
    assert_eq!(post(&host, &endpoint, &call(1, "hostile_sleep_forever", &json!({}))), 202);
    running(&host, 1);
    assert_eq!(post(&host, &endpoint, &note("notifications/cancelled", &json!({ "requestId": 1 }))), 202);
    cancelled(&host, "hostile_sleep_forever");
    // The stream is open, and nothing is to come on it.
    host.signal(Signal::TERM);
    assert_eq!(host.wait().code(), Some(0), "{}", host.log());
    drop(events);
}

#[test]
fn answers_of_the_oldest_transport_are_waited_for() {
    let host = hostile().start();
    let (mut events, endpoint) = open_sse(&host);
    assert_eq!(post(&host, &endpoint, &initialize(LEGACY)), 202);
    assert_eq!(events.message()["id"], 0);
    assert_eq!(post(&host, &endpoint, &call(1, "hostile_sleep", &json!({ "ms": 1000 }))), 202);
    running(&host, 1);
    host.signal(Signal::TERM);
    assert_eq!(events.message()["result"]["content"][0]["text"], "slept");
    assert_eq!(events.next(), None);
    assert_eq!(host.wait().code(), Some(0));
}

#[test]
fn many_calls_on_one_connection_are_each_answered() {
    let host = HostBuilder::new().plugin("system", &plugin("system")).start();
    let session = open(&host);
    let mut connection = Connection::to(host.rpc());
    for at in 0..20 {
        let message = format!("{at}");
        let answer = connection.ask(
            "POST",
            "/mcp",
            &in_session(&session),
            &call(at, "system_echo", &json!({ "message": message })),
        );
        assert_eq!(answer.message()["id"], at);
        assert_eq!(answer.message()["result"]["content"][0]["text"], message);
    }
}
