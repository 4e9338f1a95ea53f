//! A slot is a static of a compiled component that tests overwrite in the finished binary.
//!
//! It spares them a wasm build for every variant of a guest: the test finds the marker that the slot
//! begins with, and writes another text behind it (`tests/src/forge/patch.rs`).
//! Two things make this work, and both are here: the compiler must not know what the slot holds, and
//! the whole of it must be in the binary.

/// What the rest of a slot is filled with.
///
/// UTF-8 does not have this byte, so it ends every text. It is not zero, because zeros at the end of
/// a static might be left out of the binary, and then there would be nothing to write over.
const PADDING: u8 = 0xff;

/// A slot of `N` bytes that begins with `marker`, followed by `text`.
///
/// # Panics
///
/// When they do not fit; in the initialiser of a static, at compile time.
pub const fn slot<const N: usize>(marker: &str, text: &str) -> [u8; N] {
    let (marker, text) = (marker.as_bytes(), text.as_bytes());
    assert!(marker.len() + text.len() <= N, "the text does not fit into the slot");
    let mut bytes = [PADDING; N];
    let mut at = 0;
    while at < marker.len() {
        bytes[at] = marker[at];
        at += 1;
    }
    while at < marker.len() + text.len() {
        bytes[at] = text[at - marker.len()];
        at += 1;
    }
    bytes
}

/// The text behind a marker of `marker_len` bytes, as it is in the binary that runs.
///
/// # Panics
///
/// When it is not UTF-8.
pub fn read(slot: &'static [u8], marker_len: usize) -> &'static str {
    // Without the black box the compiler would read the value it saw, not the one in the binary.
    let slot = std::hint::black_box(slot);
    let text = &slot[marker_len..];
    let end = text.iter().position(|&byte| byte == PADDING).unwrap_or(text.len());
    std::str::from_utf8(&text[..end]).expect("a slot holds UTF-8")
}
