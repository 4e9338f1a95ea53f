//! Text that somebody else wrote, made safe to show.

/// Longest piece of foreign text in a message, in characters: enough for a workflow's identity.
const SHOWN: usize = 256;

/// Foreign text for a message: bounded, and without anything a terminal or a log would act upon.
///
/// Only printable ASCII stands for itself: control characters could forge lines, and look-alike
/// letters or text that turns its direction could make one name read as another.
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
    use super::shown;

    #[test]
    fn plain_text_stays_as_it_is() {
        assert_eq!(
            shown("https://github.com/acme/plugins@refs/tags/v1"),
            "https://github.com/acme/plugins@refs/tags/v1"
        );
    }

    #[test]
    fn what_a_terminal_would_act_upon_is_escaped() {
        assert_eq!(shown("a\n\u{1b}[2Jb\u{202e}c\u{430}"), "a\\u{a}\\u{1b}[2Jb\\u{202e}c\\u{430}");
    }

    #[test]
    fn long_text_is_cut() {
        let cut = shown(&"x".repeat(100_000));
        assert_eq!(cut.len(), super::SHOWN + 3);
        assert!(cut.ends_with("x..."));
    }
}
