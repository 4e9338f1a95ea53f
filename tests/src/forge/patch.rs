//! Writes into the slots of the guests; `tests/guests/slot` is the other side of this.

/// What ends the text in a slot: a byte that UTF-8 does not have.
const PADDING: u8 = 0xff;

/// The `liar` with the tools of `json`, a JSON array of definitions.
///
/// A definition has `name`, `description` and `inputSchema`, and may have `title`, `outputSchema`,
/// `readOnly`, `destructive`, `idempotent` and `openWorld`. The schemas are strings that hold JSON
/// text, so they can be anything. With text that is not such an array, listing the tools traps.
///
/// # Panics
///
/// When `liar` is not the liar, or `json` is longer than 65,524 bytes.
pub fn patch_definitions(liar: &[u8], json: &str) -> Vec<u8> {
    patched(liar, "DEFINITIONS!", 65536, json)
}

/// A `greeter` that greets with `word`: an honest plugin with a digest of its own.
///
/// # Panics
///
/// When `greeter` is not the greeter, or `word` is longer than 23 bytes.
pub fn patch_greeting(greeter: &[u8], word: &str) -> Vec<u8> {
    patched(greeter, "GREETING!", 32, word)
}

/// A `probe` whose resources' URIs begin with `prefix`, so that it can be served beside the other.
///
/// # Panics
///
/// When `probe` is not the probe, or `prefix` is longer than 38 bytes.
pub fn patch_resources(probe: &[u8], prefix: &str) -> Vec<u8> {
    patched(probe, "RESOURCES!", 48, prefix)
}

/// `guest` with `text` in its slot of `len` bytes, marker included.
fn patched(guest: &[u8], marker: &str, len: usize, text: &str) -> Vec<u8> {
    let start = slot(guest, marker) + marker.len();
    let room = len - marker.len();
    assert!(text.len() <= room, "{} bytes do not fit into the {room} behind {marker}", text.len());

    let mut patched = guest.to_vec();
    let (written, rest) = patched[start..start + room].split_at_mut(text.len());
    written.copy_from_slice(text.as_bytes());
    rest.fill(PADDING);
    patched
}

/// Where the slot that begins with `marker` is.
fn slot(guest: &[u8], marker: &str) -> usize {
    let mut found = guest.windows(marker.len()).enumerate().filter(|(_, bytes)| *bytes == marker.as_bytes());
    let (start, _) = found.next().unwrap_or_else(|| panic!("the guest has no slot {marker}"));
    // Two would mean that we do not know which one the guest reads.
    assert!(found.next().is_none(), "the guest has {marker} twice");
    start
}
