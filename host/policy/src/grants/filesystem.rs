//! `filesystem`: directories of the machine that a plugin sees, and nothing above or beside them.

use std::{
    fmt,
    path::{Component, Path, PathBuf},
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::list::checked;
use crate::Bytes;

const EXAMPLE: &str = r#"[{ path = "/srv/documents", access = "read" }]"#;

/// Directories, by the name the plugin knows each under. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Directory>")]
pub struct FilesystemGrant(Vec<Directory>);

impl JsonSchema for FilesystemGrant {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FilesystemGrant".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "minItems": 1, "items": generator.subschema_for::<Directory>() })
    }
}

/// One directory of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// The directory on this machine, from the root, such as "/srv/documents".
    pub path: HostPath,
    /// What the plugin knows it as, such as "/documents". Default: a slash and the directory's own
    /// name.
    at: Option<GuestPath>,
    /// read or read-write. Default read.
    #[serde(default)]
    pub access: Access,
    /// How much the directory may hold before the plugin cannot write any more, whoever wrote it.
    /// Default 1GiB.
    #[serde(default = "most_bytes")]
    pub bytes: Bytes,
    /// How many files and directories it may hold before the plugin cannot make any more. Default
    /// 10000.
    #[serde(default = "most_files")]
    pub files: u32,
    /// Files and directories of it that one call may have open at a time. Default 64.
    #[serde(default = "most_handles")]
    pub handles: u32,
}

/// What may be done with what is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    #[default]
    Read,
    ReadWrite,
}

impl Access {
    pub fn writes(self) -> bool {
        self == Self::ReadWrite
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadWrite => "read and write",
        }
    }
}

fn most_bytes() -> Bytes {
    Bytes::mib(1024)
}

fn most_files() -> u32 {
    10_000
}

fn most_handles() -> u32 {
    64
}

/// An absolute path of the machine without `.`, `..` or a trailing slash; not the root.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPath(PathBuf);

impl HostPath {
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl TryFrom<String> for HostPath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("{text:?} {why}: write the whole path, such as \"/srv/documents\""));
        let path = Path::new(&text);
        if text.contains(['\0', '*', '?']) {
            return wrong("is no path of a directory");
        }
        if !path.is_absolute() {
            return wrong("does not begin at the root");
        }
        if text.split('/').any(|part| part == "." || part == "..") {
            return wrong("goes through `.` or `..`");
        }
        let plain: PathBuf = path.components().collect();
        if plain.file_name().is_none() {
            return wrong("is everything on this machine");
        }
        Ok(Self(plain))
    }
}

impl From<HostPath> for String {
    fn from(path: HostPath) -> Self {
        path.0.display().to_string()
    }
}

impl fmt::Debug for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.display())
    }
}

impl JsonSchema for HostPath {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HostPath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^/." })
    }
}

/// Where a plugin finds a directory: `/name`, of plain characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct GuestPath(String);

impl TryFrom<String> for GuestPath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let plain = |part: &str| {
            !part.is_empty()
                && part.len() <= 64
                && !matches!(part, "." | "..")
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_. ".contains(&b))
        };
        let inner = text.strip_prefix('/').filter(|inner| inner.split('/').count() <= 4 && inner.split('/').all(plain));
        match inner {
            Some(_) => Ok(Self(text)),
            None => Err(format!("{text:?} is no place in a plugin's file system: write one such as \"/documents\"")),
        }
    }
}

impl From<GuestPath> for String {
    fn from(path: GuestPath) -> Self {
        path.0
    }
}

impl JsonSchema for GuestPath {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "GuestPath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^/[A-Za-z0-9_. -]+(/[A-Za-z0-9_. -]+){0,3}$" })
    }
}

impl Directory {
    /// What the plugin knows it as.
    pub fn at(&self) -> String {
        match &self.at {
            Some(at) => at.0.clone(),
            None => {
                let name = self.path.0.components().next_back().map(Component::as_os_str).unwrap_or_default();
                format!("/{}", name.to_string_lossy())
            }
        }
    }
}

impl TryFrom<Vec<Directory>> for FilesystemGrant {
    type Error = String;

    fn try_from(list: Vec<Directory>) -> Result<Self, String> {
        let list = checked(list, "filesystem", EXAMPLE)?;
        for (n, directory) in list.iter().enumerate() {
            if directory.files == 0 || directory.handles == 0 || directory.handles > 10_000 {
                return Err("`files` and `handles` count from 1, and at most 10000 handles".into());
            }
            let at = directory.at();
            // On some file systems they would be the same, and people read them as the same.
            if let Some(other) = list[..n].iter().map(Directory::at).find(|o| o.eq_ignore_ascii_case(&at)) {
                return Err(format!(
                    "{:?} is {at} for the plugin, and {other} is there already: say where it is with `at`",
                    directory.path
                ));
            }
        }
        Ok(Self(list))
    }
}

impl FilesystemGrant {
    pub fn directories(&self) -> &[Directory] {
        &self.0
    }

    pub(crate) fn writes(&self) -> bool {
        self.0.iter().any(|d| d.access.writes())
    }

    pub(crate) fn within(&self, wider: &Self) -> Result<(), String> {
        for own in &self.0 {
            let fits = |w: &&Directory| {
                own.path.0.starts_with(&w.path.0)
                    && own.access <= w.access
                    && own.bytes <= w.bytes
                    && own.files <= w.files
                    && own.handles <= w.handles
            };
            if !wider.0.iter().any(|w| fits(&w)) {
                return Err(format!("{:?} with this access and these quotas", own.path));
            }
        }
        Ok(())
    }

    pub(crate) fn describe(&self) -> Vec<String> {
        let line = |d: &Directory| match d.access {
            Access::Read => format!("{} what is in {:?}, as {}", d.access.verb(), d.path, d.at()),
            Access::ReadWrite => format!(
                "{} what is in {:?}, as {}, until it holds {} or {} files",
                d.access.verb(),
                d.path,
                d.at(),
                d.bytes,
                d.files
            ),
        };
        self.0.iter().map(line).collect()
    }
}
