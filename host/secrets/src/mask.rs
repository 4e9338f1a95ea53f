//! Finds secrets in what comes from the outside, and puts one text in their place.

use std::{borrow::Cow, fmt, sync::Arc};

use aho_corasick::BuildError;

use crate::Secret;

mod automata;
mod forms;
mod held;
mod runs;
mod stream;
#[cfg(test)]
mod tests;

pub use stream::MaskStream;

use automata::Automata;
use runs::Runs;

/// What stands where a secret was. The same for each, however long.
pub const MASK: &str = "[masked]";

/// Finds the secrets that it was made for, in every form of `mask::forms`.
///
/// Every byte of every occurrence is taken out, and one [`MASK`] stands for each unbroken run of such bytes. In time
/// linear in the text, whatever the text is.
pub struct Masker {
    automata: Automata,
}

impl Masker {
    /// Masks these.
    pub(crate) fn new(secrets: &[Secret]) -> Result<Self, BuildError> {
        let (mut exact, mut any_case) = (forms::Forms::default(), forms::Forms::default());
        for secret in secrets {
            forms::exact(secret.expose(), &mut exact);
            forms::any_case(secret.expose(), &mut any_case);
        }
        Ok(Self { automata: Automata::new(&exact, &any_case)? })
    }

    /// Masks nothing.
    pub fn nothing() -> Arc<Self> {
        Arc::new(Self { automata: Automata::default() })
    }

    /// Whether there is nothing that it could mask.
    pub fn is_empty(&self) -> bool {
        self.automata.is_empty()
    }

    /// The text without secrets.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // A form in UTF-16 that is not ASCII may begin or end within a character.
            Cow::Owned(bytes) => Cow::Owned(
                String::from_utf8(bytes).unwrap_or_else(|odd| String::from_utf8_lossy(odd.as_bytes()).into_owned()),
            ),
        }
    }

    /// The bytes without secrets.
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut place = self.automata.start();
        let mut runs = Runs::default();
        for (at, &byte) in bytes.iter().enumerate() {
            if let Some(length) = self.automata.step(&mut place, byte) {
                runs.add(at + 1 - length, at + 1);
            }
        }
        if runs.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut masked = Vec::with_capacity(bytes.len());
        runs.settle(bytes, 0, bytes.len(), &mut masked);
        Cow::Owned(masked)
    }

    /// For what comes in pieces.
    pub fn stream(self: &Arc<Self>) -> MaskStream {
        MaskStream::new(self.clone())
    }

    /// Whether there is a secret in it.
    pub fn would_mask(&self, bytes: &[u8]) -> bool {
        let mut place = self.automata.start();
        bytes.iter().any(|&byte| self.automata.step(&mut place, byte).is_some())
    }
}

/// Tells its size: the automaton is made of the secrets.
impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masker").field("memory", &self.automata.memory()).finish_non_exhaustive()
    }
}
