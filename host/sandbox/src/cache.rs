//! Machine code on disk, believed only for its MAC.
//!
//! Each file is `MAC || machine code`. The MAC is HMAC-SHA256 under a key that lies in the same
//! directory, readable by its owner only, over the component's digest, the engine's code key and
//! the code: a file that was altered, cut, renamed to another component's name, or made by another
//! host's key does not verify, and is compiled anew. Whoever can read the key can run code as this
//! user already.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use cofferdam_policy::{AdmissionLimits, Bytes, Capability};
use cofferdam_trust::Digest;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

use crate::{
    Engine, PrepareError, Prepared,
    aot::MachineCode,
    compile::{CodeFrom, Compiler},
};

const MAC_BYTES: usize = 32;
/// A whole block of the hash: the longest key that HMAC uses as it is.
const KEY_BYTES: usize = 64;
const KEY_FILE: &str = "key";
/// Nothing larger is read back; a component of the largest size makes less.
const LARGEST: u64 = 1 << 30;

/// A directory of machine code, and the key it is under.
#[derive(Clone)]
pub struct CodeCache {
    directory: PathBuf,
    key: [u8; KEY_BYTES],
}

/// Why a directory cannot be a cache.
#[derive(Debug, Error)]
#[error("cannot use {directory} as cache: {reason}; name another with `cache.directory` in cofferdam.toml")]
pub struct CacheError {
    directory: String,
    reason: String,
}

impl std::fmt::Debug for CodeCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CodeCache").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl CodeCache {
    /// Opens the cache in `directory`, making it and its key when they are not there.
    pub fn open(directory: &Path) -> Result<Self, CacheError> {
        let fail = |reason: String| CacheError { directory: directory.display().to_string(), reason };
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|e| fail(e.to_string()))?;
        let about = fs::metadata(directory).map_err(|e| fail(e.to_string()))?;
        if about.uid() != rustix::process::geteuid().as_raw() {
            return Err(fail("it belongs to another user".into()));
        }
        if about.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).map_err(|e| fail(e.to_string()))?;
        }
        let key = read_or_make_key(directory).map_err(|e| fail(format!("its key: {e}")))?;
        Ok(Self { directory: directory.to_owned(), key })
    }

    /// The component, ready to run: from this cache when it holds it, compiled and kept otherwise.
    ///
    /// # Errors
    /// When the component does not compile within its limits, or cannot be linked.
    pub async fn prepare(
        &self,
        engine: &Engine,
        compiler: &Compiler,
        digest: Digest,
        component: &[u8],
        limits: &AdmissionLimits,
        granted: &BTreeSet<Capability>,
    ) -> Result<(Prepared, CodeFrom), PrepareError> {
        if let Some(code) = self.find(engine, digest) {
            match Prepared::new(engine, digest, &code, granted) {
                Ok(prepared) => return Ok((prepared, CodeFrom::Cache)),
                Err(error) => tracing::warn!(%digest, %error, "cached machine code does not load; compiling anew"),
            }
        }
        let began = std::time::Instant::now();
        let code = compiler.compile(engine, component, limits).await?;
        let prepared = Prepared::new(engine, digest, &code, granted)?;
        // A cache that cannot be written costs time, nothing else.
        if let Err(error) = self.keep(engine, digest, &code) {
            tracing::warn!(directory = %self.directory.display(), %error, "cannot keep machine code");
        }
        Ok((prepared, CodeFrom::Compiler { took: began.elapsed() }))
    }

    fn path(&self, engine: &Engine, digest: Digest) -> PathBuf {
        self.directory.join(format!("{digest}-{}.cwasm", hex::encode(&engine.code_key()[..8])))
    }

    fn mac(&self, engine: &Engine, digest: Digest, code: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&self.key.into());
        mac.update(b"cofferdam machine code 1");
        mac.update(digest.as_bytes());
        mac.update(engine.code_key());
        mac.update(code);
        mac
    }

    fn find(&self, engine: &Engine, digest: Digest) -> Option<MachineCode> {
        let path = self.path(engine, digest);
        let mut sealed = Vec::new();
        fs::File::open(&path).ok()?.take(LARGEST).read_to_end(&mut sealed).ok()?;
        let verified = sealed
            .split_at_checked(MAC_BYTES)
            .is_some_and(|(mac, code)| self.mac(engine, digest, code).verify_slice(mac).is_ok());
        if !verified {
            tracing::warn!(file = %path.display(), "cached machine code is damaged or another's; compiling anew");
            return None;
        }
        sealed.drain(..MAC_BYTES);
        Some(MachineCode::vouched_for(sealed))
    }

    fn keep(&self, engine: &Engine, digest: Digest, code: &MachineCode) -> io::Result<()> {
        let mac = self.mac(engine, digest, code.bytes()).finalize().into_bytes();
        // Never rewritten in place: another process may be reading it.
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        file.write_all(&mac)?;
        file.write_all(code.bytes())?;
        file.as_file().sync_data()?;
        file.persist(self.path(engine, digest)).map_err(|e| e.error)?;
        Ok(())
    }

    /// Bytes that the cache holds, for people who ask.
    pub fn size(&self) -> Bytes {
        let files = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        Bytes::new(files.filter_map(|f| f.metadata().ok()).map(|m| m.len()).sum())
    }
}

fn read_or_make_key(directory: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let path = directory.join(KEY_FILE);
    loop {
        match OpenOptions::new().read(true).open(&path) {
            Ok(mut file) => {
                if file.metadata()?.permissions().mode() & 0o077 != 0 {
                    return Err(io::Error::other("others can read it: delete it and start again"));
                }
                let mut key = [0; KEY_BYTES];
                file.read_exact(&mut key)?;
                return Ok(key);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut key = [0; KEY_BYTES];
                getrandom::fill(&mut key).map_err(io::Error::other)?;
                let mut file =
                    tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o600)).tempfile_in(directory)?;
                file.write_all(&key)?;
                file.as_file().sync_data()?;
                // Another process may have made one meanwhile: the first one counts.
                match file.persist_noclobber(&path) {
                    Ok(_) => return Ok(key),
                    Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => {}
                    Err(other) => return Err(other.error),
                }
            }
            Err(error) => return Err(error),
        }
    }
}
