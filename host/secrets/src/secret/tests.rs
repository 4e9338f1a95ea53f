use zeroize::{Zeroize as _, ZeroizeOnDrop};

use super::*;

fn why(bytes: &[u8]) -> Unfit {
    Secret::new(bytes).unwrap_err()
}

#[test]
fn values_that_fit() {
    for (bytes, value) in [
        (&b"12345678"[..], "12345678"),
        (b"12345678\n", "12345678"),
        (b"12345678\r\n\n", "12345678"),
        (b" 12345678 ", " 12345678 "),
        (b"tab\tand bell\x07", "tab\tand bell\x07"),
        ("gehört".as_bytes(), "gehört"),
    ] {
        let longer = [b"12345678", bytes].concat();
        assert_eq!(Secret::new(&longer).unwrap().expose(), format!("12345678{value}"));
    }
    assert_eq!(Secret::new(&vec![b'a'; LONGEST]).unwrap().expose().len(), LONGEST);
}

#[test]
fn values_that_do_not() {
    assert_eq!(why(b""), Unfit::Empty);
    assert_eq!(why(b"\n\r\n"), Unfit::Empty);
    assert_eq!(why(b"1234567\n"), Unfit::Short);
    assert_eq!(why(&vec![b'a'; LONGEST + 1]), Unfit::Long);
    assert_eq!(why(b"12345678\xff"), Unfit::NotText);
    assert_eq!(why(b"1234\x005678"), Unfit::Nul);
    assert_eq!(why(b"1234\n5678"), Unfit::LineBreak);
    assert_eq!(why(b"1234\r5678"), Unfit::LineBreak);
    assert_eq!(why(b"\n12345678"), Unfit::LineBreak);
}

#[test]
fn what_is_said_of_them() {
    let said = [Unfit::Empty, Unfit::Short, Unfit::Long, Unfit::NotText, Unfit::Nul, Unfit::LineBreak];
    assert_eq!(
        said.map(|unfit| unfit.to_string()),
        [
            "it is empty",
            "it has fewer than 8 bytes, so few that ordinary text would be masked: use a longer one",
            "it has more than 16384 bytes",
            "it is no UTF-8 text: encode it, for example as base64",
            "it has a NUL",
            "it has a line break, which would end a header: encode it, for example as base64",
        ]
    );
}

#[test]
fn debug_says_that_there_is_one() {
    assert_eq!(
        format!("{:?} {:#?}", Secret::new(b"12345678").unwrap(), Secret::new(b"12345678").unwrap()),
        "Secret(…) Secret(…)"
    );
}

/// That the bytes are wiped in fact, `tests/wiped` shows.
#[test]
fn the_bytes_are_of_a_kind_that_is_wiped() {
    fn wiped<T: ZeroizeOnDrop>(_: &T) {}
    let Secret(mut bytes) = Secret::new(b"12345678").unwrap();
    wiped(&*bytes);
    Arc::get_mut(&mut bytes).unwrap().zeroize();
    assert!(!bytes.contains("1234"));
}
