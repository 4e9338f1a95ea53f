//! Which tool has which directory, what is said of one that is away, and what is written down.

use std::fs;

use cofferdam_policy::Capability;
use cofferdam_tests::{HostBuilder, guest};
use serde_json::{Value, json};

use super::{INSIDE, Place, WRITABLE, builder, call, calls, error, grant, read};

#[test]
fn two_tools_of_one_plugin_have_their_own_directories() {
    let (one, two) = (Place::new(), Place::new());
    fs::write(two.inside().join("hello.txt"), "the other").unwrap();
    let tool = |name: &str, grant: String| format!("[plugin.tools.{name}.grants]\nfilesystem = [{grant}]\n");
    let host = HostBuilder::new()
        .named_plugin("probe", &guest("probe"))
        .policy("[[plugin]]\nname = \"probe\"")
        .policy(&tool("read_file", one.grant("")))
        .policy(&tool("read_file_too", two.grant("")))
        .policy(&tool("list_dir", grant(&one.inside(), "/one", "")))
        .start();
    let path = json!({ "path": "/data/hello.txt" });
    assert_eq!(call(&host, "read_file", path.clone()), json!({ "text": INSIDE }));
    assert_eq!(call(&host, "read_file_too", path.clone()), json!({ "text": "the other" }));
    assert_eq!(call(&host, "list_dir", json!({})), json!({ "directories": ["/one"] }));
    assert_eq!(call(&host, "list_dir_too", json!({})), json!({ "directories": [] }));
    assert_eq!(call(&host, "fs", json!({ "op": "stat", "path": "/data/hello.txt" })), error("no-preopen"));
}

#[test]
fn a_directory_that_is_away_is_the_operators_to_mend() {
    let place = Place::new();
    let host = builder(&[place.grant("")]).start();
    let away = place.0.path().join("away");
    fs::rename(place.inside(), &away).unwrap();
    let reply = host.rpc().call("probe_read_file", json!({ "path": "/data/hello.txt" }));
    assert_eq!(reply.failure()["code"], "unavailable", "{}", reply.message);
    assert_eq!(reply.failure()["retryable"], true);
    let base = place.0.path().display().to_string();
    assert!(!reply.message.to_string().contains(&base), "{}", reply.message);
    let line = host.line("the call, and why", |line| line["outcome"] == "unavailable");
    let why = line["error"].as_str().unwrap().to_owned();
    for said in [place.inside().to_str().unwrap(), "granted as /data", "make it"] {
        assert!(why.contains(said), "{why}");
    }
    // On the command line it is the operator who asks.
    let finished = host.cli(&["call", "probe_read_file", r#"{"path":"/data/hello.txt"}"#]);
    assert_eq!(finished.code, Some(1));
    assert!(finished.out.contains(&why), "{finished:?}");
    // A file is no directory either.
    fs::write(place.inside(), "x").unwrap();
    let reply = host.rpc().call("probe_read_file", json!({ "path": "/data/hello.txt" }));
    assert_eq!(reply.failure()["code"], "unavailable", "{}", reply.message);
    fs::remove_file(place.inside()).unwrap();
    // And as soon as it is back, it is used.
    fs::rename(&away, place.inside()).unwrap();
    assert_eq!(read(&host, "/data/hello.txt"), json!({ "text": INSIDE }));
}

#[test]
fn directories_within_directories_are_not_granted_to_be_written() {
    let place = Place::new();
    let sub = grant(&place.inside().join("sub"), "/sub", "");
    let host = builder(&[place.grant(WRITABLE), sub.clone()]).start();
    let reply = host.rpc().call("probe_read_file", json!({ "path": "/data/hello.txt" }));
    assert_eq!(reply.failure()["code"], "unavailable", "{}", reply.message);
    let line = host.line("why", |line| line["outcome"] == "unavailable");
    assert!(line["error"].as_str().unwrap().contains("the first lies in the second"), "{line}");
    // To be read they are.
    let host = builder(&[place.grant(""), sub]).start();
    assert_eq!(read(&host, "/sub/hello.txt"), json!({ "text": INSIDE }));
}

/// An effect without its time.
fn shown(mut effect: Value) -> Value {
    let took = effect.as_object_mut().unwrap().remove("microseconds");
    assert!(took.is_some_and(|took| took.is_u64()));
    effect
}

#[test]
fn what_was_done_and_what_was_refused_is_recorded() {
    let place = Place::new();
    let home = calls(&[
        place.grant("bytes = \"1GiB\""),
        grant(&place.outside(), "/out", &format!("{WRITABLE}, bytes = \"30B\"")),
    ]);
    let effect = |tool: &str, arguments: Value| {
        let called = home.call(tool, &arguments);
        let base = place.0.path().display().to_string();
        assert!(!format!("{called:?}").contains(&base), "{called:?}");
        called.of(Capability::Filesystem).into_iter().cloned().map(shown).collect::<Vec<_>>()
    };
    let allowed = |operation: &str, target: &str, sent: u64, received: u64| json!({ "capability": "filesystem", "operation": operation, "target": target, "verdict": "allowed", "times": 1, "sent": sent, "received": received });
    let refused = |operation: &str, target: &str, why: &str| json!({ "capability": "filesystem", "operation": operation, "target": target, "verdict": "refused", "why": why, "times": 1, "sent": 0, "received": 0 });
    let bytes = INSIDE.len() as u64;
    assert_eq!(
        effect("read_file", json!({ "path": "/data/hello.txt" })),
        [allowed("open", "/data/hello.txt", 0, bytes)]
    );
    assert_eq!(
        effect("read_file", json!({ "path": "/data/../outside/secret.txt" })),
        [refused("open", "/data/../outside/secret.txt", "it leads out of the granted directory")]
    );
    assert_eq!(
        effect("write_file", json!({ "path": "/data/new", "text": "x" })),
        [refused("open", "/data/new", "the grant is to read only")]
    );
    assert_eq!(
        effect("write_file", json!({ "path": "/out/new", "text": "0123" })),
        [allowed("open", "/out/new", 4, 0)]
    );
    assert_eq!(
        effect("fs", json!({ "op": "mkdir", "path": "/out/SECRET.TXT" })),
        [refused(
            "create-directory",
            "/out/SECRET.TXT",
            "\"secret.txt\" is there, whose name differs in nothing but case or accents"
        )]
    );
}

#[test]
fn what_was_refused_is_in_the_log() {
    let place = Place::new();
    let host = builder(&[place.grant("")]).start();
    assert_eq!(call(&host, "fs", json!({ "op": "mkdir", "path": "/data/new" })), error("read-only"));
    let line = host.line("what was refused", |line| line["target"] == "effect");
    for (field, value) in [
        ("level", json!("WARN")),
        ("plugin", json!("probe")),
        ("capability", json!("filesystem")),
        ("operation", json!("create-directory")),
        ("to", json!("/data/new")),
        ("why", json!("the grant is to read only")),
        ("times", json!(1)),
    ] {
        assert_eq!(line[field], value, "{line}");
    }
    // What was allowed is for who looks closer.
    assert_eq!(read(&host, "/data/hello.txt"), json!({ "text": INSIDE }));
    host.line("the call", |line| line["message"] == "call" && line["name"] == "probe_read_file");
    assert_eq!(host.lines().iter().filter(|line| line["target"] == "effect").count(), 1);
}
