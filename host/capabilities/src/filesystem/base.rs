//! A directory in which something is done, and what wasmtime-wasi says of it.

use std::{
    fs::{File, FileTimes},
    sync::Arc,
    time::{Duration, SystemTime},
};

use cap_std::fs::Dir;
use wasmtime_wasi::p2::{
    FsResult,
    bindings::filesystem::types::{ErrorCode, NewTimestamp},
};

use super::{
    disk::{Account, blocking},
    node::Node,
    root::Root,
    why::Why,
};

/// A directory that a guest holds.
pub(super) struct Base {
    pub(super) node: Node,
    pub(super) dir: Arc<File>,
}

impl Base {
    pub(super) fn root(&self) -> &Arc<Root> {
        &self.node.root
    }

    /// Does something in the directory, where it may block.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Dir) -> Result<T, Why> + Send + 'static,
    ) -> Result<T, Why> {
        let dir = self.dir.clone();
        blocking(move || act(&handle(&dir)?)).await
    }

    /// Changes something in the directory, while nobody else does.
    pub(super) async fn change(
        &self,
        act: impl FnOnce(&Dir, &mut Account) -> Result<(), Why> + Send + 'static,
    ) -> Result<(), Why> {
        let mut account = self.root().account().await?;
        self.look(move |dir| act(dir, &mut account)).await
    }

    /// Changes something in two directories of one granted directory.
    pub(super) async fn change_both(
        &self,
        other: &Self,
        act: impl FnOnce(&Dir, &Dir, &mut Account) -> Result<(), Why> + Send + 'static,
    ) -> Result<(), Why> {
        self.root().writable()?;
        other.root().writable()?;
        if !Arc::ptr_eq(self.root(), other.root()) {
            return Err(Why::TwoDirectories);
        }
        let other = other.dir.clone();
        self.change(move |dir, account| act(dir, &handle(&other)?, account)).await
    }
}

fn handle(dir: &File) -> Result<Dir, Why> {
    Ok(Dir::from_std_file(dir.try_clone()?))
}

/// What wasmtime-wasi answered, to be recorded.
pub(super) fn judged<T>(result: FsResult<T>) -> FsResult<Result<T, Why>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => match error.downcast_ref() {
            Some(code) => Ok(Err(Why::Code(*code))),
            None => Err(error),
        },
    }
}

/// What it answered about a path that was only looked at: it is not permitted when it leads out.
pub(super) fn judged_path<T>(result: FsResult<T>) -> FsResult<Result<T, Why>> {
    let outside = |why| if matches!(why, Why::Code(ErrorCode::NotPermitted)) { Why::Outside } else { why };
    Ok(judged(result)?.map_err(outside))
}

/// Times as the standard library has them.
pub(super) fn times(accessed: NewTimestamp, modified: NewTimestamp) -> Result<FileTimes, ErrorCode> {
    let time = |new| match new {
        NewTimestamp::NoChange => Ok(None),
        NewTimestamp::Now => Ok(Some(SystemTime::now())),
        NewTimestamp::Timestamp(at) => {
            let second = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(at.seconds));
            let exact = second.and_then(|second| second.checked_add(Duration::from_nanos(at.nanoseconds.into())));
            exact.map(Some).ok_or(ErrorCode::Overflow)
        }
    };
    let (accessed, modified) = (time(accessed)?, time(modified)?);
    let times = accessed.into_iter().fold(FileTimes::new(), FileTimes::set_accessed);
    Ok(modified.into_iter().fold(times, FileTimes::set_modified))
}
