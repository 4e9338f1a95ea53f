//! `wasi:random`: chance, or what looks like it.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use cofferdam_policy::Random;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng, TryRng},
};
use sha2::{Digest, Sha256};
use wasmtime_wasi::WasiCtxBuilder;

/// The most random bytes that one request may ask for.
const LARGEST: u64 = 64 * 1024;

/// How many bytes a guest was given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    times: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

impl Given {
    pub(crate) fn times(&self) -> u64 {
        self.times.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Puts the randomness that was granted into a call, and says where its use is counted.
pub(crate) fn open(builder: &mut WasiCtxBuilder, random: &Random) -> Given {
    let given = Given::default();
    builder.max_random_size(LARGEST);
    match random {
        Random::Real => {
            builder.secure_random(Counted { inner: wasmtime_wasi::random::thread_rng(), given: given.clone() });
        }
        Random::Seeded(seed) => {
            // One stream for each of the three, so that asking one does not change the next.
            let of = |label: &str| ChaCha20Rng::from_seed(Sha256::digest(format!("{label}\0{seed}")).into());
            builder
                .secure_random(Counted { inner: of("secure"), given: given.clone() })
                .insecure_random(of("insecure"))
                .insecure_random_seed(u128::from(of("seed").next_u64()));
        }
    }
    given
}

struct Counted<R> {
    inner: R,
    given: Given,
}

impl<R> Counted<R> {
    fn count(&self, bytes: usize) {
        self.given.times.fetch_add(1, Ordering::Relaxed);
        self.given.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl<R: Rng> TryRng for Counted<R> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.count(4);
        Ok(self.inner.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.count(8);
        Ok(self.inner.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.count(bytes.len());
        self.inner.fill_bytes(bytes);
        Ok(())
    }
}
