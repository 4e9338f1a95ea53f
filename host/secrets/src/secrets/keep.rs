//! Keeps the values fresh.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use notify::{
    EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};
use tokio::{sync::mpsc, time};
use tokio_util::sync::CancellationToken;

use super::Inner;
use crate::Source;

/// How long after a change the files are read: what changes one file mostly changes several.
const GATHER: Duration = Duration::from_millis(50);

pub(super) async fn keep(inner: Arc<Inner>, closing: CancellationToken) {
    let _kept = Kept::new(&inner);
    let work = async { tokio::join!(files(&inner), vault(&inner)) };
    // Nothing is lost by stopping anywhere: a look is taken up whole or not at all.
    closing.run_until_cancelled(work).await;
}

/// That somebody keeps the values fresh.
struct Kept<'a>(&'a Inner);

impl<'a> Kept<'a> {
    fn new(inner: &'a Inner) -> Self {
        inner.keepers.fetch_add(1, Ordering::Relaxed);
        Self(inner)
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        self.0.keepers.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn vault(inner: &Inner) {
    let is_vault = |source: &Source| matches!(source, Source::Vault { .. });
    while inner.slots.values().any(|slot| is_vault(&slot.source)) {
        time::sleep(inner.refresh).await;
        inner.look_at(is_vault).await;
    }
}

async fn files(inner: &Inner) {
    let paths = || inner.slots.values().filter_map(|slot| file(&slot.source));
    if paths().next().is_none() {
        return;
    }
    // One is enough to say that something changed.
    let (told, mut changes) = mpsc::channel(1);
    // Dropped, it would stop telling. Without it, the channel is closed.
    let _watcher = watch(paths(), told);
    loop {
        // Network mounts tell nothing.
        tokio::select! {
            Some(()) = changes.recv() => time::sleep(GATHER).await,
            () = time::sleep(inner.refresh) => {}
        }
        while changes.try_recv().is_ok() {}
        inner.look_at(|source| file(source).is_some()).await;
    }
}

fn file(source: &Source) -> Option<&Path> {
    match source {
        Source::File { path } => Some(path),
        _ => None,
    }
}

/// Watches the directories of the files: a file that is renamed over another is a change of these, and so is
/// Kubernetes' exchange of the link `..data`.
fn watch<'a>(paths: impl Iterator<Item = &'a Path>, told: mpsc::Sender<()>) -> Option<RecommendedWatcher> {
    let tell = move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| is_change(event.kind)) {
            // A full channel says the same.
            let _full = told.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(tell)
        .inspect_err(|error| tracing::warn!(%error, "files of secrets cannot be watched: they are looked at instead"))
        .ok()?;
    let parent = |path: &'a Path| path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directories: BTreeSet<&Path> = paths.map(|path| parent(path).unwrap_or(Path::new("."))).collect();
    for directory in directories {
        if let Err(error) = watcher.watch(directory, RecursiveMode::NonRecursive) {
            let directory = directory.display();
            tracing::warn!(%directory, %error, "a secret's directory cannot be watched: it is looked at instead");
        }
    }
    Some(watcher)
}

/// Our own reading is none.
fn is_change(kind: EventKind) -> bool {
    !kind.is_access() || matches!(kind, EventKind::Access(AccessKind::Close(AccessMode::Write)))
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, ModifyKind, RemoveKind, RenameMode};

    use super::*;

    #[test]
    fn reading_is_no_change() {
        for kind in [AccessKind::Read, AccessKind::Open(AccessMode::Any), AccessKind::Close(AccessMode::Read)] {
            assert!(!is_change(EventKind::Access(kind)));
        }
        for kind in [
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
            EventKind::Create(CreateKind::File),
            EventKind::Modify(ModifyKind::Data(DataChange::Any)),
            EventKind::Modify(ModifyKind::Name(RenameMode::To)),
            EventKind::Remove(RemoveKind::Any),
            EventKind::Any,
        ] {
            assert!(is_change(kind));
        }
    }
}
