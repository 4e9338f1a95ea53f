use cofferdam_policy::Capability;
use thiserror::Error;

/// What the host does with an interface that a component imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Given to every component, within the limits of its calls.
    Always,
    /// Given to every component, and empty without this grant. Language runtimes import these
    /// whether or not a program uses them.
    Filled(Capability),
    /// Given unless the policy takes it away.
    Given(Capability),
    /// There with this grant, and not there without.
    Granted(Capability),
    /// Not there: a call of it ends the guest with [`Absent`].
    Absent,
}

impl Offer {
    /// Of the interface with this name and version, such as `wasi:clocks/wall-clock@0.2.6`.
    ///
    /// This is the other side of [`link`](crate::link) and [`link_granted`](crate::link_granted): what
    /// is not `Absent` here is linked there.
    pub fn of(import: &str) -> Self {
        let (interface, version) = import.split_once('@').unwrap_or((import, ""));
        if let Some(own) = interface.strip_prefix("cofferdam:plugin/") {
            return match own {
                _ if !version.starts_with("0.1.") => Self::Absent,
                "host-info" => Self::Granted(Capability::HostInfo),
                "secrets" => Self::Granted(Capability::Secrets),
                "sql" => Self::Granted(Capability::Sql),
                "log" => Self::Given(Capability::Log),
                "progress" => Self::Given(Capability::Progress),
                "types" | "changes" => Self::Always,
                _ => Self::Absent,
            };
        }
        match interface {
            // Drafts: one version is another interface.
            "wasi:config/store" if version == "0.2.0-rc.1" => return Self::Granted(Capability::Config),
            "wasi:keyvalue/store" | "wasi:keyvalue/atomics" | "wasi:keyvalue/batch" if version == "0.2.0-draft2" => {
                return Self::Granted(Capability::KeyValue);
            }
            _ if interface.starts_with("wasi:config/") || interface.starts_with("wasi:keyvalue/") => {
                return Self::Absent;
            }
            _ if !version.starts_with("0.2.") => return Self::Absent,
            _ => {}
        }
        match interface {
            "wasi:clocks/monotonic-clock" | "wasi:clocks/wall-clock" => Self::Given(Capability::Clock),
            "wasi:random/random" | "wasi:random/insecure" | "wasi:random/insecure-seed" => {
                Self::Given(Capability::Random)
            }
            "wasi:filesystem/types" | "wasi:filesystem/preopens" => Self::Filled(Capability::Filesystem),
            "wasi:cli/environment" => Self::Filled(Capability::Environment),
            "wasi:http/types" | "wasi:http/outgoing-handler" => Self::Granted(Capability::Http),
            "wasi:sockets/network"
            | "wasi:sockets/instance-network"
            | "wasi:sockets/tcp"
            | "wasi:sockets/tcp-create-socket"
            | "wasi:sockets/udp"
            | "wasi:sockets/udp-create-socket"
            | "wasi:sockets/ip-name-lookup" => Self::Granted(Capability::Sockets),
            "wasi:io/error"
            | "wasi:io/poll"
            | "wasi:io/streams"
            | "wasi:cli/exit"
            | "wasi:cli/stdin"
            | "wasi:cli/stdout"
            | "wasi:cli/stderr"
            | "wasi:cli/terminal-input"
            | "wasi:cli/terminal-output"
            | "wasi:cli/terminal-stdin"
            | "wasi:cli/terminal-stdout"
            | "wasi:cli/terminal-stderr" => Self::Always,
            _ => Self::Absent,
        }
    }

    /// The capability behind it, if there is one.
    pub fn capability(self) -> Option<Capability> {
        match self {
            Self::Filled(capability) | Self::Given(capability) | Self::Granted(capability) => Some(capability),
            Self::Always | Self::Absent => None,
        }
    }
}

/// Ends a call that used what the host does not offer, or what was not granted.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Absent {
    #[error("it used {0}, which is not offered")]
    NotOffered(String),
    #[error("it used {0}, which needs the grant `{1}`")]
    NotGranted(String, Capability),
}

impl Absent {
    /// What a function of this import is when nothing stands behind it.
    pub fn of(import: &str, function: &str) -> Self {
        let name = format!("{import}#{function}");
        match Offer::of(import).capability() {
            Some(capability) => Self::NotGranted(name, capability),
            None => Self::NotOffered(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_one_track_are_one_offer() {
        for version in ["0.2.0", "0.2.6", "0.2.12"] {
            assert_eq!(Offer::of(&format!("wasi:cli/exit@{version}")), Offer::Always);
            assert_eq!(Offer::of(&format!("wasi:http/types@{version}")), Offer::Granted(Capability::Http));
        }
        for absent in [
            "wasi:cli/exit",
            "wasi:cli/exit@0.3.0",
            "wasi:http/incoming-handler@0.2.6",
            "wasi:keyvalue/store@0.2.0-draft",
            "wasi:keyvalue/watcher@0.2.0-draft2",
            "wasi:config/store@0.2.0",
            "cofferdam:plugin/log@0.2.0",
            "other:thing/x@0.2.0",
        ] {
            assert_eq!(Offer::of(absent), Offer::Absent, "{absent}");
        }
        assert_eq!(Offer::of("cofferdam:plugin/host-info@0.1.0"), Offer::Granted(Capability::HostInfo));
        assert_eq!(Offer::of("wasi:sockets/tcp@0.2.6"), Offer::Granted(Capability::Sockets));
        assert_eq!(Offer::of("wasi:filesystem/types@0.2.6"), Offer::Filled(Capability::Filesystem));
    }

    #[test]
    fn every_capability_is_behind_some_import() {
        let imports = [
            "cofferdam:plugin/host-info@0.1.0",
            "cofferdam:plugin/log@0.1.0",
            "cofferdam:plugin/progress@0.1.0",
            "cofferdam:plugin/secrets@0.1.0",
            "cofferdam:plugin/sql@0.1.0",
            "wasi:cli/environment@0.2.6",
            "wasi:clocks/wall-clock@0.2.6",
            "wasi:config/store@0.2.0-rc.1",
            "wasi:filesystem/types@0.2.6",
            "wasi:http/outgoing-handler@0.2.6",
            "wasi:keyvalue/store@0.2.0-draft2",
            "wasi:random/random@0.2.6",
            "wasi:sockets/tcp@0.2.6",
        ];
        let found: std::collections::BTreeSet<_> = imports.iter().filter_map(|i| Offer::of(i).capability()).collect();
        assert_eq!(found.len(), Capability::ALL.len());
    }
}
