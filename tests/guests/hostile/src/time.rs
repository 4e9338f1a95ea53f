//! Attacks on the time a call may take, by computing and by waiting.

#![allow(clippy::disallowed_methods, reason = "to stall its thread is what a hostile guest is for")]

use crate::arguments::Arguments;
use crate::cofferdam::plugin::progress;
use crate::{results, Reply};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub fn spin(_: &Arguments) -> Reply {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

pub fn sleep(arguments: &Arguments) -> Reply {
    thread::sleep(Duration::from_millis(arguments.number("ms")? as u64));
    results::text("slept")
}

pub fn sleep_forever(_: &Arguments) -> Reply {
    loop {
        thread::sleep(Duration::from_secs(24 * 60 * 60));
    }
}

/// Hardly computes: only something that counts time or host calls stops it soon.
pub fn host_calls(_: &Arguments) -> Reply {
    let mut done = 0.0;
    loop {
        progress::report(done, None, None);
        done += 1.0;
    }
}

/// Proves that the clocks go and that instances do not share their randomness.
pub fn random_and_time(_: &Arguments) -> Reply {
    let start = Instant::now();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let hash = RandomState::new().hash_one(0);
    results::json(&serde_json::json!({
        "milliseconds_since_1970": now.as_millis() as u64,
        "nanoseconds_taken": start.elapsed().as_nanos() as u64,
        // A text: as a number it would lose digits in some clients.
        "hash": format!("{hash:016x}"),
    }))
}
