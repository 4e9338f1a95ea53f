//! What an operator's approval is bound to.
//!
//! An approval names bytes, never a file name, a version or an author: whatever else a component
//! says about itself is its own claim. [`Digest`] is that name. It is made from bytes or parsed
//! from the text of a policy or lock file, and there is no third way to come by one.
//!
//! This crate knows nothing of what the bytes mean, and reads no files: the caller reads a
//! component once and hands over those bytes, so that what is checked is what is compiled.
#![forbid(unsafe_code)]

mod digest;

pub use digest::{Digest, DigestError};
