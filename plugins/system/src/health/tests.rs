use serde_json::{json, Value};

use super::*;
use crate::host::fake::Fake;
use crate::tools::tests::run;

fn check(now: Option<u64>) -> Value {
    let now = now.map(Duration::from_secs);
    run("health_check", "{}", &Fake { now, info: None }).unwrap()
}

#[test]
fn all_is_well_with_a_clock_that_goes() {
    let expected = json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "checks": [{ "name": "clock", "status": "ok", "detail": "gives a plausible time" }],
    });
    assert_eq!(check(Some(1_783_204_200)), expected);
    assert_eq!(check(Some(PLAUSIBLE.as_secs())), expected);
}

#[test]
fn a_clock_that_was_never_set_degrades() {
    for now in [None, Some(0), Some(PLAUSIBLE.as_secs() - 1)] {
        let health = check(now);
        assert_eq!(health["status"], "degraded", "{now:?}");
        assert_eq!(health["checks"][0]["status"], "failed", "{now:?}");
    }
}

#[test]
fn the_host_is_reported_as_it_says() {
    let expected = json!({
        "version": "1.2.3",
        "uptime_seconds": 3_600,
        "cpus": 4,
        "load": { "one": 0.5, "five": 0.25, "fifteen": 0.125 },
        "memory": { "total": 8_000_000_000_u64, "available": 6_000_000_000_u64, "host": 50_000_000 },
        "plugins": 2,
        "tools": 9,
        "calls_running": 1,
    });
    assert_eq!(run("system_health", "{}", &Fake::granted()).unwrap(), expected);
}

#[test]
fn without_the_grant_permission_is_denied() {
    let error = run("system_health", "{}", &Fake::default()).unwrap_err();
    let message = "the operator has not granted `host_info` to this plugin";
    assert_eq!(error, ToolError::PermissionDenied(message.into()));
}

#[test]
fn health_check_needs_no_grant() {
    assert_eq!(run("health_check", "{}", &Fake::at(1_783_204_200)).unwrap()["status"], "ok");
}

#[test]
fn arguments_are_refused() {
    for tool in [health_check, system_health] {
        let error = tool(r#"{"verbose":true}"#, &Fake::granted()).unwrap_err();
        assert!(matches!(error, ToolError::Validation(_)));
    }
}
