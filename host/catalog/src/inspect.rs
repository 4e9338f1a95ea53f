//! What a component asks for and offers, read from its bytes. Nothing is compiled for it.

use std::collections::BTreeSet;

use cofferdam_capabilities::Offer;
use cofferdam_policy::PluginName;
use thiserror::Error;
use wasmparser::{ComponentExternalKind, ComponentName, Encoding, KnownCustom, Parser, Payload};

use crate::{Refusal, Step};

/// The version of the contract this host serves.
const CONTRACT: &str = "cofferdam:plugin/";
const CONTRACT_VERSION: &str = "@0.1.";
/// Names of imports and exports; components have a few dozen.
const MOST_NAMES: usize = 1000;
/// Where tools of the component model put a version, after the annotations of OCI images.
pub(crate) const VERSION_SECTION: &str = "version";
/// Characters of an embedded name or version.
const LONGEST_NAME: usize = 100;

/// An interface a component imports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    /// The interface with its version, such as `wasi:clocks/wall-clock@0.2.6`.
    pub name: String,
}

impl Import {
    /// What a component gets when it uses this import, in words.
    pub fn means(&self) -> String {
        match Offer::of(&self.name) {
            Offer::Always => "given, within the limits of the call".into(),
            Offer::Given(grant) => format!("given, within the limits of the call; `{grant}` can narrow it"),
            Offer::Filled(grant) => format!("given, with nothing in it but what `{grant}` grants"),
            Offer::Granted(grant) => format!("needs the grant `{grant}`"),
            Offer::Absent => "not offered: using it ends the call".into(),
        }
    }

    /// The grant without which nothing stands behind this import.
    pub fn needs(&self) -> Option<&'static str> {
        match Offer::of(&self.name) {
            Offer::Granted(grant) => Some(grant.key()),
            Offer::Always | Offer::Given(_) | Offer::Filled(_) | Offer::Absent => None,
        }
    }
}

/// What was read from a component's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    pub imports: Vec<Import>,
    pub exports: Vec<String>,
    /// The name that is embedded in it, and so is signed with it.
    pub name: Option<String>,
    /// The version that is embedded in it.
    pub version: Option<String>,
}

impl Inspected {
    /// The grants its imports ask for.
    pub fn requested(&self) -> Vec<String> {
        let grants: BTreeSet<&str> = self.imports.iter().filter_map(Import::needs).collect();
        grants.into_iter().map(str::to_owned).collect()
    }
}

#[derive(Debug, Error)]
enum NotServed {
    #[error("it is damaged or cut short: {0}")]
    Damaged(String),
    #[error("it is no WebAssembly")]
    NotWasm,
    #[error("it is a core module, not a component")]
    CoreModule,
    #[error("it has more than {MOST_NAMES} imports and exports")]
    TooManyNames,
    #[error("it exports no interface of cofferdam:plugin@0.1 (it exports {0})")]
    ForeignExports(String),
}

impl NotServed {
    fn mend(&self) -> &'static str {
        match self {
            Self::Damaged(_) => "copy it again, to a name that does not end in .wasm, then rename it",
            Self::NotWasm => "put components here, and nothing else that ends in .wasm",
            Self::CoreModule => "build it for wasm32-wasip2, or wrap it with `wasm-tools component new`",
            Self::TooManyNames => "split the component",
            Self::ForeignExports(_) => "export `tools` of the world in wit/",
        }
    }
}

impl Inspected {
    pub(crate) fn of(plugin: &PluginName, bytes: &[u8]) -> Result<Self, Refusal> {
        read(bytes).map_err(|why| Refusal::new(plugin, Step::Inspect, &why, why.mend()))
    }
}

/// The name and the version that a component embeds.
pub(crate) fn embedded(bytes: &[u8]) -> Result<(Option<String>, Option<String>), String> {
    let read = walk(bytes).map_err(|e| e.to_string())?;
    Ok((read.name, read.version))
}

/// Everything but whether this host serves it.
struct Walked {
    imports: BTreeSet<String>,
    exports: BTreeSet<String>,
    name: Option<String>,
    version: Option<String>,
}

fn walk(bytes: &[u8]) -> Result<Walked, NotServed> {
    let (mut imports, mut exports) = (BTreeSet::new(), BTreeSet::new());
    if !bytes.starts_with(b"\0asm") {
        return Err(NotServed::NotWasm);
    }
    let damaged = |e: wasmparser::BinaryReaderError| NotServed::Damaged(e.message().chars().take(200).collect());
    // Components nest; only the outermost one's imports and exports are the world's.
    let mut depth = 0_usize;
    let (mut name, mut version) = (None, None);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(damaged)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => return Err(NotServed::CoreModule),
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    imports.insert(import.map_err(damaged)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    let export = export.map_err(damaged)?;
                    if matches!(export.kind, ComponentExternalKind::Instance | ComponentExternalKind::Func) {
                        exports.insert(export.name.name.to_owned());
                    }
                }
            }
            Payload::CustomSection(section) if depth == 1 => match section.as_known() {
                KnownCustom::ComponentName(names) => {
                    for part in names {
                        // A name section that is damaged names nothing.
                        if let Ok(ComponentName::Component { name: found, .. }) = part {
                            name = Some(found.chars().take(LONGEST_NAME).collect());
                        }
                    }
                }
                _ if section.name() == VERSION_SECTION => {
                    version = Some(String::from_utf8_lossy(section.data()).chars().take(LONGEST_NAME).collect());
                }
                _ => {}
            },
            _ => {}
        }
        if imports.len() + exports.len() > MOST_NAMES {
            return Err(NotServed::TooManyNames);
        }
    }
    Ok(Walked { imports, exports, name, version })
}

fn read(bytes: &[u8]) -> Result<Inspected, NotServed> {
    let Walked { imports, exports, name, version } = walk(bytes)?;
    let ours = |name: &String| {
        let rest = name.strip_prefix(CONTRACT);
        rest.and_then(|r| r.find('@').map(|at| &r[at..])).is_some_and(|version| version.starts_with(CONTRACT_VERSION))
    };
    if !exports.iter().any(ours) {
        let found: Vec<String> = exports.iter().take(5).map(|e| e.escape_debug().to_string()).collect();
        return Err(NotServed::ForeignExports(if found.is_empty() { "nothing".into() } else { found.join(", ") }));
    }
    Ok(Inspected {
        imports: imports.into_iter().map(|name| Import { name }).collect(),
        exports: exports.into_iter().collect(),
        name,
        version,
    })
}
