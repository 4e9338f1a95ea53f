//! Components that a serving host sees for the first time.

use std::process::Command;

use cofferdam_tests::{HostBuilder, TestKey, eventually, forge, guest, plugin, sha256, test_key};
use serde_json::json;

use super::home::{Home, Serving, reason, served};

#[test]
fn unsigned_is_refused_until_its_signature_arrives() {
    let greeter = guest("greeter");
    let mut home = Home::new(HostBuilder::new());
    home.names.component("greeter", &greeter);
    let host = home.serve();
    home.drop_in_unsigned("hello", &greeter);
    assert_eq!(host.refuses("hello", "unsigned"), format!("it is unsigned (sha256 {})", sha256(&greeter)));
    assert!(host.rpc().tools().is_empty());
    home.say(&["plugins"]);
    home.say(&["plugins", "--json"]);
    assert_eq!(reason(&home.plugins(), "hello"), "unsigned");
    assert!(!home.lock().contains("hello"), "{}", home.lock());
    // A stranger's does not do.
    home.put("plugins/hello.wasm.sig", TestKey::other().sign(&greeter).as_bytes());
    host.refuses("hello", "bad-signature");
    assert!(host.rpc().tools().is_empty());
    home.put("plugins/hello.wasm.sig", test_key().sign(&greeter).as_bytes());
    host.greets("hello", "Hello");
    home.head("its signature came");
    home.say(&["plugins"]);
    home.say_lock();
    assert_eq!(host.tool("hello_greet")["_meta"]["cofferdam/signed"], true);
    home.golden("trust-unsigned-dropped.txt");
}

#[test]
fn what_the_policy_pins_is_served_and_shown_as_unsigned() {
    let (pinned, other) = (guest("greeter"), forge::patch_greeting(&guest("greeter"), "Salut"));
    let policy = format!("[[plugin]]\nname = \"hello\"\nsha256 = [\"{}\"]", sha256(&pinned));
    let builder = HostBuilder::new().unsigned("hello", &pinned).plugin("signed", &other).policy(&policy);
    let mut home = Home::new(builder);
    home.names.component("pinned", &pinned);
    home.names.component("signed", &other);
    let host = home.serve();
    host.tools_are(&["hello_greet", "signed_greet"]);
    host.still_greets("hello", "Hello");
    let of = |tool: &str| host.tool(tool)["_meta"].clone();
    assert_eq!(
        (&of("hello_greet")["cofferdam/signed"], &of("hello_greet")["cofferdam/signers"]),
        (&json!(false), &json!([]))
    );
    assert_eq!(of("hello_greet")["cofferdam/digest"], format!("sha256:{}", sha256(&pinned)));
    assert_eq!(of("signed_greet")["cofferdam/signed"], true);
    assert_eq!(of("signed_greet")["cofferdam/signers"][0]["name"], "test");
    home.say(&["plugins"]);
    home.say(&["plugins", "--json"]);
    home.say_lock();
    // The digest is that of these bytes, and the name that of this plugin.
    home.drop_in_unsigned("hello", &other);
    host.refuses("hello", "unsigned");
    host.still_greets("hello", "Hello");
    home.drop_in_unsigned("again", &pinned);
    host.refuses("again", "unsigned");
    host.tools_are(&["hello_greet", "signed_greet"]);
    home.head("others were dropped in");
    home.say(&["plugins"]);
    home.golden("trust-pinned-served.txt");
}

#[test]
fn where_the_policy_says_so_nothing_is_admitted_at_first_sight() {
    let greeter = guest("greeter");
    let policy = "[trust]\nsigned_by = { any_of = [\"test\"] }\nfirst_sight = \"approve\"\n\
                  [[plugin]]\nname = \"free\"\nfirst_sight = \"admit\"\n";
    let mut home = Home::new(HostBuilder::new().policy(policy).policy(cofferdam_tests::TEST_SIGNER));
    home.names.component("greeter", &greeter);
    let host = home.serve();
    home.drop_in("hello", &greeter);
    home.drop_in("free", &greeter);
    host.refuses("hello", "first-sight");
    host.tools_are(&["free_greet"]);
    home.say(&["plugins"]);
    let asked = home.say(&["approve", "hello"]);
    assert_eq!(asked.code, Some(1), "nobody was there to say yes");
    assert_eq!(host.rpc().tools(), ["free_greet"]);
    assert_eq!(home.say(&["approve", "hello", "--yes"]).code, Some(0));
    host.tools_are(&["free_greet", "hello_greet"]);
    home.say(&["approve", "hello", "--yes"]);
    home.say_lock();
    home.golden("trust-first-sight.txt");
}

/// How many tools have names that begin so.
fn of(host: &Serving, prefix: &str) -> usize {
    host.rpc().tools().iter().filter(|name| name.starts_with(prefix)).count()
}

