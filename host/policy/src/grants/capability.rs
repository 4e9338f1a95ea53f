use std::fmt;

use serde::{Serialize, Serializer};

/// A kind of thing beyond its own memory that a component can reach, under the name that
/// `policy.toml` has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    Clock,
    Config,
    Environment,
    Filesystem,
    HostInfo,
    Http,
    KeyValue,
    Log,
    Progress,
    Random,
    Secrets,
    Sockets,
    Sql,
}

impl Capability {
    /// All of them; tests walk this list to see that none was forgotten.
    pub const ALL: [Self; 13] = [
        Self::Clock,
        Self::Config,
        Self::Environment,
        Self::Filesystem,
        Self::HostInfo,
        Self::Http,
        Self::KeyValue,
        Self::Log,
        Self::Progress,
        Self::Random,
        Self::Secrets,
        Self::Sockets,
        Self::Sql,
    ];

    /// The key under `grants`, and the label in logs, receipts and metrics.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Config => "config",
            Self::Environment => "environment",
            Self::Filesystem => "filesystem",
            Self::HostInfo => "host_info",
            Self::Http => "http",
            Self::KeyValue => "keyvalue",
            Self::Log => "log",
            Self::Progress => "progress",
            Self::Random => "random",
            Self::Secrets => "secrets",
            Self::Sockets => "sockets",
            Self::Sql => "sql",
        }
    }

    /// A line for `policy.toml` to start from: the least that is of use.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Clock => r#"clock = "coarse""#,
            Self::Config => r#"config = { base-url = "https://api.example.com" }"#,
            Self::Environment => r#"environment = ["TZ"]"#,
            Self::Filesystem => r#"filesystem = [{ path = "/srv/documents", access = "read" }]"#,
            Self::HostInfo => "host_info = true",
            Self::Http => r#"http = [{ url = "https://api.example.com/v1/", methods = ["GET"] }]"#,
            Self::KeyValue => r#"keyvalue = [{ bucket = "default", access = "read-write" }]"#,
            Self::Log => "log = true",
            Self::Progress => "progress = true",
            Self::Random => r#"random = "real""#,
            Self::Secrets => r#"secrets = ["api-token"]"#,
            Self::Sockets => r#"sockets = ["db.example.com:5432"]"#,
            Self::Sql => r#"sql = [{ database = "main", access = "read" }]"#,
        }
    }

    /// Whether every plugin has it unless the policy takes it away.
    pub const fn is_given(self) -> bool {
        matches!(self, Self::Clock | Self::Log | Self::Progress | Self::Random)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

impl Serialize for Capability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}
