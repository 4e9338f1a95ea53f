//! How much a granted directory may hold, to the byte, and what one call may have open.

use std::fs;

use serde_json::{Value, json};

use super::{Place, WRITABLE, all, builder, call, calls, done, error, fs_to, write};
use crate::capabilities::bench::Home;

/// A directory with nothing in it.
fn empty() -> Place {
    let place = Place::new();
    fs::remove_dir_all(place.inside()).unwrap();
    fs::create_dir(place.inside()).unwrap();
    place
}

fn fill(path: &str, bytes: u64) -> Value {
    json!({ "path": path, "filler": bytes })
}

#[test]
fn bytes_are_counted_exactly() {
    let place = empty();
    let host = builder(&[place.grant(&format!("{WRITABLE}, bytes = \"100KiB\""))]).start();
    let full = 100 << 10;
    assert_eq!(call(&host, "write_file", fill("/data/a", full - 10)), json!({ "written": full - 10 }));
    // In another call, to the last byte.
    assert_eq!(call(&host, "write_file", fill("/data/b", 11)), error("quota"));
    assert_eq!(call(&host, "write_file", fill("/data/b", 10)), json!({ "written": 10 }));
    assert_eq!(call(&host, "write_file", json!({ "path": "/data/b", "text": "x", "append": true })), error("quota"));
    assert_eq!(call(&host, "write_file", json!({ "path": "/data/c", "text": "x" })), error("quota"));
    // Far behind the end of a file is as much as all that lies between.
    assert_eq!(
        call(&host, "write_file", json!({ "path": "/data/b", "text": "x", "offset": 1_u64 << 40 })),
        error("quota")
    );
    // A link takes room too.
    assert_eq!(fs_to(&host, "symlink", "/data/l", "a"), error("quota"));
    // What is there may be written over, and what is given back can be used again.
    assert_eq!(
        call(&host, "write_file", json!({ "path": "/data/b", "text": "0123456789", "offset": 0 })),
        json!({ "written": 10 })
    );
    assert_eq!(fs_to(&host, "link", "/data/again", "/data/b"), done());
    assert_eq!(fs_to(&host, "unlink", "/data/b", ""), done());
    assert_eq!(write(&host, "/data/c", "x"), error("quota"), "it has another name");
    assert_eq!(fs_to(&host, "unlink", "/data/again", ""), done());
    assert_eq!(call(&host, "write_file", fill("/data/c", 10)), json!({ "written": 10 }));
    assert_eq!(fs_to(&host, "rename", "/data/c", "/data/a"), done());
    assert_eq!(call(&host, "write_file", fill("/data/d", full - 10)), json!({ "written": full - 10 }));
    assert_eq!(write(&host, "/data/e", "x"), error("quota"));
    let held: u64 = all(&place.inside()).values().map(|text| text.len() as u64).sum();
    assert_eq!(held, full);
}

#[test]
fn files_are_counted_exactly() {
    let place = empty();
    let host = builder(&[place.grant(&format!("{WRITABLE}, files = 4"))]).start();
    assert_eq!(write(&host, "/data/a", "x"), json!({ "written": 1 }));
    assert_eq!(fs_to(&host, "mkdir", "/data/b", ""), done());
    assert_eq!(fs_to(&host, "symlink", "/data/b/c", "d"), done());
    assert_eq!(fs_to(&host, "link", "/data/b/e", "/data/a"), done());
    for (op, to) in [("mkdir", ""), ("symlink", "d"), ("link", "/data/a")] {
        assert_eq!(fs_to(&host, op, "/data/b/f", to), error("quota"), "{op}");
    }
    assert_eq!(write(&host, "/data/f", ""), error("quota"));
    assert_eq!(write(&host, "/data/a", "more"), json!({ "written": 4 }), "it is there already");
    assert_eq!(fs_to(&host, "rename", "/data/a", "/data/f"), done());
    assert_eq!(fs_to(&host, "unlink", "/data/f", ""), done());
    assert_eq!(fs_to(&host, "mkdir", "/data/g", ""), done());
    assert_eq!(fs_to(&host, "mkdir", "/data/h", ""), error("quota"));
    assert_eq!(all(&place.inside()).len(), 4);
}

#[test]
fn what_others_wrote_counts_and_every_process_counts_alike() {
    let place = empty();
    fs::write(place.inside().join("others"), "0123456789").unwrap();
    let home: Home = calls(&[place.grant(&format!("{WRITABLE}, bytes = \"1KiB\", files = 2"))]);
    assert_eq!(home.call("write_file", &fill("/data/mine", 1015)).structured, error("quota"));
    assert_eq!(home.call("write_file", &fill("/data/mine", 1014)).structured, json!({ "written": 1014 }));
    assert_eq!(
        home.call("write_file", &json!({ "path": "/data/mine", "text": "x", "append": true })).structured,
        error("quota")
    );
    assert_eq!(home.call("fs", &json!({ "op": "mkdir", "path": "/data/third" })).structured, error("quota"));
}

#[test]
fn handles_are_counted_for_each_call() {
    let (one, two) = (Place::new(), Place::new());
    let grants = [one.grant("handles = 5"), super::grant(&two.inside(), "/other", "handles = 2")];
    let host = builder(&grants).start();
    // The next call has as many.
    for _ in 0..2 {
        for (path, most) in [("/data/hello.txt", 5), ("/data/sub", 5), ("/other/hello.txt", 2)] {
            let open = |count: u64| call(&host, "fs", json!({ "op": "open_many", "path": path, "count": count }));
            assert_eq!(open(most), json!({ "opened": most }), "{path}");
            assert_eq!(open(most + 1), json!({ "opened": most, "error": "busy" }), "{path}");
        }
    }
}
