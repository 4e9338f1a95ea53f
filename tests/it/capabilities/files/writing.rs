//! What may be made and changed, and under which names.

use std::fs;

use serde_json::{Value, json};

use super::{INSIDE, Place, WRITABLE, all, builder, call, done, error, fs_to, read, write};

#[test]
fn read_only_refuses_every_change() {
    let place = Place::new();
    let host = builder(&[place.grant("")]).start();
    let before = all(&place.inside());
    for (tool, arguments) in [
        ("write_file", json!({ "path": "/data/hello.txt", "text": "x" })),
        ("write_file", json!({ "path": "/data/hello.txt", "text": "x", "append": true })),
        ("write_file", json!({ "path": "/data/hello.txt", "text": "x", "offset": 3 })),
        ("write_file", json!({ "path": "/data/hello.txt", "text": "" })),
        ("write_file", json!({ "path": "/data/new", "text": "x" })),
        ("fs", json!({ "op": "mkdir", "path": "/data/new" })),
        ("fs", json!({ "op": "rmdir", "path": "/data/sub/deep" })),
        ("fs", json!({ "op": "unlink", "path": "/data/hello.txt" })),
        ("fs", json!({ "op": "rename", "path": "/data/hello.txt", "to": "/data/new" })),
        ("fs", json!({ "op": "symlink", "path": "/data/new", "to": "hello.txt" })),
        ("fs", json!({ "op": "link", "path": "/data/new", "to": "/data/hello.txt" })),
    ] {
        assert_eq!(call(&host, tool, arguments.clone()), error("read-only"), "{tool} {arguments}");
    }
    assert_eq!(all(&place.inside()), before);
    assert_eq!(read(&host, "/data/hello.txt"), json!({ "text": INSIDE }));
}

/// Every way to give something a name.
fn named(host: &cofferdam_tests::TestHost, name: &str) -> Vec<(&'static str, Value)> {
    let path = format!("/data/{name}");
    vec![
        ("write_file", write(host, &path, "x")),
        ("mkdir", fs_to(host, "mkdir", &path, "")),
        ("symlink", fs_to(host, "symlink", &path, "hello.txt")),
        ("link", fs_to(host, "link", &path, "/data/hello.txt")),
        ("rename", fs_to(host, "rename", "/data/sub/hello.txt", &path)),
    ]
}

#[test]
fn names_that_mean_something_else_elsewhere_are_not_made() {
    let place = Place::new();
    let host = builder(&[place.grant(WRITABLE)]).start();
    let before = all(&place.inside());
    let long = "x".repeat(256);
    for (name, code) in [
        ("a\0b", "invalid"),
        ("hello.txt\0", "invalid"),
        ("a\nb", "invalid"),
        ("\u{1b}[31mred", "invalid"),
        ("\u{7f}", "invalid"),
        ("\u{85}", "invalid"),
        ("\u{202e}txt.exe", "invalid"),
        ("zero\u{200b}width", "invalid"),
        ("a\\b", "invalid"),
        ("..\\..\\outside", "invalid"),
        ("dot.", "invalid"),
        ("blank ", "invalid"),
        ("NUL", "invalid"),
        ("con.txt", "invalid"),
        (long.as_str(), "name-too-long"),
    ] {
        for (op, found) in named(&host, name) {
            assert_eq!(found, error(code), "{op} {name:?}");
        }
    }
    assert_eq!(all(&place.inside()), before);
    // What somebody else made is there all the same.
    fs::write(place.inside().join("a\nb"), INSIDE).unwrap();
    assert_eq!(read(&host, "/data/a\nb"), json!({ "text": INSIDE }));
    assert_eq!(fs_to(&host, "rename", "/data/a\nb", "/data/plain"), done());
}

#[test]
fn names_that_differ_in_case_or_accents_alone_are_not_made() {
    let place = Place::new();
    for name in ["Straße", "\u{e9}t\u{e9}", "\u{212a}elvin", "ΣΊΣΥΦΟΣ"] {
        fs::write(place.inside().join(name), INSIDE).unwrap();
    }
    let host = builder(&[place.grant(WRITABLE)]).start();
    let before = all(&place.inside());
    for twin in [
        "HELLO.TXT",
        "Hello.txt",
        "hello.TXT",
        "SUB",
        "STRASSE",
        "strasse",
        "e\u{301}te\u{301}",
        "ÉTÉ",
        "kelvin",
        "σίσυφος",
    ] {
        for (op, found) in named(&host, twin) {
            assert_eq!(found, error("not-permitted"), "{op} {twin}");
        }
        // To open it is to open nothing.
        assert_eq!(read(&host, &format!("/data/{twin}")), error("no-entry"), "{twin}");
    }
    assert_eq!(all(&place.inside()), before);
    // What gives its own name up may be written otherwise, and elsewhere is elsewhere.
    assert_eq!(fs_to(&host, "rename", "/data/hello.txt", "/data/HELLO.txt"), done());
    assert_eq!(write(&host, "/data/sub/deep/HELLO.TXT", "x"), json!({ "written": 1 }));
    assert_eq!(read(&host, "/data/HELLO.txt"), json!({ "text": INSIDE }));
}
