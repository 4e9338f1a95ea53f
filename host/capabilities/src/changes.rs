//! `cofferdam:plugin/changes`: what clients listed or subscribed to is not what it was.

use crate::{
    Capabilities, Event, Listing,
    bindings::cofferdam::plugin::changes::{Host, Listing as WitListing},
};

/// No resource the host lists has a longer one.
const LONGEST_URI: usize = 2048;

impl Host for Capabilities {
    async fn announce(&mut self, what: WitListing) -> wasmtime::Result<()> {
        let listing = match what {
            WitListing::Tools => Listing::Tools,
            WitListing::Prompts => Listing::Prompts,
            WitListing::Resources => Listing::Resources,
        };
        // Every client lists anew on each of these: once in a call says it all.
        if !self.announced.contains(&listing) && self.may_report() {
            self.announced.push(listing);
            self.tell(Event::Changed(listing)).await;
        }
        Ok(())
    }

    async fn updated(&mut self, uri: String) -> wasmtime::Result<()> {
        if uri.len() <= LONGEST_URI && self.may_report() {
            self.tell(Event::Updated { uri }).await;
        }
        Ok(())
    }
}
