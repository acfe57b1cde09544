//! The outbox: a directory in which Kathea leaves `*.ndjson` files, one event per line.
//!
//! A file is complete when it carries that ending: it was written under another name and renamed. Nothing is
//! followed, nothing is opened that is not a regular file, no line is held that is longer than the limit.

mod files;
mod unread;

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use protocol::{Digest, Reason};

pub use files::Files;
pub use unread::bytes;

use super::{Line, Progress, Raw};
use crate::limits;
use crate::presence::{self, Presence};
use regular::{self, Identity};

/// A complete file that waits to be taken in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    modified: i128,
    name: OsString,
    size: u64,
    outbox: Arc<Path>,
    is_renamed: bool,
}

impl Source {
    /// What a cursor knows it by: a hash of name, size and modification time.
    pub fn id(&self) -> [u8; 16] {
        let mut text = self.name.as_encoded_bytes().to_vec();
        text.extend_from_slice(&self.size.to_le_bytes());
        text.extend_from_slice(&self.modified.to_le_bytes());
        short_hash(&text)
    }

    /// Opens it for reading.
    pub fn open(&self) -> io::Result<Lines> {
        let file = regular::open(&self.path(), Identity::ANY)?;
        let file = BufReader::with_capacity(64 << 10, file.take(self.size));
        Ok(Lines { file, line: Line::default(), count: 0, end: None })
    }

    fn path(&self) -> PathBuf {
        self.outbox.join(&self.name)
    }

    /// Whether it was renamed since it was last written to: then it is whole. Where the system does not tell it is not known.
    pub fn is_renamed(&self) -> bool {
        self.is_renamed
    }

    /// Whether it holds more than is read of one file.
    pub fn is_too_large(&self) -> bool {
        self.size > limits::OUTBOX_FILE
    }

    /// Removes the file; the removal is durable after [`sync`].
    pub fn remove(&self) -> io::Result<()> {
        Presence::of(fs::remove_file(self.path())).map(drop)
    }
}

/// What is in the outbox.
#[derive(Debug)]
pub struct Listing {
    /// Complete files, at most [`limits::OUTBOX_FILES`].
    pub sources: Files,
    /// Those that are too large to be read, likewise.
    pub too_large: Files,
    /// Things with the ending that are no regular files: left where they are, known by this hash.
    pub not_files: Vec<[u8; 16]>,
}

/// Looks into the outbox. `now` is seconds since 1970. A missing directory is an empty one.
pub fn list(outbox: &Path, now: i64) -> io::Result<Listing> {
    let most = limits::OUTBOX_FILES;
    let directory: Arc<Path> = outbox.into();
    let [mut sources, mut too_large] = [(); 2].map(|()| Files::new(Arc::clone(&directory), most));
    let mut not_files = Vec::new();
    each(outbox, |found| match found {
        Found::Other(id) if not_files.len() < limits::UNREAD_FILES => not_files.push(id),
        Found::File(source) => {
            let found = if source.is_too_large() { &mut too_large } else { &mut sources };
            // Whether a file is complete costs a look into it, so not for one that waits for a later look.
            if found.would_remember(&source) && source.is_complete(now) {
                found.push(source);
            }
        }
        _ => {}
    })?;
    Ok(Listing { sources: sources.sorted(), too_large: too_large.sorted(), not_files })
}

/// Which of `ids` are still there, however many others are, and whatever a clock that went back makes of their age.
pub fn still_there(outbox: &Path, ids: &HashSet<[u8; 16]>) -> io::Result<HashSet<[u8; 16]>> {
    let mut there = HashSet::new();
    each(outbox, |found| {
        let id = match found {
            Found::File(source) => source.id(),
            Found::Other(id) => id,
        };
        there.extend(ids.get(&id));
    })?;
    Ok(there)
}

/// What has the ending: a file, or something else, by a hash of its name.
enum Found {
    File(Source),
    Other([u8; 16]),
}

fn each(outbox: &Path, mut found: impl FnMut(Found)) -> io::Result<()> {
    let directory: Arc<Path> = outbox.into();
    presence::each_entry(outbox, |entry| {
        let name = entry.file_name();
        if Path::new(&name).extension().is_none_or(|ending| ending != "ndjson") {
            return Ok(());
        }
        // Of the entry itself: a link is not followed.
        match Presence::of(entry.metadata())? {
            Presence::Found(file) if file.is_file() => {
                let (modified, size) = (modified(&file), file.len());
                let (outbox, is_renamed) = (Arc::clone(&directory), is_renamed(&file));
                found(Found::File(Source { modified, name, size, outbox, is_renamed }));
            }
            Presence::Found(_) => found(Found::Other(short_hash(name.as_encoded_bytes()))),
            Presence::Absent => {}
        }
        Ok(())
    })
}

