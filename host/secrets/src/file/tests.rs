use std::{fs, os::unix::fs::symlink, os::unix::net::UnixListener};

use super::*;

#[test]
fn a_regular_file_through_links() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("value"), "12345678").unwrap();
    symlink("value", home.path().join("one")).unwrap();
    symlink("one", home.path().join("two")).unwrap();
    assert_eq!(*read_now(&home.path().join("two"), 8).unwrap(), b"12345678");
}

#[test]
fn nothing_that_is_too_long_or_has_no_end() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("value");
    fs::write(&path, "123456789").unwrap();
    assert_eq!(read_now(&path, 8).unwrap_err().to_string(), "it has more than 8 bytes");
    for path in [home.path(), Path::new("/dev/zero")] {
        assert_eq!(read_now(path, 8).unwrap_err().to_string(), "it is no regular file");
    }
    // A pipe that nobody writes into: opening it would wait.
    let pipe = home.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    assert_eq!(read_now(&pipe, 8).unwrap_err().to_string(), "it is no regular file");
    let socket = home.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    read_now(&socket, 8).unwrap_err();
    read_now(&home.path().join("none"), 8).unwrap_err();
}
