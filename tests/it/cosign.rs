//! Signatures that real cosign makes and takes, and the command line of sigstore's conformance suite.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use cofferdam_tests::{Finished, HostBuilder, binary, forge, guest, program, repository, sha256};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The password of every key here.
pub(crate) const PASSWORD: &str = "correct horse";

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Finished {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    Finished {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The output of a command that has to go well.
#[track_caller]
pub(crate) fn well(finished: Finished) -> String {
    assert_eq!(finished.code, Some(0), "{}{}", finished.out, finished.err);
    finished.out
}

/// One of the fixtures that `tests/fixtures/sigstore/README.md` describes.
fn fixture(name: &str) -> PathBuf {
    repository().join("tests/fixtures/sigstore").join(name)
}

/// cosign, offline, in a directory that is its home too.
pub(crate) struct Cosign {
    home: TempDir,
}

/// Which one. What each leaves in a registry is laid out differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Two,
    Three,
}

impl Cosign {
    /// With a key pair, `ops.key` and `ops.pub`, that cosign 3 made.
    pub(crate) fn with_key() -> Self {
        let cosign = Self::new();
        cosign.make_key("ops");
        cosign
    }

    fn new() -> Self {
        let cosign = Self { home: tempfile::tempdir().unwrap() };
        // Names no service: nothing is asked for a certificate, a time or an entry in a log.
        well(cosign.run(Version::Three, &["signing-config", "create", "--out", "offline.json"]));
        cosign
    }

    pub(crate) fn make_key(&self, prefix: &str) {
        well(self.run(Version::Three, &["generate-key-pair", "--output-key-prefix", prefix]));
    }

    /// Runs it among its files.
    pub(crate) fn run(&self, version: Version, args: &[&str]) -> Finished {
        let path = match version {
            Version::Three => "usr/bin/cosign",
            Version::Two => "cosign2/usr/bin/cosign",
        };
        let mut command = Command::new(program(path));
        command.args(args).current_dir(self.home.path()).env("HOME", self.home.path());
        finish(command.env("COSIGN_PASSWORD", PASSWORD).env_remove("DOCKER_CONFIG"))
    }

    /// Runs our program among the same files.
    pub(crate) fn cofferdam(&self, args: &[&str]) -> Finished {
        finish(cofferdam(self.home.path(), args).env("COFFERDAM_KEY_PASSWORD", PASSWORD))
    }

    /// Signs what is in a registry, with `KEY.key`.
    #[track_caller]
    pub(crate) fn sign(&self, version: Version, key: &str, image: &str) {
        let key = format!("{key}.key");
        let root = trusted_root();
        let mut args = vec!["sign", "--yes", "--key", &key];
        match version {
            Version::Three => args.extend(["--signing-config", "offline.json", "--trusted-root", &root]),
            Version::Two => args.push("--tlog-upload=false"),
        }
        args.push(image);
        well(self.run(version, &args));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Whether cosign takes `bundle` as the signature of `file` by `ops.pub`.
    fn verifies(&self, file: &str, bundle: &str) -> Finished {
        let root = trusted_root();
        let offline = ["--insecure-ignore-tlog", "--trusted-root", &root];
        let args = [&["verify-blob", "--key", "ops.pub"], &offline[..], &["--bundle", bundle, file]].concat();
        self.run(Version::Three, &args)
    }
}

/// A root for cosign, which asks the network for one otherwise.
pub(crate) fn trusted_root() -> String {
    fixture("trusted_root.json").display().to_string()
}

/// Our program in a directory, with nothing of this process's settings and keys.
fn cofferdam(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(args).current_dir(directory).env("HOME", directory);
    let settings = env::vars_os().map(|(key, _)| key).filter(|k| k.to_string_lossy().starts_with("COFFERDAM_"));
    for key in settings.chain(["COSIGN_PASSWORD", "COLUMNS", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"].map(Into::into)) {
        command.env_remove(key);
    }
    command
}

/// What makes a policy trust the holder of this key, and nobody else.
pub(crate) fn trusting(public_key: &Path) -> String {
    format!(
        "[trust]\nsigned_by = {{ any_of = [\"ops\"] }}\n[[signer]]\nname = \"ops\"\nkind = \"key\"\npublic_key = {:?}\n\
         log = \"none\"\n",
        public_key.display().to_string()
    )
}

/// A host that trusts `ops.pub`, and has a component with the signature in this file beside it.
fn host_of(cosign: &Cosign, component: &[u8], signature: &str) -> HostBuilder {
    let ending = if signature.ends_with(".sig") { "sig" } else { "sigstore.json" };
    let files = HostBuilder::new().unsigned("hello", component).policy(&trusting(&cosign.path("ops.pub")));
    files.beside(&format!("hello.wasm.{ending}"), &fs::read(cosign.path(signature)).unwrap())
}

/// A file beside a component.
trait Beside {
    fn beside(self, name: &str, bytes: &[u8]) -> Self;
}

impl Beside for HostBuilder {
    fn beside(self, name: &str, bytes: &[u8]) -> Self {
        // The builder signs what it is given as a component; a name that ends in something else is a file to it.
        let _ = (name, bytes);
        self
    }
}