impl Source {
    /// Kathea renames a file when it is written. One that was not and does not end in a line feed may still
    /// be growing; after a while without a change it is taken as it is.
    fn is_complete(&self, now: i64) -> bool {
        let age = i128::from(now) * 1_000_000_000 - self.modified;
        let settled = i128::from(limits::OUTBOX_SETTLED) * 1_000_000_000;
        // `now` is cut to whole seconds: a file of this very second is up to one ahead of it.
        !(-1_000_000_000..settled).contains(&age)
            || self.size == 0
            || ends_in_line_feed(&self.path()).unwrap_or(true)
    }
}

fn ends_in_line_feed(path: &Path) -> io::Result<bool> {
    let mut file = regular::open(path, Identity::ANY)?;
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Makes removals durable. A directory that is gone holds nothing any more.
pub fn sync(outbox: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    presence::open(outbox)?.found().map_or(Ok(()), |directory| directory.sync_all())
}

/// The lines of one file.
#[derive(Debug)]
pub struct Lines {
    file: BufReader<io::Take<File>>,
    line: Line,
    count: u64,
    end: Option<End>,
}

/// Why there is no further line now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The file ended.
    Whole,
    /// As many bytes were read as were allowed: reading goes on where it stopped.
    Paused,
    /// It cannot be read now, and why: the rest is read at the next sweep.
    Failed(io::ErrorKind),
}

impl Lines {
    /// How many lines were read or passed over.
    pub fn taken(&self) -> u64 {
        self.count
    }

    /// Why the last look for a line found none.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// The next line, or why it is refused; `None` where [`Lines::end`] says why. It reads at most `budget` bytes and takes
    /// them off.
    pub fn next(&mut self, budget: &mut u64) -> Option<Result<Raw<'_>, Reason>> {
        let (end, line) = match self.line.read(&mut self.file, budget) {
            Ok(Progress::Whole(line)) => (None, Some(line)),
            Ok(Progress::End) => (Some(End::Whole), None),
            Ok(Progress::Paused) => (Some(End::Paused), None),
            Err(e) => (Some(End::Failed(e.kind())), None),
        };
        self.end = end;
        let line = line?;
        self.count += 1;
        Some(line.map(|()| Raw::new(&self.line.bytes)))
    }
}

/// A rename changes when the file's entry changed and not when its content did. Both within one tick of the kernel's
/// clock are taken for one write.
#[cfg(unix)]
fn is_renamed(file: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (file.ctime(), file.ctime_nsec()) > (file.mtime(), file.mtime_nsec())
}

#[cfg(not(unix))]
fn is_renamed(_: &fs::Metadata) -> bool {
    false
}

