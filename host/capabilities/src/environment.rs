//! `wasi:cli/environment`: the variables that were granted, as the host has them.

use cofferdam_policy::{Capability, EnvironmentGrant};
use wasmtime_wasi::WasiCtxBuilder;

use crate::Recorder;

/// Puts the granted variables into a call. One that the host has not, or not as text, is not there.
pub(crate) fn open(builder: &mut WasiCtxBuilder, grant: Option<&EnvironmentGrant>, recorder: &Recorder) {
    for name in grant.iter().flat_map(|g| g.names()) {
        // Handing over is what is recorded: a runtime reads them all at its start, used or not.
        let effect = recorder.begin(Capability::Environment, "give", name.as_str());
        match std::env::var(name.as_str()) {
            Ok(value) => {
                effect.received(value.len() as u64);
                builder.env(name.as_str(), value);
                effect.allowed();
            }
            Err(_) => effect.failed("the host has no such variable"),
        }
    }
}
