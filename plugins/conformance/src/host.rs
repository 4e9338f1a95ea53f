//! What the fixtures need from outside.

use std::time::Duration;

use crate::bindings::cofferdam::plugin::changes::Listing;

/// The world as a fixture sees it.
pub trait Host {
    /// Sends a log line of level `info`.
    fn log(&self, message: &str);

    /// Reports how much of `total` is done.
    fn progress(&self, done: f64, total: f64);

    /// Tells clients that a listing changed.
    fn announce(&self, what: Listing);

    /// Waits.
    fn pause(&self, time: Duration);
}

#[cfg(test)]
pub(crate) mod fake {
    use std::cell::RefCell;

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    pub(crate) enum Event {
        Log(String),
        Progress(f64, f64),
        Announce(Listing),
        Pause(Duration),
    }

    /// A host that writes down what it was asked to do, and waits for nothing.
    #[derive(Default)]
    pub(crate) struct Fake(RefCell<Vec<Event>>);

    impl Fake {
        pub(crate) fn events(&self) -> Vec<Event> {
            self.0.borrow().clone()
        }
    }

    impl Host for Fake {
        fn log(&self, message: &str) {
            self.0.borrow_mut().push(Event::Log(message.into()));
        }

        fn progress(&self, done: f64, total: f64) {
            self.0.borrow_mut().push(Event::Progress(done, total));
        }

        fn announce(&self, what: Listing) {
            self.0.borrow_mut().push(Event::Announce(what));
        }

        fn pause(&self, time: Duration) {
            self.0.borrow_mut().push(Event::Pause(time));
        }
    }
}
