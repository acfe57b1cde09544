//! The dates of a case as they leave: moved by one number of whole weeks, and none later than what the bundle is about.
//!
//! The collector knows when a bundle came. If anything in it said when it was collected, the difference would be the
//! number of weeks. So where the window ended a week and more ago, its end stands for now, and no later date leaves.
//! Where it reaches the present the difference cannot be hidden: the manifest says so.

use std::collections::BTreeMap;

use time::format_description::well_known::Iso8601;
use time::{Date, Duration};

use crate::consent::state::{from_text, to_text};
use crate::counters::Sent;
use crate::limits;
use crate::support::manifest::{Reach, Window};
use crate::support::pseudonyms::Pseudonyms;
use deidentify::case::Case;

/// By how much dates are moved, and which may be there.
#[derive(Clone, Copy)]
pub(super) struct Dates {
    shift: Duration,
    now: i64,
    end: i64,
}

impl Dates {
    /// Those of a case with these pseudonyms, collected at `now`, of a window that ends at `end`.
    pub(super) fn new(pseudonyms: &Pseudonyms, now: i64, end: i64) -> Self {
        Self { shift: Case::new(pseudonyms.0.clone()).shift(), now, end: end.min(now) }
    }

    fn reach(&self) -> Reach {
        if self.now.saturating_sub(self.end) < limits::PRESENT {
            Reach::ReachesPresent
        } else {
            Reach::EndedBefore
        }
    }

    /// The moment of the bundle, as it is: in seconds since 1970.
    pub(super) fn last(&self) -> i64 {
        match self.reach() {
            Reach::ReachesPresent => self.now,
            Reach::EndedBefore => self.end,
        }
    }

    /// After which no date leaves.
    pub(super) fn until(&self) -> Option<i64> {
        match self.reach() {
            Reach::ReachesPresent => None,
            Reach::EndedBefore => Some(self.end),
        }
    }

    /// The moment of the bundle, moved.
    pub(super) fn moment(&self) -> i64 {
        self.moved(self.last())
    }

    /// The window from `start` on, moved.
    pub(super) fn window(&self, start: i64) -> Window {
        let (from, until) = (to_text(self.moved(start)), to_text(self.moved(self.end)));
        Window { from, until, reach: self.reach() }
    }

    /// What the collector acknowledged, with its dates moved; later ones than the bundle's moment are left out.
    pub(super) fn sent(&self, sent: &BTreeMap<String, Sent>) -> BTreeMap<String, Sent> {
        let time =
            |at: &String| from_text(at).filter(|at| *at <= self.last()).map(|at| to_text(self.moved(at)));
        let day = |(day, records): (&String, &u64)| {
            let date = Date::parse(day, &Iso8601::DATE).ok()?;
            let is_over = date.midnight().assume_utc().unix_timestamp() > self.last();
            let date = date.checked_sub(self.shift).filter(|_| !is_over)?;
            Some((date.to_string(), *records))
        };
        let moved = |sent: &Sent| Sent {
            last: sent.last.as_ref().and_then(time),
            days: sent.days.iter().filter_map(day).collect(),
            ..sent.clone()
        };
        sent.iter().map(|(purpose, sent)| (purpose.clone(), moved(sent))).collect()
    }

    fn moved(&self, at: i64) -> i64 {
        at.saturating_sub(self.shift.whole_seconds())
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    const NOW: i64 = 1_795_348_800; // 2026-11-22T12:00:00Z
    const DAY: i64 = 86_400;

    fn dates(end: i64) -> Dates {
        Dates::new(&Pseudonyms(Zeroizing::new([7; 32])), NOW, end)
    }

    #[test]
    fn the_end_of_the_window_stands_for_now_once_it_is_a_week_ago() {
        let (present, past) = (dates(NOW - 7 * DAY + 1), dates(NOW - 7 * DAY));
        let shift = present.shift.whole_seconds();
        assert_eq!((present.moment(), present.until()), (NOW - shift, None));
        assert_eq!((past.moment(), past.until()), (NOW - 7 * DAY - shift, Some(NOW - 7 * DAY)));
        assert_eq!(present.window(NOW - DAY).reach, Reach::ReachesPresent);
        assert_eq!(past.window(NOW - 8 * DAY).reach, Reach::EndedBefore);
        // A window cannot end after now.
        assert_eq!(dates(NOW + DAY).moment(), NOW - shift);
    }

    #[test]
    fn what_was_sent_after_the_window_is_not_dated() {
        let days =
            [("2026-11-14", 3), ("2026-11-15", 4), ("2026-11-16", 5)].map(|(day, n)| (day.to_owned(), n));
        let sent =
            Sent { records: 12, bytes: 1, last: Some("2026-11-16T08:00:00Z".to_owned()), days: days.into() };
        let all = BTreeMap::from([("usage_statistics".to_owned(), sent)]);
        let past = &dates(NOW - 7 * DAY).sent(&all)["usage_statistics"];
        assert_eq!((past.records, &past.last, past.days.values().sum::<u64>()), (12, &None, 7));
        let present = &dates(NOW).sent(&all)["usage_statistics"];
        assert_eq!(present.days.len(), 3);
        assert!(present.last.iter().chain(present.days.keys()).all(|date| !date.starts_with("2026-11")));
    }
}
