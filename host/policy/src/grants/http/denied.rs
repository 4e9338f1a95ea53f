use thiserror::Error;

/// A request that no rule permits. The texts are for the operator: they name rules.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HttpDenied {
    /// No rule is about the host.
    #[error("{asked} is not granted: no rule is about its host; the nearest is {nearest}")]
    Host { asked: String, nearest: String },
    #[error("{asked} is not granted: the rule for {nearest} is about another scheme")]
    Scheme { asked: String, nearest: String },
    #[error("{asked} is not granted: the rule for {nearest} is about another port")]
    Port { asked: String, nearest: String },
    #[error("{asked} is not granted: its path is not that of the nearest rule, {nearest}")]
    Path { asked: String, nearest: String },
    #[error("{asked} is not granted: the rule for {nearest} allows {allowed}")]
    Method { asked: String, nearest: String, allowed: String },
    /// The guest wrote the query parameter that the host attaches a secret as.
    #[error(
        "{asked} has the query parameter {parameter:?}, which the host adds: the rule for {nearest} attaches a secret as it"
    )]
    Query { asked: String, nearest: String, parameter: String },
    #[error("requests are sent by https and http, and not by {0}")]
    UnknownScheme(String),
    /// The host, or what stands around it, means different things to different programs.
    #[error("the URL cannot be compared with any rule: {0}")]
    UnsafeHost(&'static str),
    /// The path means different things to different servers.
    #[error("the path cannot be compared with any rule: it {0}")]
    UnsafePath(&'static str),
}

impl HttpDenied {
    /// One word, out of a fixed set, for logs and metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Host { .. } => "host",
            Self::Scheme { .. } | Self::UnknownScheme(_) => "scheme",
            Self::Port { .. } => "port",
            Self::Path { .. } => "path",
            Self::Method { .. } => "method",
            Self::Query { .. } => "query",
            Self::UnsafeHost(_) => "unsafe-host",
            Self::UnsafePath(_) => "unsafe-path",
        }
    }
}
