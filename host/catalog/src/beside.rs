//! The files that lie beside a component and speak for it.
//!
//! | file | is |
//! |---|---|
//! | `NAME.wasm.sigstore.json`, `NAME.wasm.*.sigstore.json` | a sigstore bundle |
//! | `NAME.wasm.sig` | a raw signature, in base64 |
//! | `NAME.wasm.manifest.json` | the manifest it came with from a registry; its signatures are over that |
//! | `NAME.wasm.*.simplesigning.json` | what cosign 2 leaves in a registry: a payload and its signature |

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cofferdam_policy::Beside;
use cofferdam_registry::FoundSignature;
use cofferdam_trust::{LARGEST_SIGNATURE, Signature};
use serde::{Deserialize, Serialize};

/// Signature files of one component; more would only cost time.
const MOST_SIGNATURES: usize = 16;

const BUNDLE: &str = ".sigstore.json";
const RAW: &str = ".sig";
const MANIFEST: &str = ".manifest.json";
const SIMPLE_SIGNING: &str = ".simplesigning.json";

/// A file beside a component, as its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sidecar {
    /// What follows the component's own name, such as `.sigstore.json`.
    pub(crate) suffix: String,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SimpleSigning {
    /// In base64.
    payload: String,
    signature: String,
}

/// Whether a file of this name speaks for the component of that name.
pub(crate) fn speaks_for(file: &str, component: &str) -> bool {
    file.strip_prefix(component).is_some_and(|suffix| Kind::of(suffix).is_some())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bundle,
    Raw,
    Manifest,
    SimpleSigning,
}

impl Kind {
    fn of(suffix: &str) -> Option<Self> {
        // `.sigstore.json` or `.SOMETHING.sigstore.json`.
        let one_or_more = |tail: &str| suffix == tail || (suffix.starts_with('.') && suffix.ends_with(tail));
        match suffix {
            RAW => Some(Self::Raw),
            MANIFEST => Some(Self::Manifest),
            _ if one_or_more(BUNDLE) => Some(Self::Bundle),
            _ if one_or_more(SIMPLE_SIGNING) => Some(Self::SimpleSigning),
            _ => None,
        }
    }
}

/// The files beside the component at `path`, in order of their names.
pub(crate) fn paths(path: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let file = entry.file_name().to_string_lossy().into_owned();
        if speaks_for(&file, &name) {
            found.push((file[name.len()..].to_owned(), entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// Reads the files beside the component at `path`.
///
/// # Errors
/// Words for the operator: there are too many, or one is too large or cannot be read.
pub(crate) fn read(path: &Path) -> Result<Vec<Sidecar>, String> {
    let found = paths(path).map_err(|e| format!("cannot list what is beside {}: {e}", path.display()))?;
    if found.len() > MOST_SIGNATURES {
        return Err(format!("{} has {} signature files; {MOST_SIGNATURES} are allowed", path.display(), found.len()));
    }
    let mut sidecars = Vec::with_capacity(found.len());
    for (suffix, path) in found {
        let mut bytes = Vec::new();
        let read = open_regular(&path).and_then(|f| f.take(LARGEST_SIGNATURE + 1).read_to_end(&mut bytes));
        match read {
            Ok(_) if bytes.len() as u64 > LARGEST_SIGNATURE => {
                return Err(format!("{} has more than {LARGEST_SIGNATURE} bytes", path.display()));
            }
            Ok(_) => sidecars.push(Sidecar { suffix, bytes }),
            // It left between the listing and now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("cannot read {}: {error}", path.display())),
        }
    }
    Ok(sidecars)
}

/// Opens a file that has an end. Opening a pipe would wait for whoever writes into it.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(nonblocking).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no regular file")) }
}

/// Writes a component and what speaks for it, each in one step and the component last: whoever looks
/// meanwhile sees the old component or the new one. Returns what was written.
pub(crate) fn write(path: &Path, component: &[u8], sidecars: &[Sidecar]) -> io::Result<Vec<PathBuf>> {
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let with_suffix = |suffix: &str| {
        let mut path = path.as_os_str().to_owned();
        path.push(suffix);
        PathBuf::from(path)
    };
    for (suffix, old) in paths(path)? {
        if !sidecars.iter().any(|s| s.suffix == suffix) {
            fs::remove_file(old)?;
        }
    }
    let parts = sidecars.iter().map(|s| (s.suffix.as_str(), s.bytes.as_slice())).chain([("", component)]);
    let mut written = Vec::new();
    for (suffix, bytes) in parts {
        let target = with_suffix(suffix);
        let mut file = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(directory)?;
        io::Write::write_all(&mut file, bytes)?;
        file.as_file().sync_data()?;
        file.persist(&target).map_err(|e| e.error)?;
        written.push(target);
    }
    Ok(written)
}

/// What came with a component from a registry, as files that lie beside it.
pub(crate) fn from_registry(manifest: &[u8], signatures: Vec<FoundSignature>) -> Vec<Sidecar> {
    let mut sidecars = vec![Sidecar { suffix: MANIFEST.into(), bytes: manifest.to_vec() }];
    for (at, signature) in signatures.into_iter().enumerate() {
        sidecars.push(match signature {
            FoundSignature::Bundle(bytes) => Sidecar { suffix: format!(".{at}{BUNDLE}"), bytes },
            FoundSignature::SimpleSigning { payload, signature } => {
                let wrapped = SimpleSigning { payload: STANDARD.encode(payload), signature };
                // Two texts: nothing of it can fail to serialise.
                let bytes = serde_json::to_vec(&wrapped).unwrap_or_default();
                Sidecar { suffix: format!(".{at}{SIMPLE_SIGNING}"), bytes }
            }
        });
    }
    sidecars
}

/// The manifest among these files.
pub(crate) fn manifest(sidecars: &[Sidecar]) -> Option<&[u8]> {
    sidecars.iter().find(|s| Kind::of(&s.suffix) == Some(Kind::Manifest)).map(|s| s.bytes.as_slice())
}

/// The signatures among these files; `component` is the name they begin with, if they are files.
pub(crate) fn signatures(component: Option<&str>, sidecars: &[Sidecar]) -> Vec<Beside> {
    let mut found = Vec::new();
    for Sidecar { suffix, bytes } in sidecars {
        let signature = match Kind::of(suffix) {
            Some(Kind::Bundle) => Signature::bundle(bytes),
            Some(Kind::Raw) => Signature::raw(bytes),
            Some(Kind::SimpleSigning) => {
                let parsed: Option<SimpleSigning> = serde_json::from_slice(bytes).ok();
                let payload = parsed.as_ref().and_then(|p| STANDARD.decode(&p.payload).ok());
                match (parsed, payload) {
                    (Some(parsed), Some(payload)) => Signature::simple_signing(&payload, &parsed.signature),
                    // Says what it is: no such thing.
                    _ => Signature::bundle(bytes),
                }
            }
            Some(Kind::Manifest) | None => continue,
        };
        let name = match component {
            Some(component) => format!("{component}{suffix}"),
            None => format!("signature {}", found.len() + 1),
        };
        found.push(Beside { name, signature });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_these_files_speak_for_a_component() {
        for yes in ["a.wasm.sigstore.json", "a.wasm.ci.sigstore.json", "a.wasm.sig", "a.wasm.manifest.json"] {
            assert!(speaks_for(yes, "a.wasm"), "{yes}");
        }
        for no in ["a.wasm", "a.sigstore.json", "b.wasm.sig", "a.wasm.sig.part", "a.wasmx.sigstore.json", ".a.wasm.sig"]
        {
            assert!(!speaks_for(no, "a.wasm"), "{no}");
        }
    }
}
