//! Secrets that tools use and never read.
//!
//! A plugin holds a secret's name. The host puts the value where it is used: into a header, an address, a connection's
//! password. Nothing here hands a value to a plugin, and what comes back from the outside goes through a [`Masker`] before
//! a plugin or a client reads it, since servers repeat what they were sent.
//!
//! ```text
//! environment, file, Vault  ->  Secrets::get   ->  Secret   (into a request, by the host)
//!                               Secrets::masker ->  Masker   (over the answer, by the host)
//! ```
//!
//! What always holds:
//!
//! - a [`Secret`] is text of [`SHORTEST`] to [`LONGEST`] bytes without line breaks, so that it cannot end a header and
//!   begin another, and so that masking it does not eat ordinary words;
//! - no error, log line or `Debug` of this crate has a value, a token or words of the server that was asked for one;
//! - everything that is read has a bound in bytes and in time, files and Vault's answers alike;
//! - a source that is broken *now* takes no value away: the last one goes on serving, with one warning. Only Vault's
//!   own answer that there is no such secret, or that this host may not have it, does;
//! - a masker covers each secret's value of now and the one before it. A value that could not be had makes a masker
//!   an error, since what is not known cannot be masked.
//!
//! # The limits of masking
//!
//! A masker finds a secret in the forms that servers give it by themselves: plain, base64, percent-encoded,
//! hexadecimal, escaped for JSON and HTML, UTF-16 (`mask::forms` lists them). It does not find one that was compressed,
//! encrypted, hashed, cut, spelled backwards or wrapped over lines. It is a net below the real boundary, which is *where a
//! secret may be sent*; that is the policy's part. Where a secret stands within longer base64 text, its first and its
//! last character may share up to four bits each with its neighbours; those characters stay.
//!
//! Found is every byte of every occurrence, also where occurrences overlap, and each unbroken run of such bytes becomes
//! one [`MASK`]. The rejected alternative, replacing the leftmost and longest of the occurrences, leaves the rest of a secret
//! that begins within another one, and cannot be told in linear time while the text still comes.
//!
//! # The limits of wiping
//!
//! Values are wiped when the last user is gone, as is what a [`MaskStream`] held back. Not wiped: the environment of this
//! process, what the HTTP client and the JSON parser held while Vault's answer came in, and the automaton of a masker,
//! which is made of the secrets' bytes and belongs to a library that cannot wipe it. It is freed when the last user of
//! that masker is gone.
//!
//! This crate knows nothing of plugins, policies or protocols, and does not decide who may use what.
#![forbid(unsafe_code)]

mod error;
mod file;
mod mask;
mod name;
mod secret;
mod secrets;
mod settings;
mod slot;
mod vault;

pub use error::SecretError;
pub use mask::{MASK, MaskStream, Masker};
pub use name::{SecretName, SecretNameError};
pub use secret::{LONGEST, SHORTEST, Secret, Unfit};
pub use secrets::Secrets;
pub use settings::{SecretsSettings, SettingsError, Source, VaultAuth, VaultSettings};
