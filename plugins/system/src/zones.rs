//! Time zones by name, and what was meant when there is none of that name.

use std::fmt;

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// How alike two names must be, from 0 to 1, for one to be offered in place of the other. Low enough
/// for a typing mistake or two, too high for the next best city.
const ALIKE: f64 = 0.7;

/// How many names are offered.
const OFFERED: usize = 3;

/// A name that is no zone's.
#[derive(Debug)]
pub(crate) struct Unknown {
    asked: String,
    near: Vec<String>,
}

/// The zone of an IANA name in any case.
pub(crate) fn find(name: &str) -> Result<TimeZone, Unknown> {
    let zones = TimeZoneDatabase::bundled();
    match zones.get(name) {
        // `Etc/Unknown` is a placeholder, not a place.
        Ok(zone) if !zone.is_unknown() => Ok(zone),
        _ => Err(Unknown { asked: name.into(), near: near(name, &zones) }),
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no IANA time zone; ", self.asked)?;
        match self.near.as_slice() {
            [] => f.write_str("give a name such as `Europe/Berlin`, `America/New_York` or `UTC`"),
            near => write!(f, "did you mean `{}`?", near.join("`, `")),
        }
    }
}

/// The names most like this one, best first.
fn near(name: &str, zones: &TimeZoneDatabase) -> Vec<String> {
    let asked = normal(name);
    let mut found: Vec<(f64, String)> = zones
        .available()
        .map(|zone| (likeness(&asked, &normal(zone.as_str())), zone.to_string()))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    found.truncate(OFFERED);
    found.into_iter().map(|(_, zone)| zone).collect()
}

/// People leave out the continent and write `New York`: the city alone counts as much as the whole.
fn likeness(asked: &str, zone: &str) -> f64 {
    let whole = strsim::normalized_levenshtein(asked, zone);
    let city = strsim::normalized_levenshtein(city(asked), city(zone));
    // A city that is right in the wrong place loses to one that is right in the right place.
    whole.max(city * 0.95 + whole * 0.05)
}

fn city(zone: &str) -> &str {
    zone.rsplit_once('/').map_or(zone, |(_, city)| city)
}

fn normal(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace([' ', '-'], "_")
}

#[cfg(test)]
mod tests;
