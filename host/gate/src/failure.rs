//! Why a call did not do what it was asked to: one type, two readers.

use cofferdam_capabilities::Limit;
use cofferdam_capabilities::imports::plugin::types::{ClientFeatures, ToolError};
use cofferdam_catalog::Violation;
use cofferdam_sandbox::Failure;
use thiserror::Error;

use crate::StateError;

/// Longer messages of a plugin are cut.
const LONGEST_MESSAGE: usize = 4096;

/// What kind of failure it was: the closed set that clients, logs and metrics know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    Validation,
    NotFound,
    PermissionDenied,
    Conflict,
    RateLimited,
    Unavailable,
    Internal,
    /// A limit of the call; which one stands beside it.
    LimitExceeded,
    /// The component broke its own contract: it trapped, or its result is not what it declared.
    PluginFault,
}

impl Code {
    pub fn label(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::Conflict => "conflict",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
            Self::LimitExceeded => "limit_exceeded",
            Self::PluginFault => "plugin_fault",
        }
    }
}

/// A call that ran, or could have, and failed in a way that the caller can know of.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("{}: {to_caller}", .code.label())]
pub struct Failed {
    pub code: Code,
    /// What the caller reads. Says what would help, and nothing of the host.
    pub to_caller: String,
    /// What the log keeps beside it.
    pub to_operator: Option<String>,
    /// The limit, for [`Code::LimitExceeded`].
    pub limit: Option<Limit>,
    /// What is wrong with the arguments, for [`Code::Validation`].
    pub violations: Vec<Violation>,
    /// Milliseconds after which the same call may succeed.
    pub retry_after: Option<u64>,
    /// Whether the same call may succeed later.
    pub retryable: bool,
}

/// A request that cannot be answered with a result.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum CallError {
    /// There is no such tool, prompt or resource, or none for this caller.
    #[error("unknown {kind}: {name}")]
    Unknown { kind: &'static str, name: String },
    /// What a plugin remembered came back altered, late, or to another call.
    #[error("{0}")]
    State(#[from] StateError),
    /// The client does not offer what the call cannot do without.
    #[error("the client lacks what this call needs: {}", feature_names(*.0).join(", "))]
    ClientLacks(ClientFeatures),
    /// The arguments of a prompt or completion are not what it takes.
    #[error("{0}")]
    Arguments(String),
    /// The caller took the call back, or went away.
    #[error("the call was cancelled")]
    Cancelled,
    /// It failed.
    #[error(transparent)]
    Failed(Box<Failed>),
}

impl From<Failed> for CallError {
    fn from(failed: Failed) -> Self {
        Self::Failed(Box::new(failed))
    }
}

/// The protocol's names of client features.
pub(crate) fn feature_names(features: ClientFeatures) -> Vec<&'static str> {
    let all = [
        (ClientFeatures::ELICITATION, "elicitation"),
        (ClientFeatures::ELICITATION_URL, "elicitation (url)"),
        (ClientFeatures::SAMPLING, "sampling"),
        (ClientFeatures::ROOTS, "roots"),
        (ClientFeatures::TASKS, "tasks"),
    ];
    all.into_iter().filter(|(flag, _)| features.contains(*flag)).map(|(_, name)| name).collect()
}

impl Failed {
    pub(crate) fn new(code: Code, to_caller: impl Into<String>) -> Self {
        Self {
            code,
            to_caller: to_caller.into(),
            to_operator: None,
            limit: None,
            violations: Vec::new(),
            retry_after: None,
            retryable: false,
        }
    }

    pub(crate) fn told(mut self, to_operator: impl Into<String>) -> Self {
        self.to_operator = Some(to_operator.into());
        self
    }

    /// A limit was hit: what it was, and what was spent of it when that is known.
    pub(crate) fn limit(limit: Limit, detail: &str) -> Self {
        let mut failed = Self::new(Code::LimitExceeded, format!("the call went over its limit `{limit}`{detail}"));
        failed.limit = Some(limit);
        failed.retryable = matches!(limit, Limit::Concurrency);
        failed
    }

    /// The component did something it promised not to.
    pub(crate) fn fault(to_operator: impl Into<String>) -> Self {
        Self::new(Code::PluginFault, "the tool failed: it did not keep to its own definition; its operator can see why")
            .told(to_operator)
    }

    pub(crate) fn validation(what: &str, violations: Vec<Violation>) -> Self {
        let list: Vec<String> = violations
            .iter()
            .map(|v| if v.path.is_empty() { v.message.clone() } else { format!("{}: {}", v.path, v.message) })
            .collect();
        let mut failed = Self::new(Code::Validation, format!("{what}: {}", list.join("; ")));
        failed.violations = violations;
        failed
    }

    /// What a plugin's own error becomes. `Err` when it is for the protocol to answer.
    pub(crate) fn of_plugin(error: ToolError) -> CallError {
        let failed = match error {
            ToolError::Validation(problems) => {
                let violation = |p: cofferdam_capabilities::imports::plugin::types::Problem| Violation {
                    path: cut(p.path),
                    message: cut(p.message),
                };
                Self::validation("the arguments are not valid", problems.into_iter().take(16).map(violation).collect())
            }
            ToolError::NotFound(message) => Self::new(Code::NotFound, cut(message)),
            ToolError::PermissionDenied(message) => Self::new(Code::PermissionDenied, cut(message)),
            ToolError::Conflict(message) => Self::new(Code::Conflict, cut(message)),
            ToolError::RateLimited(limit) => {
                let mut failed = Self::new(Code::RateLimited, cut(limit.message));
                failed.retry_after = limit.retry_after;
                failed.retryable = true;
                failed
            }
            ToolError::Unavailable(why) => {
                let mut failed = Self::new(Code::Unavailable, cut(why.message));
                failed.retryable = why.retryable;
                failed
            }
            ToolError::Internal(message) => Self::new(Code::Internal, cut(message)),
            ToolError::ClientLacks(features) => return CallError::ClientLacks(features),
        };
        failed.into()
    }

    /// What the end of a guest becomes. `spent` says how much of each limit there was.
    pub(crate) fn of_run(failure: Failure, spent: impl Fn(Limit) -> String) -> CallError {
        match failure {
            Failure::Limit(limit) => Self::limit(limit, &spent(limit)).into(),
            Failure::Cancelled => CallError::Cancelled,
            Failure::Trap(trap) => {
                Self::new(Code::PluginFault, "the tool crashed; its operator can see why").told(trap.to_string()).into()
            }
            Failure::Absent(absent) => {
                let told = "the tool tried to use something that it may not use; its operator can see what";
                Self::new(Code::PermissionDenied, told).told(absent.to_string()).into()
            }
            Failure::Unopened(why) => {
                let told = "something that the tool needs is not there now; its operator can see what";
                let mut failed = Self::new(Code::Unavailable, told).told(why);
                failed.retryable = true;
                failed.into()
            }
            Failure::NotOffered(what) => Self::fault(format!("it lists {what} and does not export them")).into(),
            failure @ Failure::WrongPermit => {
                Self::new(Code::Internal, "the host failed").told(failure.to_string()).into()
            }
            Failure::Host(why) => {
                let mut failed = Self::new(Code::Unavailable, "the host is busy: try again").told(why);
                failed.retryable = true;
                failed.into()
            }
        }
    }
}

fn cut(mut text: String) -> String {
    if text.len() > LONGEST_MESSAGE {
        text.truncate(text.floor_char_boundary(LONGEST_MESSAGE));
        text.push('…');
    }
    text
}
