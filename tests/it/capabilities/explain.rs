//! What a person is told of grants: before anything runs, of one tool, and of one call.

use std::fs;

use cofferdam_tests::{HostBuilder, forge, guest, policy_text, sha256, transcript};
use serde_json::{Value, json};

use crate::cli::Cli;

const POLICY: &str = r#"
[limits]
deadline = "20s"

[[plugin]]
name = "probe"
[plugin.grants]
config = { greeting = "hello" }
environment = ["TZ"]
filesystem = [
  { path = "/srv/documents" },
  { path = "/srv/scratch", at = "/out", access = "read-write", bytes = "100MiB", files = 50 },
]
http = [{ url = "https://api.example.com/v1/*/issues", methods = ["GET", "POST"], secret = { name = "token", as = "bearer" } }]
keyvalue = [{ bucket = "default", access = "read-write", ttl = "1h" }]
sql = [{ database = "main" }]

[plugin.tools.read_file.grants]
clock = "frozen"
filesystem = [{ path = "/srv/documents/public", at = "/documents" }]
[plugin.tools.connect.grants]
sockets = ["imap.example.com:993"]
[plugin.tools.connect.limits]
deadline = "2s"
[plugin.tools.fetch_too.grants]
log = false
[plugin.tools.say]
enabled = false

[[plugin]]
name = "later"
prefix = "x"
[plugin.grants]
secrets = ["token"]

[[plugin]]
name = "retired"
enabled = false
"#;

/// The component as the policy wants it, and its name in what is shown.
fn probe() -> Vec<u8> {
    forge::with_name(&guest("probe"), "probe")
}

fn named(text: &str) -> String {
    let digest = sha256(&probe());
    text.replace(&digest, "<sha256 of probe>").replace(&digest[..12], "<probe>")
}

fn explained(cli: &Cli, args: &[&str]) -> Value {
    let finished = cli.run(&[&["policy", "explain", "--json"], args].concat());
    assert_eq!(finished.code, Some(0), "{args:?}: {finished:?}");
    serde_json::from_str(&finished.out).unwrap()
}

#[test]
fn a_component_is_inspected_before_it_runs() {
    let cli = Cli::new(HostBuilder::new().plugin("probe", &probe()));
    let text = cli.transcript(&["inspect", "plugins/probe.wasm"])
        + &cli.transcript(&["inspect", "plugins/probe.wasm", "--json"]);
    cli.golden("capabilities-inspect.txt", &named(&text));
    // What it proposes is commented out, and taken as it is when it is not.
    let report: Value = serde_json::from_str(&cli.run(&["inspect", "plugins/probe.wasm", "--json"]).out).unwrap();
    let entry = report["policy"].as_str().unwrap();
    let all: Vec<&str> =
        entry.lines().map(|line| line.strip_prefix("# ").filter(|l| l.contains(" = ")).unwrap_or(line)).collect();
    for policy in [entry.to_owned(), all.join("\n")] {
        fs::write(cli.path("policy.toml"), policy_text(&policy)).unwrap();
        let checked = cli.run(&["policy", "check"]);
        assert_eq!(checked.code, Some(0), "{policy}\n{}", checked.err);
    }
    for grant in report["grants"].as_array().unwrap() {
        assert!(all.iter().any(|line| line.starts_with(grant.as_str().unwrap())), "{grant} is not among\n{entry}");
    }
}

#[test]
fn a_policy_with_grants_is_checked() {
    let cli = Cli::new(HostBuilder::new().policy(POLICY));
    let text = cli.transcript(&["policy", "check"]) + &cli.transcript(&["policy", "check", "--json"]);
    cli.golden("capabilities-check.txt", &text);
}

#[test]
fn what_a_tool_can_do_is_explained() {
    let cli = Cli::new(HostBuilder::new().policy(POLICY));
    let explain = |args: &[&str]| named(&cli.transcript(&[&["policy", "explain"], args].concat()));
    let mut text = String::from("# before the plugin is there\n\n");
    for args in [
        &["probe_read_file"][..],
        &["x_anything"],
        &["retired_anything"],
        &["nobody_anything"],
        &["probe"],
        &["Probe_sql"],
    ] {
        text.push_str(&explain(args));
    }
    text.push_str("# once it is in the lock\n\n");
    cli.drop_in("probe", &probe());
    assert!(cli.serve_once().contains(&"probe_sql".to_owned()));
    for args in [
        &["probe_sql"][..],
        &["probe_read_file"],
        &["probe_read_file", "--caller", "stdio"],
        &["probe_connect"],
        &["probe_fetch_too"],
        &["probe_say"],
        &["probe_say", "--json"],
        &["probe_read_file", "--json", "--caller", "http"],
        &["probe_nothing"],
        &["probe_sql", "--caller", "nobody"],
        &["x_anything"],
    ] {
        text.push_str(&explain(args));
    }
    cli.golden("capabilities-explain.txt", &text);
}

