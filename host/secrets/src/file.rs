//! Reads a file that has a value.

use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{task, time};
use zeroize::Zeroizing;

/// How long a file is waited for: one on a network that is away never comes.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is in a regular file of at most `most` bytes; links are followed. Does not wait for pipes or devices.
pub(crate) async fn read(path: PathBuf, most: usize) -> Result<Zeroizing<Vec<u8>>, String> {
    match time::timeout(PATIENCE, task::spawn_blocking(move || read_now(&path, most))).await {
        Ok(Ok(read)) => read.map_err(|error| error.to_string()),
        Ok(Err(_)) => Err("reading it was given up".to_owned()),
        Err(_) => Err(format!("it was not read within {PATIENCE:?}")),
    }
}

pub(crate) fn read_now(path: &Path, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(nonblocking).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    // Room for all of it and the byte too many: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(most + 64));
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(io::Error::other(format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
