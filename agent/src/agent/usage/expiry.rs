//! Retention of usage data: the policy's period for queued data, and what follows the end of a grant.

use log::info;
use protocol::{Batch, Catalog, Digest, Purpose, Reason, Record};

use super::super::Trouble;
use super::super::clock::{DAY, Watched};
use super::super::cx::Cx;
use super::Statistics;
use crate::consent::Flag;
use crate::consent::permit::UsageStatistics;
use crate::limits;

impl Statistics {
    /// Drops usage that is held for longer than the policy allows: its period began so long ago. Every sealed record is
    /// looked at, because an older one may follow a younger: a month's counts begin before its last days, and what a
    /// clock dated that was ahead stays young for long. True if one turn was too short for all of them.
    pub(in crate::agent) fn drop_expired(
        &mut self,
        cx: &mut Cx<'_>,
        clock: Watched,
    ) -> Result<bool, Trouble> {
        // Where the turn before ended; from the beginning after anything that kept it from its end.
        let mut from = std::mem::take(&mut self.looked_through);
        // A look that fails is due again at the next turn; one that may not decide now, with that of the day.
        let had_old = std::mem::take(&mut self.has_old);
        if !clock.is_steady() {
            return Ok(false);
        }
        let Some(permit) = cx.registry.permit::<UsageStatistics>(cx.now) else { return Ok(false) };
        let Some(oldest) = oldest_allowed(cx) else { return Ok(false) };
        self.has_old = had_old;
        let catalog = self.validator.catalog();
        let is_over = |record: &Record| begins_at(record, catalog).is_some_and(|begins| begins <= oldest);
        let (mut opened, mut expired) = (0, Vec::new());
        while opened < limits::TURN_EXPIRED {
            let page = self.usage.oldest(from, limits::PAGE_ITEMS, limits::PAGE_BYTES)?;
            let Some(last) = page.last() else {
                from = 0;
                break;
            };
            (from, opened) = (last.numbers().end, opened + page.len());
            let clean = page.iter().filter_map(|sealed| Some((sealed, sealed.open(&permit, cx.vault).ok()?)));
            let over = clean.filter(|(_, usage)| usage.get().batch().records.iter().all(is_over));
            expired.extend(over.map(|(sealed, _)| sealed.numbers()));
        }
        self.looked_through = from;
        if !expired.is_empty() {
            let dropped = self.usage.abandon(expired, Reason::Expired)?;
            self.note_drained(cx);
            cx.counters.drop(Reason::Expired, dropped);
            cx.counters.save()?;
        }
        self.has_old = false;
        Ok(from > 0)
    }

    /// Notes whether a batch that is sealed now is over already, or nearly: the next look is before anything is sent then.
    pub(super) fn note_age(&mut self, cx: &Cx<'_>, batch: &Batch) {
        let first = batch.records.first().and_then(|record| begins_at(record, self.validator.catalog()));
        self.has_old |= first.zip(oldest_allowed(cx)).is_some_and(|(begins, oldest)| begins <= oldest + DAY);
    }

    /// Whether something was sealed since the last look that may be over.
    pub(in crate::agent) fn has_old(&self) -> bool {
        self.has_old
    }

    /// Usage under a grant that is over waits for the next grant, sealed, as long as the policy lets it wait; under one
    /// that somebody ended it does not wait. Then its key is shredded.
    /// True if files of the outbox are left for another turn.
    pub(in crate::agent) fn shred_ended(&mut self, cx: &mut Cx<'_>, clock: Watched) -> Result<bool, Trouble> {
        let flag = Flag::UsageStatistics;
        if !self.is_held(cx.vault) {
            return Ok(false);
        }
        let registry = cx.registry;
        let terms = registry.policy().terms(flag.purpose());
        let days = terms.map_or(limits::KEPT_AFTER, |terms| terms.on_device.days());
        // A withdrawal that was cut between the old ledger and the first line of the new one leaves what nobody allows.
        let is_nobodys = registry.is_trusted() && registry.granted_since(&flag).is_none();
        if !is_nobodys && !registry.was_ended(&flag) && !clock.is_over_for(days) {
            return Ok(false);
        }
        let entry = registry.last_line(&flag).unwrap_or(Digest::from_bytes([0; 32]));
        let is_over = !is_nobodys && !registry.was_ended(&flag);
        let unread = if is_over { Reason::Expired } else { Reason::NoConsent };
        let (erased, files_left) = self.erase(cx, entry, Reason::Expired, unread)?;
        cx.counters.forget_entry(entry)?;
        info!("{} records of usage were erased: the grant is over", erased.records);
        Ok(files_left)
    }
}

/// What began until then waits no longer, by the policy; none where it says nothing of usage.
fn oldest_allowed(cx: &Cx<'_>) -> Option<i64> {
    let terms = cx.registry.policy().terms(Purpose::UsageStatistics)?;
    Some(cx.now - i64::from(terms.on_device.days()) * DAY)
}

/// When the period of a record began: a month's counts are as old as its first day.
fn begins_at(record: &Record, catalog: &Catalog) -> Option<i64> {
    catalog.entry(record.entry).map(|entry| entry.granularity.begins_at(record.at))
}
