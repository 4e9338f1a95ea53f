//! The forms in which servers give a secret back.
//!
//! | form | why |
//! |---|---|
//! | as it is | error texts, echoes |
//! | base64, standard and URL-safe, padded or not, also in an address or with JSON's `\/` | basic authentication, tokens |
//! | percent-encoded by thirteen rules, `+` for a space, both cases, and every byte | addresses, forms |
//! | hexadecimal | dumps of bytes |
//! | escaped for JSON by eight rules, twice, and every character | what was sent, within an answer |
//! | escaped for HTML by eleven rules, and every character as a number | error pages |
//! | UTF-16 | consoles and services of Windows; it costs one form, and is read by taking out every other byte |
//!
//! Base64 knows a secret at three places, by how many bytes stand before it in its group of three. Only the characters
//! that are made of the secret alone are looked for, and with them the one that is shared with what is known beside it:
//! the end of the data, and the colon of `user:secret` on either side.

use std::borrow::Cow;

use base64::{
    Engine as _,
    engine::general_purpose::{GeneralPurpose, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use zeroize::Zeroizing;

mod html;
mod json;
mod percent;

/// Texts to look for, each once. Wiped when they are gone.
#[derive(Default)]
pub(super) struct Forms(Vec<Zeroizing<Vec<u8>>>);

impl Forms {
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|form| form.as_slice())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, form: impl Into<Vec<u8>>) {
        self.0.push(Zeroizing::new(form.into()));
    }

    /// Most secrets look the same in most forms.
    fn once_each(&mut self) {
        self.0.sort_unstable_by(|one, other| one.as_slice().cmp(other));
        self.0.dedup();
    }
}

/// The forms that are one text each.
pub(super) fn exact(secret: &str, forms: &mut Forms) {
    forms.add(secret);
    // Joined at once: what is formatted grows, and leaves copies behind.
    for parts in [["", secret], [":", secret], [secret, ":"]] {
        base64(&Zeroizing::new(parts.concat()), forms);
    }
    percent::styles(secret, forms);
    json::styles(secret, forms);
    html::styles(secret, forms);
    utf16(secret, forms);
    forms.once_each();
}

/// The forms whose letters are digits, or the mark of an escape, and have no case.
pub(super) fn any_case(secret: &str, forms: &mut Forms) {
    forms.add(hex::encode(secret));
    percent::whole(secret, forms);
    json::whole(secret, forms);
    html::whole(secret, forms);
    forms.once_each();
}

/// The text with each character written in this way. Sized for the longest, since a string that grows leaves copies.
fn escaped<'a>(secret: &str, mut escape: impl FnMut(char) -> Cow<'a, str>) -> String {
    let pieces: Vec<Zeroizing<String>> = secret.chars().map(|c| Zeroizing::new(escape(c).into_owned())).collect();
    let mut text = String::with_capacity(pieces.iter().map(|piece| piece.len()).sum());
    pieces.iter().for_each(|piece| text.push_str(piece));
    text
}

fn base64(text: &str, forms: &mut Forms) {
    for alphabet in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        for before in 0..3 {
            for form in base64_at(text, before, alphabet) {
                percent::of_base64(&form, forms);
                if form.contains('/') {
                    forms.add(form.replace('/', r"\/"));
                }
                forms.add(form.as_bytes());
            }
        }
    }
}

/// What is certain of the text with `before` bytes before it: amid other data, at its end, and at its end with padding.
fn base64_at(text: &str, before: usize, alphabet: &GeneralPurpose) -> Vec<Zeroizing<String>> {
    let mut data = Zeroizing::new(Vec::with_capacity(before + text.len()));
    data.resize(before, 0);
    data.extend_from_slice(text.as_bytes());
    let all = Zeroizing::new(alphabet.encode(&*data));
    let bits = data.len() * 8;
    let (first, last) = ((before * 8).div_ceil(6), bits / 6);
    let mut forms = vec![Zeroizing::new(all[first..last].to_owned())];
    if last < all.len() {
        forms.push(Zeroizing::new(all[first..].to_owned()));
        forms.push(Zeroizing::new([&all[first..], &"=="[data.len() % 3 - 1..]].concat()));
    }
    forms
}

/// Both byte orders. Of ASCII text they are the same but for the outermost zero, which is left out.
fn utf16(secret: &str, forms: &mut Forms) {
    let little: Zeroizing<Vec<u8>> = Zeroizing::new(secret.encode_utf16().flat_map(u16::to_le_bytes).collect());
    let big: Zeroizing<Vec<u8>> = Zeroizing::new(secret.encode_utf16().flat_map(u16::to_be_bytes).collect());
    forms.add(little.strip_suffix(&[0]).unwrap_or(&little));
    forms.add(big.strip_prefix(&[0]).unwrap_or(&big));
}
