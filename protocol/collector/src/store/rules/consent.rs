//! Whether a ledger entry allows a batch or bundle, given all known entries of the device.

use protocol::ledger::{Entry, EventKind};
use protocol::{CaseId, Digest, Purpose};

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
    /// Its period is over.
    Expired,
    /// The text of its policy is not known here.
    OtherPolicy,
    /// It allows another retention class.
    OtherRetention,
    /// It covers another manifest.
    OtherManifest,
    /// The entry before it is not the one that it names.
    Broken,
}

impl Refused {
    /// For people.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Unknown => "the ledger entry that it rests on is not known here",
            Self::NotGiven => "the ledger entry that it names grants something else",
            Self::Ended => "a later answer ended the consent",
            Self::Restricted => "the clinic restricted the processing",
            Self::Expired => "the period of the consent is over",
            Self::OtherPolicy => {
                "the consent is under a policy whose text is not known here: put it into policies/"
            }
            Self::OtherRetention => "the consent allows another retention class",
            Self::OtherManifest => "the consent covers another manifest",
            Self::Broken => "the ledger entry before the consent is not the one that it names",
        }
    }
}

/// What the rules need of a ledger entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// SHA-256 of the line.
    pub(crate) hash: Digest,
    /// Position in the device's ledger.
    pub(crate) index: u64,
    /// The flag.
    pub(crate) purpose: Purpose,
    /// The support case, if it is of one.
    pub(crate) case: Option<CaseId>,
    /// What was answered.
    pub(crate) kind: EventKind,
    /// A withdrawal request ended it.
    pub(crate) is_ended: bool,
}

impl Line {
    /// Of an entry whose line has this hash.
    pub(crate) fn new(hash: Digest, entry: &Entry) -> Self {
        Self {
            hash,
            index: entry.header.index,
            purpose: entry.processing.purpose,
            case: entry.processing.case.clone(),
            kind: entry.event.kind,
            is_ended: false,
        }
    }

    /// Whether a withdrawal request for these purposes, of one case or of all, ends this entry.
    pub(crate) fn is_withdrawn_by(&self, purposes: &[Purpose], case: Option<&CaseId>) -> bool {
        purposes.contains(&self.purpose) && (case.is_none() || case == self.case.as_ref())
    }

    /// Whether this entry says something later about the same consent.
    fn follows(&self, grant: &Self) -> bool {
        self.index > grant.index && self.purpose == grant.purpose && self.case == grant.case
    }
}

/// Whether a batch for `purpose` may name the entry of this hash. `lines` are all that are known, in any order.
pub(crate) fn allows(lines: &[Line], consent: Digest, purpose: Purpose) -> Result<(), Refused> {
    use EventKind::{Closed, Denied, Expired, Granted, Released, Restricted, Withdrawn};
    let grant = lines.iter().find(|line| line.hash == consent).ok_or(Refused::Unknown)?;
    if grant.kind != Granted || grant.purpose != purpose {
        return Err(Refused::NotGiven);
    }
    let later = || lines.iter().filter(|line| line.follows(grant));
    if grant.is_ended || later().any(|line| matches!(line.kind, Denied | Withdrawn | Closed | Expired)) {
        return Err(Refused::Ended);
    }
    let pauses = later().filter(|line| matches!(line.kind, Restricted | Released));
    match pauses.max_by_key(|line| line.index) {
        Some(line) if line.kind == Restricted => Err(Refused::Restricted),
        _ => Ok(()),
    }
}

/// Whether a bundle for `case` may name the entries of these hashes, among which must be the yes to support.
pub(crate) fn allows_case(lines: &[Line], consents: &[Digest], case: &CaseId) -> Result<(), Refused> {
    let mut refused = Err(Refused::NotGiven);
    for consent in consents {
        let line = lines.iter().find(|line| line.hash == *consent).ok_or(Refused::Unknown)?;
        if line.case.as_ref() != Some(case) {
            return Err(Refused::NotGiven);
        }
        allows(lines, *consent, line.purpose)?;
        if line.purpose == Purpose::SupportCase {
            refused = Ok(());
        }
    }
    refused
}

