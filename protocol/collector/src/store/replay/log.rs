//! The log of what a restored database has to do again: lines of JSON, appended and synced before the commit that does
//! it. The database says up to where it has done them.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::Entry;
use crate::disk;
use crate::failure::Failure;
use crate::store::sqlite::new_id;

/// How the first line begins; the log's name follows.
const MAGIC: &str = "kathea-replay-1 ";

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
    /// The log does not reach as far as the database came, or is another one.
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

    /// Appends an entry, synced; the position behind it. `None` while entries are done again. The caller has the store to
    /// itself.
    pub(crate) fn append(&self, entry: &Entry) -> Result<Option<Position>, Failure> {
        if self.is_replaying.load(Ordering::Acquire) {
            return Ok(None);
        }
        let mut line =
            serde_json::to_vec(entry).map_err(|_| Failure::new("an entry of the log has no JSON form"))?;
        line.push(b'\n');
        self.write(&line).map(Some)
    }

    fn write(&self, line: &[u8]) -> Result<Position, Failure> {
        let name = self.name()?;
        let write = |mut file: File| {
            let whole = whole(&mut file)?;
            // What a cut left of an entry was never acknowledged.
            file.set_len(whole)?;
            file.seek(SeekFrom::Start(whole))?;
            file.write_all(line)?;
            file.sync_all()?;
            Ok(whole + line.len() as u64)
        };
        let file = OpenOptions::new().read(true).write(true).open(&self.path);
        let at = file.and_then(write).map_err(Failure::at(&self.path))?;
        Ok(Position { log: name, at })
    }

    /// Its name; makes the file if there is none.
    fn name(&self) -> Result<String, Failure> {
        if let Some(name) = self.known()? {
            return Ok(name);
        }
        if let Some(parent) = self.path.parent() {
            disk::make_dir(parent)?;
        }
        let name = new_id()?;
        disk::write(&self.path, format!("{MAGIC}{name}\n").as_bytes(), disk::Access::Private)?;
        Ok(name)
    }

    fn known(&self) -> Result<Option<String>, Failure> {
        let length = MAGIC.len() + 33;
        let Some(head) = disk::read_up_to(&self.path, length)? else { return Ok(None) };
        let head = String::from_utf8(head).ok();
        let name = head.as_deref().and_then(|head| head.strip_prefix(MAGIC)?.strip_suffix('\n'));
        name.map(|name| Some(name.to_owned())).ok_or_else(|| Failure::unreadable(&self.path))
    }

    /// What stands behind the position that a database has come to; everything, if it does not know this log.
    pub(crate) fn behind(&self, position: Option<&Position>) -> Result<Behind, Failure> {
        let Some(name) = self.known()? else {
            return Ok(Behind { is_short: position.is_some(), ..Behind::default() });
        };
        let bytes = disk::read(&self.path)?.unwrap_or_default();
        let first = (MAGIC.len() + name.len() + 1) as u64;
        let known = position.filter(|position| position.log == name);
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last as u64 + 1);
        let mut behind = Behind {
            is_short: position.is_some() && known.is_none_or(|known| known.at > whole),
            ..Behind::default()
        };
        let mut at = known.map_or(first, |known| known.at.min(whole));
        for line in bytes[at as usize..whole as usize].split_inclusive(|byte| *byte == b'\n') {
            at += line.len() as u64;
            let entry = serde_json::from_slice(line).map_err(|_| {
                Failure::damaged(format!(
                    "{} has an entry that cannot be read: put the log back from its backup",
                    self.path.display()
                ))
            })?;
            behind.entries.push((entry, Position { log: name.clone(), at }));
        }
        Ok(behind)
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
