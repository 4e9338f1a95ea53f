use std::{
    thread,
    time::{Duration, Instant},
};

/// How long a test waits for something that has to happen. Long, for a machine that is busy; a
/// test that passes never waits for it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until `found` finds something, and panics with `what` when it does not.
#[track_caller]
pub fn eventually<T>(what: &str, found: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, found)
}

/// The same with a bound of the test's own.
#[track_caller]
// Polling is what the ban on sleeping asks for.
#[allow(clippy::disallowed_methods)]
pub fn within<T>(bound: Duration, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + bound;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < until, "waited {bound:?} in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
