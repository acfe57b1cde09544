//! The sandbox's outbox: each line of a complete file is checked as the agent checks it, and the file moved on to the agent.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use agent::limits;
use agent::usage::check::check_since;
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
            let said = |verdict| wakes.send(Wake::Said(verdict)).is_ok();
            if each_line(&file, granted, said).is_err() || fs::rename(&file, &next).is_err() {
                continue;
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

/// Gives what becomes of each line, until `said` gives false.
fn each_line(file: &Path, granted: i64, said: impl Fn(Verdict) -> bool) -> io::Result<()> {
    let mut input = BufReader::new(File::open(file)?);
    for number in 1.. {
        let mut line = Vec::new();
        let most = limits::LINE as u64 + 2;
        if input.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if !line.ends_with(b"\n") {
            // The rest of a line that is too long.
            input.skip_until(b'\n')?;
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let now = OffsetDateTime::now_utc().unix_timestamp();
        if !said(Verdict::of_line(line, number, check_since(line, granted, now).err())) {
            break;
        }
    }
    Ok(())
}
