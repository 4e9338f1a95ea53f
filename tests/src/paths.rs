use std::{
    env,
    path::{Path, PathBuf},
};

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The host that is tested: the one built beside the tests, unless the environment names another.
pub fn binary() -> PathBuf {
    if let Some(named) = env::var_os("COFFERDAM_BIN") {
        return named.into();
    }
    // target/debug/deps/it-0123 -> target/debug/cofferdam
    let own = env::current_exe().unwrap();
    let beside = own.parent().and_then(Path::parent).unwrap().join("cofferdam");
    assert!(beside.is_file(), "{}: build the host first: make test does", beside.display());
    beside
}

/// Where the guests that only tests use are built to.
pub fn guests_dir() -> PathBuf {
    env::var_os("COFFERDAM_GUESTS").map_or_else(|| repository().join("build/guests"), PathBuf::from)
}

/// Where the plugins are built to.
pub fn plugins_dir() -> PathBuf {
    env::var_os("COFFERDAM_PLUGINS").map_or_else(|| repository().join("build/plugins"), PathBuf::from)
}

/// The component of a guest that only tests use.
pub fn guest(name: &str) -> Vec<u8> {
    component(&guests_dir(), name)
}

/// The component of a plugin.
pub fn plugin(name: &str) -> Vec<u8> {
    component(&plugins_dir(), name)
}

fn component(directory: &Path, name: &str) -> Vec<u8> {
    let path = directory.join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}; build the guests first: make guests", path.display()))
}
