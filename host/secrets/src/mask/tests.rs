use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose};
use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes()).unwrap()
}

fn masker(secrets: &[&str]) -> Arc<Masker> {
    let secrets: Vec<Secret> = secrets.iter().map(|text| secret(text)).collect();
    Arc::new(Masker::new(&secrets).unwrap())
}

/// With all that encodings treat specially.
const ODD: &str = r#"p@ss"w\o/r+d = <'é&%>~"#;
const PLAIN: &str = "ghp_16C7e42F292c6912E7";

/// Written by others than the code that makes the forms.
fn written(text: &str) -> Vec<(&'static str, String)> {
    let json = serde_json::to_string(text).unwrap().trim_matches('"').to_owned();
    let form: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let mut path = url::Url::parse("https://x/").unwrap();
    path.path_segments_mut().unwrap().push(text);
    let mut query = url::Url::parse("https://x/").unwrap();
    query.set_query(Some(text));
    let mut user = url::Url::parse("https://x/").unwrap();
    user.set_password(Some(text)).unwrap();
    vec![
        ("plain", text.to_owned()),
        ("base64", general_purpose::STANDARD.encode(text)),
        ("base64 without padding", general_purpose::STANDARD_NO_PAD.encode(text)),
        ("base64 of addresses", general_purpose::URL_SAFE.encode(text)),
        ("base64 of addresses without padding", general_purpose::URL_SAFE_NO_PAD.encode(text)),
        (
            "base64 in a form",
            url::form_urlencoded::byte_serialize(general_purpose::STANDARD.encode(text).as_bytes()).collect(),
        ),
        ("a form", form.clone()),
        ("a form in lower case, of PHP", lower_escapes(&form)),
        ("a path", path.path().trim_start_matches('/').to_owned()),
        ("a query", query.query().unwrap().to_owned()),
        ("a password in an address", user.password().unwrap().to_owned()),
        ("every byte percent-encoded", text.bytes().map(|b| format!("%{b:02x}")).collect()),
        ("every byte percent-encoded, upper case", text.bytes().map(|b| format!("%{b:02X}")).collect()),
        ("hexadecimal", hex::encode(text)),
        ("hexadecimal, upper case", hex::encode_upper(text)),
        ("JSON", json.clone()),
        ("JSON of PHP", json.replace('/', r"\/")),
        ("JSON in JSON", serde_json::to_string(&json).unwrap().trim_matches('"').to_owned()),
        ("JSON of Python", ascii(&json)),
        ("JSON by numbers", text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect()),
        ("HTML of Python", html(text, "&quot;", "&#x27;")),
        ("HTML of Go", html(text, "&#34;", "&#39;").replace('+', "&#43;")),
        ("HTML of PHP", html(text, "&quot;", "&#039;")),
        ("XML", html(text, "&quot;", "&apos;")),
        ("HTML of a text", html(text, "\"", "'")),
        ("HTML by decimal numbers", text.chars().map(|c| format!("&#{};", c as u32)).collect()),
        ("HTML by hexadecimal numbers", text.chars().map(|c| format!("&#X{:X};", c as u32)).collect()),
    ]
}

fn html(text: &str, double: &str, single: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // The names have no quotes, and the numbers no names.
    text.replace('"', double).replace('\'', single)
}

fn ascii(json: &str) -> String {
    let one = |unit: u16| match u8::try_from(unit) {
        Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
        _ => format!("\\u{unit:04x}"),
    };
    json.encode_utf16().map(one).collect()
}

fn lower_escapes(text: &str) -> String {
    let mut parts = text.split('%');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| format!("{text}%{}{}", part[..2].to_lowercase(), &part[2..]))
}

#[test]
fn a_secret_is_found_in_every_form() {
    for value in [PLAIN, ODD, "bell\u{7}and\u{1}\u{7f}more", "\u{1f511}\u{1f512} keys", "aaaaaaaa", "a b c d e f"] {
        let masker = masker(&[value]);
        for (form, text) in written(value) {
            let around = format!("<{text}\n");
            assert_eq!(masker.text(&around), "<[masked]\n", "{form} of {value:?}: {text}");
            assert!(masker.would_mask(around.as_bytes()), "{form}");
        }
    }
}

#[test]
fn a_tab_is_found_in_json() {
    let masker = masker(&["tab\tand more"]);
    assert_eq!(masker.text(r"<tab\tand more>"), "<[masked]>");
    assert_eq!(masker.text(r"<tab\u0009and more>"), r"<tab\u0009and more>");
}

#[test]
fn utf_16_is_found_in_both_byte_orders() {
    for value in [PLAIN, ODD] {
        let masker = masker(&[value]);
        for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            let text: Vec<u8> = format!("a{value}b").encode_utf16().flat_map(bytes).collect();
            let masked = masker.bytes(&text).into_owned();
            assert_eq!(masked.windows(MASK.len()).filter(|w| *w == MASK.as_bytes()).count(), 1, "{masked:?}");
            assert!(masked.len() <= MASK.len() + 6, "{masked:?}");
        }
    }
}

