//! What `wit-bindgen` makes of the contract.
//!
//! The types are plain Rust on every target, so the logic and its tests use them as they are. Only
//! the host's functions and the exports exist nowhere but inside a component: the logic reaches
//! the former through [`crate::host::Host`], and `component.rs` does the latter.
#![allow(unsafe_code, unreachable_pub, unused_qualifications, clippy::all)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "full-plugin",
    additional_derives: [PartialEq],
    pub_export_macro: true,
    default_bindings_module: "crate::bindings",
});
