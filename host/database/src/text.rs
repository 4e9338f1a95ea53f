//! The text forms of values, checked, and in the one form that goes to a database.
//!
//! The libraries' parsers take more than one form, and drop what they do not need (an offset, a time): so the shape
//! is checked first, and they are asked only whether there is such a day.

use jiff::{Timestamp, civil};

/// A date, `2026-11-21`.
pub(crate) fn date(text: &str) -> Option<String> {
    let date: civil::Date = fits(text, "dddd-dd-dd").filter(|rest| rest.is_empty()).and_then(|_| text.parse().ok())?;
    is_told(date.year()).then(|| date.to_string())
}

/// A time of the day, `13:45:00.25`.
pub(crate) fn time(text: &str) -> Option<String> {
    let rest = fits(text, "dd:dd:dd")?;
    (fraction(rest)?.is_empty() && !is_leap(text)).then_some(())?;
    text.parse::<civil::Time>().ok().map(|time| time.to_string())
}

/// A date and time without a zone, `2026-11-21T13:45:00.25`, or with a space for the `T`.
pub(crate) fn timestamp(text: &str) -> Option<String> {
    let rest = date_and_time(text)?;
    (rest.is_empty()).then_some(())?;
    let time: civil::DateTime = text.parse().ok()?;
    is_told(time.year()).then(|| time.to_string())
}

/// A point in time, `2026-11-21T13:45:00Z` or with an offset; in UTC when it comes out.
pub(crate) fn instant(text: &str) -> Option<String> {
    let rest = date_and_time(text)?;
    (rest == "Z" || fits(rest, "+dd:dd").is_some_and(str::is_empty)).then_some(())?;
    let at: Timestamp = text.parse().ok()?;
    instant_text(at)
}

/// A point in time as text, if its year in UTC has four digits.
pub(crate) fn instant_text(at: Timestamp) -> Option<String> {
    is_told(at.to_zoned(jiff::tz::TimeZone::UTC).year()).then(|| at.to_string())
}

/// Whether a year has four digits and no sign.
pub(crate) fn is_told(year: i16) -> bool {
    (1..=9999).contains(&year)
}

/// Whether a time has no more than microseconds: PostgreSQL rounds what is finer.
pub(crate) fn is_micros(text: &str) -> bool {
    text.split_once('.').is_none_or(|(_, fraction)| fraction.bytes().take_while(u8::is_ascii_digit).count() <= 6)
}

/// Digits with an optional sign and point: no exponent.
pub(crate) fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    all(whole) && all(fraction)
}

/// A UUID, in lower case with hyphens when it comes out.
pub(crate) fn uuid(text: &str) -> Option<String> {
    uuid::Uuid::try_parse(text).ok().map(|uuid| uuid.to_string())
}

/// Whether this is one JSON document.
pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok()
}

/// What is left of a date and time after the fraction.
fn date_and_time(text: &str) -> Option<&str> {
    let rest = fits(text, "dddd-dd-dd dd:dd:dd")?;
    if is_leap(text) { None } else { fraction(rest) }
}

/// What is left after a fraction of a second, if there is one.
fn fraction(text: &str) -> Option<&str> {
    let Some(digits) = text.strip_prefix('.') else { return Some(text) };
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    (1..=9).contains(&count).then(|| &digits[count..])
}

/// Whether there is a second 60, which no database here keeps.
fn is_leap(text: &str) -> bool {
    text.contains(":60")
}

/// What is left after the shape: `d` a digit, a space one or a `T`, `+` a sign.
fn fits<'t>(text: &'t str, shape: &str) -> Option<&'t str> {
    let bytes = text.as_bytes().get(..shape.len())?;
    let alike = bytes.iter().zip(shape.bytes()).all(|(byte, shape)| match shape {
        b'd' => byte.is_ascii_digit(),
        b' ' => matches!(byte, b' ' | b'T'),
        b'+' => matches!(byte, b'+' | b'-'),
        other => *byte == other,
    });
    // What fits is ASCII, so that this is no place inside a character.
    alike.then(|| &text[shape.len()..])
}

#[cfg(test)]
mod tests;
