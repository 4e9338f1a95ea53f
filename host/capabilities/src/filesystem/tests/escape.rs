//! Nothing leads out, whatever the path, and whoever moves things about meanwhile.

use std::{
    fs,
    os::unix::fs::symlink,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;

/// A directory to grant, and a secret beside it.
fn laid_out() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    fs::create_dir_all(at.join("given/sub")).unwrap();
    fs::create_dir(at.join("beside")).unwrap();
    fs::write(at.join("secret"), "secret").unwrap();
    fs::write(at.join("beside/secret"), "secret").unwrap();
    fs::write(at.join("given/plain"), "plain").unwrap();
    dir
}

#[tokio::test]
async fn no_path_leads_out() {
    let dir = laid_out();
    let (at, given) = (dir.path(), dir.path().join("given"));
    symlink(at.join("secret"), given.join("to-file")).unwrap();
    symlink("../secret", given.join("up-to-file")).unwrap();
    symlink(at, given.join("to-directory")).unwrap();
    symlink("..", given.join("up")).unwrap();
    symlink("up-to-file", given.join("one")).unwrap();
    symlink("one", given.join("two")).unwrap();
    symlink("sub/../..", given.join("winding")).unwrap();
    symlink("loop", given.join("loop")).unwrap();
    let absolute = at.join("secret").display().to_string();

    for path in [
        "..",
        "../secret",
        "sub/../../secret",
        "sub/../sub/../../secret",
        "./../secret",
        absolute.as_str(),
        "/",
        "/etc/passwd",
        "to-file",
        "up-to-file",
        "to-directory/secret",
        "up/secret",
        "two",
        "winding/secret",
        "plain/../../secret",
    ] {
        let mut call = Call::open(writes(&given), &Disk::default());
        let seen = call.read(path).await;
        assert!(matches!(seen, Err(ErrorCode::NotPermitted | ErrorCode::NotDirectory)), "{path}: {seen:?}");
        assert!(call.create(path).await.is_err(), "{path}");
        assert!(call.mkdir(&format!("{path}/made")).await.is_err(), "{path}");
        assert!(call.unlink(&format!("{path}/../beside/secret")).await.is_err(), "{path}");
        assert!(call.rename("plain", &format!("{path}/../taken")).await.is_err(), "{path}");
        assert!(call.link(path, "linked").await.is_err() || path.ends_with("-file") || path == "two", "{path}");
        let root = call.root();
        let stat = call.view().stat_at(root, PathFlags::SYMLINK_FOLLOW, path.into()).await;
        assert!(stat.is_err(), "{path}");
        let effects = call.finish();
        let opened = &effects[0];
        assert_eq!(opened.operation, "open");
        if seen == Err(ErrorCode::NotPermitted) {
            assert_eq!(opened.verdict, Verdict::Refused("it leads out of the granted directory".into()), "{path}");
        }
    }
    assert_eq!(fs::read_dir(at).unwrap().count(), 3, "nothing was made outside");
    assert_eq!(fs::read(at.join("secret")).unwrap(), b"secret");
    assert_eq!(fs::read(at.join("beside/secret")).unwrap(), b"secret");
    let mut call = Call::open(writes(&given), &Disk::default());
    assert_eq!(call.read("loop").await, Err(ErrorCode::Loop));
    assert_eq!(call.read("plain\0/../..").await, Err(ErrorCode::Invalid));
    assert_eq!(call.read(&"a/".repeat(4000)).await, Err(ErrorCode::NameTooLong));
    assert_eq!(call.read("sub/../plain").await, Ok(b"plain".to_vec()), "and what is inside is");
}

#[tokio::test]
async fn a_descriptor_is_as_confined_as_its_root() {
    let dir = laid_out();
    let mut call = Call::open(writes(&dir.path().join("given")), &Disk::default());
    let sub = call.open_at("sub", OpenFlags::DIRECTORY, DescriptorFlags::READ).await.unwrap();
    for path in ["..", "../plain", "../../secret"] {
        let opened = call
            .view()
            .open_at(borrow(&sub), PathFlags::empty(), path.into(), OpenFlags::empty(), DescriptorFlags::READ)
            .await;
        assert_eq!(code(opened).unwrap_err(), ErrorCode::NotPermitted, "{path}");
    }
}

