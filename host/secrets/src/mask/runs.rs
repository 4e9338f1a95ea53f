//! Which bytes of a text are to be taken out.

use std::collections::VecDeque;

use super::MASK;

/// Unbroken runs of bytes that belong to occurrences: in order, not empty, with something between them.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// Begin and end, from the beginning of the text.
    runs: VecDeque<(usize, usize)>,
    /// Whether the last settled byte belongs to a run: one that goes on behind it has its [`MASK`] already.
    within: bool,
    /// How many were settled, in part at least.
    count: u64,
}

impl Runs {
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// An occurrence, that ends where or behind where those before it do.
    pub(super) fn add(&mut self, mut start: usize, end: usize) {
        while let Some(&(before, _)) = self.runs.back().filter(|(_, reach)| *reach >= start) {
            start = start.min(before);
            self.runs.pop_back();
        }
        self.runs.push_back((start, end));
    }

    /// Writes what stands from `from` to `to`, which is the beginning of `bytes`, without the runs, and forgets those.
    pub(super) fn settle(&mut self, bytes: &[u8], from: usize, to: usize, into: &mut Vec<u8>) {
        let mut at = from;
        while let Some((start, end)) = self.runs.pop_front_if(|(start, _)| *start < to) {
            into.extend_from_slice(&bytes[at - from..start - from]);
            if !(self.within && start == from) {
                into.extend_from_slice(MASK.as_bytes());
                self.count += 1;
            }
            at = end.min(to);
            if end > to {
                self.runs.push_front((to, end));
            }
        }
        if to > from {
            into.extend_from_slice(&bytes[at - from..to - from]);
            self.within = at == to;
        }
    }

    /// Something without a run was settled.
    pub(super) fn pass(&mut self) {
        self.within = false;
    }
}
