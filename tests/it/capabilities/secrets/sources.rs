//! Where secrets come from, and that a new one is taken up while the host runs.

use std::{fs, os::unix::fs::symlink, path::Path};

use cofferdam_tests::{HostBuilder, OpenBao, TestHost, Upstream, body, eventually};
use http::Response;
use serde_json::json;

use super::{SECRET, builder, clean, rule};
use crate::capabilities::bench::Home;

/// A server that keeps what it is asked, and a host that sends it the secret `token`.
fn sending(upstream: &Upstream, config: &str) -> HostBuilder {
    let rule = rule(upstream, "/", "secret = { name = \"token\", as = \"bearer\" }");
    builder(&format!("http = [{rule}]")).config(config)
}

fn silent() -> Upstream {
    Upstream::start(|_| Response::new(body("thanks")))
}

/// What the server sees when the guest sends it something now.
#[track_caller]
fn sent(host: &TestHost, upstream: &Upstream) -> String {
    let reply = host.rpc().call("probe_fetch", json!({ "url": upstream.url("/") }));
    assert_eq!(reply.result()["structuredContent"]["body"], "thanks", "{}", reply.message);
    upstream.requests().last().unwrap().header("authorization")
}

#[test]
fn a_file() {
    let upstream = silent();
    let host = sending(&upstream, "secret.token.file = \"token.txt\"").file("token.txt", format!("{SECRET}\n")).start();
    assert_eq!(sent(&host, &upstream), format!("Bearer {SECRET}"));
}

/// Puts a new version of a mounted secret there, as Kubernetes does: a directory of its own, and one
/// link that leads to it from one moment to the next.
fn mount(directory: &Path, version: &str, secret: &str) {
    let of = directory.join(format!("..{version}"));
    fs::create_dir(&of).unwrap();
    fs::write(of.join("token"), secret).unwrap();
    symlink(format!("..{version}"), directory.join("..data_tmp")).unwrap();
    fs::rename(directory.join("..data_tmp"), directory.join("..data")).unwrap();
    if !directory.join("token").exists() {
        symlink("..data/token", directory.join("token")).unwrap();
    }
}

#[test]
fn a_file_that_is_replaced_while_the_host_runs() {
    let upstream = silent();
    let mounted = tempfile::tempdir().unwrap();
    mount(mounted.path(), "2026_11_21_1", "the-first-secret");
    let file = mounted.path().join("token");
    let host = sending(&upstream, &format!("secret.token.file = {file:?}\nsecrets.refresh = \"1h\"")).start();
    assert_eq!(sent(&host, &upstream), "Bearer the-first-secret");
    mount(mounted.path(), "2026_11_21_2", "the-second-secret");
    eventually("the new secret is used", || (sent(&host, &upstream) == "Bearer the-second-secret").then_some(()));
    // And again, for whoever watches the file of before.
    mount(mounted.path(), "2026_11_21_3", "the-third-secret");
    eventually("the newest secret is used", || (sent(&host, &upstream) == "Bearer the-third-secret").then_some(()));
}

#[test]
fn a_file_that_goes_away_takes_no_secret_with_it() {
    let upstream = silent();
    let host = sending(&upstream, "secret.token.file = \"token.txt\"\nsecrets.refresh = \"100ms\"")
        .file("token.txt", SECRET)
        .start();
    assert_eq!(sent(&host, &upstream), format!("Bearer {SECRET}"));
    fs::remove_file(host.path("token.txt")).unwrap();
    host.line("the operator is told", |line| line.to_string().contains("secret token"));
    assert_eq!(sent(&host, &upstream), format!("Bearer {SECRET}"));
    clean(&host.log(), "the log");
}

#[test]
fn one_that_is_missing_is_for_the_operator_to_mend() {
    let upstream = silent();
    for (config, told) in [
        ("secret.token.variable = \"COFFERDAM_TEST_NOWHERE\"", "COFFERDAM_TEST_NOWHERE"),
        ("secret.token.file = \"nowhere.txt\"", "nowhere.txt"),
        ("secret.token.file = \"empty.txt\"", "empty.txt"),
        ("", "no such secret is configured"),
    ] {
        let host = sending(&upstream, config).file("empty.txt", "").start();
        let reply = host.rpc().call("probe_fetch", json!({ "url": upstream.url("/") }));
        assert_eq!(reply.failure()["code"], "unavailable", "{config}: {}", reply.message);
        assert!(!reply.message.to_string().contains(told), "{config}: {}", reply.message);
        host.line("why it failed", |line| line.to_string().contains(told));
        let home = Home::of(sending(&upstream, config).file("empty.txt", ""));
        let called = home.call("fetch", &json!({ "url": upstream.url("/") }));
        assert!(called.text.contains(told) && called.text.contains("token"), "{config}: {called:?}");
    }
    assert_eq!(upstream.connections(), 0, "nothing was sent without it");
}

#[test]
fn openbao_where_it_is_rotated_while_the_host_runs() {
    let bao = OpenBao::start();
    bao.put("app/token", "the-first-secret");
    let upstream = silent();
    let source = "[secret.token.vault]\npath = \"app/token\"\nfield = \"value\"\n[secrets]\nrefresh = \"200ms\"";
    let host = sending(&upstream, &format!("{}\n{source}", bao.config())).file("bao-token", bao.token()).start();
    assert_eq!(sent(&host, &upstream), "Bearer the-first-secret");
    bao.put("app/token", "the-second-secret");
    eventually("the new secret is used", || (sent(&host, &upstream) == "Bearer the-second-secret").then_some(()));
    let log = host.log();
    for hidden in ["the-first-secret", "the-second-secret", bao.token()] {
        assert!(!log.contains(hidden), "{log}");
    }
}
