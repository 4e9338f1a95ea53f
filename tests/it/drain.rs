//! A host that is told to end lets what is inside finish.

use std::{thread, time::Instant};

use cofferdam_tests::{HostBuilder, eventually, guest};
use rustix::process::Signal;
use serde_json::json;

#[test]
fn fifty_calls_in_flight_are_all_answered() {
    let host = HostBuilder::new()
        .plugin("hostile", &guest("hostile"))
        .policy("[[plugin]]\nname = \"hostile\"\nlimits.concurrency = 20")
        .start();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let rpc = host.rpc().clone();
            thread::spawn(move || rpc.call("hostile_sleep", json!({ "ms": 700 })))
        })
        .collect();
    // All of them have arrived: some run, the others wait for their turn.
    eventually("fifty calls are inside", || {
        let (_, text) = host.rpc().get("/health");
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        (report["calls_running"] == 20).then_some(())
    });
    host.signal(Signal::TERM);
    for call in calls {
        let reply = call.join().unwrap();
        assert_eq!((reply.status, reply.text()), (200, "slept"));
    }
    assert_eq!(host.wait().code(), Some(0), "{}", host.log());
}

#[test]
fn what_does_not_finish_in_its_grace_is_cut() {
    let host = HostBuilder::new().plugin("hostile", &guest("hostile")).config("http.grace = \"300ms\"").start();
    let rpc = host.rpc().clone();
    let call = thread::spawn(move || rpc.call("hostile_sleep", json!({ "ms": 60_000 })));
    eventually("the call is inside", || host.rpc().get("/health").1.contains("\"calls_running\":1").then_some(()));
    let began = Instant::now();
    host.signal(Signal::INT);
    assert_eq!(host.wait().code(), Some(1));
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    // Its answer never came: the connection was cut, or closed with an error.
    assert!(call.join().map_or(true, |reply| reply.status != 200));
}

#[test]
fn a_host_without_work_ends_at_once() {
    let host = HostBuilder::new().start();
    host.signal(Signal::TERM);
    assert_eq!(host.wait().code(), Some(0));
}
