//! Escapes of JSON. What must be escaped is the same for all who write it; what else is, is not.

use std::{borrow::Cow, fmt::Write as _};

use zeroize::Zeroizing;

use super::{Forms, escaped};

/// How a character is written.
#[derive(Clone, Copy)]
enum As {
    /// As it is, where it may be.
    Itself,
    /// `\/`
    Slash,
    /// `\u002f` and `\u002F`
    Lower,
    Upper,
}

use As::{Itself, Lower, Slash, Upper};

/// By the character, what those do who write JSON, beyond what must be.
const STYLES: [fn(char) -> As; 8] = [
    // Most.
    |_| Itself,
    // PHP.
    |c| if c == '/' { Slash } else { Itself },
    |c| {
        if c == '/' {
            Slash
        } else if c.is_ascii() {
            Itself
        } else {
            Lower
        }
    },
    // Go, Ruby on Rails.
    |c| if is_markup(c) { Lower } else { Itself },
    // Python.
    |c| if c.is_ascii() { Itself } else { Lower },
    // Java, when it is to be ASCII.
    |c| if c.is_ascii() { Itself } else { Upper },
    // .NET, and what it did before.
    |c| if is_markup(c) || "\"'+`\u{7f}".contains(c) || !c.is_ascii() { Upper } else { Itself },
    |c| if is_markup(c) || c == '\'' { Lower } else { Itself },
];

pub(super) fn styles(secret: &str, forms: &mut Forms) {
    for style in STYLES {
        forms.add(written(secret, style));
    }
    // JSON as a text within JSON.
    forms.add(written(&Zeroizing::new(written(secret, STYLES[0])), STYLES[0]));
}

/// Every character.
pub(super) fn whole(secret: &str, forms: &mut Forms) {
    forms.add(written(secret, |_| Lower));
}

fn is_markup(c: char) -> bool {
    matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}')
}

fn written(secret: &str, style: fn(char) -> As) -> String {
    escaped(secret, |c| write(c, style(c)))
}

fn write(c: char, how: As) -> Cow<'static, str> {
    let must = matches!(c, '"' | '\\' | '\0'..='\x1f');
    match how {
        Slash => r"\/".into(),
        Lower => by_number(c, |unit, text| write!(text, "\\u{unit:04x}")),
        Upper => by_number(c, |unit, text| write!(text, "\\u{unit:04X}")),
        Itself if must => match c {
            '"' => r#"\""#.into(),
            '\\' => r"\\".into(),
            '\t' => r"\t".into(),
            '\x08' => r"\b".into(),
            '\x0c' => r"\f".into(),
            _ => write(c, Lower),
        },
        Itself => c.to_string().into(),
    }
}

fn by_number(c: char, number: impl Fn(u16, &mut String) -> std::fmt::Result) -> Cow<'static, str> {
    let mut text = String::with_capacity(12);
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing into a string does not fail.
        let _never = number(*unit, &mut text);
    }
    text.into()
}
