//! What the collector knows of a device's consents: the ledger entries that it sent, as they came.

use std::path::Path;

use protocol::ledger::{self, Entry, EventKind};
use protocol::{Digest, Purpose};
use time::OffsetDateTime;

use super::log::Log;
use crate::failure::Failure;

/// Entries of one device: several a week for thirty years.
const MAX_ENTRIES: usize = 10_000;

/// Whether a batch may name an entry as its consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// It is a grant for the purpose, and nothing that is known ended it.
    Stands,
    /// It was never sent.
    Unknown,
    /// It is not a grant for the purpose.
    NotGiven,
    /// A later entry or request ended it.
    Ended,
    /// A later entry restricted the processing, and none released it yet.
    Restricted,
}

/// What became of an entry that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is on the disk.
    Now,
    /// It was there before.
    Before,
    /// The device has sent more than is kept.
    Full,
}

/// The entries of one device.
pub(crate) struct Book {
    log: Log,
    /// In the order they came.
    entries: Vec<Line>,
    /// Withdrawal requests: purpose, and how many entries were known when the request came.
    withdrawn: Vec<(Purpose, usize)>,
}

struct Line {
    hash: Digest,
    index: u64,
    purpose: Purpose,
    case: Option<String>,
    kind: EventKind,
}

impl Book {
    /// Reads the entries that `public_key` signed.
    pub(crate) fn open(path: &Path, public_key: &[u8]) -> Result<Self, Failure> {
        let mut entries = Vec::new();
        let log = Log::open(path, |frame| {
            let line = std::str::from_utf8(&frame.payload).map_err(|_| Failure::unreadable(path))?;
            let entry = ledger::read_line(line, public_key).map_err(|_| Failure::unreadable(path))?;
            entries.push(Line::new(Digest::of(&frame.payload), entry));
            Ok(())
        })?;
        Ok(Self { log, entries, withdrawn: Vec::new() })
    }

    /// Keeps an entry whose signature was checked. It is on the disk when this returns.
    pub(crate) fn put(&mut self, line: &str, entry: Entry, now: OffsetDateTime) -> Result<Kept, Failure> {
        let hash = ledger::line_hash(line);
        if self.entries.iter().any(|known| known.hash == hash) {
            return Ok(Kept::Before);
        }
        if self.entries.len() >= MAX_ENTRIES {
            return Ok(Kept::Full);
        }
        self.log.append(now, line.as_bytes())?;
        self.entries.push(Line::new(hash, entry));
        Ok(Kept::Now)
    }

    /// How many entries are known.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Ends the consents for `purposes` that were among the first `known` entries.
    pub(crate) fn withdraw(&mut self, purposes: &[Purpose], known: usize) {
        self.withdrawn.extend(purposes.iter().map(|&purpose| (purpose, known)));
    }

    /// Index and hash of the newest entry: of the highest index, the one that came first.
    pub(crate) fn head(&self) -> Option<(u64, Digest)> {
        let newest = self.entries.iter().rev().max_by_key(|line| line.index);
        newest.map(|line| (line.index, line.hash))
    }

    /// Whether a batch for `purpose` may name the entry of this hash.
    pub(crate) fn standing(&self, consent: Digest, purpose: Purpose) -> Consent {
        let Some((place, grant)) = self.entries.iter().enumerate().find(|(_, line)| line.hash == consent)
        else {
            return Consent::Unknown;
        };
        if grant.kind != EventKind::Granted || grant.purpose != purpose {
            return Consent::NotGiven;
        }
        if self.withdrawn.iter().any(|&(withdrawn, known)| withdrawn == purpose && place < known) {
            return Consent::Ended;
        }
        let mut later: Vec<_> = self.entries.iter().filter(|line| line.follows(grant)).collect();
        later.sort_by_key(|line| line.index);
        later.into_iter().fold(Consent::Stands, |before, line| match (before, line.kind) {
            (Consent::Ended, _) => Consent::Ended,
            (_, EventKind::Denied | EventKind::Withdrawn | EventKind::Closed | EventKind::Expired) => {
                Consent::Ended
            }
            (_, EventKind::Restricted) => Consent::Restricted,
            (_, EventKind::Released) => Consent::Stands,
            (before, EventKind::Granted) => before,
        })
    }
}

impl Line {
    fn new(hash: Digest, entry: Entry) -> Self {
        Self {
            hash,
            index: entry.header.index,
            purpose: entry.processing.purpose,
            case: entry.processing.case,
            kind: entry.event.kind,
        }
    }

    /// Whether this entry says something later about the same consent.
    fn follows(&self, grant: &Self) -> bool {
        self.index > grant.index && self.purpose == grant.purpose && self.case == grant.case
    }
}
