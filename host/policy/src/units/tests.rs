use super::*;

#[test]
fn read_what_people_write() {
    assert_eq!("200M".parse(), Ok(Fuel::new(200_000_000)));
    assert_eq!("15".parse(), Ok(Fuel::new(15)));
    assert_eq!("64MiB".parse(), Ok(Bytes::mib(64)));
    assert_eq!("1 MB".parse(), Ok(Bytes::new(1_000_000)));
    assert_eq!("30s".parse(), Ok(Span::secs(30)));
    assert_eq!("1m 30s".parse(), Ok(Span::secs(90)));
}

#[test]
fn write_what_they_read() {
    for text in ["200M", "1G", "15", "1500k"] {
        assert_eq!(text.parse::<Fuel>().unwrap().to_string(), text);
    }
    for text in ["64MiB", "512KiB", "1GiB", "1000B"] {
        assert_eq!(text.parse::<Bytes>().unwrap().to_string(), text);
    }
    for text in ["30s", "500ms", "1m 30s"] {
        assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
    }
}

#[test]
fn know_neither_zero_nor_unlimited() {
    for text in ["", "0", "0M", "-1", "unlimited", "inf", "1e9", "200 M", "M", "99999999999G", "２"] {
        assert!(text.parse::<Fuel>().is_err(), "fuel {text:?}");
    }
    for text in ["", "0", "0MiB", "64", "-1MiB", "unlimited", "99999999999TiB"] {
        assert!(text.parse::<Bytes>().is_err(), "size {text:?}");
    }
    for text in ["", "0", "0s", "30", "forever", "2days", "999us"] {
        assert!(text.parse::<Span>().is_err(), "time {text:?}");
    }
}

#[test]
fn errors_show_the_right_form() {
    says(
        &"64".parse::<Bytes>().unwrap_err(),
        "\"64\" is no size: write a size above zero with its unit, such as \"64MiB\" or \"512KiB\"",
    );
    says(
        &"unlimited".parse::<Fuel>().unwrap_err(),
        "\"unlimited\" is no amount of fuel: write a number above zero with k, M or G, such as \"200M\"",
    );
}

fn says(error: &UnitError, expected: &str) {
    assert_eq!(error.to_string(), expected);
}
