//! Names that a plugin may give to what it makes.
//!
//! What is made today on one file system is copied, shared or unpacked on another tomorrow, and read
//! by people. So a name that another system would take for something else, or that a person would
//! take for another name, is not made; what has such a name already can be opened, listed, renamed
//! and removed by it.

use std::io;

use cap_std::fs::Dir;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;

/// Bytes of a name, on nearly every file system.
const LONGEST: usize = 255;

/// Entries of a directory that are compared with a new name: as many as a measure counts.
const COMPARED: usize = 1_000_000;

/// What Windows takes for a device, with whatever ending.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// Why a name is not given to anything. Follows "its name".
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum BadName {
    #[error("is empty, or none of its own")]
    None,
    #[error("is longer than {LONGEST} bytes")]
    TooLong,
    #[error("has a character that cannot be seen")]
    Unseen,
    #[error("has a backslash, which is a separator elsewhere")]
    Backslash,
    #[error("ends with a dot or a space, which other systems drop")]
    End,
    #[error("is a device elsewhere")]
    Device,
}

/// Whether something new may have this name.
pub(super) fn check(name: &str) -> Result<(), BadName> {
    if matches!(name, "" | "." | "..") || name.contains('/') {
        return Err(BadName::None);
    }
    if name.len() > LONGEST {
        return Err(BadName::TooLong);
    }
    if name.contains(is_unseen) {
        return Err(BadName::Unseen);
    }
    if name.contains('\\') {
        return Err(BadName::Backslash);
    }
    if name.ends_with(['.', ' ']) {
        return Err(BadName::End);
    }
    if is_device(name) {
        return Err(BadName::Device);
    }
    Ok(())
}

/// Control characters, and those that turn the direction of writing or have no width.
pub(super) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

fn is_device(name: &str) -> bool {
    // Also `NUL.txt` and `NUL .txt` are the device.
    let stem = name.split('.').next().unwrap_or(name).trim_end_matches(' ').to_uppercase();
    if DEVICES.contains(&stem.as_str()) {
        return true;
    }
    let port = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    port.is_some_and(|port| {
        let mut digits = port.chars();
        let digit = digits.next().is_some_and(|c| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³'));
        digit && digits.next().is_none()
    })
}

/// What two names have in common that some file system would take for one.
///
/// To capitals first: some small letters have several characters as a capital, and those of the
/// result have one small letter each.
fn folded(name: &str) -> String {
    name.nfc().collect::<String>().to_uppercase().to_lowercase().nfc().collect()
}

/// A name in `parent` that differs from `name` in case or in how accents are written, and in nothing
/// else. `except` is about to give its name up.
pub(super) fn twin(parent: &Dir, name: &str, except: Option<&str>) -> io::Result<Option<String>> {
    let wanted = folded(name);
    for (n, entry) in parent.entries()?.enumerate() {
        if n >= COMPARED {
            return Err(io::Error::other("the directory has too many entries"));
        }
        let Ok(other) = entry?.file_name().into_string() else { continue };
        if other != name && Some(other.as_str()) != except && folded(&other) == wanted {
            return Ok(Some(other));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_something_else_elsewhere() {
        for (name, why) in [
            ("", BadName::None),
            ("..", BadName::None),
            ("a/b", BadName::None),
            ("a\nb", BadName::Unseen),
            ("a\0", BadName::Unseen),
            ("\u{202e}fdp.exe", BadName::Unseen),
            ("zero\u{200b}width", BadName::Unseen),
            ("a\\b", BadName::Backslash),
            ("a.", BadName::End),
            ("a ", BadName::End),
            ("...", BadName::End),
            ("nul", BadName::Device),
            ("Con.txt", BadName::Device),
            ("aux .c", BadName::Device),
            ("COM1", BadName::Device),
            ("lpt¹.log", BadName::Device),
        ] {
            assert_eq!(check(name), Err(why), "{name:?}");
        }
        assert_eq!(check(&"a".repeat(256)), Err(BadName::TooLong));
        for name in ["a", ".hidden", "con1", "COM", "COM10", "null", "ünï.txt", "日本", "a b", "x:y"] {
            assert_eq!(check(name), Ok(()), "{name:?}");
        }
        assert_eq!(check(&"a".repeat(255)), Ok(()));
    }

    #[test]
    fn names_that_are_one_elsewhere() {
        for (a, b) in [
            ("a", "A"),
            ("straße", "STRASSE"),
            ("ς", "Σ"),
            ("\u{212a}", "k"),
            ("ÿ", "Ÿ"),
            ("é", "e\u{301}"),
            ("ﬁ", "FI"),
        ] {
            assert_eq!(folded(a), folded(b), "{a} {b}");
        }
        assert_ne!(folded("e"), folded("é"));
    }
}
