//! The lock, the copies of what it knows, and those who get at them.

use std::{fs, os::fd::AsRawFd, path::PathBuf, process};

use cofferdam_tests::{HostBuilder, eventually, forge, guest, sha256};
use serde_json::Value;

use super::home::{Home, reason, served};

fn greeter(with: &str) -> Vec<u8> {
    forge::patch_greeting(&guest("greeter"), with)
}

/// Two plugins that embed their names, and are alike but for those.
fn two() -> (Vec<u8>, Vec<u8>, Home) {
    let (one, two) = (forge::with_name(&greeter("Hello"), "one"), forge::with_name(&greeter("Salut"), "two"));
    let mut home = Home::new(HostBuilder::new().plugin("one", &one).plugin("two", &two));
    home.names.component("one", &one);
    home.names.component("two", &two);
    (one, two, home)
}

fn policy_stays(line: &Value) -> bool {
    line["message"] == "policy and lock stay as they were"
}

#[test]
fn a_lock_that_names_another_component_lets_neither_run() {
    let (one, two, mut home) = two();
    let host = home.serve();
    host.tools_are(&["one_greet", "two_greet"]);
    let lock = home.lock();
    home.put("cofferdam.lock", lock.replacen(&sha256(&one), &sha256(&two), 1).as_bytes());
    host.refuses("one", "drift");
    host.tools_are(&["two_greet"]);
    host.still_greets("two", "Salut");
    home.say(&["plugins"]);
    home.put("cofferdam.lock", lock.replacen(&sha256(&one), &"0".repeat(64), 1).as_bytes());
    home.head("a component that nobody has");
    eventually("the lock is read", || {
        (home.plugins()["refused"][0]["found"].to_string().contains("0000")).then_some(())
    });
    home.say(&["plugins"]);
    host.tools_are(&["two_greet"]);
    home.put("cofferdam.lock", lock.as_bytes());
    host.greets("one", "Hello");
    home.golden("trust-lock-altered.txt");
}

#[test]
fn definitions_are_held_to_the_lock_as_the_component_is() {
    let (_, _, mut home) = two();
    let host = home.serve();
    host.tools_are(&["one_greet", "two_greet"]);
    let lock = home.lock();
    let at = lock.find("\"tool greet\" = \"").unwrap() + 16;
    let altered = format!("{}{}{}", &lock[..at], "0".repeat(64), &lock[at + 64..]);
    home.put("cofferdam.lock", altered.as_bytes());
    host.refuses("one", "definitions-changed");
    host.tools_are(&["two_greet"]);
    home.say(&["plugins"]);
    home.golden("trust-lock-definitions.txt");
}

#[test]
fn no_host_starts_with_a_lock_that_is_corrupt_or_gone() {
    let (one, _, mut home) = two();
    drop(home.serve());
    let lock = home.lock();
    let digest = sha256(&one);
    home.names.text(&digest[1..], "<a digit short>");
    let corrupt = [
        ("cut short", lock[..lock.find(&digest).unwrap() + 10].to_owned()),
        ("a digest that is none", lock.replace(&digest, &digest[1..])),
        ("a key that it does not have", lock.replacen("[[plugin]]", "[[plugin]]\nallow = true", 1)),
        ("a plugin twice", lock.replace("\"two\"", "\"one\"")),
        ("of a later version", lock.replacen("version = 1", "version = 2", 1)),
        ("empty", String::new()),
    ];
    for (what, text) in corrupt {
        assert_ne!(text, lock, "{what}");
        home.put("cofferdam.lock", text.as_bytes());
        home.head(what);
        let ended = home.say(&["serve", "--port", "0"]);
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{what}");
        assert!(ended.err.contains("cofferdam.lock"), "{what}: {}", ended.err);
        assert_eq!(home.run(&["approve", "one", "--yes"]).code, Some(1), "{what}");
        assert_eq!(home.lock(), text, "{what}: it is not written over");
    }
    home.head("deleted");
    home.remove("cofferdam.lock");
    for args in [&["serve", "--port", "0"] as &[&str], &["plugins"], &["approve", "one", "--yes"]] {
        let ended = home.say(args);
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{args:?}");
        assert!(ended.err.contains("`cofferdam init`"), "{args:?}: {}", ended.err);
        assert!(!home.path("cofferdam.lock").exists(), "{args:?} made one");
    }
    home.put("cofferdam.lock", lock.as_bytes());
    let host = home.serve();
    host.greets("one", "Hello");
    home.golden("trust-lock-corrupt.txt");
}

