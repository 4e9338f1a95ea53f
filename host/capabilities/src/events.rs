use cofferdam_secrets::Masker;
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

impl Event {
    /// The same without secrets: a guest may repeat what a server told it.
    pub(crate) fn masked(self, masker: &Masker) -> Self {
        let text = |text: String| masker.text(&text).into_owned();
        match self {
            Self::Log { level, message, fields } => {
                // Masked as text, so that a secret is found in keys as well and however it is nested.
                let fields = fields.map(|value| {
                    let masked = masker.text(&value.to_string()).into_owned();
                    serde_json::from_str(&masked).unwrap_or(Value::String(masked))
                });
                Self::Log { level, message: text(message), fields }
            }
            Self::Progress { done, total, message } => Self::Progress { done, total, message: message.map(text) },
            Self::Updated { uri } => Self::Updated { uri: text(uri) },
            changed @ Self::Changed(_) => changed,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Listing {
    Tools,
    Prompts,
    Resources,
}
