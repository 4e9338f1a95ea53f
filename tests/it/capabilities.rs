//! Everything that can be granted, each thing by the same four questions: does it work where it is
//! granted, is it refused where all else is granted, where nothing is, and where another tool of the
//! same plugin has it?

mod bench;
mod explain;
mod files;
mod keyvalue;
mod network;
mod rows;
mod secrets;
mod sql;

use cofferdam_policy::Capability;

use self::{
    bench::{Bench, Called},
    rows::{Refused, Row},
    twins::TESTED,
};

/// The four tests of each row, and the names of those that have them.
macro_rules! twins {
    ($($name:ident),*) => {
        $(mod $name {
            use super::super::{granted, not_granted, per_tool_only, requested_but_not_granted, rows::of};

            #[test]
            fn is_there_when_granted() {
                granted(of(stringify!($name)));
            }

            #[test]
            fn is_refused_when_not_granted() {
                not_granted(of(stringify!($name)));
            }

            #[test]
            fn is_refused_when_requested_but_not_granted() {
                requested_but_not_granted(of(stringify!($name)));
            }

            #[test]
            fn is_refused_to_another_tool() {
                per_tool_only(of(stringify!($name)));
            }
        })*

        pub(super) const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

mod twins {
    twins!(
        clock,
        config,
        environment,
        filesystem,
        host_info,
        http,
        keyvalue,
        log,
        progress,
        random,
        secrets,
        sockets,
        sql
    );
}

#[test]
fn no_capability_is_without_its_tests() {
    for capability in Capability::ALL {
        let rows = rows::ALL.iter().filter(|row| row.capability == capability).count();
        assert_eq!(rows, 1, "{capability} has {rows} rows in tests/it/capabilities/rows.rs");
        let tested = TESTED.contains(&capability.key());
        assert!(tested, "{capability} is not among the twins of tests/it/capabilities.rs");
    }
    assert_eq!((rows::ALL.len(), TESTED.len()), (Capability::ALL.len(), Capability::ALL.len()));
}

/// Granted, and nothing else: it works, and the record says that it was used.
fn granted(row: &Row) {
    let bench = Bench::new();
    let home = bench.home(&bench::grants(&[(row.grant)(&bench)]));
    worked(row, &bench, &home, row.tool);
}

/// Everything else is granted, and this is not.
fn not_granted(row: &Row) {
    let bench = Bench::new();
    let mut grants: Vec<String> =
        rows::ALL.iter().filter(|r| r.capability != row.capability).map(|r| (r.grant)(&bench)).collect();
    grants.extend(row.away.map(str::to_owned));
    let home = bench.home(&bench::grants(&grants));
    refused(row, &bench, &home, row.tool, row.without);
}

/// The component asks for it and is granted nothing: `inspect` says so, and it is not there.
fn requested_but_not_granted(row: &Row) {
    let bench = Bench::new();
    let home = bench.home("");
    let inspected = home.json(&["inspect", "plugins/probe.wasm", "--json"]);
    let imports = inspected["imports"].as_array().unwrap();
    let key = format!("`{}`", row.capability);
    let asks = imports.iter().any(|import| import["means"].as_str().unwrap().contains(&key));
    assert!(asks, "inspect does not say that it asks for {key}: {inspected}");
    let listed = inspected["grants"].as_array().unwrap().iter().any(|g| *g == row.capability.key());
    let needs_a_grant = !row.capability.is_given() && !matches!(row.without, Refused::Empty(_));
    assert_eq!(listed, needs_a_grant, "{inspected}");
    if row.capability.is_given() {
        // It asked, and is given what every component is.
        let called = bench.call(&home, row.tool, &(row.arguments)(&bench));
        assert_eq!(called.error, None, "{called:?}");
        called.recorded(row.capability, "allowed");
        return;
    }
    refused(row, &bench, &home, row.tool, row.without);
}

/// One tool has it. Its other name is other, and has it not.
fn per_tool_only(row: &Row) {
    let bench = Bench::new();
    let too = format!("{}_too", row.tool);
    let policy = match row.away {
        // What is given to all of a plugin is taken from one.
        Some(away) => format!("{}\n[plugin.tools.{too}.grants]\n{away}", bench::grants(&[(row.grant)(&bench)])),
        None => format!("{}\n[plugin.tools.{}.grants]\n{}", bench::grants(&[]), row.tool, (row.grant)(&bench)),
    };
    let home = bench.home(&policy);
    worked(row, &bench, &home, row.tool);
    refused(row, &bench, &home, &too, row.withheld);
}

#[track_caller]
fn worked(row: &Row, bench: &Bench, home: &bench::Home, tool: &str) {
    let call = || bench.call(home, tool, &(row.arguments)(bench));
    let called = call();
    assert_eq!(called.error, None, "{called:?}");
    assert!((row.worked)(&called, &call), "{} does not work: {called:?}", row.capability);
    called.recorded(row.capability, "allowed");
    called.not_recorded(row.capability, "refused");
}

#[track_caller]
fn refused(row: &Row, bench: &Bench, home: &bench::Home, tool: &str, how: Refused) {
    let call = || bench.call(home, tool, &(row.arguments)(bench));
    let called = call();
    match how {
        Refused::InWords(words) => {
            assert_eq!(called.error, None, "{called:?}");
            assert_eq!(called.structured["error"], words, "{called:?}");
        }
        Refused::ByTheEnd => {
            assert_eq!(called.error.as_deref(), Some("permission_denied"), "{called:?}");
            assert!(called.text.contains(&format!("`{}`", row.capability)), "{called:?}");
        }
        Refused::Silently => {
            assert_eq!(called.error, None, "{called:?}");
            assert!(!(row.worked)(&called, &call), "{called:?}");
        }
        Refused::Empty(empty) => {
            assert_eq!(called.error, None, "{called:?}");
            assert!(empty(&called, &call), "{called:?}");
            called.not_recorded(row.capability, "allowed");
            return;
        }
        Refused::Changed(changed) => {
            assert_eq!(called.error, None, "{called:?}");
            assert!(changed(&called, &call), "{called:?}");
            // It was used, as something else.
            return;
        }
    }
    called.recorded(row.capability, "refused");
    called.not_recorded(row.capability, "allowed");
}
