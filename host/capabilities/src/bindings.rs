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
    world: "cofferdam:plugin/everything",
    imports: { default: async | trappable },
    exports: { default: async },
    with: {
        "cofferdam:plugin/sql.database": crate::sql::OpenDatabase,
        "cofferdam:plugin/sql.transaction": crate::sql::OpenTransaction,
        "wasi:keyvalue/atomics.cas": crate::keyvalue::Cas,
        "wasi:keyvalue/store.bucket": crate::keyvalue::Bucket,
    },
});
