//! Components that are small, and take a compiler minutes or gigabytes.

use std::{
    fs,
    io::Read,
    num::NonZero,
    process::{Command, Stdio},
    thread,
};

use cofferdam_tests::{HostBuilder, TestHost, binary, eventually, forge, guest, sha256};
use rustix::process::{Pid, Signal};
use serde_json::{Value, json};

use super::{neighbour_answers, with_neighbour};

/// Processes that a host started and that did not end: compilers.
fn compiler_pids(host: Pid) -> Vec<String> {
    // Threads end between being listed and being looked at.
    let of = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).unwrap_or_default();
    let tasks = fs::read_dir(format!("/proc/{}/task", host.as_raw_nonzero())).unwrap();
    tasks.flatten().flat_map(|task| of(task).split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn compilers(host: Pid) -> usize {
    compiler_pids(host).len()
}

/// Whether a process is there and not merely waiting to be buried.
fn is_alive(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
}

/// The most memory that the host held at a time, in MiB.
fn peak_memory(host: &TestHost) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", host.pid().as_raw_nonzero())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

fn refused(host: &TestHost, plugin: &str) -> Option<Value> {
    host.lines().into_iter().find(|l| l["message"] == "refused" && l["plugin"] == plugin)
}

/// A host that serves the neighbour, with no machine code to make for it.
fn expecting(policy: &str) -> TestHost {
    // Compiled before, so that a bound on compiling is for the bomb alone.
    drop(with_neighbour().start());
    with_neighbour().policy(policy).start()
}

#[test]
fn a_compile_that_takes_too_long_is_ended() {
    let bomb = forge::slow_to_compile(&guest("greeter"));
    let host = expecting("admission.compile_time = \"4s\"");
    host.drop_in("bomb", &bomb);
    eventually("it compiles", || (compilers(host.pid()) > 0).then_some(()));
    neighbour_answers(&host, "while it compiles");
    assert_eq!(refused(&host, "bomb"), None, "it was still compiling");

    let line = eventually("it is refused", || refused(&host, "bomb"));
    assert_eq!(line["step"], "compile");
    assert!(line["found"].as_str().unwrap().contains("longer than `admission.compile_time` (4s)"), "{line}");
    eventually("the compiler is gone", || (compilers(host.pid()) == 0).then_some(()));
    assert!(peak_memory(&host) < 300, "{} MiB", peak_memory(&host));
    neighbour_answers(&host, "after it");
    assert_eq!(host.rpc().tools(), ["neighbour_greet"]);
}

#[test]
fn a_compile_that_takes_too_much_memory_dies_alone() {
    let bomb = forge::heavy_to_compile(&guest("greeter"));
    let host = expecting("admission.compile_memory = \"300MiB\"");
    host.drop_in("bomb", &bomb);
    let line = eventually("it is refused", || refused(&host, "bomb"));
    assert_eq!(line["step"], "compile");
    assert!(line["found"].as_str().unwrap().contains("more than `admission.compile_memory` (300MiB)"), "{line}");
    assert_eq!(compilers(host.pid()), 0);
    assert!(peak_memory(&host) < 300, "{} MiB", peak_memory(&host));
    neighbour_answers(&host, "after it");
    assert_eq!(host.rpc().tools(), ["neighbour_greet"]);
}

#[test]
fn others_come_and_go_while_one_compiles() {
    let (honest, time) = (guest("greeter"), "admission.compile_time = \"20s\"");
    let (bomb, other) = (forge::slow_to_compile(&honest), forge::patch_greeting(&honest, "Hi"));
    drop(HostBuilder::new().plugin("warm", &other).start());
    let host = expecting(time);
    host.drop_in("bomb", &bomb);
    eventually("it compiles", || (compilers(host.pid()) > 0).then_some(()));
    let still = |what: &str| assert_eq!(refused(&host, "bomb"), None, "{what} while the bomb compiled");

    host.drop_in("other", &other);
    eventually("the other is served", || host.rpc().tools().contains(&"other_greet".to_owned()).then_some(()));
    still("the other came");
    // What is revoked has to end at once, whatever else is going on.
    host.policy(&format!("{time}\n[revoked]\nsha256 = [\"{}\"]", sha256(&honest)));
    eventually("the neighbour is gone", || (host.rpc().tools() == ["other_greet"]).then_some(()));
    still("the neighbour went");
    assert_eq!(host.rpc().call("other_greet", json!({ "name": "Ada" })).text(), "Hi, Ada!");
}

#[test]
fn compilers_die_with_a_host_that_is_killed() {
    let bomb = forge::slow_to_compile(&guest("greeter"));
    let host = expecting("admission.compile_time = \"5m\"");
    host.drop_in("bomb", &bomb);
    let compiler = eventually("it compiles", || compiler_pids(host.pid()).pop());
    host.signal(Signal::KILL);
    host.wait();
    eventually("the compiler is gone", || (!is_alive(&compiler)).then_some(()));
}

#[test]
fn compilers_are_no_more_than_processors() {
    const PLUGINS: usize = 16;
    let honest = guest("greeter");
    let another = |at: usize| forge::patch_greeting(&honest, &format!("Hello {at}"));
    let host = (0..PLUGINS).fold(HostBuilder::new(), |host, at| host.plugin(&format!("p{at}"), &another(at)));
    let home = host.files();
    // A cache of its own: all of them are compiled.
    fs::write(home.path().join("cofferdam.toml"), "version = 1\ncache.directory = \"cache\"\n").unwrap();
    let mut host = Command::new(binary())
        .args(["plugins", "--json"])
        .current_dir(home.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = Pid::from_child(&host);
    let mut most = 0;
    while host.try_wait().unwrap().is_none() {
        most = most.max(compilers(pid));
        thread::yield_now();
    }
    let mut listed = String::new();
    host.stdout.take().unwrap().read_to_string(&mut listed).unwrap();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["served"].as_array().unwrap().len(), PLUGINS);
    // What all of them shared, none of them would have for itself, within the time it is given.
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    assert!((1..=processors).contains(&most), "{most} at a time for {processors} processors");
}