#[test]
fn a_lock_that_breaks_under_a_host_that_serves_changes_nothing() {
    let (_, _, home) = two();
    let host = home.serve();
    host.tools_are(&["one_greet", "two_greet"]);
    let lock = home.lock();
    home.put("cofferdam.lock", b"version = 1\n[[plugin]]\n");
    eventually("it is told", || host.log().iter().any(policy_stays).then_some(()));
    home.remove("cofferdam.lock");
    eventually("it is told of that too", || (host.log().iter().filter(|l| policy_stays(l)).count() > 1).then_some(()));
    host.still_greets("one", "Hello");
    // What comes meanwhile cannot be written down, so it is not let in.
    home.drop_in("three", &greeter("Moin"));
    host.refuses("three", "lock-unwritable");
    assert!(!home.path("cofferdam.lock").exists());
    // Nor does that keep the others from serving, once the lock is back.
    home.put("cofferdam.lock", lock.as_bytes());
    home.drop_in("four", &forge::with_name(&greeter("Servus"), "four"));
    eventually("the newcomer serves", || host.rpc().tools().contains(&"four_greet".to_owned()).then_some(()));
    host.still_greets("one", "Hello");
}

#[test]
fn what_waited_for_the_lock_is_let_in_when_the_lock_is_back() {
    let (_, _, home) = two();
    let host = home.serve();
    let lock = home.lock();
    home.remove("cofferdam.lock");
    home.drop_in("three", &greeter("Moin"));
    host.refuses("three", "lock-unwritable");
    home.put("cofferdam.lock", lock.as_bytes());
    host.tools_are(&["one_greet", "three_greet", "two_greet"]);
}

#[test]
fn a_copy_stands_in_for_the_plugin_it_was_kept_for_and_no_other() {
    let (one, two) = (greeter("Hello"), greeter("Salut"));
    let home = Home::new(HostBuilder::new().plugin("one", &one).plugin("two", &two));
    let host = home.serve();
    host.tools_are(&["one_greet", "two_greet"]);
    home.put("cofferdam.lock", home.lock().replacen(&sha256(&one), &sha256(&two), 1).as_bytes());
    host.refuses("one", "drift");
    // These embed no names that would tell them apart.
    host.tools_are(&["two_greet"]);
}

#[test]
fn what_cannot_be_written_to_the_lock_is_not_let_in() {
    let greeter = greeter("Hello");
    let lock = tempfile::NamedTempFile::new().unwrap();
    fs::write(lock.path(), "version = 1\n").unwrap();
    // A file that anybody may write, in a directory that nobody may: not even root.
    let unwritable = PathBuf::from(format!("/proc/{}/fd/{}", process::id(), lock.as_file().as_raw_fd()));
    let builder = HostBuilder::new().plugin("hello", &greeter);
    let mut home = Home::new(builder.config(&format!("plugins.lock = \"{}\"", unwritable.display())));
    home.names.component("greeter", &greeter);
    home.names.text(&unwritable.display().to_string(), "<lock>");
    home.names.text(&unwritable.parent().unwrap().display().to_string(), "<its directory>");
    let host = home.serve();
    let found = host.refuses("hello", "lock-unwritable");
    assert!(host.rpc().tools().is_empty());
    home.head(&found);
    assert_eq!(home.say(&["approve", "hello", "--yes"]).code, Some(1));
    assert_eq!(fs::read_to_string(lock.path()).unwrap(), "version = 1\n");
    drop(host);
    // Where the lock knows it, nothing has to be written.
    let elsewhere = Home::new(HostBuilder::new().plugin("hello", &greeter));
    drop(elsewhere.serve());
    fs::write(lock.path(), elsewhere.lock()).unwrap();
    home.serve().greets("hello", "Hello");
    home.golden("trust-lock-unwritable.txt");
}

