//! The attack on the host's table of resources.

use crate::arguments::Arguments;
use crate::Reply;

/// As much of WASI as it takes to make a resource that the host has to remember.
///
/// In the oldest version: the linker raises it to the one that the standard library brings, while an
/// excerpt of that very version would contradict it.
mod wasi {
    wit_bindgen::generate!({
        inline: "
            package cofferdam:handles;
            world handles {
                import wasi:clocks/monotonic-clock@0.2.0;
            }
            package wasi:io@0.2.0 {
                interface poll {
                    resource pollable;
                }
            }
            package wasi:clocks@0.2.0 {
                interface monotonic-clock {
                    use wasi:io/poll@0.2.0.{pollable};
                    type duration = u64;
                    subscribe-duration: func(when: duration) -> pollable;
                }
            }
        ",
        world: "cofferdam:handles/handles",
        generate_all,
    });
}

/// Makes timers and never drops one.
pub fn hoard(_: &Arguments) -> Reply {
    loop {
        std::mem::forget(wasi::wasi::clocks::monotonic_clock::subscribe_duration(0));
    }
}