/// What is said of a tool is what the tool meets.
#[test]
fn what_is_explained_is_so() {
    let policy = "[[plugin]]\nname = \"probe\"\n[plugin.grants]\nkeyvalue = [{ bucket = \"default\" }]\n\
                  [plugin.tools.kv_too.grants]\nhost_info = true\n[plugin.tools.host_info.grants]\nhost_info = true\n\
                  [plugin.tools.say]\nenabled = false";
    let cli = Cli::new(HostBuilder::new().named_plugin("probe", &guest("probe")).policy(policy));
    let call = |tool: &str, arguments: &str| -> Value {
        let finished = cli.run(&["call", &format!("probe_{tool}"), arguments, "--json"]);
        serde_json::from_str(&finished.out).unwrap_or_else(|_| panic!("{finished:?}"))
    };
    call("clock", "{}");
    let has = |tool: &str, capability: &str| {
        let explained = explained(&cli, &[&format!("probe_{tool}")]);
        explained["can"].as_array().unwrap().iter().any(|can| can["capability"] == capability)
    };
    let opens = r#"{"op":"open"}"#;
    for tool in ["kv", "kv_too"] {
        let granted = call(tool, opens)["structured"] == json!({ "opened": true });
        assert_eq!(has(tool, "keyvalue"), granted, "{tool}");
    }
    for tool in ["host_info", "host_info_too"] {
        let granted = call(tool, "{}")["structured"]["version"].is_string();
        assert_eq!(has(tool, "host_info"), granted, "{tool}");
    }
    assert!(has("kv", "keyvalue") && !has("host_info_too", "host_info"));
    // One that is switched off is so for everybody.
    let say = explained(&cli, &["probe_say"]);
    assert_eq!(say["callable"], false, "{say}");
    assert_eq!(cli.run(&["call", "probe_say", "{}"]).code, Some(1));
}

/// What was spent and how long it took differ from call to call.
fn timeless(text: &str) -> String {
    let line = |line: &str| {
        let columns: Vec<&str> = line.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect();
        match columns[..] {
            [what @ ("fuel" | "peak memory" | "time" | "host calls"), _, of] => format!(" {what}  <spent>  {of}\n"),
            _ if columns.iter().any(|c| c.ends_with(" ms")) => {
                let columns: Vec<&str> =
                    columns.into_iter().map(|c| if c.ends_with(" ms") { "<took>" } else { c }).collect();
                format!(" {}\n", columns.join("  "))
            }
            _ => format!("{line}\n"),
        }
    };
    text.lines().map(line).collect()
}

#[test]
fn a_call_says_what_it_did() {
    let builder = HostBuilder::new().named_plugin("probe", &guest("probe"));
    let documents = builder.path("documents");
    fs::create_dir(&documents).unwrap();
    fs::write(documents.join("hello.txt"), "hello from a file").unwrap();
    let grants = format!(
        "[[plugin]]\nname = \"probe\"\n[plugin.grants]\nfilesystem = [{{ path = {documents:?} }}]\n\
         keyvalue = [{{ bucket = \"default\", access = \"read-write\", value = \"10B\" }}]\n\
         sql = [{{ database = \"main\" }}]\nhttp = [{{ url = \"https://api.example.com/v1/\", methods = [\"GET\"] }}]"
    );
    let cli = Cli::new(builder.policy(&grants));
    let mut text = String::new();
    for (tool, arguments, code) in [
        ("read_file", r#"{"path":"/documents/hello.txt"}"#, 0),
        ("read_file", r#"{"path":"/documents/../policy.toml"}"#, 0),
        ("write_file", r#"{"path":"/documents/new.txt","text":"x"}"#, 0),
        ("kv", r#"{"op":"set","key":"a","value":"0123456789"}"#, 0),
        ("kv", r#"{"op":"set","key":"a","value":"0123456789a"}"#, 0),
        ("kv", r#"{"op":"get","bucket":"other","key":"a"}"#, 0),
        ("sql", r#"{"database":"main","op":"query","statements":[{"sql":"SELECT 1"}]}"#, 0),
        ("sql", r#"{"database":"other","op":"query","statements":[{"sql":"SELECT 1"}]}"#, 0),
        ("fetch", r#"{"url":"https://api.example.com/v2/?a=1"}"#, 0),
        ("fetch", r#"{"url":"https://api.example.com/v1/../v2/"}"#, 0),
        ("connect", r#"{"host":"127.0.0.1","port":1}"#, 1),
        ("host_info", "{}", 0),
        ("random", "{}", 0),
    ] {
        let tool = format!("probe_{tool}");
        let args = ["call", &tool, arguments];
        let finished = cli.run(&args);
        assert_eq!(finished.code, Some(code), "{args:?}: {finished:?}");
        // Random bytes are random.
        let shown = transcript(&args, &finished);
        text.push_str(&if tool == "probe_random" {
            shown.lines().filter(|l| !l.contains("bytes")).collect::<Vec<_>>().join("\n")
        } else {
            shown
        });
    }
    cli.golden("capabilities-call.txt", &timeless(&text));
}
