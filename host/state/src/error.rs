//! Why there is no state: what an operator reads at the start.
//!
//! Nothing here holds a credential.

use std::path::PathBuf;

use thiserror::Error;

/// A store that cannot be opened. Nothing in it was changed.
#[derive(Debug, Error)]
pub enum StateError {
    /// The settings cannot be used.
    #[error("settings of state: {what}")]
    Settings { what: String },
    /// The file, or the directory that it is to be in, cannot be used.
    #[error("{}: {what}", file.display())]
    File { file: PathBuf, what: String },
    /// The file is damaged, or no database. It is left as it is.
    #[error(
        "{}: this is no undamaged store of state: {why}; it was left as it is. Move it away together with the files \
         beside it that end in -wal and -shm, and put a backup in its place or start with an empty one",
        file.display()
    )]
    Corrupt { file: PathBuf, why: String },
    /// The file is a database of some other program.
    #[error("{}: this database belongs to another program; name another file", file.display())]
    Foreign { file: PathBuf },
    /// The file was written by a newer version of this program. It is left as it is.
    #[error(
        "{}: written by a newer version (layout {found}, and this one knows up to {known}); use that version, or name \
         another file",
        file.display()
    )]
    Newer { file: PathBuf, found: i64, known: i64 },
    /// Redis could not be reached, or did not answer in time.
    #[error("Redis at {server} is not available: {why}; check the address, the network and that it runs")]
    Away { server: String, why: String },
    /// Redis let us not in.
    #[error("Redis at {server} refused: {why}; check the user, the password and what they may do")]
    Refused { server: String, why: String },
}
