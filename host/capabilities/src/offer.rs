use thiserror::Error;

/// What the host does with an interface that a component imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Given to every component, within the limits of its calls.
    Always,
    /// Given to who has this grant; answers "not permitted" to others.
    Granted(&'static str),
    /// Not there: a call of it ends the guest with [`Absent`].
    Absent,
}

impl Offer {
    /// Of the interface with this name and version, such as `wasi:clocks/wall-clock@0.2.6`.
    ///
    /// This is the other side of [`link`](crate::link): what is `Always` or `Granted` here is linked
    /// there.
    pub fn of(import: &str) -> Self {
        let (interface, version) = import.split_once('@').unwrap_or((import, ""));
        if let Some(own) = interface.strip_prefix("cofferdam:plugin/") {
            return match own {
                _ if !version.starts_with("0.1.") => Self::Absent,
                "host-info" => Self::Granted("host_info"),
                "types" | "log" | "progress" | "changes" => Self::Always,
                _ => Self::Absent,
            };
        }
        if !version.starts_with("0.2.") {
            return Self::Absent;
        }
        match interface {
            "wasi:clocks/monotonic-clock"
            | "wasi:clocks/wall-clock"
            | "wasi:random/random"
            | "wasi:random/insecure"
            | "wasi:random/insecure-seed"
            | "wasi:io/error"
            | "wasi:io/poll"
            | "wasi:io/streams"
            | "wasi:filesystem/types"
            | "wasi:filesystem/preopens"
            | "wasi:cli/environment"
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
}

/// Ends a call that used what the host does not offer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("it used {0}, which is not offered")]
pub struct Absent(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_one_track_are_one_offer() {
        for version in ["0.2.0", "0.2.6", "0.2.12"] {
            assert_eq!(Offer::of(&format!("wasi:cli/exit@{version}")), Offer::Always);
        }
        for absent in [
            "wasi:cli/exit",
            "wasi:cli/exit@0.3.0",
            "wasi:sockets/tcp@0.2.6",
            "wasi:http/outgoing-handler@0.2.6",
            "cofferdam:plugin/log@0.2.0",
            "cofferdam:plugin/sql@0.1.0",
            "other:thing/x@0.2.0",
        ] {
            assert_eq!(Offer::of(absent), Offer::Absent, "{absent}");
        }
        assert_eq!(Offer::of("cofferdam:plugin/host-info@0.1.0"), Offer::Granted("host_info"));
    }
}
