use serde_json::Value;

use crate::Level;

/// Something a running component told the host.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Untrusted text from the guest.
    Log {
        level: Level,
        message: String,
        fields: Option<Value>,
    },
    Progress {
        done: f64,
        total: Option<f64>,
        message: Option<String>,
    },
    /// One of the plugin's listings is not what it was.
    Changed(Listing),
    /// A resource has new contents.
    Updated {
        uri: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Listing {
    Tools,
    Prompts,
    Resources,
}
