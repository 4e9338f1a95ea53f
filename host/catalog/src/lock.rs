//! `cofferdam.lock`: what `cofferdam approve` accepted, to be reviewed like code.

use std::{collections::BTreeMap, io, path::Path};

use cofferdam_policy::{Document, DocumentError, PluginName};
use cofferdam_trust::Digest;
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use thiserror::Error;

const HEADER: &str = "# Written by `cofferdam approve`. Review it like code: each entry lets one component run.\n\n";

/// One approved plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LockEntry {
    pub name: PluginName,
    /// The component that may run under this name.
    pub sha256: Digest,
    /// The interfaces it imports.
    #[serde(default)]
    pub imports: Vec<String>,
    /// The tools it offered when it was approved.
    #[serde(default)]
    pub tools: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Cofferdam lock")]
struct LockFile {
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
    #[error("cannot write {file}: {source}")]
    Write { file: String, source: io::Error },
}

/// The JSON Schema of `cofferdam.lock`.
pub fn lock_schema() -> Schema {
    schema_for!(LockFile)
}

impl Lock {
    /// Parses a whole lock. `file` is what errors call it.
    pub fn parse(file: &str, text: &str) -> Result<Self, LockError> {
        let written: LockFile = Document::parse(file, text, &lock_schema())?.into_value()?;
        let mut lock = Self::default();
        for entry in written.plugin {
            let name = entry.name.clone();
            if lock.plugins.insert(name.clone(), entry).is_some() {
                return Err(LockError::Twice { file: file.into(), plugin: name });
            }
        }
        Ok(lock)
    }

    /// Whether a component of exactly these bytes was approved under this name.
    pub fn accepts(&self, plugin: &PluginName, digest: &Digest) -> bool {
        self.plugins.get(plugin).is_some_and(|entry| entry.sha256 == *digest)
    }

    pub fn get(&self, plugin: &PluginName) -> Option<&LockEntry> {
        self.plugins.get(plugin)
    }

    /// Approves a component in place of what its name stood for before.
    pub fn put(&mut self, entry: LockEntry) {
        self.plugins.insert(entry.name.clone(), entry);
    }

    /// The lock as it is written: sorted by name, so that a diff shows what changed.
    pub fn to_text(&self) -> String {
        let file = LockFile { version: 1, plugin: self.plugins.values().cloned().collect() };
        let body = toml_edit::ser::to_string_pretty(&file).unwrap_or_default();
        format!("{HEADER}{body}")
    }

    /// Replaces the file whole, so that a reader never sees half of it.
    pub fn write(&self, path: &Path) -> Result<(), LockError> {
        let fail = |source| LockError::Write { file: path.display().to_string(), source };
        let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(directory)
            .map_err(fail)?;
        std::fs::write(file.path(), self.to_text()).map_err(fail)?;
        file.persist(path).map_err(|e| fail(e.error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, bytes: &[u8]) -> LockEntry {
        LockEntry {
            name: name.parse().unwrap(),
            sha256: Digest::of(bytes),
            imports: vec!["wasi:cli/exit@0.2.6".into()],
            tools: vec!["echo".into()],
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
    fn an_approval_is_for_one_name_and_one_digest() {
        let mut lock = Lock::default();
        lock.put(entry("a", b"1"));
        let (a, b): (PluginName, PluginName) = ("a".parse().unwrap(), "b".parse().unwrap());
        assert!(lock.accepts(&a, &Digest::of(b"1")));
        assert!(!lock.accepts(&a, &Digest::of(b"2")));
        assert!(!lock.accepts(&b, &Digest::of(b"1")));
        lock.put(entry("a", b"2"));
        assert!(!lock.accepts(&a, &Digest::of(b"1")), "an approval replaces the one before");
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
