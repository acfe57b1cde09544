//! When a clinic's answers have proven what they prove for long enough.

use std::collections::BTreeMap;

use protocol::ledger::EventKind;
use protocol::{CaseId, Purpose};

use super::retention::DAY;

/// What the rule needs of a ledger entry. Times are microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Position in the ledger.
    pub(crate) index: u64,
    pub(crate) purpose: Purpose,
    pub(crate) case: Option<CaseId>,
    pub(crate) kind: EventKind,
    /// When it came.
    pub(crate) received: i64,
    /// End of a grant's life; `None`: it names none.
    pub(crate) until: Option<i64>,
    /// Days for which its policy keeps it after the end of the consent; `None`: the policy is not known here.
    pub(crate) days: Option<u32>,
}

/// Which of a device's entries are over at `now`, in their order. `holds`: whether something is held that they allow.
///
/// All entries about one consent end together: when no yes of theirs can stand any more, their policy's time is over,
/// and what they prove has gone. A grant whose life is not over stays with the no that ended it: whoever sent the grant
/// again would otherwise be believed.
pub(crate) fn over(
    entries: &[Kept],
    mut holds: impl FnMut(Purpose, Option<&CaseId>) -> bool,
    now: i64,
) -> Vec<bool> {
    let mut about = BTreeMap::<(Purpose, Option<&CaseId>), Vec<&Kept>>::new();
    for entry in entries {
        about.entry((entry.purpose, entry.case.as_ref())).or_default().push(entry);
    }
    let ended: Vec<_> = about
        .into_iter()
        .filter(|((purpose, case), of)| end(of).is_some_and(|end| end <= now) && !holds(*purpose, *case))
        .map(|(about, _)| about)
        .collect();
    entries.iter().map(|entry| ended.contains(&(entry.purpose, entry.case.as_ref()))).collect()
}

/// When the entries about one consent are over, if that is known.
fn end(of: &[&Kept]) -> Option<i64> {
    let newest = of.iter().max_by_key(|entry| entry.index)?;
    let grants = of.iter().filter(|entry| entry.kind == EventKind::Granted);
    let lives = grants.map(|entry| entry.until).collect::<Option<Vec<_>>>()?;
    let last = lives.into_iter().max();
    let ended = match newest.kind {
        EventKind::Withdrawn | EventKind::Closed | EventKind::Denied | EventKind::Expired => newest.received,
        EventKind::Granted | EventKind::Restricted | EventKind::Released => last.unwrap_or(newest.received),
    };
    let days = of.iter().map(|entry| entry.days).collect::<Option<Vec<_>>>()?.into_iter().max()?;
    Some(ended.saturating_add(i64::from(days).saturating_mul(DAY)).max(last.unwrap_or(i64::MIN)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USAGE: Purpose = Purpose::UsageStatistics;
    const NOW: i64 = 20_000 * DAY;

    fn kept(index: u64, kind: EventKind, received: i64) -> Kept {
        let until = (kind == EventKind::Granted).then_some(received + 365 * DAY);
        Kept { index, purpose: USAGE, case: None, kind, received, until, days: Some(366) }
    }

    fn nothing(_: Purpose, _: Option<&CaseId>) -> bool {
        false
    }

    #[test]
    fn answers_end_a_year_after_they_were_taken_back() {
        let entries = [kept(0, EventKind::Granted, NOW), kept(1, EventKind::Withdrawn, NOW + 10 * DAY)];
        assert_eq!(over(&entries, nothing, NOW + 376 * DAY - 1), [false; 2]);
        assert_eq!(over(&entries, nothing, NOW + 376 * DAY), [true; 2]);
        assert_eq!(over(&entries, |purpose, _| purpose == USAGE, NOW + 9000 * DAY), [false; 2], "it is held");
        let alone = &entries[..1];
        assert_eq!(over(alone, nothing, NOW + (365 + 366) * DAY - 1), [false]);
        assert_eq!(over(alone, nothing, NOW + (365 + 366) * DAY), [true], "its own life ended it");
    }

    #[test]
    fn a_no_stays_as_long_as_the_yes_could_be_sent_again() {
        let at_once = |entry: Kept| Kept { days: Some(0), ..entry };
        let entries =
            [kept(0, EventKind::Granted, NOW), kept(1, EventKind::Withdrawn, NOW + DAY)].map(at_once);
        assert_eq!(over(&entries, nothing, NOW + 365 * DAY - 1), [false; 2]);
        assert_eq!(over(&entries, nothing, NOW + 365 * DAY), [true; 2]);
        let [grant, no] = entries;
        let endless = [Kept { until: None, ..grant.clone() }, no.clone()];
        assert_eq!(over(&endless, nothing, i64::MAX), [false; 2], "a yes without an end");
        let unknown = [Kept { days: None, ..grant }, no];
        assert_eq!(over(&unknown, nothing, i64::MAX), [false; 2], "nobody knows the policy");
    }

    #[test]
    fn one_consent_does_not_wait_for_another() {
        let of_case = |entry: Kept| Kept {
            purpose: Purpose::SupportCase,
            case: "CASE-1".parse().ok(),
            days: Some(0),
            ..entry
        };
        let entries = [
            of_case(kept(0, EventKind::Granted, NOW)),
            kept(1, EventKind::Granted, NOW),
            of_case(kept(2, EventKind::Expired, NOW)),
        ];
        assert_eq!(over(&entries, nothing, NOW + 365 * DAY), [true, false, true]);
        let of_another =
            |_: Purpose, case: Option<&CaseId>| case.is_some_and(|case| case.as_str() == "CASE-2");
        assert_eq!(over(&entries, of_another, NOW + 365 * DAY), [true, false, true]);
    }
}
