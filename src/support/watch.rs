//! `support list --watch`: every bundle until it is delivered or failed, with rate and time left.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use agent::api::support::{BundleRow, List};
use agent::request::SupportRequest;
use agent::support::record::State;

use super::wait::not_sent;
use crate::exit::{Exit, Failure};
use crate::print::{self, bytes};
use crate::reach::Line;
use crate::texts::say;
use crate::texts::status::Bundle as Far;
use crate::texts::support::Say;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);
/// Over which a rate is the mean: a chunk takes about ten seconds on a slow line.
const SPAN: Duration = Duration::from_secs(15);

/// What a bundle's transfer was at some moments, the newest last.
#[derive(Default)]
struct Transfer(Vec<(Duration, u64)>);

impl Transfer {
    /// Notes how many bytes the collector had at `now`, and forgets what is older than [`SPAN`].
    fn note(&mut self, now: Duration, offset: u64) {
        // The collector has less than before: it began anew.
        if self.0.last().is_some_and(|(_, last)| offset < *last) {
            self.0.clear();
        }
        self.0.retain(|(at, _)| now.saturating_sub(*at) <= SPAN);
        self.0.push((now, offset));
    }

    /// Bytes a second; none as long as nothing moves.
    fn rate(&self) -> Option<f64> {
        let ((from, first), (to, last)) = (self.0.first()?, self.0.last()?);
        let seconds = to.saturating_sub(*from).as_secs_f64();
        (last > first && seconds > 0.0).then(|| (last - first) as f64 / seconds)
    }
}

/// A bundle's line.
fn shown(row: &BundleRow, rate: Option<f64>) -> String {
    let percent = (row.offset * 100).checked_div(row.size).unwrap_or(0);
    let state = say(Far(row.state));
    let at = {
        let part = say(Say::PercentOf { percent, size: bytes(row.size) });
        format!("{}  {}  {state}  {part}", row.id, row.case)
    };
    match rate {
        Some(rate) if row.state == State::Sending || row.state == State::Queued => {
            let left = (row.size.saturating_sub(row.offset)) as f64 / rate;
            let left = say(Say::Left { span: time(left as u64) });
            format!("{at}  {}/s, {left}", bytes(rate as u64))
        }
        _ => at,
    }
}

/// Seconds as people read them.
fn time(seconds: u64) -> String {
    match seconds {
        0..100 => format!("{seconds} s"),
        100..5400 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}

/// `support list --watch`.
pub(super) fn watch(line: &mut Line<'_>, json: bool) -> Result<Exit, Failure> {
    let started = Instant::now();
    let mut transfers = BTreeMap::<String, Transfer>::new();
    let mut said = BTreeMap::<String, (State, u64)>::new();
    loop {
        let list: List = line.support(SupportRequest::List)?;
        for row in &list.bundles {
            let transfer = transfers.entry(row.id.clone()).or_default();
            transfer.note(started.elapsed(), row.offset);
            if said.insert(row.id.clone(), (row.state, row.offset)) == Some((row.state, row.offset)) {
                continue;
            }
            if json {
                print::json(row)?;
            } else {
                print::data(&shown(row, transfer.rate()))?;
            }
        }
        let is_over = |row: &BundleRow| matches!(row.state, State::Sent | State::Failed);
        if list.bundles.iter().all(is_over) {
            let failed = list.bundles.iter().filter(|row| row.state == State::Failed).count();
            if list.bundles.is_empty() {
                print::words(&say(Say::NoBundles));
            } else if failed > 0 {
                print::words(&say(Say::SomeFailed { failed }));
                return Ok(Exit::Part);
            }
            return Ok(Exit::Done);
        }
        if line.is_direct() {
            return Err(not_sent());
        }
        thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_seconds_and_none_while_nothing_moves() {
        let mut transfer = Transfer::default();
        let at = Duration::from_secs;
        transfer.note(at(0), 0);
        assert_eq!(transfer.rate(), None);
        transfer.note(at(10), 10_000);
        assert_eq!(transfer.rate(), Some(1000.0));
        transfer.note(at(20), 30_000);
        assert_eq!(transfer.rate(), Some(2000.0), "what is older than the span is forgotten");
        transfer.note(at(21), 500);
        assert_eq!(transfer.rate(), None, "it began anew");
        assert_eq!([time(7), time(120), time(7200)], ["7 s", "2 min", "2.0 h"]);
    }
}
