//! What only a file can meet.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::Arc,
};

use cofferdam_state::{KeyValue, KeyValueError, Quota, StateError, StateSettings, Usage, open};
use rusqlite::Connection;

use crate::{
    other_process,
    stores::{ample, key, space, until},
};

fn at(file: &Path) -> StateSettings {
    StateSettings::Embedded { file: file.to_owned() }
}

async fn opened(file: &Path) -> Arc<dyn KeyValue> {
    open(&at(file)).await.unwrap()
}

async fn refused(file: &Path) -> StateError {
    open(&at(file)).await.map(drop).unwrap_err()
}

/// Waits until nobody has the file open any more. The last one to close it removes its log, but of several that close
/// it at once none may be the last: so here it is opened and closed again.
async fn closed(file: &Path) {
    let log = file.with_extension("db-wal");
    until("the file is closed", async || {
        let last = Connection::open(file).unwrap();
        last.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).unwrap();
        last.close().unwrap();
        !log.exists()
    })
    .await;
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn only_the_owner_reads_the_file_and_its_directory() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a/b/state.db");
    let store = opened(&file).await;
    store.set(&space(), &key("k"), b"v".to_vec(), &ample()).await.unwrap();
    for directory in [directory.path().join("a"), directory.path().join("a/b")] {
        assert_eq!(mode(&directory), 0o700);
    }
    let mut files: Vec<_> = fs::read_dir(file.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let names: Vec<_> = files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["state.db", "state.db-shm", "state.db-wal"]);
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_file_that_others_can_read_is_taken_back() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.db");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    opened(&file).await;
    assert_eq!(mode(&file), 0o600);
}

#[tokio::test]
async fn a_directory_that_everybody_writes_to_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let shared = directory.path().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, PermissionsExt::from_mode(0o1777)).unwrap();
    let file = shared.join("state.db");
    assert!(matches!(refused(&file).await, StateError::File { .. }));
    assert!(!file.exists());
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(refused(directory.path()).await, StateError::File { .. }));
    let below_a_file = directory.path().join("file");
    fs::write(&below_a_file, "").unwrap();
    assert!(matches!(refused(&below_a_file.join("state.db")).await, StateError::File { .. }));
}

#[tokio::test]
async fn what_was_written_is_there_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.db");
    let store = opened(&file).await;
    store.set(&space(), &key("k"), vec![7; 100_000], &ample()).await.unwrap();
    drop(store);
    closed(&file).await;
    let store = opened(&file).await;
    assert_eq!(store.get(&space(), &key("k")).await.unwrap(), Some(vec![7; 100_000]));
    assert_eq!(store.usage(&space()).await.unwrap(), Usage { keys: 1, bytes: 100_001 });
}

/// Each write that was said to be done is there, each batch whole, and the count is right.
#[tokio::test]
async fn a_process_that_is_killed_loses_nothing_it_wrote() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.db");
    let mut writer = other_process::start("writes", &at(&file));
    let mut lines = BufReader::new(writer.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut written = || lines.find_map(|line| Some(line.split_once(other_process::WRITTEN)?.1.to_owned()));
    while written().expect("it writes") != "40" {}
    // SIGKILL, most likely in the midst of the next write.
    writer.0.kill().unwrap();
    writer.0.wait().unwrap();
    let last: u32 = std::iter::from_fn(written).last().map_or(40, |last| last.parse().unwrap());

    let store = opened(&file).await;
    for at in 0..=last {
        for name in ["a", "b"] {
            let found = store.get(&space(), &key(&format!("{name}{at}"))).await.unwrap();
            assert_eq!(found, Some(vec![0; 1000]), "{name}{at}");
        }
    }
    let keys = store.list(&space(), None, 1000).await.unwrap().keys;
    let whole = keys.iter().filter(|key| key.as_str().starts_with('a')).count();
    assert_eq!(keys.len(), 2 * whole);
    let bytes = keys.iter().map(|key| key.as_str().len() as u64 + 1000).sum();
    assert_eq!(store.usage(&space()).await.unwrap(), Usage { keys: keys.len() as u64, bytes });
}

#[tokio::test]
async fn a_newer_layout_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.db");
    drop(opened(&file).await);
    closed(&file).await;
    let altered = Connection::open(&file).unwrap();
    altered.pragma_update(None, "user_version", 99).unwrap();
    altered.close().unwrap();
    let before = fs::read(&file).unwrap();
    let error = refused(&file).await;
    assert!(matches!(error, StateError::Newer { found: 99, known: 1, .. }), "{error}");
    assert_eq!(fs::read(&file).unwrap(), before);
}

