//! `cofferdam:plugin/secrets`: whether the host has a secret. Needs the grant `secrets`.
//!
//! A secret itself never comes this way, nor any other: the host attaches it to requests after a
//! guest has let go of them.

use cofferdam_policy::Capability;

use crate::{
    Capabilities,
    bindings::cofferdam::plugin::secrets::{Host, Refusal},
    refusal::NOT_GRANTED,
};

impl Host for Capabilities {
    async fn exists(&mut self, name: String) -> wasmtime::Result<Result<bool, Refusal>> {
        let effect = self.recorder.begin(Capability::Secrets, "exists", name.as_str());
        let granted = self.grants.secrets.as_ref().and_then(|g| g.names().iter().find(|n| n.as_ref() == name));
        let Some(name) = granted else {
            // The same for what there is and what there is not: names are nobody's to find out.
            effect.refused(NOT_GRANTED);
            return Ok(Err(Refusal::NotPermitted));
        };
        let there = self.secrets.get(name).await.is_ok();
        effect.allowed();
        Ok(Ok(there))
    }
}
