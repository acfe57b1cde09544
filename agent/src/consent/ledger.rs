//! The ledger: every answer the clinic ever gave, append-only, outside sled. It outlives withdrawal, because it
//! is the proof of it (GDPR art. 7(1)).

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use protocol::Digest;
use protocol::ledger::{Entry, EntryHeader, Event, Processing, line_hash, write_line};

use super::chain::{Examined, Finding, Flaw, Head, Line, Place, examine};
use super::problem::Problem;
use crate::presence::{self, Presence};
use crate::vault::DeviceKey;
use crate::{durable, killpoint, limits};

const SCHEMA: &str = "kathea-consent-1";

/// The ledger on disk, and its lines that verified.
#[derive(Debug)]
pub(super) struct Ledger {
    dir: PathBuf,
    key: DeviceKey,
    first: Place,
    promised: Place,
    lines: Vec<Line>,
    length: u64,
    finding: Option<Finding>,
    note: Option<Problem>,
}

impl Ledger {
    /// Reads the ledger in `dir`. Never fails: a ledger that can't be trusted has a [`Ledger::finding`].
    pub(super) fn open(dir: &Path, key: DeviceKey) -> Self {
        let (bytes, head, examined) = read(dir, &key);
        let Head { first, tip } = head.unwrap_or_default();
        let mut ledger = Self {
            dir: dir.to_owned(),
            first,
            promised: tip,
            lines: examined.lines,
            length: examined.length as u64,
            finding: examined.finding,
            note: None,
            key,
        };
        if ledger.finding.is_none() && examined.removed > 0 {
            let kept = bytes.get(examined.removed..examined.removed + examined.length);
            if let Err(error) = durable::replace(&ledger.path(), kept.unwrap_or_default()) {
                ledger.finding = Some(Finding { line: None, flaw: Flaw::Unreadable(error.kind()) });
            }
        } else if ledger.finding.is_none() && bytes.len() > examined.length {
            let healed = ledger.set_torn_aside(bytes.get(examined.length..).unwrap_or_default());
            ledger.note(healed, Problem::Torn);
        }
        ledger
    }

    /// The ledger of the same directory, read again.
    pub(super) fn reopened(&self) -> Self {
        Self::open(&self.dir, self.key.clone())
    }

    fn note(&mut self, done: io::Result<()>, note: Problem) {
        match done {
            Ok(()) => self.note = Some(note),
            Err(error) => {
                self.finding = Some(Finding { line: None, flaw: Flaw::Unreadable(error.kind()) });
            }
        }
    }

    /// The lines that verify, the oldest first.
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Why it is not to be trusted.
    pub(super) fn finding(&self) -> Option<Finding> {
        self.finding
    }

    /// What was put in order when it was opened.
    pub(super) fn opened_with(&self) -> Option<&Problem> {
        self.note.as_ref()
    }

    /// Where the chain stands.
    pub(super) fn tip(&self) -> Place {
        let next = self.first.next.saturating_add(self.lines.len() as u64);
        Place { next, last: self.lines.last().map_or(self.first.last, |line| Some(line.hash)) }
    }

    /// The newest place that the lines or the head know of.
    pub(super) fn newest_known(&self) -> Place {
        let tip = self.tip();
        if self.promised.next >= tip.next { self.promised } else { tip }
    }

    /// Reads the files again, whatever was known of them.
    pub(super) fn verify(&self) -> Vec<Finding> {
        let (_, _, examined) = read(&self.dir, &self.key);
        examined.finding.into_iter().collect()
    }

    /// Adds one line; on return it outlives a power cut. After an error it is not there.
    pub(super) fn append(&mut self, processing: Processing, event: Event) -> io::Result<Digest> {
        let Place { next, last } = self.tip();
        let header =
            EntryHeader { schema: SCHEMA.to_owned(), index: next, device: self.key.id(), previous: last };
        let entry = Entry { header, processing, event };
        let text = write_line(&entry, |bytes| self.key.sign(bytes))
            .map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
        let line = Line { entry, hash: line_hash(&text), text };
        if self.length == 0 {
            self.write_head(self.tip())?; // from now on a missing line is a cut
        }
        let hash = line.hash;
        self.write(&line.text, Place { next: next.saturating_add(1), last: Some(hash) })?;
        self.length += line.text.len() as u64 + 1;
        self.lines.push(line);
        Ok(hash)
    }

    /// Removes the `count` oldest lines, whose time is over. The signed head says where the file begins from then on, and the
    /// hash of the line before: it stands for what was removed. A cut between the two files leaves lines that lead to the
    /// head's beginning; the next start removes them.
    pub(super) fn remove_oldest(&mut self, count: usize) -> io::Result<()> {
        let Some(last) = count.checked_sub(1).and_then(|at| self.lines.get(at)) else { return Ok(()) };
        let first = Place { next: last.entry.header.index.saturating_add(1), last: Some(last.hash) };
        let (tip, before) = (self.tip(), self.first);
        let mut rest = Vec::new();
        for line in self.lines.iter().skip(count) {
            rest.extend_from_slice(line.text.as_bytes());
            rest.push(b'\n');
        }
        self.first = first;
        if let Err(error) = self.write_head(tip) {
            self.first = before;
            return Err(error);
        }
        killpoint::step("ledger.begun_later");
        // The head allows the file as it was and as it is now: whether its new name is durable is of no account.
        if let Err(error) = durable::replace(&self.path(), &rest)
            && !presence::read(&self.path()).is_ok_and(|held| held.found().is_some_and(|held| held == rest))
        {
            self.first = before;
            if let Err(error) = self.write_head(tip) {
                // The head may begin later than the lines here: what is there is read again.
                self.finding = Some(Finding { line: None, flaw: Flaw::Unreadable(error.kind()) });
            }
            return Err(error);
        }
        self.lines.drain(..count);
        self.length = rest.len() as u64;
        Ok(())
    }

