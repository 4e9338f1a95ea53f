//! Text that reaches a person or a model must be what it looks like.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Where line breaks may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    One,
    Many,
}

/// The first character of `text` that deceives its reader: controls (which drive terminals),
/// format characters (zero-width, bidirectional overrides, tags), variation selectors past the
/// common ones (which can carry hidden text), private and unassigned code points.
pub(crate) fn deceptive(text: &str, lines: Lines) -> Option<char> {
    text.chars().find(|&c| match c {
        '\n' | '\t' => lines == Lines::One,
        // Emoji presentation; the others of the block and the supplement have no use in prose.
        '\u{fe0e}' | '\u{fe0f}' => false,
        '\u{fe00}'..='\u{fe0d}' | '\u{e0100}'..='\u{e01ef}' => true,
        _ => matches!(
            c.general_category(),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::PrivateUse
                | GeneralCategory::Unassigned
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_deceives() {
        for c in [
            '\0',
            '\u{1b}',
            '\r',
            '\u{7f}',
            '\u{9b}',
            '\u{200b}',
            '\u{200d}',
            '\u{202e}',
            '\u{2066}',
            '\u{feff}',
            '\u{e0041}',
            '\u{2028}',
            '\u{e000}',
            '\u{e0100}',
            '\u{ad}',
        ] {
            assert_eq!(deceptive(&format!("a{c}b"), Lines::Many), Some(c), "{c:?}");
        }
    }

    #[test]
    fn leaves_people_their_languages() {
        for text in ["Größe", "日本語", "مرحبا", "हिन्दी", "résumé ✔️", "a – b … “c”"]
        {
            assert_eq!(deceptive(text, Lines::One), None, "{text}");
        }
        assert_eq!(deceptive("two\nlines", Lines::Many), None);
        assert_eq!(deceptive("two\nlines", Lines::One), Some('\n'));
    }
}