#[tokio::test]
async fn links_lead_down_only() {
    let dir = laid_out();
    let given = dir.path().join("given");
    symlink("../plain", given.join("sub/up")).unwrap();
    let mut call = Call::open(writes(&given), &Disk::default());
    for target in ["/etc/passwd", "../secret", "sub/../../secret", "..", "", "sub/..", "a\nb"] {
        assert_eq!(call.symlink(target, "made").await, Err(ErrorCode::NotPermitted), "{target:?}");
    }
    // Somebody else's may go up from where it is, and stays there.
    assert_eq!(call.rename("sub/up", "moved").await, Err(ErrorCode::NotPermitted));
    assert_eq!(call.link("sub/up", "moved").await, Err(ErrorCode::NotPermitted));
    call.symlink("sub/./deep", "made").await.unwrap();
    call.rename("made", "sub/made").await.unwrap();
    assert_eq!(fs::read_link(given.join("sub/made")).unwrap().to_str(), Some("sub/./deep"));
}

#[tokio::test]
async fn two_directories_are_two_worlds() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(one.path().join("a"), "a").unwrap();
    let grant = json!([
        { "path": one.path(), "at": "/one", "access": "read-write" },
        { "path": two.path(), "at": "/two", "access": "read-write" },
    ]);
    let mut call = Call::open(grant, &Disk::default());
    let (from, to) = (borrow(&call.roots[0]), borrow(&call.roots[1]));
    let moved = call.view().rename_at(from, "a".into(), to, "a".into()).await;
    assert_eq!(code(moved), Err(ErrorCode::CrossDevice));
    let (from, to) = (borrow(&call.roots[0]), borrow(&call.roots[1]));
    let linked = call.view().link_at(from, PathFlags::empty(), "a".into(), to, "a".into()).await;
    assert_eq!(code(linked), Err(ErrorCode::CrossDevice));
    assert_eq!(fs::read_dir(two.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_is_no_file_is_not_opened_nor_waited_for() {
    let dir = laid_out();
    let given = dir.path().join("given");
    mknodat(CWD, given.join("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(given.join("socket")).unwrap();
    symlink("pipe", given.join("to-pipe")).unwrap();
    let mut call = Call::open(writes(&given), &Disk::default());
    let all = async {
        for path in ["pipe", "socket", "to-pipe"] {
            assert_eq!(call.look(path).await.unwrap_err(), ErrorCode::NotPermitted, "{path}");
            assert_eq!(call.create(path).await.unwrap_err(), ErrorCode::NotPermitted, "{path}");
            let root = call.root();
            use wasmtime_wasi::p2::bindings::filesystem::types::NewTimestamp::Now;
            let touched = call.view().set_times_at(root, PathFlags::SYMLINK_FOLLOW, path.into(), Now, Now).await;
            assert_eq!(code(touched), Err(ErrorCode::NotPermitted), "{path}");
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all).await.unwrap();
    assert!(call.refusals().iter().all(|why| why == "it is neither a file nor a directory"));
}

/// Somebody who does this over and over until told to stop.
fn racing(turn: impl Fn() + Send + 'static, stop: &Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
    let stop = stop.clone();
    std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            turn();
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_swapped_meanwhile_leads_nowhere_else() {
    let dir = laid_out();
    let given = dir.path().join("given");
    fs::write(given.join("sub/secret"), "inner").unwrap();
    symlink(dir.path().join("beside"), given.join("trap")).unwrap();
    mknodat(CWD, given.join("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let exchange = {
        let given = given.clone();
        move || {
            use rustix::fs::{RenameFlags, renameat_with};
            for (a, b) in [("sub", "trap"), ("plain", "pipe")] {
                renameat_with(CWD, given.join(a), CWD, given.join(b), RenameFlags::EXCHANGE).unwrap();
            }
        }
    };
    let racer = racing(exchange, &stop);

    let mut call = Call::open(writes(&given), &Disk::default());
    let rounds = async {
        let (mut inside, mut refused) = (0, 0);
        for round in 0..2000 {
            match call.read("sub/secret").await {
                Ok(bytes) => {
                    assert_eq!(bytes, b"inner");
                    inside += 1;
                }
                Err(_) => refused += 1,
            }
            let _either = call.put(&format!("sub/made-{}", round % 8), 3).await;
            let _either = call.mkdir("sub/directory").await;
            let _either = call.unlink("sub/secret-that-is-not").await;
            // A pipe half of the time, on which nobody is.
            let _either = call.look("plain").await.map(|file| call.drop(file));
        }
        (inside, refused)
    };
    let rounds = tokio::time::timeout(Duration::from_secs(120), rounds).await;
    stop.store(true, Ordering::Relaxed);
    racer.join().unwrap();
    let (inside, refused) = rounds.unwrap();
    assert!(inside > 0 && refused > 0, "the race was none: {inside} {refused}");
    assert_eq!(fs::read_dir(dir.path().join("beside")).unwrap().count(), 1, "nothing was made outside");
}
