//! The contract in `wit/`, as Rust.
#![allow(
    missing_debug_implementations,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::needless_pass_by_value
)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "cofferdam:plugin/full-plugin",
    imports: { default: async | trappable },
    exports: { default: async },
    additional_derives: [PartialEq],
});
