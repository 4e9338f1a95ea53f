//! Files that come, change and go while the host serves.

use std::{fs, io::Write, thread, time::Duration};

use cofferdam_tests::{HostBuilder, TestHost, eventually, forge, guest, plugin, sha256, within};
use serde_json::json;

fn tools_are(host: &TestHost, wanted: &[&str]) {
    eventually(&format!("the tools are {wanted:?}"), || (host.rpc().tools() == wanted).then_some(()));
}

#[test]
fn dropped_replaced_and_removed_in_under_a_second() {
    let (one, two) = (guest("greeter"), forge::patch_greeting(&guest("greeter"), "Salut"));
    // Compiled before: the second that is promised begins when a compile ends.
    drop(HostBuilder::new().plugin("warm", &one).start());
    drop(HostBuilder::new().plugin("warm", &two).start());
    let host = HostBuilder::new().start();
    let quick = |what: &str, found: &dyn Fn() -> Option<()>| within(Duration::from_secs(5), what, found);
    host.drop_in("hello", &one);
    quick("dropped", &|| (host.rpc().tools() == ["hello_greet"]).then_some(()));
    assert_eq!(host.rpc().call("hello_greet", json!({ "name": "Ada" })).text(), "Hello, Ada!");
    host.drop_in("hello", &two);
    host.approve("hello");
    quick("replaced", &|| {
        let reply = host.rpc().call("hello_greet", json!({ "name": "Ada" }));
        (reply.error_code().is_none() && reply.text() == "Salut, Ada!").then_some(())
    });
    fs::remove_file(host.plugins().join("hello.wasm")).unwrap();
    quick("removed", &|| host.rpc().tools().is_empty().then_some(()));
    assert_eq!(host.rpc().call("hello_greet", json!({ "name": "Ada" })).error_code(), Some(-32602));
}

#[test]
fn what_served_goes_on_serving_when_its_successor_is_refused() {
    let good = guest("greeter");
    let host = HostBuilder::new().plugin("hello", &good).start();
    let refused = |what: &str, step: &str, reason: &str| {
        let line = host.line(what, |l| l["message"] == "refused" && l["reason"] == reason);
        assert_eq!((&line["plugin"], &line["step"]), (&json!("hello"), &json!(step)), "{what}");
        assert_eq!(host.rpc().call("hello_greet", json!({ "name": "Ada" })).text(), "Hello, Ada!", "{what}");
        line["found"].as_str().unwrap().to_owned()
    };
    let forged = forge::patch_greeting(&good, "Boo");
    host.drop_in_unsigned("hello", &forged);
    let found = refused("the signature is of its predecessor", "verify", "bad-signature");
    assert!(found.starts_with("hello.wasm.sig: the signature is not good"), "{found}");
    let unseen = forge::patch_greeting(&good, "Salut");
    host.drop_in("hello", &unseen);
    let found = refused("it is signed, and nobody approved the change", "approve", "drift");
    assert!(found.contains(&format!("sha256 {} -> {}", sha256(&good), sha256(&unseen))), "{found}");
    let damaged = forge::truncated(&good);
    host.drop_in("hello", &damaged);
    let found = refused("it is signed, and damaged", "inspect", "inspect");
    assert!(found.starts_with("it is damaged or cut short"), "{found}");
    // Nor does any of it come to stand in the lock.
    let lock = fs::read_to_string(host.path("cofferdam.lock")).unwrap();
    assert!(lock.contains(&sha256(&good)), "{lock}");
    for refused in [&forged, &unseen, &damaged] {
        assert!(!lock.contains(&sha256(refused)), "{lock}");
    }
}

#[test]
fn a_digest_that_is_revoked_ends_serving() {
    let component = guest("greeter");
    let host = HostBuilder::new().plugin("hello", &component).start();
    tools_are(&host, &["hello_greet"]);
    host.policy(&format!("[revoked]\nsha256 = [\"{}\"]", sha256(&component)));
    tools_are(&host, &[]);
    host.policy("");
    tools_are(&host, &["hello_greet"]);
}

#[test]
fn calls_in_flight_finish_on_what_they_started_with() {
    let old = guest("hostile");
    let host = HostBuilder::new().plugin("work", &old).start();
    let rpc = host.rpc().clone();
    let call = thread::spawn(move || rpc.call("work_sleep", json!({ "ms": 1500 })));
    eventually("the call is inside", || host.rpc().get("/health").1.contains("\"calls_running\":1").then_some(()));
    fs::remove_file(host.plugins().join("work.wasm")).unwrap();
    tools_are(&host, &[]);
    assert_eq!(call.join().unwrap().text(), "slept");
}

#[test]
fn half_written_files_are_not_read() {
    let component = guest("greeter");
    let host = HostBuilder::new().start();
    host.sign("hello", &component);
    let path = host.plugins().join("hello.wasm");
    let mut file = fs::File::create(&path).unwrap();
    let (first, rest) = component.split_at(component.len() / 2);
    file.write_all(first).unwrap();
    file.flush().unwrap();
    // The host looks at other files meanwhile, so it has looked at this one.
    let other = forge::patch_greeting(&component, "Hi");
    host.drop_in("other", &other);
    tools_are(&host, &["other_greet"]);
    file.write_all(rest).unwrap();
    drop(file);
    tools_are(&host, &["hello_greet", "other_greet"]);
    assert!(host.lines().iter().all(|l| l["message"] != "refused"), "{}", host.log());
}

#[test]
fn a_plugin_cannot_take_the_name_of_another() {
    let system = plugin("system");
    let host = HostBuilder::new()
        .plugin("system", &system)
        .policy("[[plugin]]\nname = \"system\"\nprefix = \"\"\n[[plugin]]\nname = \"another\"\nprefix = \"\"")
        .start();
    let before = host.rpc().tools();
    // It comes first in the alphabet, and second in time.
    host.drop_in("another", &system);
    let line = host.line("the newcomer is refused", |l| l["message"] == "refused");
    assert_eq!((&line["plugin"], &line["step"]), (&json!("another"), &json!("admit")));
    assert_eq!(host.rpc().tools(), before);
    fs::remove_file(host.plugins().join("system.wasm")).unwrap();
    eventually("its names are free", || (host.rpc().get("/health").1.contains("\"refused\":0")).then_some(()));
    assert_eq!(host.rpc().tools(), before);
}

#[test]
fn a_policy_that_is_wrong_changes_nothing_and_one_that_is_right_does() {
    let host = HostBuilder::new().plugin("hello", &guest("greeter")).start();
    host.policy("[limits]\nfule = \"1M\"");
    let line = host.line("it is refused", |l| l["message"] == "policy and lock stay as they were");
    assert!(line["error"].to_string().contains("did you mean `fuel`?"), "{line}");
    tools_are(&host, &["hello_greet"]);
    host.policy("[[plugin]]\nname = \"hello\"\nprefix = \"hi\"");
    tools_are(&host, &["hi_greet"]);
    host.policy("[[plugin]]\nname = \"hello\"\ntools.greet.enabled = false");
    tools_are(&host, &[]);
    assert_eq!(host.rpc().call("hello_greet", json!({ "name": "Ada" })).error_code(), Some(-32602));
}
