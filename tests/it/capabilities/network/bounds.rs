//! What a request may cost: bytes, time, and how many there are.

use std::{fs, sync::Arc, time::Duration};

use bytes::Bytes;
use cofferdam_policy::Capability;
use cofferdam_tests::{TestHost, Upstream, body, eventually, streamed, within};
use futures::{StreamExt as _, future, stream};
use http::Response;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::watch,
};

use super::{LOOPBACK, broke_off, builder, call, calls, fetch, rule};

/// A server that never comes to an end.
fn endless() -> Upstream {
    Upstream::start(|_| Response::new(streamed(stream::repeat(Bytes::from_static(&[b'x'; 64 * 1024])))))
}

#[test]
fn an_endless_answer_ends_at_its_bytes() {
    let upstream = endless();
    let home = calls(&rule(&upstream.url("/"), &format!("{LOOPBACK}, response = \"100KiB\"")), "", "");
    let called = home.call("fetch", &json!({ "url": upstream.url("/"), "keep": 0 }));
    broke_off(&called.structured, "http-response-body-size", "body size exceeds limit");
    assert!(called.structured["length"].as_u64().unwrap() <= 100 * 1024, "{called:?}");
    called.recorded(Capability::Http, "refused");
}

#[test]
fn an_endless_answer_ends_at_its_time() {
    let upstream = Upstream::start(|_| {
        let first = stream::once(future::ready(Bytes::from_static(b"first")));
        Response::new(streamed(first.chain(stream::pending())))
    });
    let host = builder(&rule(&upstream.url("/"), &format!("{LOOPBACK}, timeout = \"1s\"")), "", "").start();
    let answer = fetch(&host, &upstream.url("/"));
    assert_eq!(answer["body"], "first", "{answer}");
    broke_off(&answer, "http-response-timeout", "HTTP response timeout");
    // What a guest asks for itself can be less, and not more.
    let less = json!({ "url": upstream.url("/"), "between_bytes_ms": 50 });
    broke_off(&call(&host, "fetch", less), "connection-read-timeout", "connection read timeout");
    let more = json!({ "url": upstream.url("/"), "between_bytes_ms": 600_000, "first_byte_ms": 600_000 });
    broke_off(&call(&host, "fetch", more), "http-response-timeout", "HTTP response timeout");
}

#[test]
fn headers_that_never_come_are_not_waited_for() {
    let silent = Upstream::raw(|mut stream| async move {
        // Reads what comes, and says nothing.
        let mut buffer = [0; 1024];
        while let Ok(1..) = stream.read(&mut buffer).await {}
    });
    let host = builder(&rule(&silent.url("/"), &format!("{LOOPBACK}, timeout = \"1s\"")), "", "").start();
    assert_eq!(fetch(&host, &silent.url("/"))["error"], "http-response-timeout");
    let asked = json!({ "url": silent.url("/"), "first_byte_ms": 50 });
    assert_eq!(call(&host, "fetch", asked)["error"], "http-response-timeout");
}

#[test]
fn headers_that_never_end_are_not_read() {
    let slow = Upstream::raw(|mut stream| async move {
        let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\nx-a: ").await;
        while stream.write_all(&[b'x'; 1024]).await.is_ok() {}
    });
    let many = Upstream::raw(|mut stream| async move {
        let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"x-a: b\r\n").await.is_ok() {}
    });
    let interim =
        Upstream::raw(
            |mut stream| async move { while stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_ok() {} },
        );
    for upstream in [slow, many, interim] {
        let host = builder(&rule(&upstream.url("/"), &format!("{LOOPBACK}, timeout = \"20s\"")), "", "").start();
        let answer = fetch(&host, &upstream.url("/"));
        let bounded = matches!(
            answer["error"].as_str(),
            Some("http-response-header-section-size" | "http-protocol-error" | "connection-terminated")
        );
        assert!(bounded, "{answer}");
    }
}

/// The most memory the host ever held, in bytes.
fn most_memory(host: &TestHost) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", host.pid().as_raw_nonzero())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn a_gigabyte_is_never_held() {
    const MIB: u64 = 1024 * 1024;
    let upstream = Upstream::start(|asked| {
        let piece = Bytes::from_static(&[b'x'; 64 * 1024]);
        if asked.path() == "/long" {
            return Response::builder()
                .header("content-length", 1024 * MIB)
                .body(streamed(stream::repeat(piece).take(16 * 1024)))
                .unwrap();
        }
        Response::new(streamed(stream::repeat(piece)))
    });
    let more = format!("{LOOPBACK}, response = \"128MiB\"");
    let host = builder(&rule(&upstream.url("/"), &more), "[plugin.limits]\nfuel = \"10G\"", "").start();
    // What one call costs in any case.
    assert_eq!(call(&host, "fetch", json!({ "url": upstream.url("/"), "read": 65536, "keep": 0 }))["length"], 65536);
    let before = most_memory(&host);
    // One that says how long it is is refused at once.
    let answer = call(&host, "fetch", json!({ "url": upstream.url("/long"), "keep": 0 }));
    assert_eq!((&answer["error"], &answer["length"]), (&json!("http-response-body-size"), &json!(null)), "{answer}");
    let answer = call(&host, "fetch", json!({ "url": upstream.url("/"), "keep": 0 }));
    broke_off(&answer, "http-response-body-size", "body size exceeds limit");
    let length = answer["length"].as_u64().unwrap();
    assert!((127 * MIB..=128 * MIB).contains(&length), "{answer}");
    let grown = most_memory(&host) - before;
    assert!(grown < 8 * MIB, "the host held {grown} bytes more for an answer of {length}");
}

