//! When the clinic's answers are over: as the policy says, and never while the vendor may hold what they allow.

use protocol::ledger::EventKind;
use protocol::period::Start;
use protocol::policy;

use super::{ConsentError, Registry};
use crate::consent::chain::Line;
use crate::consent::state::from_text;
use crate::limits;

const DAY: i64 = 86_400;
/// A report may wait so long on the device where the policy in force does not say.
const WAITS: i64 = 62 * DAY;

impl Registry {
    /// Removes the oldest answers that are over at `now`, up to the first that is not; how many. Nothing of a ledger that
    /// is not trusted. `leapt`: when the clock last leapt.
    ///
    /// # Errors
    /// The ledger could not be written; no answer is lost.
    pub fn end_answers(&mut self, now: i64, leapt: i64) -> Result<usize, ConsentError> {
        if !self.is_trusted() {
            return Ok(0);
        }
        let lines = self.ledger.lines();
        let is_over = |at: &usize| self.ends_at(lines, *at, leapt).is_some_and(|end| end <= now);
        let count = (0..lines.len()).take_while(is_over).count();
        self.ledger.remove_oldest(count).map_err(|error| ConsentError::Ledger(error.kind()))?;
        Ok(count)
    }

    /// When a line is over; `None` while it decides something, or where its policy is not known here.
    fn ends_at(&self, lines: &[Line], at: usize, leapt: i64) -> Option<i64> {
        let line = lines.get(at)?;
        let (asked, event) = (&line.entry.processing, &line.entry.event);
        let about = |other: &&Line| {
            let of = &other.entry.processing;
            of.purpose == asked.purpose && of.case == asked.case
        };
        let grants = || lines.iter().filter(about).filter(|line| line.entry.event.kind == EventKind::Granted);
        let until = |grant: &Line| grant.entry.event.until.as_deref().and_then(from_text);
        let decides = |kind| !matches!(kind, EventKind::Restricted | EventKind::Released);
        let newest = lines.iter().filter(about).rfind(|line| decides(line.entry.event.kind));
        if newest.is_some_and(|line| line.entry.event.kind == EventKind::Withdrawn) {
            // The withdrawal's last step is still to come.
            return None;
        }
        let next = lines.iter().skip(at + 1).filter(about).find(|line| decides(line.entry.event.kind));
        let ended = match (event.kind, next) {
            (EventKind::Withdrawn | EventKind::Closed | EventKind::Denied | EventKind::Expired, _) => {
                from_text(&event.at)?
            }
            (EventKind::Granted | EventKind::Restricted | EventKind::Released, Some(next)) => {
                from_text(&next.entry.event.at)?
            }
            (EventKind::Granted, None) => until(line)?,
            (EventKind::Restricted | EventKind::Released, None) => until(grants().next_back()?)?,
        };
        let held = grants().map(|grant| vendor_holds(lines, grant, ended)).collect::<Option<Vec<_>>>()?;
        let waits =
            self.policy.terms(asked.purpose).map_or(WAITS, |terms| i64::from(terms.on_device.days()) * DAY);
        // What was sent last came to the vendor when it had waited here for as long as it may.
        let held = held.into_iter().max().map(|held| held.saturating_add(waits));
        let kept = ended.saturating_add(self.days(line)?.saturating_mul(DAY));
        let ends = [held, until(line), Some(kept), Some(ended.saturating_add(limits::ASK_AGAIN))];
        // What the clock leapt over did not go by: the time is counted from the leap.
        let not_gone_by = leapt.saturating_sub(ended).max(0);
        ends.into_iter().flatten().max().map(|end| end.saturating_add(not_gone_by))
    }

    /// Days for which the policy of a line keeps it.
    fn days(&self, line: &Line) -> Option<i64> {
        let hash = line.entry.processing.policy_sha256;
        if hash == self.policy.hash() {
            return Some(i64::from(self.policy.answers_days()));
        }
        policy::text_of(hash).and_then(policy::answers_kept).map(i64::from)
    }
}

/// Until when the vendor may hold what came last under a grant that `ended`; `None`: as long as this device lives.
fn vendor_holds(lines: &[Line], grant: &Line, ended: i64) -> Option<i64> {
    let kept = grant.entry.processing.kept()?;
    match kept.from {
        Start::Receipt => kept.after(ended),
        // The last contact about any case counts for all.
        Start::LastContact => {
            let contacts = lines.iter().filter(|line| line.entry.processing.case.is_some());
            let last = contacts.filter_map(|line| from_text(&line.entry.event.at)).max();
            kept.after(last.unwrap_or(ended).max(ended))
        }
        Start::Decommissioning => None,
    }
}
