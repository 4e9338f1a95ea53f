//! Read only, open files, lists, and the record.

use std::fs;

use wasmtime_wasi::p2::bindings::filesystem::types::{HostDirectoryEntryStream, NewTimestamp};

use super::*;

#[tokio::test]
async fn read_only_means_it() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "text").unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    let before = fs::metadata(dir.path().join("a")).unwrap().modified().unwrap();
    let mut call = Call::open(reads(dir.path()), &Disk::default());
    let refused = Err(ErrorCode::ReadOnly);

    assert_eq!(call.read("a").await.unwrap(), b"text");
    for (open, wants) in [
        (OpenFlags::CREATE, DescriptorFlags::READ),
        (OpenFlags::TRUNCATE, DescriptorFlags::READ),
        (OpenFlags::CREATE | OpenFlags::EXCLUSIVE, DescriptorFlags::READ),
        (OpenFlags::empty(), DescriptorFlags::WRITE),
    ] {
        assert_eq!(call.open_at("a", open, wants).await.unwrap_err(), ErrorCode::ReadOnly, "{open:?} {wants:?}");
        assert_eq!(call.open_at("new", open, wants).await.unwrap_err(), ErrorCode::ReadOnly, "{open:?} {wants:?}");
    }
    assert_eq!(call.mkdir("new").await, refused);
    assert_eq!(call.symlink("a", "new").await, refused);
    assert_eq!(call.link("a", "new").await, refused);
    assert_eq!(call.rename("a", "new").await, refused);
    assert_eq!(call.unlink("a").await, refused);
    let (root, now) = (call.root(), NewTimestamp::Now);
    assert_eq!(code(call.view().remove_directory_at(root, "sub".into()).await), refused);
    let root = call.root();
    assert_eq!(code(call.view().set_times_at(root, PathFlags::empty(), "a".into(), now, now).await), refused);

    let file = call.look("a").await.unwrap();
    assert_eq!(call.write(&file, 0, b"x").await, Err(ErrorCode::ReadOnly));
    assert_eq!(code(call.view().set_size(borrow(&file), 0).await), refused);
    assert_eq!(code(call.view().set_times(borrow(&file), now, now).await), refused);
    assert_eq!(code(call.view().write_via_stream(borrow(&file), 0)).unwrap_err(), ErrorCode::ReadOnly);
    assert_eq!(code(call.view().append_via_stream(borrow(&file))).unwrap_err(), ErrorCode::ReadOnly);

    assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"text");
    assert_eq!(fs::metadata(dir.path().join("a")).unwrap().modified().unwrap(), before);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    let refused = Verdict::Refused("the grant is to read only".into());
    let refusals: u64 = call.finish().iter().filter(|effect| effect.verdict == refused).map(|e| e.times).sum();
    assert_eq!(refusals, 20, "each of them was written down");
}

#[tokio::test]
async fn between_read_only_and_read_write_nothing_moves() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(one.path().join("a"), "a").unwrap();
    let grant = json!([
        { "path": one.path(), "at": "/one", "access": "read" },
        { "path": two.path(), "at": "/two", "access": "read-write" },
    ]);
    let mut call = Call::open(grant, &Disk::default());
    for (from, to) in [(0, 1), (1, 0)] {
        let pair = |call: &Call| (borrow(&call.roots[from]), borrow(&call.roots[to]));
        let (a, b) = pair(&call);
        let moved = call.view().rename_at(a, "a".into(), b, "b".into()).await;
        assert_eq!(code(moved), Err(ErrorCode::ReadOnly));
        let (a, b) = pair(&call);
        let linked = call.view().link_at(a, PathFlags::empty(), "a".into(), b, "b".into()).await;
        assert_eq!(code(linked), Err(ErrorCode::ReadOnly));
    }
}

#[tokio::test]
async fn everything_that_may_be_done_can_be() {
    let dir = tempfile::tempdir().unwrap();
    let mut call = Call::open(writes(dir.path()), &Disk::default());
    call.mkdir("sub").await.unwrap();
    call.put("sub/a", 5).await.unwrap();
    call.rename("sub/a", "b").await.unwrap();
    call.link("b", "sub/c").await.unwrap();
    call.symlink("sub/c", "d").await.unwrap();
    assert_eq!(call.read("d").await.unwrap(), b"xxxxx");
    let root = call.root();
    assert_eq!(code(call.view().readlink_at(root, "d".into()).await).unwrap(), "sub/c");
    let truncated = call.open_at("b", OpenFlags::CREATE | OpenFlags::TRUNCATE, DescriptorFlags::WRITE).await.unwrap();
    assert_eq!(fs::metadata(dir.path().join("b")).unwrap().len(), 0);
    call.drop(truncated);
    let exclusive = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    for there in ["b", "d", "sub"] {
        let opened = call.open_at(there, exclusive, DescriptorFlags::WRITE).await;
        assert_eq!(opened.unwrap_err(), ErrorCode::Exist, "{there}");
    }
    let root = call.root();
    let at = wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime { seconds: 1000, nanoseconds: 5 };
    let (no, at) = (NewTimestamp::NoChange, NewTimestamp::Timestamp(at));
    code(call.view().set_times_at(root, PathFlags::SYMLINK_FOLLOW, "d".into(), no, at).await).unwrap();
    let modified = fs::metadata(dir.path().join("sub/c")).unwrap().modified().unwrap();
    assert_eq!(modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos(), 1_000_000_000_005);
    for path in ["b", "sub/c", "d"] {
        call.unlink(path).await.unwrap();
    }
    let root = call.root();
    code(call.view().remove_directory_at(root, "sub".into()).await).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let told = |effect: &Effect| (effect.operation, effect.target.clone(), effect.verdict == Verdict::Allowed);
    let effects = call.finish();
    assert!(effects.iter().map(told).any(|effect| effect == ("rename", "/d/sub/a -> /d/b".into(), true)));
    assert!(effects.iter().map(told).any(|effect| effect == ("unlink", "/d/sub/c".into(), true)));
}