#[test]
fn hexadecimal_digits_have_no_case_and_letters_have() {
    let masker = masker(&["Zürich-2030"]);
    let hex = hex::encode("Zürich-2030");
    let mixed: String = hex.char_indices().map(|(i, c)| if i % 3 == 0 { c.to_ascii_uppercase() } else { c }).collect();
    assert_eq!(masker.text(&mixed), MASK);
    for other in ["zürich-2030", "ZÜRICH-2030", "zürich-2030"] {
        assert_eq!(masker.text(other), other);
    }
}

#[test]
fn base64_knows_a_secret_after_and_before_anything() {
    for value in [PLAIN, "12345678", "123456789", "1234567890"] {
        let masker = masker(&[value]);
        for before in 0..7 {
            for after in 0..7 {
                let data = format!("{}{value}{}", "\u{1}".repeat(before), "\u{2}".repeat(after));
                for engine in [&general_purpose::STANDARD, &general_purpose::URL_SAFE_NO_PAD] {
                    let text = engine.encode(&data);
                    let masked = masker.text(&text);
                    // At most one character on either side is made of the secret and of others.
                    let most = (before * 8).div_ceil(6) + (after * 8).div_ceil(6) + 2;
                    assert_eq!(masked.matches(MASK).count(), 1, "{text} {masked}");
                    assert!(masked.len() - MASK.len() <= most, "{before} {after} {text} {masked}");
                }
            }
        }
    }
}

#[test]
fn nothing_of_a_secret_is_left_of_basic_authentication() {
    for value in [PLAIN, "12345678", "123456789", "1234567890"] {
        let masker = masker(&[value]);
        for user in ["", "u", "us", "use", "user"] {
            let text = general_purpose::STANDARD.encode(format!("{user}:{value}"));
            // What is left is made of the user's name, and of the colon.
            let of_user = &text[..(user.len() * 8).div_ceil(6)];
            assert_eq!(masker.text(&format!("Basic {text}")), format!("Basic {of_user}{MASK}"), "{user}");
        }
        let text = general_purpose::STANDARD.encode(format!("{value}:"));
        assert_eq!(masker.text(&text), MASK);
    }
}

#[test]
fn secrets_that_overlap_or_touch_leave_nothing() {
    let two = masker(&["abcdefgh", "efghijkl"]);
    assert_eq!(two.text("<abcdefghijkl>"), "<[masked]>");
    assert_eq!(two.text("<abcdefghefghijkl>"), "<[masked]>");
    assert_eq!(two.text("<abcdefgh efghijkl>"), "<[masked] [masked]>");
    let within = masker(&["abcdefghijkl", "defghijk"]);
    assert_eq!(within.text("abcdefghijkl"), MASK);
    assert_eq!(within.text("abcdefghijk"), "abc[masked]");
    let repeated = masker(&["abababab"]);
    assert_eq!(repeated.text("xababababababy"), "x[masked]y");
}

#[test]
fn what_has_no_secret_is_not_copied() {
    let masker = masker(&[PLAIN]);
    assert!(matches!(masker.text("an ordinary text"), Cow::Borrowed("an ordinary text")));
    let chunk = Bytes::from_static(b"an ordinary line\n");
    let mut stream = masker.stream();
    assert_eq!(stream.push(chunk.clone()).as_ptr(), chunk.as_ptr());
    assert!(!masker.would_mask(b"an ordinary text"));
}

#[test]
fn a_masker_of_nothing_masks_nothing() {
    let nothing = Masker::nothing();
    assert!(nothing.is_empty());
    assert_eq!(nothing.text("anything"), "anything");
    let mut stream = nothing.stream();
    assert_eq!(stream.push("anything".into()), "anything");
    assert_eq!(stream.finish(), "");
    assert_eq!(stream.masked(), 0);
    assert!(!masker(&[PLAIN]).is_empty());
}

#[test]
fn a_stream_holds_back_no_more_than_it_must() {
    let masker = masker(&["secret-value"]);
    let mut stream = masker.stream();
    assert_eq!(stream.push("data: 1\n\n".into()), "data: 1\n\n");
    assert_eq!(stream.push("a \nsecret-".into()), "a \n");
    assert_eq!(stream.push("value".into()), "");
    assert_eq!(stream.push("\n".into()), "[masked]\n");
    assert_eq!(stream.push("secret-valu".into()), "");
    assert_eq!(stream.masked(), 1);
    assert_eq!(stream.finish(), "secret-valu");
    // Another text: what came before is no part of it.
    assert_eq!(stream.push("e\n".into()), "e\n");
    assert_eq!(stream.masked(), 1);
}

#[test]
fn a_run_that_is_settled_in_parts_is_masked_once() {
    // All of the text is one occurrence over the other, while the first of them have long been settled.
    let masker = masker(&["abababab"]);
    let mut stream = masker.stream();
    let mut out = Vec::new();
    for _ in 0..10_000 {
        out.extend_from_slice(&stream.push("ab".into()));
        assert!(stream.held_back() < masker.automata.longest());
    }
    out.extend_from_slice(&stream.finish());
    assert_eq!(out, MASK.as_bytes());
    assert_eq!(stream.masked(), 1);
}