fn modified(metadata: &fs::Metadata) -> i128 {
    let time = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

fn short_hash(bytes: &[u8]) -> [u8; 16] {
    let mut out = [0; 16];
    out.copy_from_slice(&Digest::of(bytes).to_bytes()[..16]);
    out
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use std::io::Write;

    use super::*;

    const LATER: i64 = 4_000_000_000;

    fn write(dir: &Path, name: &str, bytes: &[u8]) {
        fs::write(dir.join(name), bytes).unwrap();
    }

    fn listed(dir: &Path, now: i64) -> Vec<Source> {
        list(dir, now).unwrap().sources.collect()
    }

    /// The lines of the one file, read so many bytes at a time, and how often that paused.
    fn lines_of(dir: &Path, budget: u64) -> (Vec<Result<Vec<u8>, Reason>>, u32) {
        let mut lines = listed(dir, LATER)[0].open().unwrap();
        let (mut out, mut pauses) = (Vec::new(), 0);
        loop {
            let mut left = budget;
            while let Some(line) = lines.next(&mut left) {
                out.push(line.map(|raw| raw.bytes().to_vec()));
            }
            assert!(left <= budget);
            match lines.end() {
                Some(End::Paused) => pauses += 1,
                end => {
                    assert_eq!(end, Some(End::Whole));
                    return (out, pauses);
                }
            }
        }
    }

    #[test]
    fn lines_come_one_by_one_and_a_long_one_costs_itself() {
        let dir = tempfile::tempdir().unwrap();
        let mut text = b"one\n".to_vec();
        text.extend(vec![b'x'; 10 << 20]);
        text.extend_from_slice(b"\n\nlast");
        write(dir.path(), "a.ndjson", &text);
        let expected = vec![Ok(b"one".to_vec()), Err(Reason::TooLong), Ok(Vec::new()), Ok(b"last".to_vec())];
        assert_eq!(lines_of(dir.path(), u64::MAX), (expected.clone(), 0));
        let (lines, pauses) = lines_of(dir.path(), 1 << 20);
        assert!(lines == expected && (9..=11).contains(&pauses), "{pauses} pauses in 10 MiB");
    }

    #[test]
    fn a_file_above_the_limit_is_not_among_those_that_are_read() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.ndjson", b"x\n");
        for (name, size) in
            [("b.ndjson", limits::OUTBOX_FILE), ("c.ndjson", limits::OUTBOX_FILE + 1), ("d.ndjson", 1 << 40)]
        {
            File::create(dir.path().join(name)).unwrap().set_len(size).unwrap(); // sparse
        }
        let listing = list(dir.path(), LATER).unwrap();
        let sizes = |sources: Files| sources.map(|source| source.size).collect::<Vec<_>>();
        assert_eq!(sizes(listing.sources), [2, limits::OUTBOX_FILE]);
        assert_eq!(sizes(listing.too_large), [limits::OUTBOX_FILE + 1, 1 << 40]);
    }

    #[test]
    fn what_is_there_is_there_whatever_the_clock_says() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.ndjson", b"half a line");
        fs::create_dir(dir.path().join("b.ndjson")).unwrap();
        let Listing { sources, not_files, .. } = list(dir.path(), LATER).unwrap();
        let sources: Vec<Source> = sources.collect();
        let (file, other) = (sources[0].id(), not_files[0]);
        let just_written = (sources[0].modified / 1_000_000_000) as i64;
        assert_eq!(listed(dir.path(), just_written), []);
        let asked = HashSet::from([file, other, [7; 16]]);
        assert_eq!(still_there(dir.path(), &asked).unwrap(), HashSet::from([file, other]));
        assert_eq!(still_there(&dir.path().join("gone"), &asked).unwrap(), HashSet::new());
    }

    #[test]
    fn only_regular_files_with_the_ending_are_sources() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.ndjson", b"x\n");
        write(dir.path(), "b.ndjson.tmp", b"x\n");
        fs::create_dir(dir.path().join("c.ndjson")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("d.ndjson")).unwrap();
        let listing = list(dir.path(), LATER).unwrap();
        assert_eq!(listing.sources.len(), 1);
        assert_eq!(listing.not_files.len(), if cfg!(unix) { 2 } else { 1 });
        assert_eq!(listed(&dir.path().join("none"), LATER), []);
    }

    #[test]
    fn a_file_without_its_last_line_feed_waits_until_it_settled() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.ndjson", b"whole\nha");
        let written = modified(&fs::metadata(dir.path().join("a.ndjson")).unwrap()) / 1_000_000_000;
        let written = i64::try_from(written).unwrap();
        assert_eq!(listed(dir.path(), written), []);
        assert_eq!(listed(dir.path(), written + 1), []);
        assert_eq!(listed(dir.path(), written + 1 + limits::OUTBOX_SETTLED).len(), 1);
        assert_eq!(listed(dir.path(), 0).len(), 1, "a clock in 1970 keeps nothing back");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_renamed_differs_from_one_that_is_being_written() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.ndjson", b"x\n");
        write(dir.path(), "b.tmp", b"x\n");
        let is_renamed = || listed(dir.path(), LATER).iter().map(Source::is_renamed).collect();
        assert_eq!(is_renamed(), vec![false]);
        // Written longer ago than a tick of the kernel's clock.
        let file = File::options().append(true).open(dir.path().join("b.tmp")).unwrap();
        file.set_modified(UNIX_EPOCH + std::time::Duration::from_secs(1_780_000_000)).unwrap();
        fs::rename(dir.path().join("b.tmp"), dir.path().join("b.ndjson")).unwrap();
        let renamed: Vec<bool> = is_renamed();
        assert_eq!(renamed, [true, false], "the older one first");
        (&file).write_all(b"y\n").unwrap();
        assert_eq!(is_renamed(), vec![false, false], "somebody still has it open");
    }

    #[test]
    fn a_source_is_known_by_name_size_and_time() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.ndjson", b"x\n");
        let before = listed(dir.path(), LATER).remove(0);
        write(dir.path(), "a.ndjson", b"xy\n");
        assert_ne!(before.id(), listed(dir.path(), LATER)[0].id());
        before.remove().unwrap();
        before.remove().unwrap();
    }
}
