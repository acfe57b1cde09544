//! What the wall clock may decide: only a clock that was steady for a week ends anything.
//!
//! It is checked once a day and at each start. After a jump it is observed for a week before it decides anything;
//! one that leaps for years ends a yes, and nothing is erased for it before the policy's period went by on it.

use log::warn;
use serde::{Deserialize, Serialize};

use super::cx::Cx;
use crate::config::Config;
use crate::consent::{Flag, Registry, Standing, State};
use crate::presence::{self, Why};
use crate::{durable, limits};

pub(super) const DAY: i64 = 24 * 3600;

/// Between two looks that are worth writing down.
const HOUR: i64 = 3600;

/// What the clock showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watched {
    /// Last time.
    seen: i64,
    /// When it last leapt, as it showed afterwards.
    leapt: i64,
    /// The latest that it showed before it leapt back, until it shows that again.
    #[serde(default)]
    back_from: Option<i64>,
    /// The earliest of these: another one where it was ahead first and behind later.
    #[serde(default)]
    back_from_first: Option<i64>,
    /// Since when it shows that the yes to usage is over; a leap begins anew.
    #[serde(default)]
    over: Option<i64>,
    /// Since when it shows that what Kathea reports is kept in the outbox; a leap begins anew.
    #[serde(default)]
    kept: Option<i64>,
}

impl Watched {
    /// After another look at `now`. A computer may be off for as long as a leap, but then it waits a week too.
    fn look(before: Option<Self>, now: i64) -> Self {
        match before {
            Some(before)
                if (0..=limits::CLOCK_LEAP).contains(&(now - before.seen)) && !before.is_set_right(now) =>
            {
                Self { seen: now, ..before }
            }
            Some(before) if (-limits::CLOCK_BEHIND..0).contains(&(now - before.seen)) => before,
            Some(Self { seen, back_from, back_from_first, over, kept, .. }) => {
                let not_again = [Some(seen), back_from, back_from_first].into_iter().flatten();
                let not_again = not_again.filter(|from| now < *from);
                Self {
                    seen: now,
                    leapt: now,
                    back_from: not_again.clone().max(),
                    back_from_first: not_again.min(),
                    over: over.map(|_| now),
                    kept: kept.map(|_| now),
                }
            }
            None => Self::unknown(now),
        }
    }

    /// Nothing is known of it: it decides nothing.
    fn unknown(now: i64) -> Self {
        Self { seen: now, leapt: now, back_from: None, back_from_first: None, over: None, kept: None }
    }

    /// Whether a clock that had leapt back is set right at `now`: the time between did not go by on it.
    fn is_set_right(self, now: i64) -> bool {
        let from = self.back_from_first.or(self.back_from);
        from.is_some_and(|from| from <= now) && now - self.seen > limits::CLOCK_BEHIND
    }

    /// Since when what Kathea reports is kept in the outbox, if the clock may decide that this is long ago.
    pub(super) fn kept_since(self) -> Option<i64> {
        self.kept.filter(|_| self.is_steady())
    }

    /// When it last leapt, as it showed afterwards: what it leapt over did not go by.
    pub(super) fn leapt(self) -> i64 {
        self.leapt
    }

    /// Whether it may decide.
    pub(super) fn is_steady(self) -> bool {
        self.seen - self.leapt >= limits::CLOCK_STEADY
    }

    /// Whether the yes has been over for so many days, by a clock that did not leap meanwhile.
    pub(super) fn is_over_for(self, days: u32) -> bool {
        self.is_steady() && self.over.is_some_and(|over| self.seen - over >= i64::from(days) * DAY)
    }
}

impl Watched {
    /// Looks at the clock and remembers what it showed. What can't be remembered decides nothing later either.
    pub(super) fn now(cx: &Cx<'_>) -> Self {
        Self::seen(cx.config, cx.registry, cx.now)
    }

    fn seen(config: &Config, registry: &Registry, now: i64) -> Self {
        let path = config.data_dir.join("clock.json");
        let before: Option<Self> = match presence::read(&path) {
            Ok(read) => read.found().and_then(|bytes| serde_json::from_slice(&bytes).ok()),
            Err(e) => {
                warn!("the clock record cannot be read now ({}): check the disk", Why(e.kind()));
                return Self::unknown(now);
            }
        };
        let mut watched = Self::look(before, now);
        let flag = Flag::UsageStatistics;
        let is_over = match registry.state(&flag, now) {
            State::StalePolicy | State::NotOffered | State::Denied => true,
            // One that has not begun by a clock that is behind is not over.
            State::Expired => registry.is_past(&flag, now),
            _ => false,
        };
        watched.over = watched.over.or(Some(watched.seen)).filter(|_| is_over);
        let is_kept = matches!(registry.standing(&flag, now, watched.is_steady()), Standing::Kept(_));
        watched.kept = watched.kept.or(Some(watched.seen)).filter(|_| is_kept);
        let is_news = |before: Self| {
            let marks = |watched: Self| (watched.leapt, watched.over, watched.kept);
            marks(before) != marks(watched) || watched.seen - before.seen >= HOUR
        };
        if before.is_none_or(is_news) {
            let text = serde_json::to_vec(&watched).unwrap_or_default();
            if let Err(e) = durable::replace(&path, &text) {
                warn!(
                    "the clock record cannot be saved ({}): check the space and rights of data_dir",
                    e.kind()
                );
            }
        }
        watched
    }
}

