//! A name and a version in a component's own bytes, so that they are signed with the rest.
//!
//! Written here and not asked of the host: what the host reads is not to be what the host wrote.

use wasm_encoder::{ComponentNameSection, ComponentSection, CustomSection, Encode, Section};

/// `component` with this name embedded.
pub fn with_name(component: &[u8], name: &str) -> Vec<u8> {
    let mut section = ComponentNameSection::new();
    section.component(name);
    let mut named = component.to_vec();
    named.push(ComponentSection::id(&section));
    section.encode(&mut named);
    named
}

/// `component` with this version embedded.
pub fn with_version(component: &[u8], version: &str) -> Vec<u8> {
    let section = CustomSection { name: "version".into(), data: version.as_bytes().into() };
    let mut versioned = component.to_vec();
    versioned.push(Section::id(&section));
    section.encode(&mut versioned);
    versioned
}
