//! Retention periods, and what an unreliable clock must not cause.

use protocol::Retention;

use super::rights::months_later;
use crate::store::{micros, time};

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;
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

/// When a period of this class that began then is over: so many months of the calendar later.
fn end(class: Retention, began: i64) -> i64 {
    micros(months_later(time(began), class.months()))
}

/// What began later is not over for this class; what began before may not be either, because months are not equally long.
pub(crate) fn latest(class: Retention, now: i64) -> i64 {
    micros(months_later(time(now), -class.months())).saturating_add(3 * DAY)
}

impl Beginnings {
    /// Whether something of this class, which came at `received`, is kept long enough.
    pub(crate) fn is_over(&self, class: Retention, received: i64, now: i64) -> bool {
        let began = match class {
            Retention::Usage24Months | Retention::Analytics14Months => Some(received),
            Retention::SupportDecommission10Years => self.decommissioned,
            Retention::Contact2Years => self.last_contact.max(Some(received)),
        };
        began.is_some_and(|began| end(class, began) <= now)
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
        use Retention::{Analytics14Months, Contact2Years, SupportDecommission10Years, Usage24Months};
        let none = Beginnings::default();
        let long_ago = NOW - 4000 * DAY;
        assert!(none.is_over(Usage24Months, NOW - 731 * DAY, NOW));
        assert!(!none.is_over(Usage24Months, NOW - 730 * DAY, NOW), "over a 29 February");
        assert!(none.is_over(Analytics14Months, NOW - 428 * DAY, NOW));
        assert!(!none.is_over(SupportDecommission10Years, long_ago, NOW), "the device lives");
        let retired = Beginnings { decommissioned: Some(NOW - 3653 * DAY), ..none };
        assert!(retired.is_over(SupportDecommission10Years, NOW, NOW));
        assert!(none.is_over(Contact2Years, long_ago, NOW));
        let spoke = Beginnings { last_contact: Some(NOW - DAY), ..none };
        assert!(!spoke.is_over(Contact2Years, long_ago, NOW));
    }

    #[test]
    fn a_period_is_one_of_the_calendar_at_both_ends() {
        use Retention::{Analytics14Months, Contact2Years, SupportDecommission10Years, Usage24Months};
        let at = |text: &str| {
            micros(time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap())
        };
        for (class, began, over) in [
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
            let (began, over) = (at(began), at(over));
            let beginnings = Beginnings { decommissioned: Some(began), last_contact: None };
            for (now, is_over) in [(over - 1, false), (over, true)] {
                assert_eq!(beginnings.is_over(class, began, now), is_over, "{class} {began} {now}");
                assert!(!is_over || began <= latest(class, now), "{class} {began}");
            }
        }
    }

    #[test]
    fn what_is_over_on_any_day_is_among_what_is_looked_at() {
        for hours in 0..4 * 366 * 24 {
            let began = 20_000 * DAY + hours * (DAY / 24);
            for &class in Retention::ALL {
                let over = end(class, began);
                assert!(began <= latest(class, over), "{class} {began}");
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
