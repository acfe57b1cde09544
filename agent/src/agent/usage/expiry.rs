//! Retention of usage data: the policy's period for queued data, and what follows the end of a grant.

use log::info;
use protocol::{Digest, Purpose, Reason};

use super::super::Trouble;
use super::super::clock::{DAY, Watched};
use super::super::cx::Cx;
use super::Statistics;
use crate::consent::Flag;
use crate::consent::permit::UsageStatistics;
use crate::limits;

impl Statistics {
    /// Drops usage that is held for longer than the policy allows, the oldest first: its period began so long ago. True if
    /// one turn was too short for all of it.
    pub(in crate::agent) fn drop_expired(
        &mut self,
        cx: &mut Cx<'_>,
        clock: Watched,
    ) -> Result<bool, Trouble> {
        if !clock.is_steady() {
            return Ok(false);
        }
        let Some(permit) = cx.registry.permit::<UsageStatistics>(cx.now) else { return Ok(false) };
        let Some(terms) = cx.registry.policy().terms(Purpose::UsageStatistics) else { return Ok(false) };
        let oldest = cx.now - i64::from(terms.on_device.days()) * DAY;
        let catalog = self.validator.catalog();
        let (mut expired, mut from) = (Vec::new(), 0);
        'pages: while expired.len() < limits::TURN_EXPIRED {
            let page = self.usage.oldest(from, limits::PAGE_ITEMS, limits::PAGE_BYTES)?;
            let Some(last) = page.last() else { break };
            from = last.numbers().end;
            for sealed in &page {
                let Ok(usage) = sealed.open(&permit, cx.vault) else { continue };
                let is_over = |record: &protocol::Record| {
                    let entry = catalog.entry(record.entry);
                    entry.is_some_and(|entry| entry.granularity.begins_at(record.at) <= oldest)
                };
                if !usage.into_inner().into_batch().records.iter().all(is_over) {
                    break 'pages;
                }
                expired.push(sealed.numbers());
            }
        }
        let is_more = expired.len() >= limits::TURN_EXPIRED;
        if !expired.is_empty() {
            let dropped = self.usage.abandon(expired, Reason::Expired)?;
            self.note_drained(cx);
            cx.counters.drop(Reason::Expired, dropped);
            cx.counters.save()?;
        }
        Ok(is_more)
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
