//! What a stream holds back: added at one end, taken at the other, wiped when it is not needed.

use zeroize::Zeroizing;

/// Bytes in order. Each is copied a constant number of times, however it is cut.
#[derive(Default)]
pub(super) struct Held {
    buffer: Zeroizing<Vec<u8>>,
    /// How many bytes at the front of the buffer are gone.
    gone: usize,
}

impl Held {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.gone..]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        if self.buffer.capacity() - self.buffer.len() < bytes.len() {
            self.renew(self.bytes().len() + bytes.len());
        }
        self.buffer.extend_from_slice(bytes);
    }

    pub(super) fn take(&mut self, count: usize) {
        self.gone += count;
        // Copying what is left costs no more than what went.
        if self.gone >= self.buffer.len() - self.gone {
            self.renew(self.bytes().len());
        }
    }

    /// Moves to a buffer with room for this many bytes and as many again. A vector that grows by itself would leave a
    /// copy behind that nobody wipes.
    fn renew(&mut self, room: usize) {
        let mut buffer = Zeroizing::new(Vec::with_capacity(room * 2));
        buffer.extend_from_slice(self.bytes());
        *self = Self { buffer, gone: 0 };
    }
}
