use super::*;

fn same(parse: fn(&str) -> Option<String>, texts: &[&str]) {
    for text in texts {
        assert_eq!(parse(text).as_deref(), Some(*text), "{text}");
    }
}

fn none(parse: fn(&str) -> Option<String>, texts: &[&str]) {
    for text in texts {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn texts_in_their_form_stay_as_they_are() {
    same(date, &["2026-11-21", "0001-01-01", "9999-12-31", "2024-02-29"]);
    same(time, &["13:45:00.25", "00:00:00", "23:59:59.999999999"]);
    same(timestamp, &["2026-11-21T13:45:00", "2026-11-21T13:45:00.123456"]);
    same(instant, &["2026-11-21T13:45:00.123456Z", "1969-12-31T23:59:59Z"]);
    same(uuid, &["0e37df36-f698-11e6-8dd4-cb9ced3df976"]);
}

#[test]
fn one_meaning_in_two_forms_comes_out_in_one() {
    assert_eq!(timestamp("2026-11-21 13:45:00.50").as_deref(), Some("2026-11-21T13:45:00.5"));
    assert_eq!(instant("2026-11-21T13:45:00+02:00").as_deref(), Some("2026-11-21T11:45:00Z"));
    assert_eq!(uuid("0E37DF36F69811E68DD4CB9CED3DF976").as_deref(), Some("0e37df36-f698-11e6-8dd4-cb9ced3df976"));
}

#[test]
fn what_is_not_plain_is_not_guessed() {
    none(
        date,
        &[
            "2026-02-29",
            "26-11-21",
            "20261121",
            "2026-11-21T00:00:00",
            "0000-01-01",
            "-001-01-01",
            "infinity",
            "2026-11-21 ",
            "2026-W47-6",
            "",
        ],
    );
    none(
        time,
        &["24:00:00", "13:45", "1:45:00", "13:45:60", "13:45:00.", "13:45:00Z", "13:45:00.1234567890", "T13:45:00"],
    );
    none(
        timestamp,
        &[
            "2026-11-21",
            "2026-11-21T13:45:00Z",
            "2026-11-21T13:45:00+02:00",
            "2026-11-21T13:45:60",
            "0000-11-21T13:45:00",
        ],
    );
    none(
        instant,
        &[
            "2026-11-21T13:45:00",
            "2026-11-21T13:45:00[UTC]",
            "2026-11-21T13:45:00Z[UTC]",
            "9999-12-31T23:59:59-02:00",
            "0001-01-01T00:00:00+02:00",
            "2026-11-21T13:45:00+0200",
        ],
    );
    none(uuid, &["", "0e37df36-f698-11e6-8dd4-cb9ced3df97", "0e37df36-f698-11e6-8dd4-cb9ced3df97g"]);
    for text in ["", "-", ".", "1.", ".5", "1e5", "0x1", "NaN", " 1", "1 ", "1.2.3", "--1", "١"] {
        assert!(!is_decimal(text), "{text}");
    }
    for text in ["0", "-12.30", "+1", "00.00", "123456789012345678901234567890.123456789"] {
        assert!(is_decimal(text), "{text}");
    }
}

#[test]
fn characters_of_several_bytes_do_no_harm() {
    none(date, &["2026-11-2é", "éééééééééé"]);
    none(timestamp, &["2026-11-21é13:45:00"]);
    none(instant, &["2026-11-21T13:45:00é", "2026-11-21T13:45:00+02:0é"]);
}
