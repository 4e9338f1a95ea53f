//! Files that are no component a host should load.

use wasm_encoder::{ComponentSection, CustomSection};

/// The first half of `component`, as after a download that broke off.
pub fn truncated(component: &[u8]) -> Vec<u8> {
    component[..component.len() / 2].to_vec()
}

/// 4 KiB that are not WebAssembly: noise, always the same.
pub fn garbage() -> Vec<u8> {
    let mut state = 1_u32;
    std::iter::repeat_with(|| {
        // The constants of "Numerical Recipes"; the high bits are the good ones.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(4096)
    .collect()
}

/// A valid core module, which is not a component.
pub fn core_module() -> Vec<u8> {
    super::append::core(r#"(module (func (export "run")))"#)
}

/// `component`, valid as before, with a custom section that makes it a few bytes larger than
/// `bytes`, or than it was.
pub fn too_large(component: &[u8], bytes: usize) -> Vec<u8> {
    let mut padded = component.to_vec();
    let padding = vec![0; bytes.saturating_sub(component.len())];
    CustomSection { name: "padding".into(), data: padding.into() }.append_to_component(&mut padded);
    padded
}
