//! The policy's period on the device: what waited longer goes, counted, and the collector is told.
//!
//! Only a clock that was steady for a week decides. One that leaps is looked at for a week first; one that leaps for
//! years ends the yes, and what is kept under a yes that ended is not touched.

use std::path::PathBuf;

use protocol::{Purpose, Reason};
use serde::{Deserialize, Serialize};

use super::{Agent, Trouble};
use crate::consent::permit::UsageStatistics;
use crate::{durable, limits};

const DAY: i64 = 24 * 3600;

/// What the wall's clock showed, looked at once a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Watched {
    /// Last time.
    seen: i64,
    /// When it last leapt, as it showed afterwards.
    leapt: i64,
}

impl Watched {
    /// After another look at `now`. A computer may be off for as long as a leap, but then it waits a week too.
    fn look(before: Option<Self>, now: i64) -> Self {
        match before {
            Some(before) if (0..=limits::CLOCK_LEAP).contains(&(now - before.seen)) => {
                Self { seen: now, ..before }
            }
            Some(before) if (-limits::CLOCK_BEHIND..0).contains(&(now - before.seen)) => before,
            _ => Self { seen: now, leapt: now },
        }
    }

    fn is_steady(self) -> bool {
        self.seen - self.leapt >= limits::CLOCK_STEADY
    }
}

impl Agent {
    /// Drops usage that waited longer than the policy allows, the oldest first.
    pub(super) fn drop_expired(&mut self, now: i64) -> Result<(), Trouble> {
        let path = self.config.data_dir.join("clock.json");
        if !self.is_steady(&path, now)? || self.dispatch.in_flight() {
            return Ok(());
        }
        let Some(permit) = self.book.permit::<UsageStatistics>(now) else { return Ok(()) };
        let Some(terms) = self.book.policy().terms(Purpose::UsageStatistics) else { return Ok(()) };
        let oldest = now - i64::from(terms.on_device.days()) * DAY;
        let catalog = self.wash.catalog();
        let (mut expired, mut from) = (Vec::new(), 0);
        'pages: loop {
            let page = self.usage.oldest(from, limits::PAGE_ITEMS, limits::PAGE_BYTES)?;
            let Some(last) = page.last() else { break };
            from = last.numbers().end;
            for sealed in &page {
                let Ok(usage) = sealed.open(&permit, &self.vault) else { continue };
                let is_over = |record: &protocol::Record| {
                    let entry = catalog.entry(record.entry);
                    entry.is_some_and(|entry| entry.granularity.over_at(record.at) <= oldest)
                };
                if !usage.into_inner().into_batch().records.iter().all(is_over) {
                    break 'pages;
                }
                expired.push(sealed.numbers());
            }
        }
        if !expired.is_empty() {
            let dropped = self.usage.abandon(expired, Reason::Expired)?;
            self.tally.drop(Reason::Expired, dropped);
            self.tally.save()?;
        }
        Ok(())
    }

    fn is_steady(&self, path: &PathBuf, now: i64) -> Result<bool, Trouble> {
        let before: Option<Watched> =
            std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let watched = Watched::look(before, now);
        if Some(watched) != before {
            let text = serde_json::to_vec(&watched).map_err(|_| std::io::ErrorKind::InvalidData);
            durable::replace(path, &text.map_err(std::io::Error::from)?)?;
        }
        Ok(watched.is_steady())
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
}
