//! A guest that came to know a secret in some other way cannot tell it to anybody.

use cofferdam_policy::Capability;
use serde_json::{Value, json};

use super::{MASK, SECRET, builder, clean};
use crate::capabilities::bench::Home;

const WAYS: [&str; 23] = [
    "content",
    "structured",
    "key",
    "image",
    "audio",
    "resource",
    "blob",
    "link",
    "log",
    "progress",
    "stdout",
    "stderr",
    "panic",
    "validation",
    "not-found",
    "permission-denied",
    "conflict",
    "rate-limited",
    "unavailable",
    "internal",
    "question",
    "nothing",
    "structured",
];

const GRANTS: &str = "secrets = [\"token\"]\nkeyvalue = [{ bucket = \"default\", access = \"read-write\" }]\nconfig = { a = \"b\" }\nsql = [{ database = \"main\", access = \"write\" }]";
const CONFIG: &str =
    "secret.token.variable = \"COFFERDAM_TEST_TOKEN\"\n[database.main.sqlite]\nfile = \"main.db\"\ncreate = true";

#[test]
fn to_a_client_or_a_log() {
    let host = builder(GRANTS).config(CONFIG).variable("COFFERDAM_TEST_TOKEN", SECRET).start();
    for way in WAYS {
        let params = json!({ "name": "probe_say", "arguments": { "text": SECRET, "as": way } });
        let meta = json!({
            "progressToken": 1,
            "io.modelcontextprotocol/logLevel": "debug",
            "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
        });
        let reply = host.rpc().request_with("tools/call", params, meta);
        let all = format!("{} {}", Value::from(reply.before.clone()), reply.message);
        clean(&all, way);
        // Media is base64 of what is masked, and what is printed is for the log.
        let told = !matches!(way, "image" | "audio" | "blob" | "stdout" | "stderr" | "panic");
        assert_eq!(all.contains(MASK), told, "{way}: {all}");
    }
    // The log is written beside the answers.
    host.line("what a guest printed", |line| line.to_string().contains(MASK));
    assert!(host.log().lines().any(|line| line.contains("\"DEBUG\"") || line.contains("debug")), "debug is on");
    clean(&host.log(), "the log");
}

#[test]
fn as_a_resource_a_prompt_or_a_completion() {
    // As a URI can have it.
    const PLAIN: &str = "s3cr3t-that-is-plain";
    let host = builder("secrets = [\"token\"]")
        .config("secret.token.variable = \"COFFERDAM_TEST_TOKEN\"")
        .variable("COFFERDAM_TEST_TOKEN", PLAIN)
        .start();
    let read = host.rpc().request("resources/read", json!({ "uri": format!("probe://say/{PLAIN}") }));
    assert_eq!(read.result()["contents"][0]["text"], MASK, "{}", read.message);
    let prompt = json!({ "name": "probe_said", "arguments": { "text": PLAIN } });
    let got = host.rpc().request("prompts/get", prompt);
    assert_eq!(got.result()["messages"][0]["content"]["text"], MASK, "{}", got.message);
    let reference = json!({ "type": "ref/prompt", "name": "probe_said" });
    let wanted = json!({ "ref": reference, "argument": { "name": "text", "value": PLAIN } });
    let completed = host.rpc().request("completion/complete", wanted);
    assert_eq!(completed.result()["completion"]["values"], json!([MASK]), "{}", completed.message);
    for reply in [&got, &completed] {
        assert!(!reply.message.to_string().contains(PLAIN), "{}", reply.message);
    }
    assert!(!host.log().contains(PLAIN), "{}", host.log());
}

#[test]
fn on_a_terminal_or_in_the_record() {
    let home = Home::of(builder(GRANTS).config(CONFIG)).with("COFFERDAM_TEST_TOKEN", SECRET);
    let statements = json!([{ "sql": format!("select 1 as a /* {SECRET} */") }]);
    for (tool, arguments) in [
        ("say", json!({ "text": SECRET })),
        ("say", json!({ "text": SECRET, "as": "structured" })),
        ("say", json!({ "text": SECRET, "as": "log" })),
        ("say", json!({ "text": SECRET, "as": "progress" })),
        ("say", json!({ "text": SECRET, "as": "internal" })),
        ("say", json!({ "text": SECRET, "as": "panic" })),
        ("say", json!({ "text": SECRET, "as": "stderr" })),
        ("kv", json!({ "op": "set", "bucket": "default", "key": SECRET, "value": SECRET })),
        ("kv", json!({ "op": "get", "bucket": SECRET, "key": "a" })),
        ("config", json!({ "key": SECRET })),
        ("sql", json!({ "database": "main", "op": "query", "statements": statements })),
        ("sql", json!({ "database": SECRET, "op": "query", "statements": [] })),
        ("secret_exists", json!({ "name": SECRET })),
    ] {
        for json in [true, false] {
            let mut args = vec!["call".to_owned(), format!("probe_{tool}"), arguments.to_string()];
            args.extend(json.then(|| "--json".to_owned()));
            let finished = home.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
            clean(&finished.out, &format!("{tool} {arguments}, standard output"));
            clean(&finished.err, &format!("{tool} {arguments}, standard error"));
        }
    }
    let called = home.call("kv", &json!({ "op": "set", "bucket": "default", "key": SECRET, "value": "a" }));
    let target = called.of(Capability::KeyValue)[1]["target"].clone();
    assert_eq!(target, format!("default/{MASK}"), "{called:?}");
}
