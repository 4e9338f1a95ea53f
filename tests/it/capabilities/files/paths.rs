//! Paths and links that lead out, and directories that change while they are used.

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use cofferdam_tests::eventually;
use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};
use serde_json::{Value, json};

use super::{INSIDE, OUTSIDE, Place, WRITABLE, all, builder, call, done, error, fs_to, read, write};

/// Links that somebody else put into the granted directory. Each leads to what is outside, or there
/// by a way that a guest is not to go.
fn put_links(place: &Place) {
    let (inside, outside) = (place.inside(), place.outside());
    let link = |to: &Path, name: &str| symlink(to, inside.join(name)).unwrap();
    link(Path::new("../outside/secret.txt"), "file");
    link(&outside.join("secret.txt"), "file-from-root");
    link(Path::new("../outside"), "directory");
    link(&outside, "directory-from-root");
    link(Path::new("chain-2"), "chain");
    link(Path::new("sub/chain-3"), "chain-2");
    link(Path::new("../directory"), "sub/chain-3");
    link(Path::new("sub/../../outside/secret.txt"), "down-and-up");
    link(Path::new("/proc/self/root"), "proc");
    link(&inside.join("hello.txt"), "back-from-root");
}

/// Paths that lead out, with what of `Place` has to be put into them.
fn ways_out(place: &Place) -> Vec<String> {
    let secret = place.outside().join("secret.txt");
    let mut ways: Vec<String> = [
        "/data/../outside/secret.txt",
        "/data/sub/../../outside/secret.txt",
        "/data/./sub/./../../outside/secret.txt",
        "/data/sub/deep/../../../outside/secret.txt",
        "/data/../../../../../../../../etc/passwd",
        "/data//etc/passwd",
        "/data/file",
        "/data/file-from-root",
        "/data/directory/secret.txt",
        "/data/directory/../outside/secret.txt",
        "/data/directory-from-root/secret.txt",
        "/data/chain/secret.txt",
        "/data/sub/chain-3/secret.txt",
        "/data/down-and-up",
        "/data/proc/etc/passwd",
        "/data/back-from-root",
    ]
    .map(String::from)
    .into();
    ways.push(format!("/data/{}", secret.display()));
    ways
}

#[test]
fn no_path_leads_out() {
    let place = Place::new();
    put_links(&place);
    let host = builder(&[place.grant(WRITABLE)]).start();
    let before = (all(&place.inside()), all(&place.outside()));
    for way in ways_out(&place) {
        for (tool, arguments) in [
            ("read_file", json!({ "path": way })),
            ("write_file", json!({ "path": way, "text": "x" })),
            ("write_file", json!({ "path": way, "text": "x", "append": true })),
            ("fs", json!({ "op": "stat", "path": way })),
        ] {
            assert_eq!(call(&host, tool, arguments.clone()), error("not-permitted"), "{tool} {arguments}");
        }
    }
    for up in ["/data/..", "/data/sub/../..", "/data/directory", "/data/directory-from-root", "/data/chain", "/data//"]
    {
        assert_eq!(call(&host, "list_dir", json!({ "path": up })), error("not-permitted"), "{up}");
    }
    assert_eq!((all(&place.inside()), all(&place.outside())), before);
    // And what stays inside works, however it is written.
    for way in ["/data/hello.txt", "/data/sub/../hello.txt", "/data/./sub//hello.txt", "/data/sub/deep/../hello.txt"] {
        assert_eq!(read(&host, way), json!({ "text": INSIDE }), "{way}");
    }
}

#[test]
fn nothing_outside_is_changed() {
    let place = Place::new();
    put_links(&place);
    let host = builder(&[place.grant(WRITABLE)]).start();
    let before = (all(&place.inside()), all(&place.outside()));
    for out in
        ["/data/../outside", "/data/directory", "/data/directory-from-root", "/data/chain", "/data/sub/../../outside"]
    {
        let (secret, new) = (format!("{out}/secret.txt"), format!("{out}/new"));
        for (op, path, to) in [
            ("unlink", secret.as_str(), ""),
            ("rmdir", out, ""),
            ("mkdir", &new, ""),
            ("symlink", &new, "hello.txt"),
            ("readlink", &secret, ""),
            ("rename", &secret, "/data/mine"),
            ("rename", "/data/hello.txt", &new),
            ("rename", "/data/hello.txt", &secret),
            ("link", &new, "/data/hello.txt"),
            ("link", "/data/mine", &secret),
        ] {
            // A link to a directory is no directory, wherever it leads.
            let found = fs_to(&host, op, path, to)["error"].clone();
            assert!(
                found == "not-permitted" || (op == "rmdir" && found == "not-directory"),
                "{op} {path} {to}: {found}"
            );
        }
        assert_eq!(write(&host, &new, "x"), error("not-permitted"), "{new}");
    }
    assert_eq!((all(&place.inside()), all(&place.outside())), before);
}