/// An older process does not write into what a newer one has made of the tables.
#[tokio::test]
async fn a_layout_that_becomes_newer_meanwhile_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.db");
    let store = opened(&file).await;
    store.set(&space(), &key("k"), b"v".to_vec(), &ample()).await.unwrap();
    let newer = Connection::open(&file).unwrap();
    newer.pragma_update(None, "user_version", 2).unwrap();
    for error in [
        store.set(&space(), &key("k"), b"w".to_vec(), &ample()).await.unwrap_err(),
        store.get(&space(), &key("k")).await.map(drop).unwrap_err(),
        store.check().await.unwrap_err(),
    ] {
        assert!(matches!(error, KeyValueError::Unavailable { .. }) && error.to_string().contains("newer"), "{error}");
    }
}

#[tokio::test]
async fn a_database_of_something_else_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.db");
    let other = Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE entry (key TEXT)").unwrap();
    other.close().unwrap();
    let before = fs::read(&file).unwrap();
    assert!(matches!(refused(&file).await, StateError::Foreign { .. }));
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.db");
    let text = "a diary, and not a database at all. ".repeat(1000);
    fs::write(&file, &text).unwrap();
    let error = refused(&file).await;
    assert!(matches!(error, StateError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("state.db") && error.to_string().contains("backup"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[tokio::test]
async fn damage_inside_is_told_from_absence() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.db");
    let store = opened(&file).await;
    let pairs = (0..500).map(|at| (key(&format!("k{at}")), vec![7; 2000])).collect();
    store.set_many(&space(), pairs, &ample()).await.unwrap();
    drop(store);
    closed(&file).await;
    // All but the first pages, which hold the schema.
    let mut bytes = fs::read(&file).unwrap();
    let page = 4096;
    assert!(bytes.len() > 100 * page);
    bytes[8 * page..].fill(0xa5);
    fs::write(&file, &bytes).unwrap();
    let store = opened(&file).await;
    let mut damaged = 0;
    for at in 0..500 {
        match store.get(&space(), &key(&format!("k{at}"))).await {
            Ok(value) => assert_eq!(value, Some(vec![7; 2000])),
            Err(KeyValueError::Corrupt { .. }) => damaged += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(damaged > 400, "{damaged}");
}

#[tokio::test]
async fn a_file_that_is_removed_meanwhile_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.db");
    let store = opened(&file).await;
    store.check().await.unwrap();
    fs::rename(&file, directory.path().join("moved.db")).unwrap();
    let error = store.check().await.unwrap_err();
    assert!(matches!(error, KeyValueError::Unavailable { .. }) && error.to_string().contains("removed"), "{error}");
    fs::write(&file, "").unwrap();
    assert!(store.check().await.is_err());
}

#[tokio::test]
async fn another_process_that_does_not_let_go_is_not_waited_for_forever() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.db");
    let store = opened(&file).await;
    store.set(&space(), &key("k"), b"1".to_vec(), &ample()).await.unwrap();
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (space, k, quota) = (space(), key("k"), ample());
    let write = store.set(&space, &k, b"2".to_vec(), &quota);
    // Reads go on meanwhile.
    let (write, read) = futures::join!(write, store.get(&space, &k));
    assert_eq!(read.unwrap(), Some(b"1".to_vec()));
    let error = write.unwrap_err();
    let is_told = error.to_string().contains("another process");
    assert!(matches!(error, KeyValueError::Unavailable { .. }) && is_told, "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    store.set(&space, &k, b"3".to_vec(), &quota).await.unwrap();
}

/// A space that nobody writes to is cleared by writes to others, and rows of empty spaces do not pile up.
#[tokio::test]
async fn what_has_expired_leaves_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.db");
    let store = opened(&file).await;
    let brief = Quota { ttl: Some(std::time::Duration::from_millis(1)), ..ample() };
    for tenant in ["a", "b", "c"] {
        let space = cofferdam_state::Space::new("notes", tenant, "default").unwrap();
        store.set(&space, &key("k"), b"v".to_vec(), &brief).await.unwrap();
    }
    let look = Connection::open(&file).unwrap();
    let rows = || {
        let count = |table| format!("SELECT count(*) FROM {table}");
        let count = |table| look.query_row(&count(table), [], |row| row.get::<_, i64>(0)).unwrap();
        (count("space"), count("entry"))
    };
    until("only the new one is left", async || {
        store.set(&space(), &key("k"), b"v".to_vec(), &ample()).await.unwrap();
        rows() == (1, 1)
    })
    .await;
    store.delete(&space(), &key("k")).await.unwrap();
    assert_eq!(rows(), (0, 0));
}

/// Two that find no file both make it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_open_a_new_file_at_once() {
    for _ in 0..5 {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state.db");
        let all = futures::future::join_all((0..6).map(|_| opened(&file))).await;
        for store in all {
            store.increment(&space(), &key("n"), 1, &ample()).await.unwrap();
        }
        let store = opened(&file).await;
        assert_eq!(store.get(&space(), &key("n")).await.unwrap(), Some(b"6".to_vec()));
    }
}
