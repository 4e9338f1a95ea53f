//! Numbers as they are kept.

use super::KeyValueError;

/// A number of 64 bits in its one decimal form: no plus, no leading zeros, no spaces. Redis takes no other either.
pub(crate) fn parse(value: &[u8]) -> Result<i64, KeyValueError> {
    let text = std::str::from_utf8(value).map_err(|_| KeyValueError::NotANumber)?;
    let number: i64 = text.parse().map_err(|_| KeyValueError::NotANumber)?;
    if number.to_string() == text { Ok(number) } else { Err(KeyValueError::NotANumber) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_one_form() {
        for good in ["0", "-1", "9223372036854775807", "-9223372036854775808"] {
            assert_eq!(parse(good.as_bytes()).unwrap().to_string(), good);
        }
        for bad in ["", "+1", "01", "-0", " 1", "1 ", "1.0", "1e3", "9223372036854775808", "x", "\u{664}"] {
            assert!(matches!(parse(bad.as_bytes()), Err(KeyValueError::NotANumber)), "{bad:?}");
        }
        assert!(parse(b"\xff").is_err());
    }
}
