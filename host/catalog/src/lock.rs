//! `cofferdam.lock`: what was accepted, to be reviewed like code.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use cofferdam_policy::{Document, DocumentError, PluginName, Provenance, ToolName, Vouch};
use cofferdam_registry::Reference;
use cofferdam_trust::{Digest, Identity, SignerName};
use rustix::fs::{FlockOperation, flock};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Bytes of a lock; a thousand plugins of a hundred tools each have less.
const LARGEST: u64 = 16 << 20;

const HEADER: &str = "\
# Written by cofferdam: at first sight of a plugin, and by `cofferdam approve`. Review it like code: what a
# plugin is and offers is held to what stands here, whatever its signature says.

";

/// A lock that knows no plugin yet.
pub const EMPTY_LOCK: &str = "\
# Written by cofferdam: at first sight of a plugin, and by `cofferdam approve`. Review it like code: what a
# plugin is and offers is held to what stands here, whatever its signature says.

version = 1
";

/// One accepted plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LockEntry {
    pub name: PluginName,
    /// Where it came from, when that is a registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Reference>,
    /// The component that may run under this name.
    pub sha256: Digest,
    /// The manifest it came with, when that was signed in its stead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Digest>,
    /// The version it embeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The name it embeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Whether it runs without a signature, because the policy names its digest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsigned: bool,
    /// The interfaces it imports.
    #[serde(default)]
    pub imports: Vec<String>,
    /// The grants its imports ask for.
    #[serde(default)]
    pub requested: Vec<String>,
    /// The grants the policy gave it at that time.
    #[serde(default)]
    pub granted: Vec<String>,
    /// Who signed it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signer: Vec<LockSigner>,
    /// What it offers: the sha256 of each definition.
    #[serde(default)]
    pub definitions: BTreeMap<String, Digest>,
}

impl LockEntry {
    /// The tools it offers, by its own names.
    pub fn tools(&self) -> impl Iterator<Item = ToolName> {
        self.definitions.keys().filter_map(|key| key.strip_prefix("tool ")?.parse().ok())
    }
}

/// One who signed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LockSigner {
    /// What the policy calls the signer.
    pub name: SignerName,
    /// key, oidc or github-actions.
    pub kind: String,
    /// Who said so, for signers that are no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The fingerprint of the key, or the identity in the certificate.
    pub identity: String,
    /// What of the certificate was relied on beside.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, String>,
    /// When it was signed, if a log or a timestamp authority says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<String>,
}

/// The claim that says whose repository a certificate is for.
const REPOSITORY: &str = "source_repository_uri";

impl LockSigner {
    fn of(vouch: &Vouch) -> Self {
        let (issuer, identity) = match &vouch.identity {
            Identity::Key { fingerprint } => (None, fingerprint.to_string()),
            Identity::Certificate { issuer, subject } => (Some(issuer.clone()), subject.clone()),
        };
        Self {
            name: vouch.signer.clone(),
            kind: vouch.kind.to_owned(),
            issuer,
            identity,
            claims: vouch.claims.clone(),
            signed_at: vouch.signed_at.clone(),
        }
    }

    /// Those who signed a component.
    pub fn all_of(provenance: &Provenance) -> Vec<Self> {
        provenance.vouches().iter().map(Self::of).collect()
    }

    /// Whether this is still the same signer. The identity of a workflow ends in the version it was
    /// run for, and differs from release to release; its repository does not.
    pub fn is(&self, other: &Self) -> bool {
        let whose = |s: &Self| match s.claims.get(REPOSITORY) {
            Some(repository) => repository.clone(),
            None => s.identity.clone(),
        };
        self.name == other.name && self.kind == other.kind && self.issuer == other.issuer && whose(self) == whose(other)
    }

    /// For people: the policy's name for it and who that is.
    pub fn describe(&self) -> String {
        format!("{} ({} {})", self.name, self.kind, self.identity.escape_debug())
    }
}

