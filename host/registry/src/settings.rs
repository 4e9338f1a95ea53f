//! What an operator decides about registries.

use std::{path::PathBuf, time::Duration};

/// How registries are spoken to.
///
/// Hosts on loopback (`localhost`, 127.0.0.0/8, `::1`) are spoken to in plain HTTP, all others over TLS.
#[derive(Clone, Debug)]
pub struct RegistrySettings {
    /// Further registries, as `host` or `host:port`, that are spoken to without TLS. Whoever is on the way to them
    /// reads and alters what is said, credentials with it; digests and signatures still are checked.
    pub plain_http: Vec<String>,
    /// Certificate authorities in PEM that count beside those of the machine.
    pub ca_file: Option<PathBuf>,
    /// How long one request may take. Transfers of components have a second more for every 256 KiB.
    pub timeout: Duration,
    /// How often a request is made in all, when the registry is away. At least 1.
    pub attempts: u32,
}

/// Thirty seconds a request, and three attempts.
impl Default for RegistrySettings {
    fn default() -> Self {
        Self { plain_http: Vec::new(), ca_file: None, timeout: Duration::from_secs(30), attempts: 3 }
    }
}
