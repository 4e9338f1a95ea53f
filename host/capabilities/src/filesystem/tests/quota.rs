//! How much a directory may hold, to the byte.

use std::fs;

use wasmtime_wasi::p2::{StreamError, bindings::filesystem::types::Host as _};

use super::*;

#[tokio::test]
async fn bytes_are_bounded_whoever_wrote_them() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    fs::write(dir.path().join("sub/others"), [0; 60]).unwrap();
    let mut call = Call::open(bounded(dir.path(), 100, 10), &Disk::default());
    call.put("a", 40).await.unwrap();
    let full = Err(ErrorCode::Quota);
    assert_eq!(call.put("b", 1).await, full);
    let file = call.create("a").await.unwrap();
    assert_eq!(call.write(&file, 40, b"x").await.map(|_| ()), full);
    assert_eq!(call.write(&file, 0, &[b'y'; 40]).await, Ok(40), "what is there may be written over");
    assert_eq!(call.write(&file, 20, &[b'y'; 21]).await.map(|_| ()), full, "all of it or nothing");
    assert_eq!(code(call.view().set_size(borrow(&file), 41).await), full);
    code(call.view().set_size(borrow(&file), 39).await).unwrap();
    assert_eq!(call.put("b", 1).await, Ok(()));
    assert_eq!(call.put("b", 2).await, full);
    call.unlink("sub/others").await.unwrap();
    code(call.view().set_size(borrow(&file), 99).await).unwrap();
    assert_eq!(call.put("b", 2).await, full);
    let truncated = call.open_at("a", OpenFlags::TRUNCATE, DescriptorFlags::WRITE).await.unwrap();
    assert_eq!(call.write(&truncated, 98, b"x").await, Ok(1), "a hole counts");
    assert_eq!(call.put("b", 2).await, full);
    assert_eq!(call.write(&truncated, u64::MAX, b"x").await, Err(ErrorCode::FileTooLarge));
    let refusals = call.refusals();
    assert!(refusals[0].contains("may hold 100 bytes (`bytes`)"), "{refusals:?}");
}

#[tokio::test]
async fn streams_are_bounded_and_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let mut call = Call::open(bounded(dir.path(), 100, 10), &Disk::default());
    let file = call.create("a").await.unwrap();
    let stream = call.view().write_via_stream(borrow(&file), 0).unwrap();
    let mut stream = call.table.delete(stream).unwrap();
    stream.blocking_write_and_flush(vec![0; 90].into()).await.unwrap();
    let Err(StreamError::LastOperationFailed(error)) = stream.blocking_write_and_flush(vec![0; 11].into()).await else {
        panic!("it was written")
    };
    let error = call.table.push(error).unwrap();
    assert_eq!(call.view().filesystem_error_code(error).unwrap(), Some(ErrorCode::Quota));
    assert!(matches!(stream.check_write(), Err(StreamError::Closed)));
    let stream = call.view().append_via_stream(borrow(&file)).unwrap();
    let mut stream = call.table.delete(stream).unwrap();
    stream.blocking_write_and_flush(vec![0; 10].into()).await.unwrap();
    assert!(stream.blocking_write_and_flush(vec![0; 1].into()).await.is_err());
    assert_eq!(fs::metadata(dir.path().join("a")).unwrap().len(), 100);
    let effects = call.finish();
    let refused = effects.iter().find(|effect| matches!(effect.verdict, Verdict::Refused(_))).unwrap();
    assert_eq!((refused.operation, refused.target.as_str(), refused.times), ("write", "/d/a", 2));
}

