//! Percent-encoding. Who writes an address decides which characters need it, and every library decides differently.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_encode_byte, utf8_percent_encode};
use zeroize::Zeroizing;

use super::{Forms, escaped};

/// RFC 3986: all but its unreserved characters.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// `encodeURIComponent`.
const COMPONENT: AsciiSet = UNRESERVED.remove(b'!').remove(b'\'').remove(b'(').remove(b')').remove(b'*');
/// `application/x-www-form-urlencoded`.
const FORM: AsciiSet = NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');
/// Python's `quote`.
const QUOTE: AsciiSet = UNRESERVED.remove(b'/');
/// `encodeURI`.
const WHOLE: AsciiSet = COMPONENT
    .remove(b';')
    .remove(b',')
    .remove(b'/')
    .remove(b'?')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b'#');
/// The sets of the WHATWG's URL standard.
const FRAGMENT: AsciiSet = CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`');
const QUERY: AsciiSet = CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');
const SPECIAL_QUERY: AsciiSet = QUERY.add(b'\'');
const PATH: AsciiSet = QUERY.add(b'?').add(b'^').add(b'`').add(b'{').add(b'}');
/// Before 2024.
const OLD_PATH: AsciiSet = PATH.remove(b'^');
const SEGMENT: AsciiSet = PATH.add(b'/').add(b'%').add(b'\\');
const OLD_SEGMENT: AsciiSet = SEGMENT.remove(b'^');
const USERINFO: AsciiSet =
    PATH.add(b'/').add(b':').add(b';').add(b'=').add(b'@').add(b'[').add(b'\\').add(b']').add(b'|');

const STYLES: [&AsciiSet; 13] = [
    &UNRESERVED,
    &COMPONENT,
    &FORM,
    &QUOTE,
    &WHOLE,
    &FRAGMENT,
    &QUERY,
    &SPECIAL_QUERY,
    &PATH,
    &OLD_PATH,
    &SEGMENT,
    &OLD_SEGMENT,
    &USERINFO,
];

pub(super) fn styles(secret: &str, forms: &mut Forms) {
    for set in STYLES {
        for space in ["%20", "+"] {
            forms.add(escaped(secret, |c| if c == ' ' { space.into() } else { encoded(c, set) }));
            forms.add(escaped(secret, |c| match encoded(c, set) {
                _ if c == ' ' => space.into(),
                // Only what was encoded has another case.
                text if text.starts_with('%') && text.len() > 1 => text.to_ascii_lowercase().into(),
                text => text,
            }));
        }
    }
}

/// Every byte.
pub(super) fn whole(secret: &str, forms: &mut Forms) {
    let mut text = Zeroizing::new(String::with_capacity(secret.len() * 3));
    secret.bytes().for_each(|byte| text.push_str(percent_encode_byte(byte)));
    forms.add(text.as_bytes());
}

/// Base64 in an address.
pub(super) fn of_base64(text: &str, forms: &mut Forms) {
    if text.contains(['+', '/', '=']) {
        forms.add(escaped(text, |c| encoded(c, &UNRESERVED)));
        forms.add(escaped(text, |c| match encoded(c, &UNRESERVED) {
            text if text.starts_with('%') => text.to_ascii_lowercase().into(),
            text => text,
        }));
    }
}

fn encoded(c: char, set: &'static AsciiSet) -> Cow<'static, str> {
    utf8_percent_encode(c.encode_utf8(&mut [0; 4]), set).to_string().into()
}
