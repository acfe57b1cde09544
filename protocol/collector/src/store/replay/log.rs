//! The log of what a restored database has to do again: lines of JSON, appended and synced before the commit that does
//! it. The database says up to where it has done them.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::Entry;
use crate::disk;
use crate::failure::Failure;
use crate::store::ids::new_id;

/// How the first line begins; the log's name follows, and how much was removed before what is there.
const MAGIC: &str = "kathea-replay-1 ";
/// Bytes of that line.
const HEAD: usize = MAGIC.len() + 32 + 1 + 20 + 1;

/// The first line.
struct Head {
    name: String,
    base: u64,
}

/// Any other line.
#[derive(Serialize, Deserialize)]
struct Line<E> {
    /// When, microseconds.
    at: i64,
    entry: E,
}

/// How far a database has come, and in which log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    log: String,
    at: u64,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.log, self.at)
    }
}

impl Position {
    /// Reads what `Display` writes.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (log, at) = text.split_once(' ')?;
        Some(Self { log: log.to_owned(), at: at.parse().ok()? })
    }
}

/// The log.
pub(crate) struct Log {
    path: PathBuf,
    /// Its entries are being done again: they are not appended again.
    is_replaying: AtomicBool,
}

/// What stands behind a position.
#[derive(Default)]
pub(crate) struct Behind {
    /// Each with the position behind it.
    pub(crate) entries: Vec<(Entry, Position)>,
    /// The log does not reach as far as the database came, begins later, or is another one.
    pub(crate) is_short: bool,
}

impl Log {
    /// In this file.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, is_replaying: AtomicBool::new(false) }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Says that entries are done again, until that is over.
    pub(crate) fn replay(&self, is_replaying: bool) {
        self.is_replaying.store(is_replaying, Ordering::Release);
    }

    /// Appends an entry of this time, synced; the position behind it. `None` while entries are done again. The caller has
    /// the store to itself.
    pub(crate) fn append(&self, at: i64, entry: &Entry) -> Result<Option<Position>, Failure> {
        if self.is_replaying.load(Ordering::Acquire) {
            return Ok(None);
        }
        let line = serde_json::to_vec(&Line { at, entry });
        let mut line = line.map_err(|_| Failure::new("an entry of the log has no JSON form"))?;
        line.push(b'\n');
        if !self.path.try_exists().map_err(Failure::at(&self.path))? {
            self.make()?;
        }
        let bytes = disk::read_up_to(&self.path, HEAD)?.unwrap_or_default();
        let head = self.head(&bytes)?;
        let write = |mut file: File| {
            let whole = whole(&mut file)?;
            // What a cut left of an entry was never acknowledged.
            file.set_len(whole)?;
            file.seek(SeekFrom::Start(whole))?;
            file.write_all(&line)?;
            file.sync_all()?;
            Ok(whole + line.len() as u64)
        };
        let file = OpenOptions::new().read(true).write(true).open(&self.path);
        let end = file.and_then(write).map_err(Failure::at(&self.path))?;
        Ok(Some(head.position(end)))
    }

    fn make(&self) -> Result<(), Failure> {
        if let Some(parent) = self.path.parent() {
            disk::make_dir(parent)?;
        }
        let head = Head { name: new_id()?, base: 0 };
        disk::write(&self.path, &head.bytes(), disk::Access::Private)
    }

    fn head(&self, bytes: &[u8]) -> Result<Head, Failure> {
        Head::read(bytes).ok_or_else(|| Failure::unreadable(&self.path))
    }

    /// What stands behind the position that a database has come to; everything, if it does not know this log.
    pub(crate) fn behind(&self, position: Option<&Position>) -> Result<Behind, Failure> {
        let Some(bytes) = disk::read(&self.path)? else {
            return Ok(Behind { is_short: position.is_some(), ..Behind::default() });
        };
        let head = self.head(&bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(HEAD, |last| last + 1);
        let known = position.filter(|position| position.log == head.name);
        let is_within = |known: &&Position| (head.base..=head.position(whole as u64).at).contains(&known.at);
        let within = known.filter(is_within);
        // A database that knows no position is older than the first entry, or of before there was a log.
        let is_short = within.is_none() && (position.is_some() || head.base > 0);
        let from = within.map_or(HEAD, |known| (known.at - head.base) as usize + HEAD);
        let (mut end, mut entries) = (from as u64, Vec::new());
        for line in bytes[from..whole].split_inclusive(|byte| *byte == b'\n') {
            end += line.len() as u64;
            entries.push((self.read(line)?.entry, head.position(end)));
        }
        Ok(Behind { entries, is_short })
    }

    /// Removes the oldest entries, up to the first one since `before`: no backup that old is restored. The caller has the
    /// store to itself.
    pub(crate) fn prune(&self, before: i64) -> Result<(), Failure> {
        let Some(bytes) = disk::read(&self.path)? else { return Ok(()) };
        let head = self.head(&bytes)?;
        let mut old = 0;
        for line in bytes[HEAD..].split_inclusive(|byte| *byte == b'\n') {
            if !line.ends_with(b"\n") || self.read(line)?.at >= before {
                break;
            }
            old += line.len();
        }
        if old == 0 {
            return Ok(());
        }
        let head = Head { base: head.base + old as u64, ..head };
        disk::write(&self.path, &[&head.bytes(), &bytes[HEAD + old..]].concat(), disk::Access::Private)
    }

    fn read(&self, line: &[u8]) -> Result<Line<Entry>, Failure> {
        serde_json::from_slice(line).map_err(|_| {
            Failure::damaged(format!(
                "{} has an entry that cannot be read: put the log back from its backup",
                self.path.display()
            ))
        })
    }
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        let head = std::str::from_utf8(bytes.get(..HEAD)?).ok()?;
        let (name, base) = head.strip_prefix(MAGIC)?.strip_suffix('\n')?.split_once(' ')?;
        Some(Self { name: name.to_owned(), base: base.parse().ok()? })
    }

    fn bytes(&self) -> Vec<u8> {
        format!("{MAGIC}{} {:020}\n", self.name, self.base).into_bytes()
    }

    /// What stands at this place of the file.
    fn position(&self, at: u64) -> Position {
        Position { log: self.name.clone(), at: self.base + at - HEAD as u64 }
    }
}

/// Bytes of the lines that are whole.
fn whole(file: &mut File) -> std::io::Result<u64> {
    let length = file.metadata()?.len();
    let mut last = [0];
    if length > 0 {
        file.seek(SeekFrom::Start(length - 1))?;
        file.read_exact(&mut last)?;
    }
    if last[0] == b'\n' {
        return Ok(length);
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last as u64 + 1))
}
