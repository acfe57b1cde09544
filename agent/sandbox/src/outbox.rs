//! The sandbox's outbox: each line of a complete file is checked as the agent checks it, and the file moved on to the agent.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use agent::usage::check::{check_since, each_line};
use time::OffsetDateTime;

use crate::Wake;
use crate::verdict::Verdict;

/// Between two looks into the outbox.
const LOOK: Duration = Duration::from_millis(50);

/// Watches the folder `from` until nobody reads `wakes` any more. Files move on to `to`.
pub(crate) fn watch(from: &Path, to: &Path, granted: i64, wakes: &Sender<Wake>) {
    loop {
        for file in complete(from) {
            let Some(name) = file.file_name() else { continue };
            let next = to.join(name);
            // The agent still reads an earlier file of this name.
            if next.symlink_metadata().is_ok() {
                continue;
            }
            // Opened before it moves on: what the agent takes is what is shown, and once.
            let Ok(input) = File::open(&file) else { continue };
            if fs::rename(&file, &next).is_err() {
                continue;
            }
            let shown = each_line(input, |number, line| {
                let now = OffsetDateTime::now_utc().unix_timestamp();
                let verdict = Verdict::of_line(line, number, check_since(line, granted, now).err());
                match wakes.send(Wake::Said(verdict)) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            });
            if !matches!(shown, Ok(None)) {
                return;
            }
        }
        if !from.is_dir() {
            return;
        }
        thread::sleep(LOOK);
    }
}

/// The files whose name ends in `.ndjson`, by name.
fn complete(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|ending| ending == "ndjson") && path.is_file())
        .collect();
    files.sort();
    files
}
