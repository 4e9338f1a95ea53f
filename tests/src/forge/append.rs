//! Appends sections to a component.
//!
//! The binary format lets sections of one kind come again, so a component can be extended at its end
//! without touching what is there. A module without imports needs nothing of the component but an
//! index of its own.

use wasm_encoder::{ComponentSection, ComponentSectionId, InstanceSection, RawSection};
use wasmparser::Validator;

/// `component` with the core module that `core_wat` is the text of, instantiated `instances` times.
///
/// The module must import nothing. Its start function runs whenever the component is instantiated.
///
/// # Panics
///
/// When `component` is not a valid component, or `core_wat` is not a module.
pub fn with_extra_core(component: &[u8], core_wat: &str, instances: usize) -> Vec<u8> {
    with_extra_module(component, &core(core_wat), instances)
}

/// As [`with_extra_core`], for a module in binary.
pub(super) fn with_extra_module(component: &[u8], module: &[u8], instances: usize) -> Vec<u8> {
    let mut extended = component.to_vec();
    RawSection { id: ComponentSectionId::CoreModule.into(), data: module }.append_to_component(&mut extended);

    let index = module_count(component);
    let mut section = InstanceSection::new();
    for _ in 0..instances {
        section.instantiate(index, std::iter::empty::<(&str, _)>());
    }
    section.append_to_component(&mut extended);
    extended
}

/// The module that `wat` is the text of.
pub(super) fn core(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).expect("the text of a core module")
}

/// How many core modules `component` has, imports and aliases included: the index of the next one.
fn module_count(component: &[u8]) -> u32 {
    let types = Validator::new().validate_all(component).expect("a valid component");
    types.module_count().try_into().expect("indices have 32 bits")
}
