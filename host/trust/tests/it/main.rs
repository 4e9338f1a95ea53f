//! Signers against real signatures: `tests/fixtures/sigstore`, whose README.md says what each file is.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on may stop

mod altered;
mod fixtures;
mod formats;
mod keys;
mod what;
mod when;
mod whose;
