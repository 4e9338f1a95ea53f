//! Why something did not happen: for the guest, for the record and for the operator.

use std::io;

use thiserror::Error;
use wasmtime_wasi::p2::{FsError, bindings::filesystem::types::ErrorCode};

use super::{disk::Over, measure::Unmeasured, names::BadName};
use crate::effects::Pending;

#[derive(Debug, Error)]
pub(super) enum Why {
    #[error("the grant is to read only")]
    ReadOnly,
    #[error("it leads out of the granted directory")]
    Outside,
    #[error("it is neither a file nor a directory")]
    Special,
    #[error("its name {0}")]
    Name(#[from] BadName),
    /// The two would be one where names are compared without case.
    #[error("{0:?} is there, whose name differs in nothing but case or accents")]
    Twin(String),
    /// A link that could be moved to where it leads out, and would fool other programs.
    #[error("a link may lead to what lies below it only: no `..`, no path from the root")]
    Target,
    #[error("the two lie in different granted directories")]
    TwoDirectories,
    #[error("a call may have {0} files of this directory open at a time (`handles`)")]
    Handles(u32),
    #[error("its list is longer than the {0} entries that a call may hold at a time")]
    Listing(usize),
    #[error(transparent)]
    Quota(#[from] Over),
    #[error(transparent)]
    Unmeasured(#[from] Unmeasured),
    /// The operating system, or the request makes no sense.
    #[error("{}", .0.name())]
    Code(ErrorCode),
    #[error("{0}")]
    Io(io::Error),
}

/// What cap-std answers to a path that leads out has no number of the system.
impl From<io::Error> for Why {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none() {
            Self::Outside
        } else {
            Self::Io(error)
        }
    }
}

impl From<ErrorCode> for Why {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl Why {
    pub(super) fn code(&self) -> ErrorCode {
        match self {
            Self::ReadOnly => ErrorCode::ReadOnly,
            Self::Outside | Self::Special | Self::Twin(_) | Self::Target => ErrorCode::NotPermitted,
            Self::Name(BadName::TooLong) => ErrorCode::NameTooLong,
            Self::Name(_) => ErrorCode::Invalid,
            Self::TwoDirectories => ErrorCode::CrossDevice,
            Self::Handles(_) => ErrorCode::Busy,
            Self::Listing(_) => ErrorCode::InsufficientMemory,
            Self::Quota(_) | Self::Unmeasured(_) => ErrorCode::Quota,
            Self::Code(code) => *code,
            Self::Io(error) => ErrorCode::from(error),
        }
    }

    /// Whether the grant forbids it, rather than the system or the state of things.
    fn is_refusal(&self) -> bool {
        !matches!(self, Self::Code(_) | Self::Io(_))
    }

    /// Writes down what became of it. Of what the system said, its code: its text may name paths of the
    /// machine.
    pub(super) fn tell(&self, effect: Pending) {
        if self.is_refusal() {
            effect.refused(self.to_string());
        } else {
            effect.failed(self.code().name());
        }
    }
}

/// Ends an operation that was tried: the record, and what the guest gets.
pub(super) fn conclude<T>(effect: Pending, result: Result<T, Why>) -> Result<T, FsError> {
    match result {
        Ok(value) => {
            effect.allowed();
            Ok(value)
        }
        Err(why) => {
            why.tell(effect);
            Err(why.code().into())
        }
    }
}
