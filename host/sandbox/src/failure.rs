use cofferdam_capabilities::{Absent, Limit, LimitHit};
use thiserror::Error;
use wasmtime::component::ResourceTableError;

use crate::meter::Meter;

/// Why a run gave no reply.
#[derive(Debug, Error)]
pub enum Failure {
    /// The component went over a limit of its permit.
    #[error("it went over its limit `{0}`")]
    Limit(Limit),
    /// The component failed on its own.
    #[error("it trapped: {0}")]
    Trap(Trap),
    /// The component used what the host does not offer, or what it was not granted.
    #[error(transparent)]
    Absent(Absent),
    /// Something that was granted cannot be had.
    #[error("{0}")]
    Unopened(String),
    /// The caller went away or took the call back.
    #[error("the call was cancelled")]
    Cancelled,
    /// The component was to do what it has no export for.
    #[error("it has no {0}")]
    NotOffered(&'static str),
    /// The permit is for another component.
    #[error("the permit is for another component")]
    WrongPermit,
    /// The host itself could not run it.
    #[error("the host could not run it: {0}")]
    Host(String),
}

/// What went wrong in a guest, in the engine's words. They name no host memory, but may quote the
/// component; for the operator.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Trap(pub(crate) String);

impl Failure {
    /// Finds out what ended a guest. The engine tells some limits by type and some by text alone;
    /// the hostile components of the test suite hold each of these texts in place.
    pub(crate) fn of(error: &wasmtime::Error, meter: &Meter) -> Self {
        if let Some(LimitHit(limit)) = error.downcast_ref() {
            return Self::Limit(*limit);
        }
        if let Some(absent) = error.downcast_ref::<Absent>() {
            return Self::Absent(absent.clone());
        }
        if let Some(ResourceTableError::Full) = error.downcast_ref() {
            return Self::Limit(Limit::Handles);
        }
        if error.is::<wasmtime::PoolConcurrencyLimitError>() {
            return Self::Host(error.to_string());
        }
        match error.downcast_ref::<wasmtime::Trap>() {
            Some(wasmtime::Trap::OutOfFuel) => return Self::Limit(Limit::Fuel),
            Some(wasmtime::Trap::StackOverflow) => return Self::Limit(Limit::Stack),
            _ => {}
        }
        let root = error.root_cause().to_string();
        let by_text = [
            ("fuel allocated for hostcalls", Limit::HostCallBytes),
            ("store handle limit exceeded", Limit::Handles),
            ("resource table has no free keys", Limit::Handles),
            ("instance count too high", Limit::Instances),
            ("memory count too high", Limit::Memories),
            ("table count too high", Limit::Tables),
        ];
        if let Some((_, limit)) = by_text.iter().find(|(text, _)| root.contains(text)) {
            return Self::Limit(*limit);
        }
        // A guest that cannot get what it asks for mostly gives up with some other trap.
        match meter.refused() {
            Some(limit) => Self::Limit(limit),
            None => Self::Trap(Trap(one_line(&root))),
        }
    }
}

pub(crate) fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}
