//! That a value is wiped in memory: every block that is given back to the allocator is looked through.
//!
//! A test binary of its own, since an allocator is one for all.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs,
    sync::atomic::{AtomicU32, Ordering},
};

struct Looking;

/// What no block that is given back may have. Not in this program as it is looked for: the last byte is another.
const NEEDLE: &[u8] = b"needle-in-the-heap-0123456789-";

static FOUND: AtomicU32 = AtomicU32::new(0);

// SAFETY: blocks are the system allocator's, with the layouts that it is asked with. A block is read before it is given
// back, within its bounds; bytes of it that were never written are read as what they happen to be, which is all that
// is asked of them.
unsafe impl GlobalAlloc for Looking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed, so that every byte of it was written when it is looked through.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) };
        if bytes.windows(NEEDLE.len()).any(|window| window == NEEDLE) {
            FOUND.fetch_add(1, Ordering::Relaxed);
        }
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Looking = Looking;

#[cfg(test)]
mod tests {
    use cofferdam_secrets::{Secrets, SecretsSettings, Source};

    use super::*;

    #[tokio::test]
    async fn a_value_from_a_file_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("value");
        let value: Vec<u8> = [NEEDLE, b"&<%\n"].concat();
        fs::write(&path, &value).unwrap();
        // The test's own copy.
        drop(value);
        let own = FOUND.swap(0, Ordering::Relaxed);
        assert_eq!(own, 1, "a block that has it is found");

        let name = "value".parse().unwrap();
        let settings = SecretsSettings {
            secrets: [(name, Source::File { path: path.clone() })].into(),
            refresh: std::time::Duration::from_millis(100),
            ..SecretsSettings::default()
        };
        let secrets = Secrets::open(settings).await.unwrap();
        let name = "value".parse().unwrap();
        let secret = secrets.get(&name).await.unwrap();
        assert!(secret.expose().as_bytes().starts_with(NEEDLE));
        let masker = secrets.masker(std::slice::from_ref(&name)).await.unwrap();
        let mut stream = masker.stream();
        let held = stream.push(bytes::Bytes::from_static(NEEDLE));
        assert!(held.is_empty());
        // What is masked is not kept either.
        let text = fs::read(&path).unwrap();
        assert_eq!(masker.bytes(&text), &b"[masked]\n"[..]);
        std::mem::forget(text);
        drop((secrets, secret, masker, stream));
        // moka gives back what it held a moment later, or when it is gone, which it is.
        assert_eq!(FOUND.load(Ordering::Relaxed), 0);
    }
}