#[test]
fn links_that_a_guest_makes_lead_down() {
    let place = Place::new();
    let host = builder(&[place.grant(WRITABLE)]).start();
    let secret = place.outside().join("secret.txt");
    for to in [
        "../outside/secret.txt",
        "/etc/passwd",
        "..",
        "sub/..",
        "sub/../../outside",
        "/",
        "sub/../hello.txt",
        secret.to_str().unwrap(),
    ] {
        assert_eq!(fs_to(&host, "symlink", "/data/mine", to), error("not-permitted"), "{to}");
        assert_eq!(fs_to(&host, "symlink", "/data/sub/mine", to), error("not-permitted"), "{to}");
    }
    // Down is fine, and so is a second name.
    assert_eq!(fs_to(&host, "symlink", "/data/mine", "sub/hello.txt"), done());
    assert_eq!(read(&host, "/data/mine"), json!({ "text": INSIDE }));
    assert_eq!(fs_to(&host, "link", "/data/again", "/data/hello.txt"), done());
    assert_eq!(read(&host, "/data/again"), json!({ "text": INSIDE }));
    // A link of somebody else that leads up within the directory cannot be moved to where it leads out.
    symlink("../hello.txt", place.inside().join("sub/up")).unwrap();
    assert_eq!(read(&host, "/data/sub/up"), json!({ "text": INSIDE }));
    assert_eq!(fs_to(&host, "rename", "/data/sub/up", "/data/up"), error("not-permitted"));
    assert_eq!(fs_to(&host, "link", "/data/up", "/data/sub/up"), error("not-permitted"));
    // With the directory that it is in it can be moved, and leads nowhere then.
    symlink("../../../outside/secret.txt", place.inside().join("sub/deep/out")).unwrap();
    symlink("../../hello.txt", place.inside().join("sub/deep/up")).unwrap();
    assert_eq!(fs_to(&host, "rename", "/data/sub/deep", "/data/moved"), done());
    assert_eq!(read(&host, "/data/moved/up"), error("not-permitted"));
    assert_eq!(read(&host, "/data/moved/out"), error("not-permitted"));
}

#[test]
fn two_directories_are_two_worlds() {
    let (one, two) = (Place::new(), Place::new());
    let host = builder(&[one.grant(WRITABLE), super::grant(&two.inside(), "/other", WRITABLE)]).start();
    let before = (all(&one.inside()), all(&two.inside()));
    for (from, to) in
        [("/data/hello.txt", "/other/new"), ("/other/hello.txt", "/data/new"), ("/data/sub", "/other/new")]
    {
        assert_eq!(fs_to(&host, "rename", from, to), error("cross-device"), "{from} {to}");
        assert_eq!(fs_to(&host, "link", to, from), error("cross-device"), "{from} {to}");
    }
    assert_eq!((all(&one.inside()), all(&two.inside())), before);
    assert_eq!(call(&host, "list_dir", json!({})), json!({ "directories": ["/data", "/other"] }));
}

#[test]
fn what_is_neither_file_nor_directory_is_not_waited_for() {
    let place = Place::new();
    let pipe = place.inside().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let _socket = UnixListener::bind(place.inside().join("socket")).unwrap();
    symlink("pipe", place.inside().join("to-pipe")).unwrap();
    let host = builder(&[place.grant(WRITABLE)]).policy("[plugin.limits]\ndeadline = \"20s\"").start();
    for name in ["pipe", "socket", "to-pipe"] {
        let path = format!("/data/{name}");
        for found in [
            read(&host, &path),
            write(&host, &path, "x"),
            call(&host, "write_file", json!({ "path": path, "text": "x", "append": true })),
            call(&host, "fs", json!({ "op": "open_many", "path": path, "count": 1 })),
        ] {
            let code = found["error"].as_str().unwrap_or_default();
            // A link is not followed where it is not asked for.
            assert!(code == "not-permitted" || (name == "to-pipe" && code == "loop"), "{name}: {found}");
        }
    }
    assert_eq!(call(&host, "fs", json!({ "op": "stat", "path": "/data/pipe" }))["kind"], "other");
    // It can be taken away.
    assert_eq!(fs_to(&host, "unlink", "/data/pipe", ""), done());
}

/// Somebody turns a directory into a link, and back, as fast as can be.
#[test]
fn a_directory_that_becomes_a_link_while_it_is_used_leads_nowhere() {
    let place = Place::new();
    let (real, away) = (place.inside().join("sub"), place.inside().join("away"));
    fs::write(real.join("secret.txt"), INSIDE).unwrap();
    symlink(place.outside(), &away).unwrap();
    let host = builder(&[place.grant(WRITABLE)]).start();
    let before = all(&place.outside());
    let (over, swaps) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                renameat_with(CWD, &real, CWD, &away, RenameFlags::EXCHANGE).unwrap();
                swaps.fetch_add(1, Ordering::Relaxed);
            }
        });
        // The other thread ends however this one does.
        let _end = End(&over);
        let (mut rounds, mut read_it, mut refused) = (0, 0, 0);
        eventually("some rounds see the directory, and some the link", || {
            let found = read(&host, "/data/sub/secret.txt");
            assert!(!found.to_string().contains(OUTSIDE), "{found}");
            match found["text"].as_str() {
                Some(text) => read_it += usize::from(text == INSIDE),
                None => refused += 1,
            }
            for (tool, arguments) in [
                ("write_file", json!({ "path": "/data/sub/new", "text": "x" })),
                ("fs", json!({ "op": "unlink", "path": "/data/sub/new" })),
                ("list_dir", json!({ "path": "/data/sub" })),
            ] {
                let found: Value = call(&host, tool, arguments);
                assert!(found["names"] != json!(["secret.txt"]), "{found}");
            }
            rounds += 1;
            (rounds >= 30 && read_it > 0 && refused > 0).then_some(())
        });
    });
    assert!(swaps.into_inner() > 30);
    assert_eq!(all(&place.outside()), before);
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
