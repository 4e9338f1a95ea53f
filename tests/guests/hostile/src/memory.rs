//! Attacks on memory and stack, and on the promise that no call finds what another left in memory.

use crate::arguments::Arguments;
use crate::{results, Reply};
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

const MIB: usize = 1 << 20;

/// A mebibyte, every page of which the host had to provide.
fn touched() -> Vec<u8> {
    black_box(vec![1; MIB])
}

/// Traps when the host refuses more.
pub fn grow(_: &Arguments) -> Reply {
    loop {
        std::mem::forget(touched());
    }
}

pub fn grow_to(arguments: &Arguments) -> Reply {
    let blocks: Vec<_> = (0..arguments.number("mib")?).map(|_| touched()).collect();
    black_box(blocks);
    results::text("ok")
}

/// Runs out of the host's stack, not of the one in linear memory: the frames are kept small there.
pub fn recurse(_: &Arguments) -> Reply {
    results::text(&descend(0).to_string())
}

#[inline(never)]
fn descend(depth: u64) -> u64 {
    if black_box(depth) == u64::MAX {
        return 0;
    }
    // What is done with the result keeps the call from becoming a jump.
    black_box(descend(depth + 1)) ^ depth
}

/// Answers 1 in an instance of its own.
pub fn counter(_: &Arguments) -> Reply {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    results::text(&calls.to_string())
}
