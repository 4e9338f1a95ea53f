//! `cofferdam:plugin/progress`: how far a call has come.

use cofferdam_policy::Capability;

use crate::{Capabilities, Event, bindings::cofferdam::plugin::progress::Host, refusal::NOT_GRANTED};

/// Longer messages are cut: a client shows one line.
const LONGEST_MESSAGE: usize = 1024;

impl Host for Capabilities {
    async fn report(&mut self, done: f64, total: Option<f64>, message: Option<String>) -> wasmtime::Result<()> {
        let effect = self.recorder.begin(Capability::Progress, "report", "");
        if !self.grants.has(Capability::Progress) {
            effect.refused(NOT_GRANTED);
            return Ok(());
        }
        effect.allowed();
        // JSON has no infinities, and the protocol wants reports that grow.
        let grows = done.is_finite() && self.last_progress.is_none_or(|last| done > last);
        if !grows || !self.may_report() {
            return Ok(());
        }
        self.last_progress = Some(done);
        let message = message.map(|mut text| {
            text.truncate(text.floor_char_boundary(LONGEST_MESSAGE));
            text
        });
        self.tell(Event::Progress { done, total: total.filter(|t| t.is_finite()), message }).await;
        Ok(())
    }
}