#[tokio::test]
async fn open_files_are_counted_with_their_streams() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "text").unwrap();
    let grant = json!([{ "path": dir.path(), "at": "/d", "access": "read-write", "handles": 2 }]);
    let mut call = Call::open(grant, &Disk::default());
    let (one, two) = (call.look("a").await.unwrap(), call.look("a").await.unwrap());
    assert_eq!(call.look("a").await.unwrap_err(), ErrorCode::Busy);
    let root = call.root();
    assert_eq!(code(call.view().read_directory(root).await).map(|_| ()), Err(ErrorCode::Busy));
    // The stream has the file open still.
    let stream = call.view().read_via_stream(borrow(&one), 0).unwrap();
    call.drop(one);
    assert_eq!(call.look("a").await.unwrap_err(), ErrorCode::Busy);
    assert_eq!(call.table.delete(stream).unwrap().blocking_read(100).await.unwrap(), "text");
    let three = call.look("a").await.unwrap();
    call.drop(two);
    let root = call.root();
    let list = call.view().read_directory(root).await.unwrap();
    assert_eq!(call.look("a").await.unwrap_err(), ErrorCode::Busy);
    HostDirectoryEntryStream::drop(&mut call.view(), list).unwrap();
    call.drop(three);
    let refusals = call.refusals();
    assert!(refusals[0].contains("2 files of this directory open at a time"), "{refusals:?}");
}

#[tokio::test]
async fn what_goes_through_a_descriptor_is_summed() {
    let dir = tempfile::tempdir().unwrap();
    let mut call = Call::open(writes(dir.path()), &Disk::default());
    let file = call.create("a.txt").await.unwrap();
    call.write(&file, 0, b"12345").await.unwrap();
    let stream = call.view().append_via_stream(borrow(&file)).unwrap();
    let mut stream = call.table.delete(stream).unwrap();
    stream.blocking_write_and_flush("678".into()).await.unwrap();
    drop(stream);
    let stream = call.view().write_via_stream(borrow(&file), 1).unwrap();
    let mut stream = call.table.delete(stream).unwrap();
    stream.blocking_write_and_flush("b".into()).await.unwrap();
    stream.blocking_write_and_flush("c".into()).await.unwrap();
    drop(stream);
    let stream = call.view().read_via_stream(borrow(&file), 2).unwrap();
    assert_eq!(call.table.delete(stream).unwrap().blocking_read(100).await.unwrap(), "c45678");
    call.drop(file);
    assert_eq!(fs::read(dir.path().join("a.txt")).unwrap(), b"1bc45678");
    let effects = call.finish();
    assert_eq!(effects.len(), 1);
    assert_eq!((effects[0].operation, effects[0].target.as_str()), ("open", "/d/a.txt"));
    assert_eq!((effects[0].sent, effects[0].received), (10, 6));
    assert_eq!(effects[0].verdict, Verdict::Allowed);
}

#[tokio::test]
async fn what_is_not_there_failed_and_was_not_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut call = Call::open(writes(dir.path()), &Disk::default());
    assert_eq!(call.look("none").await.unwrap_err(), ErrorCode::NoEntry);
    assert_eq!(call.unlink("none").await, Err(ErrorCode::NoEntry));
    let effects = call.finish();
    assert!(effects.iter().all(|effect| effect.verdict == Verdict::Failed("no-entry".into())), "{effects:?}");
}

#[tokio::test]
async fn a_directory_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        fs::write(dir.path().join(name), "").unwrap();
    }
    let mut call = Call::open(reads(dir.path()), &Disk::default());
    let root = call.root();
    let list = call.view().read_directory(root).await.unwrap();
    let mut names = Vec::new();
    loop {
        let stream = Resource::new_borrow(list.rep());
        let Some(entry) = call.view().read_directory_entry(stream).await.unwrap() else { break };
        names.push(entry.name);
    }
    names.sort();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn a_directory_that_is_not_there_is_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    for name in ["none", "file"] {
        let wrong = Call::try_open(reads(&dir.path().join(name)), &Disk::default()).err().unwrap().to_string();
        assert!(wrong.contains(name) && wrong.contains("/d") && wrong.contains("correct"), "{wrong}");
    }
}

#[test]
fn a_directory_in_another_that_may_be_written_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (outer, inner) = (dir.path().join("outer"), dir.path().join("outer/inner"));
    fs::create_dir_all(&inner).unwrap();
    let other_name = dir.path().join("other-name");
    std::os::unix::fs::symlink(&inner, &other_name).unwrap();
    let two = |outer_access: &str, inner: &Path, inner_access: &str| {
        let grant = json!([
            { "path": outer, "at": "/outer", "access": outer_access },
            { "path": inner, "at": "/inner", "access": inner_access },
        ]);
        Call::try_open(grant, &Disk::default()).map(|_| ())
    };
    for access in ["read", "read-write"] {
        let wrong = two("read-write", &inner, access).unwrap_err();
        assert!(matches!(wrong, Unopened::Nested { .. }), "{wrong}");
        assert!(two("read-write", &other_name, access).is_err());
        assert!(two("read-write", &outer, access).is_err());
        two("read", &inner, access).unwrap();
    }
    assert!(two("read", &outer, "read-write").is_err());
    two("read", &outer, "read").unwrap();
}
