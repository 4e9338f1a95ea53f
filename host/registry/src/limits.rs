//! How much of what a registry says is read, and why no more.
//!
//! A registry is not trusted: it may be taken over, and whoever can push to one repository of it can attach things to
//! what others pushed. Every answer is read up to a bound that stands here, and what is longer is refused unread.

use std::time::Duration;

/// Bytes of one manifest. Ours have half a kilobyte; the rest is room for annotations.
pub(crate) const MANIFEST: u64 = 64 << 10;

/// Bytes of a list of referrers: some ten thousand of them, of which [`REFERRERS`] are looked at.
pub(crate) const INDEX: u64 = 4 << 20;

/// How many referrers of one manifest are read. Each costs two requests, and anyone who may push can add one.
pub(crate) const REFERRERS: usize = 32;

/// Bytes of one sigstore bundle. A signature has some kilobytes; an attestation carries its predicate.
pub(crate) const BUNDLE: u64 = 1 << 20;

/// How many signatures are handed on for one manifest, of either layout.
pub(crate) const SIGNATURES: usize = 32;

/// Bytes of what a cosign 2 signature is made over: a small JSON text.
pub(crate) const PAYLOAD: u64 = 64 << 10;

/// How many annotations a pushed manifest may have, and the bytes of all of them together. A quarter of a manifest.
pub(crate) const ANNOTATIONS: usize = 64;
pub(crate) const ANNOTATION_BYTES: usize = 16 << 10;

/// Bytes of an answer of a token service. Tokens of large providers have some kilobytes.
pub(crate) const TOKEN: u64 = 64 << 10;

/// Bytes of an answer that says no: read for its error code only, and cut instead of refused.
pub(crate) const COMPLAINT: u64 = 8 << 10;

/// Bytes of docker's configuration file.
pub(crate) const CREDENTIALS: u64 = 1 << 20;

/// Bytes of a file with certificates. The list of all public authorities has a quarter of that.
pub(crate) const CERTIFICATES: u64 = 1 << 20;

/// How often an answer may point somewhere else.
pub(crate) const REDIRECTS: usize = 3;

/// Tokens kept for later requests; beyond that all are forgotten, and asked for again.
pub(crate) const TOKENS: usize = 256;

/// How long a connection may take to be made.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);

/// How long a credential helper may take. It may ask a service of its own, but not a person.
pub(crate) const HELPER: Duration = Duration::from_secs(10);

/// The shortest and longest pause between two attempts.
pub(crate) const PAUSE: Duration = Duration::from_millis(200);
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The slowest transfer that is waited for, in bytes a second, beyond the time that any request has. A component of
/// 50 MiB has 200 seconds more than a manifest.
pub(crate) const SLOWEST: u64 = 256 << 10;

/// The time that a transfer of this many bytes adds to the time of a request.
pub(crate) fn transfer(bytes: u64) -> Duration {
    Duration::from_secs(bytes / SLOWEST)
}
