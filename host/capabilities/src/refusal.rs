//! What is said of what was not granted.

/// Why a host call was refused that no grant covers. The same everywhere, for guests and for the
/// record.
pub(crate) const NOT_GRANTED: &str = "not granted";
