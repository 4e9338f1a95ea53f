use std::fmt;

use cofferdam_policy::PluginName;
use thiserror::Error;

/// The steps of admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Reading the file.
    Read,
    /// Getting it from a registry.
    Fetch,
    /// Checking who signed these bytes.
    Verify,
    /// Reading what it imports and exports.
    Inspect,
    /// Holding it against what was accepted before.
    Approve,
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
            Self::Fetch => "fetch",
            Self::Verify => "verify",
            Self::Inspect => "inspect",
            Self::Approve => "approve",
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
    /// One word for programs, such as `unsigned` or `drift`.
    pub reason: &'static str,
    pub found: String,
    pub mend: String,
}

impl Refusal {
    pub fn new(plugin: &PluginName, step: Step, found: impl fmt::Display, mend: impl Into<String>) -> Self {
        Self { plugin: plugin.to_string(), step, reason: step.label(), found: found.to_string(), mend: mend.into() }
    }

    /// The same, with a word of its own for programs.
    #[must_use]
    pub fn because(self, reason: &'static str) -> Self {
        Self { reason, ..self }
    }
}
