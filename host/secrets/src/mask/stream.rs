//! Masks what comes in pieces.

use std::{fmt, sync::Arc};

use bytes::Bytes;

use super::{Masker, automata::Place, held::Held, runs::Runs};

/// Masks a text that comes in pieces, cut anywhere: all that it gives is what [`Masker::bytes`] gives for the whole.
///
/// It holds back the end of what came, while that may be the beginning of a secret: fewer bytes than the longest form
/// has, and none where the last byte is in no form, such as a line break. Linear in time.
pub struct MaskStream {
    masker: Arc<Masker>,
    place: Place,
    /// What came and is not settled. A secret's beginning may be in it.
    held: Held,
    /// How many bytes are settled.
    settled: usize,
    runs: Runs,
}

impl MaskStream {
    pub(super) fn new(masker: Arc<Masker>) -> Self {
        Self { place: masker.automata.start(), held: Held::default(), settled: 0, runs: Runs::default(), masker }
    }

    /// Takes a piece, and gives what is settled.
    #[must_use]
    pub fn push(&mut self, chunk: Bytes) -> Bytes {
        if self.masker.is_empty() || chunk.is_empty() {
            return chunk;
        }
        let mut end = self.settled + self.held.bytes().len();
        for &byte in &chunk {
            end += 1;
            if let Some(length) = self.masker.automata.step(&mut self.place, byte) {
                self.runs.add(end - length, end);
            }
        }
        let to = end - self.place.open();
        if self.held.is_empty() && self.runs.is_empty() {
            // As nearly always: what is settled is not copied.
            let count = to - self.settled;
            self.held.add(&chunk[count..]);
            if count > 0 {
                self.runs.pass();
            }
            self.settled = to;
            return chunk.slice(..count);
        }
        self.held.add(&chunk);
        self.settle(to)
    }

    /// Gives the rest. What comes after that is another text.
    #[must_use]
    pub fn finish(&mut self) -> Bytes {
        let rest = self.settle(self.settled + self.held.bytes().len());
        self.runs.pass();
        self.place = self.masker.automata.start();
        rest
    }

    /// How often something was masked up to now.
    pub fn masked(&self) -> u64 {
        self.runs.count()
    }

    #[cfg(test)]
    pub(super) fn held_back(&self) -> usize {
        self.held.bytes().len()
    }

    fn settle(&mut self, to: usize) -> Bytes {
        let count = to - self.settled;
        if count == 0 {
            return Bytes::new();
        }
        let mut out = Vec::with_capacity(count);
        self.runs.settle(self.held.bytes(), self.settled, to, &mut out);
        self.held.take(count);
        self.settled = to;
        out.into()
    }
}

/// Leaves out what it holds back.
impl fmt::Debug for MaskStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaskStream").field("masked", &self.masked()).finish_non_exhaustive()
    }
}