    /// Sets the file aside, whatever it holds, and goes on behind `from` in a new one: a person has decided
    /// anew. The chain stays one chain, for the vendor too.
    pub(super) fn restart(&mut self, from: Place) -> io::Result<()> {
        let path = self.path();
        let aside = |n: u32| self.dir.join(format!("ledger-before-{}.{n}.ndjson", from.next));
        if presence::is_there(&path)? {
            for free in (0..u32::MAX).map(aside) {
                if !presence::is_there(&free)? {
                    std::fs::rename(&path, free)?;
                    break;
                }
            }
        }
        (self.first, self.promised) = (from, from);
        self.lines.clear();
        self.length = 0;
        self.write_head(from)?;
        killpoint::step("anew.restarted");
        self.finding = None;
        Ok(())
    }

    fn write(&mut self, text: &str, tip: Place) -> io::Result<()> {
        let path = self.path();
        let mut options = OpenOptions::new();
        let mut file = durable::private(options.write(true).create(true).truncate(false)).open(&path)?;
        if file.seek(SeekFrom::End(0))? != self.length {
            self.finding = Some(Finding { line: None, flaw: Flaw::Changed });
            return Err(ErrorKind::InvalidData.into());
        }
        let written = file
            .write_all(format!("{text}\n").as_bytes())
            .inspect(|()| killpoint::step("ledger.written"))
            .and_then(|()| file.sync_all())
            .inspect(|()| killpoint::step("ledger.synced"))
            .and_then(|()| durable::sync_parent(&path))
            .and_then(|()| self.write_head(tip));
        killpoint::step("ledger.appended");
        if written.is_err()
            && let Err(error) = self.take_back(&file, tip)
        {
            // The line stays, which either head allows: what is there is read again before anything is answered.
            self.finding = Some(Finding { line: None, flaw: Flaw::Unreadable(error.kind()) });
        }
        written
    }

    /// Removes a line whose writing failed. The head may promise it already, where only the directory could not be synced:
    /// then the head goes back first, because a line that is promised and missing is a cut.
    fn take_back(&self, file: &File, tip: Place) -> io::Result<()> {
        let promised = Head { first: self.first, tip }.to_text(&self.key);
        if presence::read(&head_path(&self.dir))?.found().is_some_and(|head| head == promised.as_bytes()) {
            self.write_head(self.tip())?;
        }
        cut(file, self.length)
    }

    fn write_head(&self, tip: Place) -> io::Result<()> {
        let head = Head { first: self.first, tip };
        durable::replace(&head_path(&self.dir), head.to_text(&self.key).as_bytes())
    }

    fn set_torn_aside(&self, torn: &[u8]) -> io::Result<()> {
        // Read-only here: no caller has relied on this file yet, and a full disk must not close the flags.
        let _ = durable::replace(&self.dir.join("ledger.torn"), torn);
        cut(&OpenOptions::new().write(true).open(self.path())?, self.length)
    }

    fn path(&self) -> PathBuf {
        ledger_path(&self.dir)
    }
}

fn cut(file: &File, length: u64) -> io::Result<()> {
    file.set_len(length)?;
    file.sync_all()
}

fn ledger_path(dir: &Path) -> PathBuf {
    dir.join("ledger.ndjson")
}

fn head_path(dir: &Path) -> PathBuf {
    dir.join("ledger.head")
}

/// Both files as they are, and what they turn out to be.
fn read(dir: &Path, key: &DeviceKey) -> (Vec<u8>, Result<Head, Flaw>, Examined) {
    let ledger = read_bounded(&ledger_path(dir));
    let mut head = match read_bounded(&head_path(dir)) {
        Err(flaw) => Err(flaw),
        Ok(Some(text)) => Head::from_text(&text, key.id(), key.public_key()),
        Ok(None) if matches!(&ledger, Ok(Some(bytes)) if !bytes.is_empty()) => Err(Flaw::HeadMissing),
        Ok(None) => Ok(Head::default()),
    };
    let (bytes, examined) = match ledger {
        Err(flaw) => (Vec::new(), Examined::unknown(flaw)),
        Ok(bytes) => {
            let bytes = bytes.unwrap_or_default();
            let mut examined = examine(&bytes, head, key.id(), key.public_key());
            if head == Err(Flaw::OtherDevice) {
                // Where this device signed the lines it is the head's name of a device that was damaged.
                let is_ours = !examined.lines.is_empty();
                head = if is_ours { Err(Flaw::HeadDamaged) } else { head };
                examined.finding = head.err().map(|flaw| Finding { line: None, flaw });
            }
            (bytes, examined)
        }
    };
    (bytes, head, examined)
}

fn read_bounded(path: &Path) -> Result<Option<Vec<u8>>, Flaw> {
    let unreadable = |error: io::Error| Flaw::Unreadable(error.kind());
    let Presence::Found(file) = presence::open(path).map_err(unreadable)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(limits::LEDGER + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limits::LEDGER { Err(Flaw::TooLarge) } else { Ok(Some(bytes)) }
}

#[cfg(test)]
mod tests;
