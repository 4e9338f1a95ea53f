//! The one place with unsafe code: machine code from disk becomes a component.
//!
//! Deserialising is unsafe because machine code is trusted blindly: whoever writes it owns the
//! process. So the type that is accepted here, [`MachineCode`], can only be made in this crate, by
//! the two modules that know where the bytes come from.
#![allow(unsafe_code)]

use wasmtime::component::Component;

use crate::Engine;

/// Machine code that this program made for this engine.
pub(crate) struct MachineCode {
    bytes: Vec<u8>,
}

impl MachineCode {
    /// Bytes that a compiler process started by this program wrote to the pipe this program read,
    /// or that were found under a MAC of this host's key over them, the engine's code key and the
    /// component's digest. Nobody else may call this.
    pub(crate) fn vouched_for(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn load(&self, engine: &Engine) -> wasmtime::Result<Component> {
        // SAFETY: `deserialize` wants bytes that `precompile_component` of a compatible engine
        // made, unaltered. The bytes are in our own memory, so nothing alters them while they are
        // read; `vouched_for` is called with bytes straight from our compiler process, which runs
        // this same executable with this engine's settings, and with bytes whose MAC was just
        // checked, and whose MAC covers the engine's version, settings and processor.
        unsafe { Component::deserialize(&engine.inner, &self.bytes) }
    }
}
