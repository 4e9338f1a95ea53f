//! How much of anything there may be at once, whatever a quota says.

use std::time::Duration;

/// Bytes of one key. Long enough for a path or two identifiers; it is kept up to three times.
pub const KEY: usize = 512;

/// Bytes of the name of a plugin. Policies allow 32.
pub const PLUGIN: usize = 64;

/// Bytes of the name of a tenant: an issuer and a subject of an identity provider, which have up to 255 each.
pub const TENANT: usize = 512;

/// Bytes of the name of a bucket.
pub const BUCKET: usize = 256;

/// Keys that one operation may name. What it does with them happens at one moment, and holds up everybody else.
pub const BATCH: usize = 1000;

/// Keys in one page: half a megabyte at most.
pub const PAGE: usize = 1000;

/// Bytes of one value, if a quota allows as much. A value is in memory several times on its way.
pub const VALUE: u64 = 32 << 20;

/// Bytes of all the values that one operation writes or answers with. One key can be asked for many times, so that a
/// space's quota is no bound of an answer.
pub const VALUES: u64 = 32 << 20;

/// The longest time to live; longer ones count as this. A hundred years, so that sums of milliseconds stay exact in
/// the numbers of either store.
pub const TTL: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// Expired entries removed in passing by one write, and at a time by one that needs their room. Each costs a fraction of
/// a write. Scripts have the same number.
pub(crate) const PURGE: usize = 128;

/// How many times [`PURGE`] a write removes before it lets others have a turn: some milliseconds.
pub(crate) const PURGES: usize = 64;
