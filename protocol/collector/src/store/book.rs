//! What the collector knows of a device's consents: the ledger entries that it sent, as they came.

use std::path::Path;

use protocol::ledger::{self, Entry, EventKind};
use protocol::{CaseId, Digest, Purpose};
use time::OffsetDateTime;

use super::log::Log;
use crate::failure::Failure;

/// Entries of one device: several a week for thirty years.
const MAX_ENTRIES: usize = 10_000;

/// Why a batch may not name an entry as its consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
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
    withdrawn: Vec<Withdrawn>,
}

/// A withdrawal request.
struct Withdrawn {
    purpose: Purpose,
    /// `None`: every case.
    case: Option<CaseId>,
    /// How many entries were known when the request came.
    known: usize,
}

impl Withdrawn {
    fn ends(&self, grant: &Line, place: usize) -> bool {
        let about = self.case.is_none() || self.case == grant.case;
        self.purpose == grant.purpose && about && place < self.known
    }
}

struct Line {
    hash: Digest,
    index: u64,
    purpose: Purpose,
    case: Option<CaseId>,
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

    /// Ends the consents for `purposes`, of one case or of all, that were among the first `known` entries.
    pub(crate) fn withdraw(&mut self, purposes: &[Purpose], case: Option<&CaseId>, known: usize) {
        let ended = |&purpose: &Purpose| Withdrawn { purpose, case: case.cloned(), known };
        self.withdrawn.extend(purposes.iter().map(ended));
    }

    /// Index and hash of the newest entry: of the highest index, the one that came first.
    pub(crate) fn head(&self) -> Option<(u64, Digest)> {
        let newest = self.entries.iter().rev().max_by_key(|line| line.index);
        newest.map(|line| (line.index, line.hash))
    }

    /// Whether a bundle for `case` may name the entries of these hashes, among which must be the yes to support.
    pub(crate) fn allows_case(&self, consents: &[Digest], case: &CaseId) -> Result<(), Refused> {
        let mut refused = Err(Refused::NotGiven);
        for consent in consents {
            let line = self.entries.iter().find(|line| line.hash == *consent).ok_or(Refused::Unknown)?;
            if line.case.as_ref() != Some(case) {
                return Err(Refused::NotGiven);
            }
            self.allows(*consent, line.purpose)?;
            if line.purpose == Purpose::SupportCase {
                refused = Ok(());
            }
        }
        refused
    }

    /// Whether a batch for `purpose` may name the entry of this hash.
    pub(crate) fn allows(&self, consent: Digest, purpose: Purpose) -> Result<(), Refused> {
        let Some((place, grant)) = self.entries.iter().enumerate().find(|(_, line)| line.hash == consent)
        else {
            return Err(Refused::Unknown);
        };
        if grant.kind != EventKind::Granted || grant.purpose != purpose {
            return Err(Refused::NotGiven);
        }
        if self.withdrawn.iter().any(|withdrawn| withdrawn.ends(grant, place)) {
            return Err(Refused::Ended);
        }
        let later = || self.entries.iter().filter(|line| line.follows(grant));
        let ends = |line: &Line| {
            use EventKind::{Closed, Denied, Expired, Withdrawn};
            matches!(line.kind, Denied | Withdrawn | Closed | Expired)
        };
        if later().any(ends) {
            return Err(Refused::Ended);
        }
        let pauses = |line: &&Line| matches!(line.kind, EventKind::Restricted | EventKind::Released);
        match later().filter(pauses).max_by_key(|line| line.index) {
            Some(line) if line.kind == EventKind::Restricted => Err(Refused::Restricted),
            _ => Ok(()),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::entry;

    const USAGE: Purpose = Purpose::UsageStatistics;
    const CASE: Purpose = Purpose::SupportCase;

    /// A book of these entries, in this order; each one's hash is that of its place.
    fn book(entries: &[(u64, Purpose, Option<&str>, EventKind)]) -> Book {
        let dir = tempfile::tempdir().unwrap();
        let mut book = Book::open(&dir.path().join("log"), &[]).unwrap();
        for (place, &(index, purpose, case, kind)) in entries.iter().enumerate() {
            let kept =
                book.put(&place.to_string(), entry(index, purpose, case, kind), OffsetDateTime::UNIX_EPOCH);
            assert_eq!(kept.unwrap(), Kept::Now);
        }
        book
    }

    fn at(place: usize) -> Digest {
        ledger::line_hash(&place.to_string())
    }

    #[test]
    fn one_case_or_purpose_does_not_end_another() {
        use EventKind::{Granted, Withdrawn};
        let book = book(&[
            (0, USAGE, None, Granted),
            (1, CASE, Some("A-1"), Granted),
            (2, CASE, Some("B-2"), Granted),
            (3, CASE, Some("A-1"), Withdrawn),
        ]);
        assert_eq!(book.allows(at(0), USAGE), Ok(()));
        assert_eq!(book.allows(at(1), CASE), Err(Refused::Ended));
        assert_eq!(book.allows(at(2), CASE), Ok(()));
        assert_eq!(book.allows(at(2), USAGE), Err(Refused::NotGiven));
        assert_eq!(book.allows(at(3), CASE), Err(Refused::NotGiven));
        assert_eq!(book.allows(at(4), USAGE), Err(Refused::Unknown));
        let of_case = |place, case: &str| book.allows_case(&[at(place)], &case.parse().unwrap());
        assert_eq!((of_case(2, "B-2"), of_case(2, "A-1")), (Ok(()), Err(Refused::NotGiven)));
        assert_eq!((of_case(1, "A-1"), of_case(0, "A-1")), (Err(Refused::Ended), Err(Refused::NotGiven)));
        assert_eq!(of_case(4, "A-1"), Err(Refused::Unknown));
    }

    #[test]
    fn the_ledgers_order_counts_and_not_that_of_arrival() {
        use EventKind::{Granted, Released, Restricted, Withdrawn};
        let book = book(&[
            (5, USAGE, None, Granted),
            (3, USAGE, None, Withdrawn),
            (0, USAGE, None, Granted),
            (2, USAGE, None, Released),
            (1, USAGE, None, Restricted),
            (6, USAGE, None, Restricted),
        ]);
        assert_eq!(book.allows(at(2), USAGE), Err(Refused::Ended));
        assert_eq!(book.allows(at(0), USAGE), Err(Refused::Restricted));
        assert_eq!(book.head(), Some((6, at(5))));
    }

    #[test]
    fn of_two_entries_with_one_index_the_first_is_the_head() {
        let book = book(&[(1, USAGE, None, EventKind::Granted), (1, USAGE, None, EventKind::Denied)]);
        assert_eq!(book.head(), Some((1, at(0))));
    }

    #[test]
    fn a_withdrawal_request_ends_what_was_known_and_no_later_grant() {
        let entries = [(0, USAGE, None, EventKind::Granted), (2, USAGE, None, EventKind::Granted)];
        let mut book = book(&entries);
        book.withdraw(&[USAGE], None, 1);
        assert_eq!(book.allows(at(0), USAGE), Err(Refused::Ended));
        assert_eq!(book.allows(at(1), USAGE), Ok(()));
    }

    #[test]
    fn a_withdrawal_request_of_one_case_ends_no_other() {
        let granted = |case, index| (index, CASE, Some(case), EventKind::Granted);
        let mut book = book(&[granted("A-1", 0), granted("B-2", 1)]);
        book.withdraw(&[CASE], "A-1".parse().ok().as_ref(), 2);
        assert_eq!(book.allows(at(0), CASE), Err(Refused::Ended));
        assert_eq!(book.allows(at(1), CASE), Ok(()));
    }
}
