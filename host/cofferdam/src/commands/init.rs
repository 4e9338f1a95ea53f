use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use cofferdam_catalog::EMPTY_LOCK;
use cofferdam_trust::SigningKey;

use crate::cli::InitArgs;

const CONFIG: &str = include_str!("init/cofferdam.toml");
const POLICY: &str = include_str!("init/policy.toml");
const KEY: &str = "keys/dev.key";
const PUBLIC_KEY: &str = "keys/dev.pub";

pub(crate) fn run(args: &InitArgs) -> Result<ExitCode> {
    let base = &args.directory;
    make_directory(&base.join("plugins"))?;
    put(base, "cofferdam.toml", CONFIG, 0o644)?;
    put(base, "policy.toml", POLICY, 0o644)?;
    put(base, "cofferdam.lock", EMPTY_LOCK, 0o644)?;
    let shown = |file: &str| base.join(file).display().to_string();
    // A policy of one's own that does not know the development key has no use for one.
    let policy = fs::read_to_string(base.join("policy.toml")).unwrap_or_default();
    if !policy.contains(PUBLIC_KEY) {
        println!("\nThen: cofferdam serve --config {}", shown("cofferdam.toml"));
        return Ok(ExitCode::SUCCESS);
    }
    keys(base)?;
    println!(
        "
The development key has no password, and only this policy knows it. Sign what you build with it, and drop it in:

    cofferdam sign NAME.wasm --key {} --name NAME
    cp NAME.wasm NAME.wasm.sigstore.json {}

Then: cofferdam serve --config {}",
        shown(KEY),
        shown("plugins"),
        shown("cofferdam.toml")
    );
    Ok(ExitCode::SUCCESS)
}

/// Makes both halves, or neither: a public key without its private one would be nobody's.
fn keys(base: &Path) -> Result<()> {
    let (private, public) = (base.join(KEY), base.join(PUBLIC_KEY));
    match (private.exists(), public.exists()) {
        (false, false) => {}
        (true, true) => {
            println!("kept   {}", private.display());
            println!("kept   {}", public.display());
            return Ok(());
        }
        (true, false) => {
            bail!("{} is there without {}: put that back, or move the key away", private.display(), public.display())
        }
        (false, true) => {
            // Somebody else has the private half: it is they who sign.
            println!("kept   {}", public.display());
            return Ok(());
        }
    }
    make_directory(&base.join("keys"))?;
    let key = SigningKey::generate()?;
    put(base, KEY, &key.to_pem(b"")?, 0o600)?;
    put(base, PUBLIC_KEY, &key.public_key().to_pem(), 0o644)
}

fn make_directory(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))
}

/// Writes a file that is not there yet.
fn put(base: &Path, name: &str, text: &str, mode: u32) -> Result<()> {
    let path = base.join(name);
    match OpenOptions::new().write(true).create_new(true).mode(mode).open(&path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
            println!("wrote  {}", path.display());
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => println!("kept   {}", path.display()),
        Err(error) => return Err(error).with_context(|| format!("cannot write {}", path.display())),
    }
    Ok(())
}
