//! Walks two automata over a text, byte by byte, and says where a form ends.
//!
//! The walk is done here, since the library's own searches either start over at each call, which a stream that comes
//! byte by byte makes quadratic, or find one occurrence where several overlap.

use std::fmt;

use aho_corasick::{
    Anchored, BuildError, MatchKind, automaton::Automaton as _, automaton::StateID, nfa::contiguous::NFA,
};

use super::forms::Forms;

/// What finds the forms: as they are written, and those whose letters have no case.
#[derive(Default)]
pub(super) struct Automata {
    exact: Option<NFA>,
    any_case: Option<NFA>,
    /// Bytes of the longest form.
    longest: usize,
}

/// Where in the automata a text has led.
#[derive(Clone, Copy)]
pub(super) struct Place {
    exact: StateID,
    any_case: StateID,
    /// How many of the last bytes may belong to a form that is not complete.
    open: usize,
}

// === impl Automata ===

impl Automata {
    pub(super) fn new(exact: &Forms, any_case: &Forms) -> Result<Self, BuildError> {
        let build = |forms: &Forms, ignore_case: bool| {
            let mut builder = NFA::builder();
            builder.match_kind(MatchKind::Standard).ascii_case_insensitive(ignore_case).prefilter(false);
            (!forms.is_empty()).then(|| builder.build(forms.iter())).transpose()
        };
        let longest = exact.iter().chain(any_case.iter()).map(<[u8]>::len).max().unwrap_or(0);
        Ok(Self { exact: build(exact, false)?, any_case: build(any_case, true)?, longest })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.longest == 0
    }

    /// Bytes of the longest form.
    #[cfg(test)]
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    pub(super) fn memory(&self) -> usize {
        [&self.exact, &self.any_case].into_iter().flatten().map(|nfa| nfa.memory_usage()).sum()
    }

    pub(super) fn start(&self) -> Place {
        Place { exact: start(self.exact.as_ref()), any_case: start(self.any_case.as_ref()), open: 0 }
    }

    /// Takes the next byte, and says how long the longest form is that ends with it.
    #[inline]
    pub(super) fn step(&self, place: &mut Place, byte: u8) -> Option<usize> {
        let (exact, one) = walk(self.exact.as_ref(), &mut place.exact, byte);
        let (any_case, other) = walk(self.any_case.as_ref(), &mut place.any_case, byte);
        // Back at the start no form has begun. Otherwise one began with this byte, or was open before it; and with as
        // many bytes as the longest has, it is complete.
        let most = self.longest.saturating_sub(1);
        place.open = if exact && any_case { 0 } else { (place.open + 1).min(most) };
        one.max(other)
    }
}

impl Place {
    /// How many of the last bytes may belong to a form that is not complete. Fewer than the longest form has.
    pub(super) fn open(self) -> usize {
        self.open
    }
}

impl fmt::Debug for Automata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Automata").field("longest", &self.longest).finish_non_exhaustive()
    }
}

fn start(nfa: Option<&NFA>) -> StateID {
    nfa.and_then(|nfa| nfa.start_state(Anchored::No).ok()).unwrap_or_default()
}

/// Whether the automaton is back at its start, and the longest form that ends here.
#[inline]
fn walk(nfa: Option<&NFA>, state: &mut StateID, byte: u8) -> (bool, Option<usize>) {
    let Some(nfa) = nfa else { return (true, None) };
    *state = nfa.next_state(Anchored::No, *state, byte);
    if !nfa.is_special(*state) {
        return (nfa.is_start(*state), None);
    }
    let ends = nfa.is_match(*state).then(|| {
        let forms = 0..nfa.match_len(*state);
        forms.map(|index| nfa.pattern_len(nfa.match_pattern(*state, index))).max().unwrap_or(0)
    });
    (nfa.is_start(*state), ends)
}
