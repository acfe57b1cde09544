//! Wakes the run loop when a file arrives in the outbox, without polling.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use log::warn;
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode};
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::health::{Cause, Unwatched};
use crate::limits;

/// What arrived in the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// A file, which may still be growing. It waits for more.
    Any,
    /// So much that is whole, because it was renamed, that it is worth a commit of its own.
    Enough,
}

/// What the loop was woken for and has not looked at: a thousand files are one.
#[derive(Debug, Default)]
pub(super) struct Signalled {
    any: AtomicBool,
    enough: AtomicBool,
}

impl Signalled {
    fn of(&self, arrival: Arrival) -> &AtomicBool {
        match arrival {
            Arrival::Any => &self.any,
            Arrival::Enough => &self.enough,
        }
    }

    /// The loop looks now: what arrives from here on wakes it again.
    pub(super) fn is_seen(&self, arrival: Arrival) {
        self.of(arrival).store(false, Ordering::Release);
    }
}

/// Watches the directory until the value is dropped. If it can't be, the slow sweep remains; why, and what to do. While `signalled` it does not
/// wake again: a request must not stand behind the notices of a hundred thousand files.
pub(super) fn outbox(
    directory: &Path,
    signalled: Arc<Signalled>,
    wake: impl Fn(Arrival) + Send + 'static,
) -> Result<RecommendedWatcher, Cause> {
    let watched = std::fs::create_dir_all(directory).map_err(notify::Error::io).and_then(|()| {
        let mut renamed = 0;
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Some(arrival) = event.ok().and_then(|event| arrival(&event, &mut renamed)) else { return };
            if !signalled.of(arrival).swap(true, Ordering::AcqRel) {
                wake(arrival);
            }
        })?;
        watcher.watch(directory, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    watched.map_err(|error| why(&error)).inspect_err(|why| warn!("{why}"))
}

/// What keeps the outbox from being watched. Linux has two limits of its own (inotify(7)), and neither is a right.
fn why(error: &notify::Error) -> Cause {
    let system = match &error.kind {
        ErrorKind::Io(error) => error.raw_os_error(),
        _ => None,
    };
    let limit = match (&error.kind, system) {
        (ErrorKind::MaxFilesWatch, _) | (_, Some(ENOSPC)) => Some("fs.inotify.max_user_watches"),
        (_, Some(EMFILE)) => Some("fs.inotify.max_user_instances"),
        _ => None,
    };
    let remedy = limit.map_or(Unwatched::Right, |limit| Unwatched::Limit { limit });
    Cause::OutboxUnwatched { minutes: limits::OUTBOX_SWEEP.as_secs() / 60, remedy }
}

/// Too many watches.
const ENOSPC: i32 = 28;
/// Too many instances, or open files.
const EMFILE: i32 = 24;

/// A file got the ending, or one that has it was closed after writing. Reading and removing are our own. `renamed` counts
/// the files that came whole.
fn arrival(event: &notify::Event, renamed: &mut usize) -> Option<Arrival> {
    let arrives = matches!(
        event.kind,
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Access(AccessKind::Close(AccessMode::Write))
    );
    let path = event.paths.iter().find(|path| path.extension().is_some_and(|ending| ending == "ndjson"));
    let path = path.filter(|_| arrives)?;
    // Elsewhere nothing tells a file that was renamed from one that is being written.
    let is_whole = cfg!(unix) && event.kind == EventKind::Modify(ModifyKind::Name(RenameMode::To));
    if !is_whole {
        return Some(Arrival::Any);
    }
    *renamed += 1;
    let is_large = std::fs::symlink_metadata(path).is_ok_and(|file| file.len() >= limits::OUTBOX_ENOUGH);
    Some(if is_large || renamed.is_multiple_of(limits::GROUP_FILES) { Arrival::Enough } else { Arrival::Any })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_the_system_differs_from_a_missing_right() {
        let of = |kind| why(&notify::Error::new(kind)).to_string();
        let system = |number| of(ErrorKind::Io(std::io::Error::from_raw_os_error(number)));
        assert!(of(ErrorKind::MaxFilesWatch).contains("raise fs.inotify.max_user_watches"));
        assert!(system(ENOSPC).contains("raise fs.inotify.max_user_watches"));
        assert!(system(EMFILE).contains("raise fs.inotify.max_user_instances"));
        assert!(system(13).contains("[kathea] outbox") && !system(13).contains("inotify"));
    }

    #[test]
    fn only_files_that_came_whole_are_worth_a_commit_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str, bytes: usize| {
            let path = dir.path().join(name);
            std::fs::write(&path, vec![b'x'; bytes]).unwrap();
            path
        };
        let (small, large) = (path("a.ndjson", 10), path("b.ndjson", limits::OUTBOX_ENOUGH as usize));
        let of = |kind, path: &std::path::PathBuf, renamed: &mut usize| {
            arrival(&notify::Event::new(kind).add_path(path.clone()), renamed)
        };
        let renamed = EventKind::Modify(ModifyKind::Name(RenameMode::To));
        let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
        let mut count = 0;
        assert_eq!(of(closed, &large, &mut count), Some(Arrival::Any), "it may still be growing");
        assert_eq!(of(renamed, &path("c.tmp", 10), &mut count), None);
        let enough = if cfg!(unix) { Arrival::Enough } else { Arrival::Any };
        assert_eq!(of(renamed, &large, &mut count), Some(enough));
        let small = (0..limits::GROUP_FILES).map(|_| of(renamed, &small, &mut count)).collect::<Vec<_>>();
        assert_eq!(
            small.iter().filter(|arrival| **arrival == Some(Arrival::Any)).count(),
            small.len() - usize::from(cfg!(unix))
        );
    }

    #[test]
    fn a_file_in_place_of_the_outbox_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("outbox"), "").unwrap();
        assert!(outbox(&dir.path().join("outbox/below"), Arc::default(), |_| ()).is_err());
    }
}
