//! `cofferdam sign`: puts a signature beside a component.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use cofferdam_catalog::stamp;
use cofferdam_policy::PluginName;
use cofferdam_trust::{Digest, KeyError, SigningKey};
use serde_json::json;

use crate::files::read;

use super::password::{Purpose, password};

/// Largest component to sign, in bytes. It is read into memory, so that what is signed is what was looked at.
const LARGEST_COMPONENT: u64 = 256 << 20;
/// Largest key file, in bytes. An honest one has less than one KiB.
const LARGEST_KEY: u64 = 64 << 10;

/// How every WebAssembly file begins.
const MAGIC: &[u8] = b"\0asm";

#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// The components.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The private key, as `cofferdam keygen` or `cosign generate-key-pair` wrote it.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: PathBuf,
    /// Where to write the signature of a single component; FILE.sigstore.json beside it when absent.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Embed this name in the component before it is signed: what it may run as.
    #[arg(long, value_name = "PLUGIN")]
    pub(crate) name: Option<PluginName>,
    /// Embed this version before it is signed.
    #[arg(long, value_name = "VERSION")]
    pub(crate) component_version: Option<semver::Version>,
    /// Print one line of JSON for each component.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn run(args: &SignArgs) -> Result<ExitCode> {
    if args.output.is_some() && args.files.len() > 1 {
        bail!("--output names one signature, and there are {} components; leave it out", args.files.len());
    }
    if args.name.is_some() && args.files.len() > 1 {
        bail!("--name names one component, and there are {}; leave it out", args.files.len());
    }
    let key = open_key(&args.key)?;
    for file in &args.files {
        let mut bytes = read_component(file).context("nothing was signed")?;
        if args.name.is_some() || args.component_version.is_some() {
            let version = args.component_version.as_ref().map(ToString::to_string);
            let stamped = stamp(&bytes, args.name.as_ref().map(PluginName::as_str), version.as_deref())
                .with_context(|| format!("{} was not signed", file.display()))?;
            if stamped != bytes {
                put(file, &stamped)?;
                bytes = stamped;
            }
        }
        let bundle = args.output.clone().unwrap_or_else(|| beside(file));
        put(&bundle, key.sign_blob(&bytes)?.as_bytes())?;
        tell(args, file, &bundle, Digest::of(&bytes), key.public_key().fingerprint());
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens a private key, with the password from the environment or the terminal.
pub(crate) fn open_key(path: &Path) -> Result<SigningKey> {
    let pem = read(path, LARGEST_KEY)?;
    let pem = String::from_utf8(pem).ok().with_context(|| format!("{} is no key file", path.display()))?;
    // A development key has no password; nobody is asked for one that is not there.
    let opened = match SigningKey::from_pem(&pem, b"") {
        Err(KeyError::WrongPassword) => SigningKey::from_pem(&pem, password(Purpose::Open)?.as_bytes()),
        other => other,
    };
    opened.with_context(|| format!("cannot use {}", path.display()))
}

fn tell(args: &SignArgs, file: &Path, bundle: &Path, sha256: Digest, key: Digest) {
    if args.json {
        println!("{}", json!({ "file": file, "sha256": sha256, "bundle": bundle, "key": key }));
    } else {
        println!("Signed {}", file.display());
        println!("  sha256  {sha256}");
        println!("  key     sha256:{key}");
        println!("  in      {}", bundle.display());
    }
}

/// Reads what may be a component.
pub(super) fn read_component(file: &Path) -> Result<Vec<u8>> {
    let bytes = read(file, LARGEST_COMPONENT)?;
    if !bytes.starts_with(MAGIC) {
        bail!("{} is no WebAssembly", file.display());
    }
    Ok(bytes)
}

/// `echo.wasm` has its signature in `echo.wasm.sigstore.json`.
fn beside(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".sigstore.json");
    path.into()
}

/// Writes all or nothing: a host that looks at the directory meanwhile sees the old signature or the new one.
pub(super) fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    // A pipe or a device is written to; replaced, it would be gone.
    if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        return fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()));
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::Builder::new().permissions(readable()).tempfile_in(directory)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)
    };
    write().map(|_| ()).with_context(|| format!("cannot write {}", path.display()))
}

/// Signatures are for everybody; a temporary file is its owner's unless told otherwise.
fn readable() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_lies_beside_its_component_and_replaces_the_old_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = beside(&directory.path().join("echo.wasm"));
        assert_eq!(path.file_name().unwrap(), "echo.wasm.sigstore.json");
        put(&path, b"old").unwrap();
        put(&path, b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_device_stays_one() {
        // By a link, so that a mistake here costs a link and not the device.
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("link");
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        put(&path, b"text").unwrap();
        assert!(path.is_symlink());
    }
}
