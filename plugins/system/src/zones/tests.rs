use super::*;

fn message(name: &str) -> String {
    find(name).unwrap_err().to_string()
}

#[test]
fn every_bundled_name_is_found() {
    let zones = TimeZoneDatabase::bundled();
    let names: Vec<_> = zones.available().map(|name| name.to_string()).collect();
    assert!(names.len() > 400, "{}", names.len());
    for name in names.iter().filter(|name| *name != "Etc/Unknown") {
        assert!(find(name).is_ok(), "{name}");
    }
}

#[test]
fn near_names_are_offered_best_first() {
    for (asked, meant) in [
        ("Europe/Berln", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("America/NewYork", "America/New_York"),
        ("Asia/Calcuta", "Asia/Calcutta"),
        ("Europe/Sao_Paulo", "America/Sao_Paulo"),
        ("  Asia/Tokyo ", "Asia/Tokyo"),
    ] {
        let message = message(asked);
        let offer = format!("`{asked}` is no IANA time zone; did you mean `{meant}`");
        assert!(message.starts_with(&offer), "{message}");
    }
}

#[test]
fn no_more_than_three_names_are_offered() {
    let unknown = find("Etc/GMT+99").unwrap_err();
    assert_eq!(unknown.near.len(), OFFERED);
}

#[test]
fn where_nothing_is_near_the_form_is_shown() {
    for name in ["Middle-earth", "+02:00", "../../etc/passwd", "Etc/Unknown"] {
        let message = message(name);
        assert!(message.contains("such as `Europe/Berlin`"), "{message}");
    }
}