/// The copy of a component that a home keeps.
fn copy(home: &Home, component: &[u8]) -> PathBuf {
    let (store, digest) = (home.path("store"), sha256(component));
    let plugins = fs::read_dir(&store).into_iter().flatten().flatten();
    // One directory for each plugin, and in it one for each digest.
    plugins.map(|p| p.path().join(&digest)).find(|p| p.exists()).unwrap_or_else(|| store.join("hello").join(&digest))
}

#[test]
fn the_approved_version_outlives_a_restart_under_one_that_is_held_back() {
    let (one, two) = (greeter("Hello"), greeter("Salut"));
    let mut home = Home::new(HostBuilder::new().plugin("hello", &one));
    home.names.component("one", &one);
    home.names.component("two", &two);
    let host = home.serve();
    home.drop_in("hello", &two);
    host.refuses("hello", "drift");
    drop(host);
    let host = home.serve();
    host.still_greets("hello", "Hello");
    host.refuses("hello", "drift");
    assert_eq!(host.tool("hello_greet")["_meta"]["cofferdam/digest"], format!("sha256:{}", sha256(&one)));
    home.say(&["plugins"]);
    drop(host);
    // What is no component at all stands in its way no more than that.
    home.drop_in_unsigned("hello", &forge::garbage());
    let host = home.serve();
    host.still_greets("hello", "Hello");
    drop(host);
    home.drop_in("hello", &two);
    home.approve("hello");
    home.serve().still_greets("hello", "Salut");
    home.golden("trust-restart.txt");
}

#[test]
fn a_copy_that_was_tampered_with_is_not_served() {
    let (one, two, stranger) = (greeter("Hello"), greeter("Salut"), greeter("Moin"));
    let home = Home::new(HostBuilder::new().plugin("hello", &one).plugin("other", &stranger));
    drop(home.serve());
    home.drop_in("hello", &two);
    let place = copy(&home, &one);
    let component = place.join("component.wasm");
    let signature = place.join("component.wasm.sig");
    let good = (fs::read(&component).unwrap(), fs::read(&signature).unwrap());
    assert_eq!(good.0, one);
    let kept = copy(&home, &stranger);
    let theirs = (fs::read(kept.join("component.wasm")).unwrap(), fs::read(kept.join("component.wasm.sig")).unwrap());
    let forged = greeter("Boo");
    let tampered: [(&str, &[u8], &[u8]); 4] = [
        ("a component that nobody signed", &forged, &good.1),
        ("another that is signed", &theirs.0, &theirs.1),
        ("the one that waits for approval", &two, &fs::read(home.path("plugins/hello.wasm.sig")).unwrap()),
        ("a signature by nobody", &one, &theirs.1),
    ];
    for (what, bytes, beside) in tampered {
        fs::write(&component, bytes).unwrap();
        fs::write(&signature, beside).unwrap();
        let listed = home.plugins();
        assert_eq!((served(&listed), reason(&listed, "hello")), (vec!["other"], "drift"), "{what}");
        let host = home.serve();
        assert_eq!(host.rpc().tools(), ["other_greet"], "{what}");
        drop(host);
        fs::create_dir_all(&place).unwrap();
    }
    fs::write(&component, &good.0).unwrap();
    fs::write(&signature, &good.1).unwrap();
    home.serve().still_greets("hello", "Hello");
}
