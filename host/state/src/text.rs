//! Text that somebody else wrote, made safe to show.

/// Longest piece of foreign text in a message, in characters.
const SHOWN: usize = 200;

/// Foreign text for a message: bounded, on one line, and without anything that a terminal or a log would act upon.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == SHOWN {
            out.push_str("...");
            break;
        }
        if c == ' ' || c.is_ascii_graphic() {
            out.push(c);
        } else {
            out.extend(c.escape_unicode());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{SHOWN, shown};

    #[test]
    fn foreign_text_is_escaped_and_cut() {
        assert_eq!(shown("ERR no\r\nnext"), "ERR no\\u{d}\\u{a}next");
        assert_eq!(shown(&"x".repeat(100_000)).len(), SHOWN + 3);
    }
}
