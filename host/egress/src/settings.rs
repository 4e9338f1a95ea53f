//! What an operator decides about outgoing connections as a whole.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use thiserror::Error;

/// How this process connects.
#[derive(Clone, Debug)]
pub struct EgressSettings {
    /// Files with certificate authorities in PEM that count beside the public ones.
    pub ca_files: Vec<PathBuf>,
    /// Name servers, asked over UDP and TCP. When empty, the machine's resolv.conf and hosts file are used, without the
    /// search domains.
    pub dns: Vec<SocketAddr>,
    /// How long it may take to resolve a name and be connected, TLS included.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept.
    pub idle: Duration,
    /// Unused connections that are kept for one scheme, host, port, [`crate::PoolKey`] and grant.
    pub idle_per_host: usize,
    /// Connections that may be open for one [`crate::PoolKey`]. A request beyond that waits as long as it may connect.
    pub connections_per_pool: usize,
    /// Connections that may be open at all. Well above [`Self::connections_per_pool`], or one tool can take them all.
    pub connections: usize,
}

/// Ten seconds to connect, 90 seconds kept, 8 for a host, 32 for a tool, 512 in all: half of the 1024 files that a process
/// may open by default.
impl Default for EgressSettings {
    fn default() -> Self {
        Self {
            ca_files: Vec::new(),
            dns: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            idle: Duration::from_secs(90),
            idle_per_host: 8,
            connections_per_pool: 32,
            connections: 512,
        }
    }
}

/// Settings that cannot be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// A file with certificate authorities cannot be read.
    #[error("certificate authorities in {}: {why}; correct the path or the file", path.display())]
    CaFile { path: PathBuf, why: String },
    /// The machine does not say which name servers it has.
    #[error("the machine's name servers: {why}; correct /etc/resolv.conf, or name the servers in the settings")]
    NameServers { why: String },
    /// A number that makes no sense.
    #[error("{what} is {value}, and must be between 1 and {most}")]
    Number { what: &'static str, value: usize, most: usize },
    /// A duration that makes no sense.
    #[error("{what} must be longer than nothing")]
    NoTime { what: &'static str },
    /// The library for TLS does not work with what this crate asks of it.
    #[error("TLS: {why}")]
    Tls { why: String },
}

// === impl EgressSettings ===

/// More sockets than any system opens; what semaphores count is above that.
const MOST: usize = 1 << 20;

impl EgressSettings {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let numbers = [("connections_per_pool", self.connections_per_pool), ("connections", self.connections)];
        for (what, value) in numbers {
            if !(1..=MOST).contains(&value) {
                return Err(SettingsError::Number { what, value, most: MOST });
            }
        }
        if self.connect_timeout.is_zero() {
            return Err(SettingsError::NoTime { what: "connect_timeout" });
        }
        Ok(())
    }
}