#[test]
fn a_body_that_is_too_large_is_not_sent() {
    let upstream = Upstream::saying("got it");
    let home = calls(&rule(&upstream.url("/"), &format!("{LOOPBACK}, request = \"64KiB\"")), "", "");
    let send = |bytes: u64| home.call("fetch", &json!({ "url": upstream.url("/"), "method": "POST", "filler": bytes }));
    let whole = send(64 * 1024);
    assert_eq!(whole.structured["body"], "got it", "{whole:?}");
    let effect = whole.of(Capability::Http)[0].clone();
    assert_eq!((&effect["sent"], &effect["verdict"]), (&json!(64 * 1024), &json!("allowed")), "{whole:?}");
    let more = send(64 * 1024 + 1);
    let errors = [&more.structured["error"], &more.structured["upload"]["error"]];
    assert!(errors.contains(&&json!("http-request-body-size")), "{more:?}");
    more.recorded(Capability::Http, "refused");
    let sizes: Vec<usize> = upstream.requests().iter().map(|asked| asked.body.len()).collect();
    assert!(sizes[0] == 64 * 1024 && sizes.iter().all(|size| *size <= 64 * 1024), "{sizes:?}");
}

#[test]
fn a_call_sends_so_many_requests_and_no_more() {
    let upstream = Upstream::saying("hello");
    let home = calls(&rule(&upstream.url("/"), LOOPBACK), "limits.requests = 3", "");
    let requests: Vec<_> = (0..5).map(|n| json!({ "url": upstream.url(&format!("/{n}")) })).collect();
    for at_once in [false, true] {
        let before = upstream.requests().len();
        let called = home.call("fetch_many", &json!({ "requests": requests, "at_once": at_once }));
        let errors: Vec<_> = (0..5).map(|n| called.structured["answers"][n]["error"].clone()).collect();
        let refused = json!("http-request-denied");
        assert_eq!(errors, [json!(null), json!(null), json!(null), refused.clone(), refused], "{called:?}");
        assert_eq!(upstream.requests().len() - before, 3);
        let why = called.of(Capability::Http).iter().filter(|e| e["verdict"] == "refused").count();
        assert_eq!(why, 2, "{called:?}");
    }
}

#[test]
fn so_many_requests_are_under_way_at_once_and_no_more() {
    const MOST: usize = 2;
    let (sender, _) = watch::channel((0_usize, 0_usize, false));
    let state = Arc::new(sender);
    let told = state.clone();
    let upstream = Upstream::waiting(move |_| {
        let state = told.clone();
        async move {
            state.send_modify(|(now, most, _)| {
                *now += 1;
                *most = (*most).max(*now);
            });
            let mut open = state.subscribe();
            // What it gives locks the state until it is dropped.
            drop(open.wait_for(|(_, _, open)| *open).await);
            state.send_modify(|(now, _, _)| *now -= 1);
            Response::new(body("hello"))
        }
    });
    let grants = rule(&upstream.url("/"), LOOPBACK);
    let host = builder(&grants, &format!("limits.requests_at_once = {MOST}"), "").start();
    let requests: Vec<_> = (0..8).map(|n| json!({ "url": upstream.url(&format!("/{n}")) })).collect();
    let rpc = host.rpc().clone();
    let calling =
        std::thread::spawn(move || rpc.call("probe_fetch_many", json!({ "requests": requests, "at_once": true })));
    eventually("as many as may be are under way", || (state.borrow().0 >= MOST).then_some(()));
    // While these wait, the host has time enough for more, which it shows by other calls.
    for _ in 0..20 {
        assert!(!host.rpc().call("probe_random", json!({})).failed());
    }
    assert_eq!(state.borrow().0, MOST);
    state.send_modify(|(_, _, open)| *open = true);
    let reply = calling.join().unwrap();
    assert!(!reply.failed(), "{}", reply.message);
    let answers = reply.result()["structuredContent"]["answers"].as_array().unwrap();
    assert!(answers.iter().all(|answer| answer["body"] == "hello"), "{}", reply.message);
    assert_eq!((state.borrow().1, upstream.requests().len()), (MOST, 8));
}

#[test]
fn the_call_ends_at_its_deadline_and_the_request_with_it() {
    let (sender, gone) = watch::channel(false);
    let sender = Arc::new(sender);
    let upstream = Upstream::raw(move |mut stream| {
        let sender = sender.clone();
        async move {
            let mut buffer = [0; 1024];
            while let Ok(1..) = stream.read(&mut buffer).await {}
            let _told = sender.send(true);
        }
    });
    let (grants, deadline) = (rule(&upstream.url("/"), LOOPBACK), "limits.deadline = \"500ms\"");
    let host = builder(&grants, deadline, "").start();
    let reply = host.rpc().call("probe_fetch", json!({ "url": upstream.url("/") }));
    assert_eq!(reply.failure()["code"], "limit_exceeded", "{}", reply.message);
    within(Duration::from_secs(20), "the connection is closed with the call", || (*gone.borrow()).then_some(()));
    // What was sent was sent.
    let called = calls(&grants, deadline, "").call("fetch", &json!({ "url": upstream.url("/") }));
    assert_eq!(called.error.as_deref(), Some("limit_exceeded"), "{called:?}");
    called.recorded(Capability::Http, "failed");
}
