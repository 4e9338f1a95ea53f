//! What may be made, by its name.

use std::fs;

use super::*;

#[tokio::test]
async fn names_in_another_case_are_not_made() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("Report.txt"), "old").unwrap();
    fs::create_dir(dir.path().join("Straße")).unwrap();
    let mut call = Call::open(writes(dir.path()), &Disk::default());
    let refused = Err(ErrorCode::NotPermitted);
    assert_eq!(call.put("report.txt", 1).await, refused);
    assert_eq!(call.mkdir("STRASSE").await, refused);
    assert_eq!(call.symlink("x", "REPORT.TXT").await, refused);
    assert_eq!(call.link("Report.txt", "rePort.txt").await, refused);
    call.put("other", 1).await.unwrap();
    assert_eq!(call.rename("other", "report.txt").await, refused);
    // Its own name in another case, and what is there already.
    call.rename("Report.txt", "report.txt").await.unwrap();
    assert_eq!(call.read("report.txt").await.unwrap(), b"old");
    call.put("Straße/report.TXT", 1).await.unwrap();
    let refusals = call.refusals();
    assert_eq!(refusals.len(), 5, "{refusals:?}");
    assert!(refusals[0].starts_with("\"Report.txt\" is there, whose name differs in nothing but case"));
}

#[tokio::test]
async fn twins_of_others_can_be_used() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "small").unwrap();
    fs::write(dir.path().join("A"), "large").unwrap();
    let mut call = Call::open(writes(dir.path()), &Disk::default());
    assert_eq!(call.read("a").await.unwrap(), b"small");
    assert_eq!(call.read("A").await.unwrap(), b"large");
    call.put("a", 2).await.unwrap();
    call.unlink("A").await.unwrap();
}

#[tokio::test]
async fn names_that_mean_something_else_elsewhere_are_not_made() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("nul"), "there").unwrap();
    let mut call = Call::open(writes(dir.path()), &Disk::default());
    call.put("plain", 1).await.unwrap();
    for name in ["a.", "a ", "a\nb", "a\\b", "CON", "com1.txt", "\u{202e}exe.txt"] {
        assert_eq!(call.put(name, 1).await, Err(ErrorCode::Invalid), "{name:?}");
        assert_eq!(call.mkdir(name).await, Err(ErrorCode::Invalid), "{name:?}");
        assert_eq!(call.symlink("plain", name).await, Err(ErrorCode::Invalid), "{name:?}");
        assert_eq!(call.link("plain", name).await, Err(ErrorCode::Invalid), "{name:?}");
        assert_eq!(call.rename("plain", name).await, Err(ErrorCode::Invalid), "{name:?}");
    }
    assert_eq!(call.put(&"a".repeat(256), 1).await, Err(ErrorCode::NameTooLong));
    assert_eq!(call.put("new/", 1).await, Err(ErrorCode::IsDirectory));
    assert_eq!(call.mkdir("made/").await, Ok(()));
    assert_eq!(call.read("nul").await.unwrap(), b"there");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
}

#[tokio::test]
async fn nothing_is_made_at_the_end_of_a_link() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("dangling")).unwrap();
    let mut call = Call::open(writes(dir.path()), &Disk::default());
    assert_eq!(call.put("dangling", 1).await, Err(ErrorCode::Exist));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}
