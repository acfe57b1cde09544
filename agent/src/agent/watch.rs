//! Wakes the run loop when a file arrives in the outbox, without polling.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use log::warn;
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::Wake;
use crate::limits;

/// Watches the directory until the value is dropped. If it can't be, the slow sweep remains; why, and what to do. While `signalled` nothing
/// more is sent: a request must not stand behind the notices of a hundred thousand files.
pub(super) fn outbox(
    directory: &Path,
    signalled: Arc<AtomicBool>,
    wakes: Sender<Wake>,
) -> Result<RecommendedWatcher, String> {
    let watched = std::fs::create_dir_all(directory).map_err(notify::Error::io).and_then(|()| {
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| is_arrival(&event)) && !signalled.swap(true, Ordering::AcqRel) {
                let _ = wakes.send(Wake::Outbox);
            }
        })?;
        watcher.watch(directory, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    watched.map_err(|error| why(&error)).inspect_err(|why| warn!("{why}"))
}

/// What keeps the outbox from being watched. Linux has two limits of its own (inotify(7)), and neither is a right.
fn why(error: &notify::Error) -> String {
    let system = match &error.kind {
        ErrorKind::Io(error) => error.raw_os_error(),
        _ => None,
    };
    let limit = match (&error.kind, system) {
        (ErrorKind::MaxFilesWatch, _) | (_, Some(ENOSPC)) => Some("fs.inotify.max_user_watches"),
        (_, Some(EMFILE)) => Some("fs.inotify.max_user_instances"),
        _ => None,
    };
    let remedy = match limit {
        Some(limit) => {
            format!("this system's limit is reached: raise {limit} (sysctl) and restart the service")
        }
        None => "let the agent's account read [kathea] outbox, or correct its path, and restart the service"
            .to_owned(),
    };
    let minutes = limits::OUTBOX_SWEEP.as_secs() / 60;
    format!("{} and is looked at every {minutes} minutes only; {remedy}", limits::UNWATCHED)
}

/// Too many watches.
const ENOSPC: i32 = 28;
/// Too many instances, or open files.
const EMFILE: i32 = 24;

/// A file got the ending, or one that has it was closed after writing. Reading and removing are our own.
fn is_arrival(event: &notify::Event) -> bool {
    let arrival = matches!(
        event.kind,
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Access(AccessKind::Close(AccessMode::Write))
    );
    arrival && event.paths.iter().any(|path| path.extension().is_some_and(|ending| ending == "ndjson"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_the_system_differs_from_a_missing_right() {
        let of = |kind| why(&notify::Error::new(kind));
        let system = |number| of(ErrorKind::Io(std::io::Error::from_raw_os_error(number)));
        assert!(of(ErrorKind::MaxFilesWatch).contains("raise fs.inotify.max_user_watches"));
        assert!(system(ENOSPC).contains("raise fs.inotify.max_user_watches"));
        assert!(system(EMFILE).contains("raise fs.inotify.max_user_instances"));
        assert!(system(13).contains("[kathea] outbox") && !system(13).contains("inotify"));
    }

    #[test]
    fn a_file_in_place_of_the_outbox_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        let (wakes, _woken) = std::sync::mpsc::channel();
        std::fs::write(dir.path().join("outbox"), "").unwrap();
        assert!(outbox(&dir.path().join("outbox/below"), Arc::default(), wakes).is_err());
    }
}
