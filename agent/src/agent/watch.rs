//! Wakes the corridor when something new is in the outbox, without looking again and again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use log::warn;
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::Wake;

/// Watches the directory until the value is dropped. `None` if it can't be: the slow sweep remains. While `told` nothing
/// more is sent: a request must not stand behind the notices of a hundred thousand files.
pub(super) fn outbox(
    directory: &Path,
    told: Arc<AtomicBool>,
    wakes: Sender<Wake>,
) -> Option<RecommendedWatcher> {
    let watched = std::fs::create_dir_all(directory).map_err(notify::Error::io).and_then(|()| {
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| is_arrival(&event)) && !told.swap(true, Ordering::AcqRel) {
                let _ = wakes.send(Wake::Outbox);
            }
        })?;
        watcher.watch(directory, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    watched.inspect_err(|_| warn!("the outbox cannot be watched: check [kathea] outbox and its rights")).ok()
}

/// A file got the ending, or one that has it was closed after writing. Reading and removing are our own.
fn is_arrival(event: &notify::Event) -> bool {
    let arrival = matches!(
        event.kind,
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Access(AccessKind::Close(AccessMode::Write))
    );
    arrival && event.paths.iter().any(|path| path.extension().is_some_and(|ending| ending == "ndjson"))
}