#[tokio::test]
async fn files_are_bounded_whatever_they_are() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("others"), "").unwrap();
    let mut call = Call::open(bounded(dir.path(), 1000, 4), &Disk::default());
    call.put("a", 1).await.unwrap();
    call.mkdir("b").await.unwrap();
    call.link("a", "b/c").await.unwrap();
    let full = Err(ErrorCode::Quota);
    assert_eq!(call.put("d", 1).await, full);
    assert_eq!(call.mkdir("d").await, full);
    assert_eq!(call.link("a", "d").await, full);
    assert_eq!(call.symlink("a", "d").await, full);
    assert_eq!(call.mkdir("b").await, Err(ErrorCode::Exist), "and what is there is there");
    call.rename("a", "b/d").await.unwrap();
    assert_eq!(call.put("e", 1).await, full);
    call.rename("others", "b/d").await.unwrap();
    call.put("e", 1).await.unwrap();
    assert_eq!(call.put("f", 1).await, full);
    let root = call.root();
    assert_eq!(code(call.view().remove_directory_at(root, "b".into()).await), Err(ErrorCode::NotEmpty));
    call.unlink("b/c").await.unwrap();
    call.symlink("e", "f").await.unwrap();
    assert_eq!(call.put("g", 1).await, full);
    assert!(call.refusals()[0].contains("may hold 4 files (`files`)"));
}

#[tokio::test]
async fn a_file_with_two_names_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut call = Call::open(bounded(dir.path(), 100, 10), &Disk::default());
    call.put("a", 60).await.unwrap();
    call.link("a", "b").await.unwrap();
    call.rename("a", "b").await.unwrap();
    call.unlink("a").await.unwrap();
    assert_eq!(call.put("c", 41).await, Err(ErrorCode::Quota));
    call.put("c", 40).await.unwrap();
    call.unlink("b").await.unwrap();
    call.put("d", 60).await.unwrap();
}

#[tokio::test]
async fn what_was_removed_and_is_open_still_counts() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let mut call = Call::open(bounded(dir.path(), 100, 10), &disk);
    let file = call.create("a").await.unwrap();
    call.write(&file, 0, &[0; 60]).await.unwrap();
    call.unlink("a").await.unwrap();
    assert_eq!(call.put("b", 41).await, Err(ErrorCode::Quota));
    call.write(&file, 60, &[0; 20]).await.unwrap();
    assert_eq!(call.put("b", 21).await, Err(ErrorCode::Quota));
    assert_eq!(call.write(&file, 80, &[0; 21]).await.map(|_| ()), Err(ErrorCode::Quota));
    call.drop(file);
    call.put("b", 100).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_at_a_time_fill_it_to_the_byte() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let calls: Vec<_> = (0..8)
        .map(|n| {
            let (disk, grant) = (disk.clone(), bounded(dir.path(), 1000, 100));
            tokio::spawn(async move {
                let mut call = Call::open(grant, &disk);
                let file = call.create(&format!("own-{n}")).await.unwrap();
                let shared = call.create("shared").await;
                let mut written = 0;
                for at in 0..50 {
                    written += call.write(&file, at * 7, &[b'x'; 7]).await.unwrap_or(0);
                    if let Ok(shared) = &shared {
                        let _either = call.write(shared, at, b"s").await;
                    }
                }
                written
            })
        })
        .collect();
    let mut own = 0;
    for call in calls {
        own += call.await.unwrap();
    }
    let held: u64 = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    let shared = fs::metadata(dir.path().join("shared")).unwrap().len();
    assert_eq!(held, own + shared);
    assert!(held <= 1000 && held > 1000 - 7, "{held}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_at_a_time_make_as_many_files_as_there_may_be() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let calls: Vec<_> = (0..8)
        .map(|n| {
            let (disk, grant) = (disk.clone(), bounded(dir.path(), 1000, 20));
            tokio::spawn(async move {
                let mut call = Call::open(grant, &disk);
                for turn in 0..10 {
                    let _either = call.put(&format!("{n}-{turn}"), 0).await;
                }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 20);
}

#[tokio::test]
async fn a_directory_that_holds_too_much_takes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..30 {
        fs::write(dir.path().join(n.to_string()), [0; 10]).unwrap();
    }
    let disk = Disk::default();
    let mut narrow = Call::open(bounded(dir.path(), 1000, 10), &disk);
    let mut wide = Call::open(bounded(dir.path(), 400, 100), &disk);
    assert_eq!(narrow.put("a", 0).await, Err(ErrorCode::Quota));
    // The narrow one's walk ended early; the wide one needs one of its own.
    assert_eq!(wide.put("a", 101).await, Err(ErrorCode::Quota));
    wide.put("a", 100).await.unwrap();
    assert_eq!(narrow.put("b", 0).await, Err(ErrorCode::Quota));
    narrow.unlink("1").await.unwrap();
}
