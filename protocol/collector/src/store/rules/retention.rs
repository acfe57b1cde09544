//! Retention periods, and what an unreliable clock must not cause.

use protocol::Retention;
use protocol::period::{Kept, Period, Start};

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;
const SECOND: i64 = 1_000_000;
/// Share of all data that one run may erase without confirmation: one in twenty.
const PART: u64 = 20;
/// A clock that is further ahead of the last run has leapt, or the collector was off for so long.
const AHEAD: i64 = 31 * DAY;
/// Likewise backwards.
const BEHIND: i64 = DAY;

/// The events that periods start from, in microseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beginnings {
    /// The device's owner took it out of use.
    pub(crate) decommissioned: Option<i64>,
    /// Its last support bundle came.
    pub(crate) last_contact: Option<i64>,
}

/// Where the numbers of periods begin: below are the places of the words.
const PERIODS: i64 = 1 << 24;

/// The number by which a row says how long it is kept: the word's place, or period and start in bits of their own.
pub(crate) fn number(kept: Kept) -> i64 {
    let place = |found: Option<usize>| found.map_or(-1, |place| place as i64);
    if kept.word != Retention::Period {
        return place(Retention::ALL.iter().position(|word| *word == kept.word));
    }
    let (number, unit) = kept.period.parts();
    let start = place(Start::ALL.iter().position(|start| *start == kept.from));
    PERIODS | start << 20 | i64::from(unit) << 16 | i64::from(number)
}

/// What a row's number says; `None`: there is no such number.
pub(crate) fn kept(number: i64) -> Option<Kept> {
    if number < PERIODS {
        return Retention::ALL.get(usize::try_from(number).ok()?).copied().and_then(Kept::of_word);
    }
    let start = *Start::ALL.get(usize::try_from((number - PERIODS) >> 20).ok()?)?;
    let period = Period::of((number & 0xffff) as u32, (number >> 16 & 0xf) as u8)?;
    Some(Kept::for_period(period, start))
}

/// Only what began then or before can be over.
pub(crate) fn over(kept: Kept, now: i64) -> i64 {
    now.saturating_sub(i64::from(kept.fewest_days()) * DAY)
}

/// The end of what began then, microseconds; `None`: no calendar has it.
fn end(kept: Kept, began: i64) -> Option<i64> {
    let end = kept.after(began.div_euclid(SECOND))?;
    end.checked_mul(SECOND)?.checked_add(began.rem_euclid(SECOND))
}

impl Beginnings {
    /// Whether something that is kept for so long, and came at `received`, is kept long enough.
    pub(crate) fn is_over(&self, kept: Kept, received: i64, now: i64) -> bool {
        let began = match kept.from {
            Start::Receipt => Some(received),
            Start::Decommissioning => self.decommissioned,
            Start::LastContact => self.last_contact.max(Some(received)),
        };
        began.and_then(|began| end(kept, began)).is_some_and(|end| end <= now)
    }
}

/// Why a run has to be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// The clock is far from the time of the last run.
    Clock,
    /// It would erase more than a twentieth.
    Part,
}

/// Whether the clock is further from the last run than it can be. `last`: the time of the last run that was believed or
/// confirmed. Only before the first run is the store's `newest` transaction asked, 0 if there was none: whoever visits
/// under a clock that leapt moves that along with it.
pub(crate) fn has_leapt(last: Option<i64>, newest: i64, now: i64) -> bool {
    let from = last.unwrap_or(newest);
    from != 0 && (now > from.saturating_add(AHEAD) || now < from.saturating_sub(BEHIND))
}