#[test]
fn grants_are_for_components_that_say_who_they_are() {
    let system = plugin("system");
    let named = forge::with_name(&system, "system");
    let policy = "[[plugin]]\nname = \"system\"\ngrants.host_info = true\n[[plugin]]\nname = \"bare\"\n";
    let mut home = Home::new(HostBuilder::new().policy(policy));
    let impostor = forge::with_name(&system, "another");
    for (name, bytes) in [("system", &system), ("named", &named), ("impostor", &impostor)] {
        home.names.component(name, bytes);
    }
    let host = home.serve();
    home.drop_in("system", &system);
    host.refuses("system", "nameless");
    // Without grants there is nothing to be had by a name.
    home.drop_in("bare", &system);
    eventually("it is served", || (of(&host, "bare_") == 4).then_some(()));
    home.say(&["plugins"]);
    home.drop_in("system", &impostor);
    host.refuses("system", "wrong-name");
    home.head("it embeds another name");
    home.say(&["plugins"]);
    assert_eq!(home.say(&["approve", "system", "--yes"]).code, Some(1));
    home.drop_in("system", &named);
    eventually("it is served", || (of(&host, "system_") == 4).then_some(()));
    assert!(!host.rpc().call("system_system_health", json!({})).failed());
    home.golden("trust-nameless.txt");
}

#[test]
fn a_nameless_component_gets_its_grants_when_somebody_approved_it() {
    let policy = "[[plugin]]\nname = \"system\"\ngrants.host_info = true\n";
    let home = Home::new(HostBuilder::new().plugin("system", &plugin("system")).policy(policy));
    let host = home.serve();
    host.refuses("system", "nameless");
    home.approve("system");
    eventually("it is served", || (of(&host, "system_") == 4).then_some(()));
    assert!(!host.rpc().call("system_system_health", json!({})).failed());
}

#[test]
fn a_rename_leaves_no_approval_behind() {
    let (one, two) = (guest("greeter"), forge::patch_greeting(&guest("greeter"), "Salut"));
    let mut home = Home::new(HostBuilder::new().plugin("hello", &one));
    home.names.component("one", &one);
    home.names.component("two", &two);
    let host = home.serve();
    host.greets("hello", "Hello");
    // While it is there, another one like it is another one.
    home.drop_in("twin", &one);
    host.tools_are(&["hello_greet", "twin_greet"]);
    home.remove("plugins/twin.wasm");
    host.tools_are(&["hello_greet"]);
    home.remove("plugins/hello.wasm");
    host.tools_are(&[]);
    for (name, component) in [("changed", &two), ("same", &one)] {
        home.drop_in(name, component);
        host.refuses(name, "renamed");
        assert!(host.rpc().tools().is_empty());
    }
    home.say(&["plugins"]);
    let listed = home.plugins();
    assert_eq!((reason(&listed, "changed"), reason(&listed, "same")), ("renamed", "renamed"));
    assert!(!home.lock().contains("\"changed\""), "{}", home.lock());
    // After a restart too, and until somebody looks at it.
    drop(host);
    let host = home.serve();
    assert!(host.rpc().tools().is_empty());
    home.approve("changed");
    host.greets("changed", "Salut");
    home.golden("trust-renamed.txt");
}

#[test]
fn what_was_removed_comes_back_as_it_was_and_not_changed() {
    let (one, two) = (guest("greeter"), forge::patch_greeting(&guest("greeter"), "Salut"));
    let mut home = Home::new(HostBuilder::new().plugin("hello", &one));
    home.names.component("one", &one);
    home.names.component("two", &two);
    let host = home.serve();
    host.greets("hello", "Hello");
    let gone = |host: &Serving| {
        home.remove("plugins/hello.wasm");
        host.tools_are(&[]);
    };
    gone(&host);
    home.drop_in("hello", &one);
    host.greets("hello", "Hello");
    gone(&host);
    home.drop_in("hello", &two);
    let found = host.refuses("hello", "drift");
    assert!(found.contains(&sha256(&two)), "{found}");
    let listed = home.plugins();
    assert_eq!(reason(&listed, "hello"), "drift");
    home.say(&["plugins"]);
    home.approve("hello");
    host.greets("hello", "Salut");
    home.golden("trust-dropped-again.txt");
}

#[test]
fn a_signature_that_never_ends_stops_nobody_else() {
    let greeter = guest("greeter");
    let home = Home::new(HostBuilder::new().plugin("hello", &greeter).unsigned("stuck", &greeter));
    // Whoever opens this to read it waits until somebody writes.
    let made = Command::new("mkfifo").arg(home.path("plugins/stuck.wasm.sigstore.json")).status().unwrap();
    assert!(made.success());
    let listed = home.plugins();
    assert_eq!(served(&listed), ["hello"]);
    assert_eq!(reason(&listed, "stuck"), "read");
    let host = home.serve();
    host.greets("hello", "Hello");
}
