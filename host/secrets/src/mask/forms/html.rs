//! Escapes of HTML and XML. All write the brackets and the ampersand as names; quotes they write as they like.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::{Forms, escaped};

const NAMES: [(char, &str); 3] = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;")];

/// What libraries write beyond [`NAMES`], or in place of it.
const STYLES: [&[(char, &str)]; 11] = [
    // Text between elements.
    &[],
    // Attributes.
    &[('"', "&quot;")],
    // Python, Django.
    &[('"', "&quot;"), ('\'', "&#x27;")],
    // PHP.
    &[('"', "&quot;"), ('\'', "&#039;")],
    // Ruby, Java, React.
    &[('"', "&quot;"), ('\'', "&#39;")],
    // XML.
    &[('"', "&quot;"), ('\'', "&apos;")],
    // Jinja, Go.
    &[('"', "&#34;"), ('\'', "&#39;")],
    &[('"', "&#34;"), ('\'', "&#39;"), ('+', "&#43;")],
    // What OWASP recommends.
    &[('"', "&quot;"), ('\'', "&#x27;"), ('/', "&#x2F;")],
    // Mustache.
    &[('"', "&quot;"), ('\'', "&#39;"), ('/', "&#x2F;"), ('`', "&#x60;"), ('=', "&#x3D;")],
    // Askama.
    &[('"', "&#34;"), ('\'', "&#39;"), ('&', "&#38;"), ('<', "&#60;"), ('>', "&#62;")],
];

pub(super) fn styles(secret: &str, forms: &mut Forms) {
    for style in STYLES {
        forms.add(escaped(secret, |c| match style.iter().chain(&NAMES).find(|(escaped, _)| *escaped == c) {
            Some((_, text)) => Cow::Borrowed(*text),
            None => c.to_string().into(),
        }));
    }
}

/// Every character as a number.
pub(super) fn whole(secret: &str, forms: &mut Forms) {
    let decimal = Zeroizing::new(escaped(secret, |c| format!("&#{};", u32::from(c)).into()));
    let hexadecimal = Zeroizing::new(escaped(secret, |c| format!("&#x{:x};", u32::from(c)).into()));
    forms.add(decimal.as_bytes());
    forms.add(hexadecimal.as_bytes());
}
