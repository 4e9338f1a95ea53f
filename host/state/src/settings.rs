//! What an operator decides about state.

use std::{fmt, path::PathBuf, time::Duration};

/// Where state is kept.
#[derive(Clone)]
pub enum StateSettings {
    /// In a file of this machine, which several host processes of one user may share. Not on a network file system:
    /// they do not have the locks and the shared memory that this needs.
    Embedded {
        /// The file. It is made if there is none, readable and writable by its owner only; so is its directory.
        file: PathBuf,
    },
    /// In Redis 7 or newer, or Valkey.
    Redis {
        /// `redis://` or `rediss://` (TLS), with user, password and database number as the server needs them. Never
        /// printed.
        url: String,
        /// What all of our keys begin with: 1 to 64 of A-Z, a-z, 0-9, `_`, `-`, `.` and `:`. Nothing else is touched.
        prefix: String,
        /// The certificate authorities in PEM that count for `rediss://`, instead of those of the machine.
        ca_file: Option<PathBuf>,
        /// How long one operation may take in all, with its retries and a new connection where one is needed.
        timeout: Duration,
    },
}

/// Without the address, which may hold a password.
impl fmt::Debug for StateSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded { file } => f.debug_struct("Embedded").field("file", file).finish(),
            Self::Redis { url: _, prefix, ca_file, timeout } => f
                .debug_struct("Redis")
                .field("prefix", prefix)
                .field("ca_file", ca_file)
                .field("timeout", timeout)
                .finish_non_exhaustive(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_not_printed() {
        let url = "redis://user:hunter2@127.0.0.1/".to_owned();
        let settings =
            StateSettings::Redis { url, prefix: "p".to_owned(), ca_file: None, timeout: Duration::from_secs(1) };
        let text = format!("{settings:?}");
        assert!(!text.contains("hunter2") && !text.contains("user"), "{text}");
    }
}