/// Index and hash of the newest entry: of the highest index, the one that came first.
pub(crate) fn head(before: Option<(u64, Digest)>, line: &Line) -> (u64, Digest) {
    match before {
        Some((index, hash)) if index >= line.index => (index, hash),
        _ => (line.index, line.hash),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USAGE: Purpose = Purpose::UsageStatistics;
    const CASE: Purpose = Purpose::SupportCase;

    /// Entries in the order they came; each one's hash is that of its place.
    fn lines(entries: &[(u64, Purpose, Option<&str>, EventKind)]) -> Vec<Line> {
        let line = |(place, &(index, purpose, case, kind)): (usize, &(_, _, Option<&str>, _))| Line {
            hash: at(place),
            index,
            purpose,
            case: case.map(|case| case.parse().unwrap()),
            kind,
            is_ended: false,
        };
        entries.iter().enumerate().map(line).collect()
    }

    fn at(place: usize) -> Digest {
        Digest::of(place.to_string().as_bytes())
    }

    fn withdraw(lines: &mut [Line], purposes: &[Purpose], case: Option<&CaseId>) {
        for line in lines {
            line.is_ended |= line.is_withdrawn_by(purposes, case);
        }
    }

    #[test]
    fn one_case_or_purpose_does_not_end_another() {
        use EventKind::{Granted, Withdrawn};
        let lines = lines(&[
            (0, USAGE, None, Granted),
            (1, CASE, Some("A-1"), Granted),
            (2, CASE, Some("B-2"), Granted),
            (3, CASE, Some("A-1"), Withdrawn),
        ]);
        assert_eq!(allows(&lines, at(0), USAGE), Ok(()));
        assert_eq!(allows(&lines, at(1), CASE), Err(Refused::Ended));
        assert_eq!(allows(&lines, at(2), CASE), Ok(()));
        assert_eq!(allows(&lines, at(2), USAGE), Err(Refused::NotGiven));
        assert_eq!(allows(&lines, at(3), CASE), Err(Refused::NotGiven));
        assert_eq!(allows(&lines, at(4), USAGE), Err(Refused::Unknown));
        let of_case = |place, case: &str| allows_case(&lines, &[at(place)], &case.parse().unwrap());
        assert_eq!((of_case(2, "B-2"), of_case(2, "A-1")), (Ok(()), Err(Refused::NotGiven)));
        assert_eq!((of_case(1, "A-1"), of_case(0, "A-1")), (Err(Refused::Ended), Err(Refused::NotGiven)));
        assert_eq!(of_case(4, "A-1"), Err(Refused::Unknown));
    }

    #[test]
    fn the_ledgers_order_counts_and_not_that_of_arrival() {
        use EventKind::{Granted, Released, Restricted, Withdrawn};
        let lines = lines(&[
            (5, USAGE, None, Granted),
            (3, USAGE, None, Withdrawn),
            (0, USAGE, None, Granted),
            (2, USAGE, None, Released),
            (1, USAGE, None, Restricted),
            (6, USAGE, None, Restricted),
        ]);
        assert_eq!(allows(&lines, at(2), USAGE), Err(Refused::Ended));
        assert_eq!(allows(&lines, at(0), USAGE), Err(Refused::Restricted));
        let newest = lines.iter().fold(None, |before, line| Some(head(before, line)));
        assert_eq!(newest, Some((6, at(5))));
    }

    #[test]
    fn of_two_entries_with_one_index_the_first_is_the_head() {
        let lines = lines(&[(1, USAGE, None, EventKind::Granted), (1, USAGE, None, EventKind::Denied)]);
        let newest = lines.iter().fold(None, |before, line| Some(head(before, line)));
        assert_eq!(newest, Some((1, at(0))));
    }

    #[test]
    fn a_withdrawal_request_ends_what_was_known_and_no_later_grant() {
        let entries = [(0, USAGE, None, EventKind::Granted), (2, USAGE, None, EventKind::Granted)];
        let mut lines = lines(&entries);
        withdraw(&mut lines[..1], &[USAGE], None);
        assert_eq!(allows(&lines, at(0), USAGE), Err(Refused::Ended));
        assert_eq!(allows(&lines, at(1), USAGE), Ok(()));
    }

    #[test]
    fn a_withdrawal_request_of_one_case_ends_no_other() {
        let granted = |case, index| (index, CASE, Some(case), EventKind::Granted);
        let mut lines = lines(&[granted("A-1", 0), granted("B-2", 1)]);
        withdraw(&mut lines, &[CASE], "A-1".parse().ok().as_ref());
        assert_eq!(allows(&lines, at(0), CASE), Err(Refused::Ended));
        assert_eq!(allows(&lines, at(1), CASE), Ok(()));
    }
}
