//! `numeric` as exact text. It has up to 131072 digits before the point and 16383 after it, which no number type of a
//! library holds, so that its digits are written out as they come.
//!
//! On the wire: how many digits of base 10000, the power of the first of them, the sign, how many decimal digits are
//! shown after the point; then the digits, without leading or trailing zeros.

/// The text of the binary form, with its scale; none if it is no such form.
pub(crate) fn text(raw: &[u8]) -> Option<String> {
    let (head, digits) = raw.split_first_chunk::<8>()?;
    let [count, weight, sign, scale] = [0, 2, 4, 6].map(|at| u16::from_be_bytes([head[at], head[at + 1]]));
    let weight = i32::from(weight.cast_signed());
    let sign = match sign {
        0x0000 => "",
        0x4000 => "-",
        0xC000 => return Some("NaN".to_owned()),
        0xD000 => return Some("Infinity".to_owned()),
        0xF000 => return Some("-Infinity".to_owned()),
        _ => return None,
    };
    if digits.len() != 2 * usize::from(count) {
        return None;
    }
    let digits: Vec<u16> = digits.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    if digits.iter().any(|digit| *digit > 9999) {
        return None;
    }
    // The digit of this power of 10000: zero where none is sent.
    let digit = |power: i32| usize::try_from(weight - power).ok().and_then(|at| digits.get(at)).copied().unwrap_or(0);
    let mut text = sign.to_owned();
    if weight < 0 {
        text.push('0');
    } else {
        text.push_str(&digit(weight).to_string());
        (0..weight).rev().for_each(|power| text.push_str(&format!("{:04}", digit(power))));
    }
    if scale > 0 {
        text.push('.');
        let end = text.len() + usize::from(scale);
        let groups = scale.div_ceil(4);
        (1..=i32::from(groups)).for_each(|power| text.push_str(&format!("{:04}", digit(-power))));
        text.truncate(end);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::text;

    fn of(weight: i16, sign: u16, scale: u16, digits: &[u16]) -> Option<String> {
        let count = u16::try_from(digits.len()).unwrap();
        let head = [count, weight.cast_unsigned(), sign, scale];
        let raw: Vec<u8> = head.iter().chain(digits).flat_map(|part| part.to_be_bytes()).collect();
        text(&raw)
    }

    #[test]
    fn digits_stand_where_they_belong() {
        for (number, expected) in [
            (of(0, 0, 0, &[]), "0"),
            (of(0, 0, 2, &[]), "0.00"),
            (of(0, 0, 2, &[12, 3000]), "12.30"),
            (of(0, 0x4000, 2, &[12, 3000]), "-12.30"),
            (of(-1, 0, 1, &[5000]), "0.5"),
            (of(-2, 0, 8, &[1]), "0.00000001"),
            (of(2, 0, 0, &[1]), "100000000"),
            (of(1, 0, 4, &[1, 2, 3]), "10002.0003"),
            (of(0, 0xC000, 0, &[]), "NaN"),
            (of(0, 0xD000, 0, &[]), "Infinity"),
            (of(0, 0xF000, 0, &[]), "-Infinity"),
        ] {
            assert_eq!(number.as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        assert_eq!(text(&[]), None);
        assert_eq!(text(&[0; 7]), None);
        assert_eq!(text(&[0, 1, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(of(0, 0x1234, 0, &[]), None);
        assert_eq!(of(0, 0, 0, &[10_000]), None);
    }
}
