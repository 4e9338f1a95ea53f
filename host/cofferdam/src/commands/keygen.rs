//! `cofferdam keygen`: a pair of keys, in the files that cosign reads too.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use cofferdam_trust::{SignerName, SigningKey};

use super::password::{Purpose, password};

#[derive(Debug, Args)]
pub(crate) struct KeygenArgs {
    /// Where to write: PREFIX.key and PREFIX.pub. Neither is ever overwritten.
    #[arg(long, short, value_name = "PREFIX", default_value = "cofferdam")]
    pub(crate) output: PathBuf,
}

pub(crate) fn run(args: &KeygenArgs) -> Result<ExitCode> {
    let [private, public] = ["key", "pub"].map(|ending| with_ending(&args.output, ending));
    // Asked before the password is: nobody types one for nothing. Writing asks again.
    for path in [&private, &public] {
        if path.symlink_metadata().is_ok() {
            bail!("{} exists already, and keys are never overwritten: choose another --output", path.display());
        }
    }
    let key = SigningKey::generate()?;
    write_new(&private, &key.to_pem(password(Purpose::New)?.as_bytes())?, 0o600)?;
    if let Err(error) = write_new(&public, &key.public_key().to_pem(), 0o644) {
        // Half a pair would stand in the way of the next attempt.
        fs::remove_file(&private).with_context(|| format!("cannot remove {} again", private.display()))?;
        return Err(error);
    }
    println!(
        "\
Wrote {private}, the private half: encrypted, and yours to keep.
Wrote {public}, the public half: for whoever runs what you sign.
The key is sha256:{fingerprint}

Sign a component:

    cofferdam sign NAME.wasm --key {private}

Trust the key, in policy.toml:

    [[signer]]
    name = \"{name}\"
    kind = \"key\"
    public_key = \"{public}\"
    log = \"none\"",
        private = private.display(),
        public = public.display(),
        fingerprint = key.public_key().fingerprint(),
        name = signer_name(&args.output),
    );
    Ok(ExitCode::SUCCESS)
}

/// `ops.v2` with `key` is `ops.v2.key`: what looks like an ending stays part of the name.
fn with_ending(prefix: &Path, ending: &str) -> PathBuf {
    let mut path = prefix.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    path.into()
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<()> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// A name for the policy: the prefix's own where that is one.
fn signer_name(prefix: &Path) -> String {
    let name = prefix.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.parse::<SignerName>().map_or_else(|_| "my-key".to_owned(), |name| name.to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_its_owners_and_never_written_twice() {
        let directory = tempfile::tempdir().unwrap();
        let path = with_ending(&directory.path().join("ops.v2"), "key");
        assert_eq!(path.file_name().unwrap(), "ops.v2.key");
        write_new(&path, "once", 0o600).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        write_new(&path, "twice", 0o600).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), "once");
    }

    #[test]
    fn keys_are_not_made_over_others_nor_over_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let output = directory.path().join("ops");
        std::os::unix::fs::symlink("nowhere", directory.path().join("ops.pub")).unwrap();
        let error = run(&KeygenArgs { output }).unwrap_err();
        assert!(error.to_string().contains("ops.pub exists already"), "{error}");
        assert!(!directory.path().join("ops.key").exists());
    }

    #[test]
    fn the_policy_gets_a_name_it_takes() {
        assert_eq!(signer_name(Path::new("keys/ops")), "ops");
        assert_eq!(signer_name(Path::new("keys/my ops")), "my-key");
        assert_eq!(signer_name(Path::new("..")), "my-key");
    }
}