/// What looks at each byte once more for each byte that is held back takes many minutes for this.
#[test]
fn hostile_text_takes_linear_time() {
    let long = format!("{}b", "a".repeat(4000));
    let other = format!("{}c", "a".repeat(2000));
    let masker = masker(&[&long, &other, "aaaaaaaa"]);
    let text = "a".repeat(1 << 20);
    let started = Instant::now();
    assert_eq!(masker.text(&text), MASK);
    let mut stream = masker.stream();
    let mut out = Vec::new();
    for byte in text.bytes() {
        out.extend_from_slice(&stream.push(Bytes::copy_from_slice(&[byte])));
    }
    out.extend_from_slice(&stream.finish());
    assert_eq!(out, MASK.as_bytes());
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

#[test]
fn debug_tells_nothing() {
    let masker = masker(&[PLAIN]);
    let mut stream = masker.stream();
    let _held = stream.push(PLAIN[..10].into());
    let debug = format!("{masker:?} {stream:?}");
    assert!(debug.starts_with("Masker { memory: "), "{debug}");
    assert!(debug.ends_with(".. } MaskStream { masked: 0, .. }"), "{debug}");
    assert!(!debug.contains(&PLAIN[..4]), "{debug}");
}

/// By the definition and without any cleverness: every byte of every occurrence is out, and each run is one mask.
fn plainly(secrets: &[String], text: &[u8]) -> Vec<u8> {
    let (mut exact, mut any_case) = (forms::Forms::default(), forms::Forms::default());
    for secret in secrets {
        forms::exact(secret, &mut exact);
        forms::any_case(secret, &mut any_case);
    }
    let mut out = vec![false; text.len()];
    let mut mark = |form: &[u8], same: fn(&[u8], &[u8]) -> bool| {
        for at in 0..(text.len() + 1).saturating_sub(form.len()) {
            if same(&text[at..at + form.len()], form) {
                out[at..at + form.len()].fill(true);
            }
        }
    };
    exact.iter().for_each(|form| mark(form, |one, other| one == other));
    any_case.iter().for_each(|form| mark(form, <[u8]>::eq_ignore_ascii_case));
    let mut masked = Vec::new();
    for (at, &byte) in text.iter().enumerate() {
        match (at > 0 && out[at - 1], out[at]) {
            (false, true) => masked.extend_from_slice(MASK.as_bytes()),
            (_, false) => masked.push(byte),
            (true, true) => {}
        }
    }
    masked
}

/// Few letters, so that secrets overlap with each other and with themselves.
fn secrets() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[ab]{8,12}|[a/ é]{8,10}|[ -~]{8,20}", 1..4)
}

/// Secrets, their forms, beginnings and ends of these, and anything, in a row.
fn text(secrets: &[String]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let forms: Vec<Vec<u8>> =
        secrets.iter().flat_map(|secret| written(secret)).map(|(_, text)| text.into_bytes()).collect();
    let part = (prop::sample::select(forms), any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(
        |(form, one, other)| {
            let (one, other) = (one.index(form.len() + 1), other.index(form.len() + 1));
            form[one.min(other)..one.max(other)].to_vec()
        },
    );
    let whole: Vec<Vec<u8>> = secrets.iter().map(|secret| secret.clone().into_bytes()).collect();
    let piece = prop_oneof![
        3 => prop::sample::select(whole),
        3 => part,
        2 => "[ab/é %0-9a-fA-F]{0,12}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn case() -> impl Strategy<Value = (Vec<String>, Vec<u8>, Vec<usize>)> {
    let with_text = |secrets: Vec<String>| {
        let text = text(&secrets);
        (Just(secrets), text, prop::collection::vec(1..40_usize, 1..20))
    };
    secrets()
        .prop_filter("fit", |secrets| secrets.iter().all(|text| Secret::new(text.as_bytes()).is_ok()))
        .prop_flat_map(with_text)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn masks_what_is_defined_however_it_is_cut((secrets, text, cuts) in case()) {
        let masker = masker(&secrets.iter().map(String::as_str).collect::<Vec<_>>());
        let whole = masker.bytes(&text).into_owned();
        prop_assert_eq!(&whole, &plainly(&secrets, &text));
        prop_assert_eq!(masker.would_mask(&text), whole != text);
        for cuts in [cuts, vec![1]] {
            let mut stream = masker.stream();
            let mut out = Vec::new();
            let mut rest = Bytes::copy_from_slice(&text);
            for cut in cuts.into_iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                out.extend_from_slice(&stream.push(rest.split_to(cut.min(rest.len()))));
                prop_assert!(stream.held_back() < masker.automata.longest());
            }
            out.extend_from_slice(&stream.finish());
            prop_assert_eq!(&out, &whole);
        }
    }
}
