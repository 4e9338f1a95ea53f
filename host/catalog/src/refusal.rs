use std::fmt;

use cofferdam_policy::PluginName;
use thiserror::Error;

/// The steps of admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Reading the file.
    Read,
    /// Checking that these bytes are approved.
    Verify,
    /// Reading what it imports and exports.
    Inspect,
    Compile,
    /// Asking it what it offers, and checking the answer.
    Describe,
    /// Giving its tools their place among the others.
    Admit,
}

impl Step {
    /// The label in logs, listings and metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Verify => "verify",
            Self::Inspect => "inspect",
            Self::Compile => "compile",
            Self::Describe => "describe",
            Self::Admit => "admit",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// Why a component is not served: at which step, what was found, what would mend it. For the
/// operator.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{plugin} refused at {step}: {found}; {mend}")]
pub struct Refusal {
    /// The plugin's name; the file's name, escaped, when that is no plugin name.
    pub plugin: String,
    pub step: Step,
    pub found: String,
    pub mend: String,
}

impl Refusal {
    pub fn new(plugin: &PluginName, step: Step, found: impl fmt::Display, mend: impl Into<String>) -> Self {
        Self { plugin: plugin.to_string(), step, found: found.to_string(), mend: mend.into() }
    }
}
