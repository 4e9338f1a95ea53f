use std::time::Duration;

use serde_json::{json, Value};

use super::*;
use crate::host::fake::Fake;
use crate::tools::tests::{conforms, run};

/// 2026-07-04T22:30:00Z, a Saturday, and half a year later.
const SUMMER: u64 = 1_783_204_200;
const WINTER: u64 = 1_798_842_600;

fn at(seconds: u64, zone: &str) -> Value {
    run("get_time", &json!({ "timezone": zone }).to_string(), &Fake::at(seconds)).unwrap()
}

#[test]
fn utc_is_what_nobody_asked_for() {
    let expected = json!({
        "time": "2026-07-04T22:30:00+00:00",
        "utc": "2026-07-04T22:30:00Z",
        "timezone": "UTC",
        "utc_offset": "+00:00",
        "abbreviation": "UTC",
        "daylight_saving": false,
        "unix_seconds": SUMMER,
        "weekday": "Saturday",
    });
    assert_eq!(run("get_time", "{}", &Fake::at(SUMMER)).unwrap(), expected);
    assert_eq!(at(SUMMER, "UTC"), expected);
}

#[test]
fn a_zone_shifts_the_day_and_knows_its_summer() {
    let summer = at(SUMMER, "Europe/Berlin");
    assert_eq!(summer["time"], "2026-07-05T00:30:00+02:00");
    assert_eq!(summer["weekday"], "Sunday");
    assert_eq!(summer["abbreviation"], "CEST");
    assert_eq!(summer["daylight_saving"], true);
    assert_eq!(summer["utc"], "2026-07-04T22:30:00Z");

    let winter = at(WINTER, "Europe/Berlin");
    assert_eq!(winter["time"], "2027-01-01T23:30:00+01:00");
    assert_eq!(winter["utc_offset"], "+01:00");
    assert_eq!(winter["abbreviation"], "CET");
    assert_eq!(winter["daylight_saving"], false);
}

#[test]
fn offsets_of_every_kind() {
    for (zone, time) in [
        ("America/New_York", "2026-07-04T18:30:00-04:00"),
        ("Asia/Kathmandu", "2026-07-05T04:15:00+05:45"),
        ("Australia/Lord_Howe", "2026-07-05T09:00:00+10:30"),
        ("Pacific/Kiritimati", "2026-07-05T12:30:00+14:00"),
        ("America/Argentina/Buenos_Aires", "2026-07-04T19:30:00-03:00"),
        ("Etc/GMT+12", "2026-07-04T10:30:00-12:00"),
    ] {
        assert_eq!(at(SUMMER, zone)["time"], time, "{zone}");
    }
}

#[test]
fn a_name_is_corrected_to_the_case_of_the_database() {
    assert_eq!(at(SUMMER, "europe/berlin")["timezone"], "Europe/Berlin");
    assert_eq!(at(SUMMER, "utc")["timezone"], "UTC");
}

#[test]
fn fractions_are_cut_not_rounded() {
    let host = Fake { now: Some(Duration::new(SUMMER, 999_999_999)), info: None };
    let moment = run("get_time", "{}", &host).unwrap();
    assert_eq!(moment["utc"], "2026-07-04T22:30:00Z");
}

#[test]
fn an_unknown_zone_is_a_problem_of_that_argument() {
    let error = run("get_time", r#"{"timezone":"Europe/Berln"}"#, &Fake::at(SUMMER)).unwrap_err();
    let ToolError::Validation(problems) = error else {
        panic!("{error:?}");
    };
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].path, "/timezone");
    assert!(problems[0].message.contains("`Europe/Berlin`"), "{}", problems[0].message);
}

#[test]
fn a_clock_that_gives_no_time_is_unavailable() {
    for now in [None, Some(Duration::MAX)] {
        let error = run("get_time", "{}", &Fake { now, info: None }).unwrap_err();
        assert!(matches!(error, ToolError::Unavailable(_)), "{error:?}");
    }
}

#[test]
fn the_schema_says_what_the_tool_takes() {
    let schema = GET_TIME.input_schema;
    assert!(conforms(schema, "{}"));
    assert!(!conforms(schema, r#"{"timezone":""}"#));
    assert!(!conforms(schema, r#"{"timezone":null}"#));
    assert!(!conforms(schema, r#"{"zone":"UTC"}"#));
    let long = json!({ "timezone": "x".repeat(65) }).to_string();
    assert!(!conforms(schema, &long));
}
