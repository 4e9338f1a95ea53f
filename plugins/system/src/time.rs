//! `get_time`: the current time in a zone of the IANA database.

use jiff::{tz, Timestamp};
use serde::{Deserialize, Serialize};

use crate::bindings::cofferdam::plugin::types::{ToolError, Unavailability};
use crate::bindings::exports::cofferdam::plugin::tools::ToolResult;
use crate::host::Host;
use crate::tools::{answer, invalid, parse, Entry};
use crate::zones;

pub(crate) const GET_TIME: Entry = Entry {
    name: "get_time",
    title: "Current time",
    description: "Returns the current date and time in a time zone. Use it whenever an answer \
        depends on now: today's date, the weekday, how long until or since a moment, the local \
        time somewhere. Returns ISO 8601 local and UTC time, UTC offset, whether daylight saving \
        time is in force, Unix seconds and the weekday.",
    input_schema: r#"{
        "type": "object",
        "properties": {
            "timezone": {
                "type": "string",
                "minLength": 1,
                "maxLength": 64,
                "default": "UTC",
                "description": "IANA time zone name such as `Europe/Berlin`, `America/New_York` or `UTC`.",
                "examples": ["UTC", "Europe/Berlin", "America/New_York"]
            }
        },
        "additionalProperties": false
    }"#,
    output_schema: r#"{
        "type": "object",
        "properties": {
            "time": {
                "type": "string",
                "format": "date-time",
                "description": "Local time in ISO 8601 with the zone's UTC offset."
            },
            "utc": {
                "type": "string",
                "format": "date-time",
                "description": "The same moment in UTC."
            },
            "timezone": {
                "type": "string",
                "description": "The IANA name of the zone."
            },
            "utc_offset": {
                "type": "string",
                "description": "Offset from UTC at this moment, such as `+01:00`."
            },
            "abbreviation": {
                "type": "string",
                "description": "What the zone calls its time at this moment, such as `CET`."
            },
            "daylight_saving": {
                "type": "boolean",
                "description": "Whether daylight saving time is in force."
            },
            "unix_seconds": {
                "type": "integer",
                "description": "Seconds since 1970-01-01T00:00:00Z."
            },
            "weekday": {
                "type": "string",
                "enum": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
                "description": "Day of the week in the zone."
            }
        },
        "required": [
            "time", "utc", "timezone", "utc_offset", "abbreviation", "daylight_saving", "unix_seconds", "weekday"
        ],
        "additionalProperties": false
    }"#,
    run: get_time,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default = "utc")]
    timezone: String,
}

fn utc() -> String {
    "UTC".into()
}

#[derive(Serialize)]
struct Moment {
    time: String,
    utc: String,
    timezone: String,
    utc_offset: String,
    abbreviation: String,
    daylight_saving: bool,
    unix_seconds: i64,
    weekday: String,
}

fn get_time(arguments: &str, host: &dyn Host) -> Result<ToolResult, ToolError> {
    let Arguments { timezone } = parse(arguments)?;
    let zone = zones::find(&timezone).map_err(|unknown| invalid("/timezone", unknown.to_string()))?;
    let now = now(host).ok_or_else(|| {
        ToolError::Unavailable(Unavailability {
            message: "the clock does not give a usable time".into(),
            retryable: false,
        })
    })?;
    answer(&Moment::new(now, zone, timezone), None)
}

/// The clock's time in whole seconds.
fn now(host: &dyn Host) -> Option<Timestamp> {
    let seconds = i64::try_from(host.now()?.as_secs()).ok()?;
    Timestamp::from_second(seconds).ok()
}

impl Moment {
    fn new(now: Timestamp, zone: tz::TimeZone, asked: String) -> Self {
        let offset = zone.to_offset_info(now);
        let abbreviation = offset.abbreviation().into();
        let daylight_saving = offset.dst().is_dst();
        // Names are found whatever their case; the answer has them as the database writes them.
        let timezone = zone.iana_name().map_or(asked, Into::into);
        let local = now.to_zoned(zone);
        Self {
            time: local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            utc: now.to_string(),
            timezone,
            utc_offset: local.strftime("%:z").to_string(),
            abbreviation,
            daylight_saving,
            unix_seconds: now.as_second(),
            weekday: local.strftime("%A").to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