/// Whether these are the signers of before: none of them is missing.
pub(crate) fn same_signers(before: &[LockSigner], after: &[LockSigner]) -> bool {
    before.iter().all(|b| after.iter().any(|a| a.is(b)))
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Cofferdam lock")]
struct Written {
    version: u32,
    #[serde(default)]
    plugin: Vec<LockEntry>,
}

/// Everything that was approved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    plugins: BTreeMap<PluginName, LockEntry>,
}

/// A lock that cannot be used. Nothing it would approve is.
#[derive(Debug, Error)]
pub enum LockError {
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error("{file}: {plugin} has two entries: keep one")]
    Twice { file: String, plugin: PluginName },
    #[error("cannot read {file}: {reason}")]
    Read { file: String, reason: io::Error },
    #[error("there is no lock ({file}): `cofferdam init` writes one")]
    Absent { file: String },
    #[error("cannot write {file}: {reason}")]
    Write { file: String, reason: io::Error },
    #[error("{file} changed meanwhile: look again")]
    Raced { file: String },
}

/// The JSON Schema of `cofferdam.lock`.
pub fn lock_schema() -> Schema {
    schema_for!(Written)
}

impl Lock {
    /// Parses a whole lock. `file` is what errors call it.
    pub fn parse(file: &str, text: &str) -> Result<Self, LockError> {
        let written: Written = Document::parse(file, text, &lock_schema())?.into_value()?;
        let mut lock = Self::default();
        for entry in written.plugin {
            let name = entry.name.clone();
            if lock.plugins.insert(name.clone(), entry).is_some() {
                return Err(LockError::Twice { file: file.into(), plugin: name });
            }
        }
        Ok(lock)
    }

    pub fn get(&self, plugin: &str) -> Option<&LockEntry> {
        self.plugins.get(plugin)
    }

    /// Approves a component in place of what its name stood for before.
    pub fn put(&mut self, entry: LockEntry) {
        self.plugins.insert(entry.name.clone(), entry);
    }

    /// The lock as it is written: sorted by name, so that a diff shows what changed.
    pub fn to_text(&self) -> String {
        let file = Written { version: 1, plugin: self.plugins.values().cloned().collect() };
        let body = toml_edit::ser::to_string_pretty(&file).unwrap_or_default();
        format!("{HEADER}{body}")
    }

    /// The plugins it knows, in order of their names.
    pub fn entries(&self) -> impl Iterator<Item = &LockEntry> {
        self.plugins.values()
    }
}

/// A lock on disk.
#[derive(Clone, Debug)]
pub struct LockFile {
    path: PathBuf,
}

impl LockFile {
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is not there, or is not what this program writes. Neither means "approves nothing":
    /// without a lock everything would be seen for the first time again.
    pub fn read(&self) -> Result<Lock, LockError> {
        let mut text = String::new();
        let read = File::open(&self.path).and_then(|f| f.take(LARGEST).read_to_string(&mut text));
        match read {
            Ok(_) => Lock::parse(&self.shown(), &text),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(LockError::Absent { file: self.shown() }),
            Err(reason) => Err(LockError::Read { file: self.shown(), reason }),
        }
    }

