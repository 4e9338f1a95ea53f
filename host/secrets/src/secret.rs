//! A value, and which values can be one.

use std::{fmt, str, sync::Arc};

use thiserror::Error;
use zeroize::Zeroizing;

#[cfg(test)]
mod tests;

/// Bytes of the shortest value that is used.
///
/// A masker would eat ordinary words for a shorter one. It would also tell: who can have a server repeat guesses
/// sees which of them is masked, and a value with four digits is found after ten thousand.
pub const SHORTEST: usize = 8;

/// Bytes of the longest value that is used. Servers take no longer header, and a masker has some forty forms of it.
pub const LONGEST: usize = 16 << 10;

/// A value: text without line breaks. Clones share the bytes, which are wiped when the last of them is gone.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<Box<str>>>);

/// Why a value cannot be used. Tells nothing about it but this.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Unfit {
    #[error("it is empty")]
    Empty,
    #[error("it has fewer than {SHORTEST} bytes, so few that ordinary text would be masked: use a longer one")]
    Short,
    #[error("it has more than {LONGEST} bytes")]
    Long,
    #[error("it is no UTF-8 text: encode it, for example as base64")]
    NotText,
    #[error("it has a NUL")]
    Nul,
    #[error("it has a line break, which would end a header: encode it, for example as base64")]
    LineBreak,
}

// === impl Secret ===

impl Secret {
    /// The value in these bytes, without the line breaks at their end: editors, `echo` and `kubectl` leave them.
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, Unfit> {
        let text = str::from_utf8(bytes).map_err(|_| Unfit::NotText)?.trim_end_matches(['\r', '\n']);
        match text.len() {
            0 => return Err(Unfit::Empty),
            1..SHORTEST => return Err(Unfit::Short),
            SHORTEST..=LONGEST => {}
            _ => return Err(Unfit::Long),
        }
        if text.contains('\0') {
            return Err(Unfit::Nul);
        }
        if text.contains(['\r', '\n']) {
            return Err(Unfit::LineBreak);
        }
        Ok(Self(Arc::new(Zeroizing::new(Box::from(text)))))
    }

    /// The value. Whoever asks takes it to where it is used, and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Says that there is one.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
