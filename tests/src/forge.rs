//! Hostile components, made from honest ones by changing bytes.
//!
//! A host meets components that no toolchain would write. Making them here, from the guests that
//! the tests build anyway, keeps every attack in one readable place and spares a wasm build for
//! each. All functions take and return the bytes of a component; they panic on input that is not
//! one, because then the test is wrong and not the host.
//!
//! - [`patch`]: other definitions or another greeting in the slot of a guest.
//! - [`stamp`]: a name and a version that are signed with the rest.
//! - [`broken`]: files that are no component.
//! - [`append`]: a core module, instantiated, behind everything a component has already.
//! - [`instantiation`]: what such a module does when the host instantiates it.
//! - [`compilation`]: what it does to the host's compiler.
//!
//! What is appended leaves the interface of a component as it was: imports, exports and metadata
//! are those of the honest guest, so nothing but the attack tells the two apart.

mod append;
mod broken;
mod compilation;
mod instantiation;
mod patch;
mod stamp;
#[cfg(test)]
mod tests;

pub use append::with_extra_core;
pub use broken::{core_module, garbage, too_large, truncated};
pub use compilation::{heavy_to_compile, slow_to_compile};
pub use instantiation::{
    growing_memories, growing_table, huge_memory, instance_bomb, many_memories, multi_memory, start_loop, table_bomb,
};
pub use patch::{patch_definitions, patch_greeting, patch_resources};
pub use stamp::{with_name, with_version};
