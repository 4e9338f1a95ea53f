use std::collections::BTreeSet;

use cofferdam_capabilities::exports::cofferdam::plugin::{completions, prompts, resources, tools};
use cofferdam_capabilities::{Limit, link_granted};
use cofferdam_policy::Capability;
use cofferdam_trust::Digest;
use thiserror::Error;
use wasmtime::component::InstancePre;

use crate::{Engine, aot::MachineCode, compile::CompileError, failure::one_line, run::CallState, stub::stub_absent};

/// A component that is compiled and linked: all a call needs but an instance.
pub struct Prepared {
    pub(crate) digest: Digest,
    pub(crate) instance: InstancePre<CallState>,
    pub(crate) exports: Exports,
}

/// The interfaces of the contract that a component exports, looked up once.
pub(crate) struct Exports {
    pub(crate) tools: Option<tools::GuestIndices>,
    pub(crate) resources: Option<resources::GuestIndices>,
    pub(crate) prompts: Option<prompts::GuestIndices>,
    pub(crate) completions: Option<completions::GuestIndices>,
}

/// Which interfaces of the contract a component exports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    pub tools: bool,
    pub resources: bool,
    pub prompts: bool,
    pub completions: bool,
}

/// Why a component cannot be made ready to run.
#[derive(Debug, Error)]
pub enum PrepareError {
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error("it is larger than the limit `{limit}` of any tool: {engine}")]
    TooLarge { limit: Limit, engine: String },
    #[error("the engine refuses it: {0}")]
    Refused(String),
    #[error("its imports cannot be linked: {0}")]
    Link(String),
}

/// The pool says by text alone which of its bounds a component is over.
fn too_large(engine: String) -> PrepareError {
    let by_text = [
        ("memory has a minimum", Limit::Memory),
        ("memory index", Limit::Memory),
        ("memories", Limit::Memories),
        ("table has a minimum", Limit::TableElements),
        ("table index", Limit::TableElements),
        ("tables", Limit::Tables),
        ("instances", Limit::Instances),
    ];
    match by_text.into_iter().find(|(text, _)| engine.contains(text)) {
        Some((_, limit)) => PrepareError::TooLarge { limit, engine },
        None => PrepareError::Refused(engine),
    }
}

impl Prepared {
    pub(crate) fn new(
        engine: &Engine,
        digest: Digest,
        code: &MachineCode,
        granted: &BTreeSet<Capability>,
    ) -> Result<Self, PrepareError> {
        let component = code.load(engine).map_err(|e| too_large(one_line(&e.root_cause().to_string())))?;
        let link = |e: wasmtime::Error| PrepareError::Link(one_line(&e.root_cause().to_string()));
        let mut linker = engine.linker.clone();
        link_granted(&mut linker, granted).map_err(link)?;
        stub_absent(&mut linker, &component, granted).map_err(link)?;
        let instance = linker.instantiate_pre(&component).map_err(link)?;
        let exports = Exports {
            tools: tools::GuestIndices::new(&instance).ok(),
            resources: resources::GuestIndices::new(&instance).ok(),
            prompts: prompts::GuestIndices::new(&instance).ok(),
            completions: completions::GuestIndices::new(&instance).ok(),
        };
        Ok(Self { digest, instance, exports })
    }

    /// The component this is.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub fn offers(&self) -> Offers {
        Offers {
            tools: self.exports.tools.is_some(),
            resources: self.exports.resources.is_some(),
            prompts: self.exports.prompts.is_some(),
            completions: self.exports.completions.is_some(),
        }
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("digest", &self.digest).field("offers", &self.offers()).finish()
    }
}