    /// Accepts a plugin in place of what its name stood for in `before`, and returns the lock as it
    /// is from then on. What other processes wrote meanwhile about other plugins stays.
    ///
    /// # Errors
    /// When it cannot be written, or somebody else decided about this very plugin meanwhile.
    pub fn record(&self, before: Option<&LockEntry>, entry: LockEntry) -> Result<Lock, LockError> {
        // Of its kind only: the rest names a temporary file.
        let fail = |e: io::Error| LockError::Write { file: self.shown(), reason: e.kind().into() };
        let directory = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Held until this returns: reading, changing and writing is one step to other processes.
        let guard = File::open(directory).map_err(fail)?;
        flock(&guard, FlockOperation::LockExclusive).map_err(|e| fail(e.into()))?;
        let mut lock = self.read()?;
        let now = lock.get(entry.name.as_str());
        if now == Some(&entry) {
            // Somebody looked at the same thing at the same time and decided the same.
            return Ok(lock);
        }
        if now != before {
            return Err(LockError::Raced { file: self.shown() });
        }
        lock.put(entry);
        // Replaced whole, so that a reader never sees half of it.
        let mut file = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(directory)
            .map_err(fail)?;
        file.write_all(lock.to_text().as_bytes()).map_err(fail)?;
        file.as_file().sync_data().map_err(fail)?;
        file.persist(&self.path).map_err(|e| fail(e.error))?;
        Ok(lock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, bytes: &[u8]) -> LockEntry {
        LockEntry {
            name: name.parse().unwrap(),
            source: None,
            sha256: Digest::of(bytes),
            manifest: None,
            version: Some("1.0.0".into()),
            component: None,
            unsigned: false,
            imports: vec!["wasi:cli/exit@0.2.6".into()],
            requested: vec![],
            granted: vec!["host_info".into()],
            signer: vec![LockSigner {
                name: "ci".parse().unwrap(),
                kind: "github-actions".into(),
                issuer: Some("https://issuer.example".into()),
                identity: "https://github.com/acme/x@refs/tags/v1".into(),
                claims: [(REPOSITORY.to_owned(), "https://github.com/acme/x".to_owned())].into(),
                signed_at: None,
            }],
            definitions: [("tool echo".to_owned(), Digest::of(b"d"))].into(),
        }
    }

    #[test]
    fn reads_what_it_writes() {
        let mut lock = Lock::default();
        lock.put(entry("b", b"1"));
        lock.put(entry("a", b"2"));
        let text = lock.to_text();
        assert_eq!(Lock::parse("l", &text).unwrap(), lock);
        assert!(text.find("\"a\"") < text.find("\"b\""), "{text}");
    }

    #[test]
    fn a_release_is_by_the_same_signer_and_another_repository_is_not() {
        let before = entry("a", b"1").signer;
        let mut after = before.clone();
        after[0].identity = "https://github.com/acme/x@refs/tags/v2".into();
        assert!(same_signers(&before, &after));
        after[0].claims.insert(REPOSITORY.into(), "https://github.com/acme-evil/x".into());
        assert!(!same_signers(&before, &after));
        assert!(!same_signers(&before, &[]), "one who does not sign any more is missed");
        assert!(same_signers(&[], &before), "one more harms nothing");
    }

    #[test]
    fn records_on_what_is_there_and_on_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let file = LockFile::new(home.path().join("l"));
        assert!(matches!(file.read(), Err(LockError::Absent { .. })));
        assert!(file.record(None, entry("a", b"1")).is_err(), "an absent lock is not made by the way");
        std::fs::write(file.path(), EMPTY_LOCK).unwrap();
        file.record(None, entry("a", b"1")).unwrap();
        file.record(None, entry("b", b"1")).unwrap();
        assert!(matches!(file.record(None, entry("a", b"2")), Err(LockError::Raced { .. })));
        let before = file.read().unwrap().get("a").cloned();
        file.record(before.as_ref(), entry("a", b"2")).unwrap();
        let lock = file.read().unwrap();
        assert_eq!(lock.get("a").unwrap().sha256, Digest::of(b"2"));
        assert!(lock.get("b").is_some());
    }

    #[test]
    fn a_corrupt_lock_is_refused_whole() {
        let good = "version = 1\n[[plugin]]\nname = \"a\"\n";
        let digest = Digest::of(b"");
        for bad in [
            String::new(),
            "version = 1\n[[plugin]]\nname = \"a\"\n".into(),
            format!("{good}sha256 = \"{}\"\n", &digest.to_string()[1..]),
            format!("{good}sha256 = \"{digest}\"\nallow = true\n"),
            format!("{good}sha256 = \"{digest}\"\n[[plugin]]\nname = \"a\"\nsha256 = \"{digest}\"\n"),
        ] {
            assert!(Lock::parse("l", &bad).is_err(), "{bad}");
        }
    }
}