/// What becomes of what Kathea reports.
pub(super) fn usage_standing(config: &Config, registry: &Registry, now: i64) -> Standing {
    let flag = Flag::UsageStatistics;
    // While there is a permit the clock decides nothing.
    match registry.standing(&flag, now, true) {
        Standing::Granted => Standing::Granted,
        _ => registry.standing(&flag, now, Watched::seen(config, registry, now).is_steady()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_leaps_decides_nothing_for_a_week() {
        let start = 1_780_000_000;
        let steady_after = |times: &[i64]| {
            times
                .iter()
                .fold(None, |before, now| Some(Watched::look(before, *now)))
                .is_some_and(Watched::is_steady)
        };
        let days = |from: i64, count: i64| (0..count).map(move |day| from + day * DAY);
        let week: Vec<i64> = days(start, 9).collect();
        assert!(!steady_after(&week[..3]), "a new installation");
        assert!(steady_after(&week));
        for leap in [10 * 365 * DAY, -10 * 365 * DAY, 60 * DAY, -3 * DAY] {
            let leapt: Vec<i64> = week.iter().copied().chain(days(start + 8 * DAY + leap, 6)).collect();
            assert!(!steady_after(&leapt), "{leap}");
        }
        let holidays: Vec<i64> = week.iter().copied().chain([start + 30 * DAY]).collect();
        assert!(steady_after(&holidays), "three weeks off are no leap");
    }

    #[test]
    fn what_a_clock_that_was_behind_skips_when_it_is_set_right_did_not_go_by() {
        // Found by the simulation, seed 8 of 60 days: 19 days behind, set right, and the grace period was 19 days shorter.
        let start = 1_780_000_000;
        for behind in [3, 19, 40] {
            let over = |watched: Watched, now| Watched { over: watched.over.or(Some(now)), ..watched };
            let mut watched = (0..10).fold(Watched::unknown(start), |watched, day| {
                let now = start + day * DAY;
                over(Watched::look(Some(watched), now), now)
            });
            assert!(watched.is_steady());
            let right = start + 11 * DAY;
            for now in [start + 10 * DAY - behind * DAY, right] {
                watched = Watched::look(Some(watched), now);
                assert!(!watched.is_steady() && !watched.is_over_for(1), "{behind} days behind");
            }
            for day in 1..=30 {
                assert!(!watched.is_over_for(30), "{behind} days behind");
                watched = Watched::look(Some(watched), right + day * DAY);
            }
            assert!(watched.is_over_for(30) && watched.back_from.is_none());
        }
    }

    #[test]
    fn a_clock_that_was_ahead_before_it_was_behind_is_set_right_all_the_same() {
        // Found by the simulation, seed 215 of 120 days: it waited for the day that the clock had shown too early, and took
        // what it skipped later for a holiday. Reports of five days were removed as those of thirty.
        let start = 1_780_000_000;
        let through = |watched: Watched, days: std::ops::Range<i64>, from: i64| {
            days.fold(watched, |watched, day| {
                let watched = Watched::look(Some(watched), from + day * DAY);
                Watched { kept: watched.kept.or(Some(watched.seen)).filter(|_| day >= 20), ..watched }
            })
        };
        for (ahead, behind) in [(38, 29), (40, 3), (20, 40)] {
            let mut watched = through(Watched::unknown(start), 0..10, start);
            watched = Watched::look(Some(watched), start + (10 + ahead) * DAY);
            watched = through(watched, 11..19, start);
            watched = through(watched, 19..26, start - behind * DAY);
            let right = start + 26 * DAY;
            for day in 26..56 {
                watched = through(watched, day..day + 1, start);
                assert!(watched.kept >= Some(right), "{ahead} days ahead, {behind} behind, on day {day}");
                assert!(day < 34 || watched.is_steady());
            }
        }
    }

    #[test]
    fn a_yes_is_over_for_a_month_only_by_a_clock_that_went_through_it() {
        let start = 1_780_000_000;
        let over_after = |times: &mut dyn Iterator<Item = i64>| {
            let look = |before: Option<Watched>, now| {
                let watched = Watched::look(before, now);
                Some(Watched { over: watched.over.or(Some(watched.seen)), ..watched })
            };
            times.fold(None, look).is_some_and(|watched| watched.is_over_for(30))
        };
        let days = |from: i64, count: i64| (0..count).map(move |day| from + day * DAY);
        assert!(!over_after(&mut days(start, 30)) && over_after(&mut days(start, 31)));
        for leap in [10 * 365 * DAY, -10 * 365 * DAY] {
            let leapt = |count| days(start, 20).chain(days(start + leap, count));
            assert!(!over_after(&mut leapt(30)), "{leap}");
            assert!(over_after(&mut leapt(31)), "a month is a month, whatever the year");
        }
    }
}