/// Whether a run that would erase `going` of `all` may go without being confirmed.
pub(crate) fn doubt(going: u64, all: u64, has_leapt: bool) -> Option<Doubt> {
    if going == 0 {
        None
    } else if has_leapt {
        Some(Doubt::Clock)
    } else if going.saturating_mul(PART) > all {
        Some(Doubt::Part)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 20_000 * DAY;

    #[test]
    fn each_class_has_its_beginning() {
        let kept = |text: &str| text.parse::<Kept>().unwrap();
        let (usage, analytics) = (kept("usage_24m"), kept("analytics_14m"));
        let (decommissioned, contact) = (kept("support_decom_10y"), kept("contact_2y"));
        let none = Beginnings::default();
        let long_ago = NOW - 4000 * DAY;
        assert!(none.is_over(usage, NOW - 731 * DAY, NOW));
        assert!(!none.is_over(usage, NOW - 731 * DAY + 1, NOW));
        assert!(none.is_over(analytics, NOW - 427 * DAY, NOW));
        assert!(!none.is_over(decommissioned, long_ago, NOW), "the device lives");
        let retired = Beginnings { decommissioned: Some(NOW - 3653 * DAY), ..none };
        assert!(retired.is_over(decommissioned, NOW, NOW));
        assert!(none.is_over(contact, long_ago, NOW));
        let spoke = Beginnings { last_contact: Some(NOW - DAY), ..none };
        assert!(!spoke.is_over(contact, long_ago, NOW));
    }

    #[test]
    fn a_period_of_a_policy_is_over_by_the_calendar() {
        let at = |text: &str| {
            let format = &time::format_description::well_known::Rfc3339;
            time::OffsetDateTime::parse(text, format).unwrap().unix_timestamp() * SECOND
        };
        let kept = |text: &str| text.parse::<Kept>().unwrap();
        let (received, end) = (at("2024-02-29T10:00:00Z") + 7, at("2027-02-28T10:00:00Z") + 7);
        let none = Beginnings::default();
        for (text, end) in [
            ("P36M from receipt", end),
            ("P3Y from receipt", end),
            ("P10D from receipt", received + 10 * DAY),
            ("P1M from last_contact", at("2024-03-29T10:00:00Z") + 7),
        ] {
            let kept = kept(text);
            assert!(!none.is_over(kept, received, end - 1) && none.is_over(kept, received, end), "{text}");
            assert!(received <= over(kept, end), "{text}: what is over is looked at");
        }
        let spoke = Beginnings { last_contact: Some(end), ..none };
        assert!(!spoke.is_over(kept("P1M from last_contact"), received, end));
        let ten = kept("P10Y from decommissioning");
        assert!(!none.is_over(ten, received, i64::MAX), "the device lives");
        let retired = Beginnings { decommissioned: Some(received), ..none };
        let gone = at("2034-02-28T10:00:00Z") + 7;
        assert!(!retired.is_over(ten, received, gone - 1) && retired.is_over(ten, received, gone));
        assert!(!none.is_over(kept("P100Y from receipt"), i64::MAX, i64::MAX), "no calendar has its end");
    }

    #[test]
    fn a_number_is_a_period_and_back_and_anything_else_is_none() {
        for (number, word) in
            ["usage_24m", "support_decom_10y", "analytics_14m", "contact_2y"].iter().enumerate()
        {
            let word: Kept = word.parse().unwrap();
            assert_eq!((super::number(word), kept(number as i64)), (number as i64, Some(word)));
        }
        let mut seen = std::collections::BTreeSet::new();
        for start in Start::ALL {
            for period in [
                Period::Days(36_500),
                Period::Days(36),
                Period::Months(36),
                Period::Years(36),
                Period::Years(1),
            ] {
                let of = Kept::for_period(period, *start);
                assert_eq!(kept(number(of)), Some(of));
                assert!(seen.insert(number(of)));
            }
        }
        for wrong in [
            -1,
            4,
            5,
            PERIODS,
            PERIODS | 3 << 20 | 1,
            PERIODS | 3 << 16 | 1,
            PERIODS | 101 | 2 << 16,
            i64::MAX,
        ] {
            assert_eq!(kept(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_period_is_one_of_the_calendar_at_both_ends() {
        use Retention::{Analytics14Months, Contact2Years, SupportDecommission10Years, Usage24Months};
        let at = |text: &str| {
            let format = &time::format_description::well_known::Rfc3339;
            time::OffsetDateTime::parse(text, format).unwrap().unix_timestamp() * SECOND
        };
        for (class, began, end) in [
            (Usage24Months, "2024-06-01T09:30:00Z", "2026-06-01T09:30:00Z"),
            (Usage24Months, "2025-06-01T09:30:00Z", "2027-06-01T09:30:00Z"),
            (Usage24Months, "2024-02-29T12:00:00Z", "2026-02-28T12:00:00Z"),
            (Usage24Months, "2026-02-28T12:00:00Z", "2028-02-28T12:00:00Z"),
            (Analytics14Months, "2025-12-31T10:00:00Z", "2027-02-28T10:00:00Z"),
            (Analytics14Months, "2025-12-29T23:00:00Z", "2027-02-28T23:00:00Z"),
            (Analytics14Months, "2026-01-01T00:00:00Z", "2027-03-01T00:00:00Z"),
            (Analytics14Months, "2026-07-01T00:00:00Z", "2027-09-01T00:00:00Z"),
            (Contact2Years, "2026-03-31T08:00:00Z", "2028-03-31T08:00:00Z"),
            (SupportDecommission10Years, "2026-11-30T00:00:00Z", "2036-11-30T00:00:00Z"),
        ] {
            let (class, began, end) = (Kept::of_word(class).unwrap(), at(began), at(end));
            let beginnings = Beginnings { decommissioned: Some(began), last_contact: None };
            for (now, is_over) in [(end - 1, false), (end, true)] {
                assert_eq!(beginnings.is_over(class, began, now), is_over, "{class} {began} {now}");
                assert!(!is_over || began <= over(class, now), "{class} {began}");
            }
        }
    }

    #[test]
    fn what_is_over_on_any_day_is_among_what_is_looked_at() {
        for hours in 0..4 * 366 * 24 {
            let began = 20_000 * DAY + hours * (DAY / 24);
            for class in Retention::ALL.iter().filter_map(|word| Kept::of_word(*word)) {
                let end = end(class, began).unwrap();
                assert!(began <= over(class, end), "{class} {began}");
            }
        }
    }

    #[test]
    fn a_leap_of_the_clock_and_a_large_part_have_to_be_confirmed() {
        assert_eq!(doubt(5, 100, false), None);
        assert_eq!(doubt(6, 100, false), Some(Doubt::Part));
        assert_eq!(doubt(1, 100, true), Some(Doubt::Clock));
        assert_eq!(doubt(0, 0, true), None);
        for (last, newest, leapt) in [
            (None, 0, false),
            (None, NOW - DAY, false),
            (None, NOW - 32 * DAY, true),
            (None, NOW + 2 * DAY, true),
            (Some(NOW - DAY), NOW - 900 * DAY, false),
            // Somebody visited after the leap.
            (Some(NOW - 32 * DAY), NOW, true),
            // A run was confirmed after the clock had come back; a visit is still from the future.
            (Some(NOW - DAY), NOW + 900 * DAY, false),
            (Some(NOW + 2 * DAY), NOW, true),
        ] {
            assert_eq!(has_leapt(last, newest, NOW), leapt, "{last:?} {newest}");
        }
    }
}
