//! How a yes ends that nobody took back: by its period, by another policy, by another owner of the clinic; and the
//! policy's period for what waits.

use log::info;
use protocol::{CaseId, Digest, Purpose, Reason};
use serde_json::{Value, json};

use super::clock::{DAY, Watched};
use super::consents::short;
use super::{Agent, Trouble};
use crate::consent::permit::{RIGHTS, UsageStatistics};
use crate::consent::vendor_request::VendorRequest;
use crate::consent::{By, Flag};
use crate::{killpoint, limits};

impl Agent {
    /// What is over for long enough goes, counted. True if there is more for the next turn.
    pub(super) fn expire_usage(&mut self, now: i64) -> Result<bool, Trouble> {
        let clock = self.look_at_clock(now);
        let is_more = self.drop_expired(clock, now)?;
        self.drop_set_aside(clock, now)?;
        self.shred_ended(clock, now)?;
        self.retire_unused_keys()?;
        Ok(is_more)
    }

    /// Drops usage that is held for longer than the policy allows, the oldest first: its period began so long ago. True
    /// if one turn was too short for all of it.
    fn drop_expired(&mut self, clock: Watched, now: i64) -> Result<bool, Trouble> {
        if !clock.is_steady() || self.dispatch.in_flight() {
            return Ok(false);
        }
        let Some(permit) = self.book.permit::<UsageStatistics>(now) else { return Ok(false) };
        let Some(terms) = self.book.policy().terms(Purpose::UsageStatistics) else { return Ok(false) };
        let oldest = now - i64::from(terms.on_device.days()) * DAY;
        let catalog = self.wash.catalog();
        let (mut expired, mut from) = (Vec::new(), 0);
        'pages: while expired.len() < limits::TURN_EXPIRED {
            let page = self.usage.oldest(from, limits::PAGE_ITEMS, limits::PAGE_BYTES)?;
            let Some(last) = page.last() else { break };
            from = last.numbers().end;
            for sealed in &page {
                let Ok(usage) = sealed.open(&permit, &self.vault) else { continue };
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
            self.tally.drop(Reason::Expired, dropped);
            self.tally.save()?;
        }
        Ok(is_more)
    }

    /// Usage under a yes that is over waits for the next yes, sealed, as long as the policy lets it wait; under one that
    /// somebody ended it does not wait. Then its key is shredded.
    pub(super) fn shred_ended(&mut self, clock: Watched, now: i64) -> Result<(), Trouble> {
        let flag = Flag::UsageStatistics;
        if !self.holds_usage() {
            return Ok(());
        }
        let terms = self.book.policy().terms(flag.purpose());
        let days = terms.map_or(limits::KEPT_AFTER, |terms| terms.on_device.days());
        // A withdrawal that was cut between the old ledger and the first line of the new one leaves what nobody allows.
        let is_nobodys = self.book.is_trusted() && self.book.granted_since(&flag).is_none();
        if !is_nobodys && !self.book.was_ended(&flag) && !clock.is_over_for(days) {
            return Ok(());
        }
        let entry = self.book.last_line(&flag).unwrap_or(Digest::from_bytes([0; 32]));
        let counted = self.count_once(&flag, entry, Reason::Expired)?;
        killpoint::step("ended.counted");
        self.vault.shred(&flag.compartment())?;
        killpoint::step("ended.shredded");
        let is_over = !is_nobodys && !self.book.was_ended(&flag);
        self.purge_usage(if is_over { Reason::Expired } else { Reason::NoConsent }, now)?;
        self.tally.forget(short(entry));
        info!("{counted} records of usage were erased: the yes to them is over");
        Ok(self.tally.save()?)
    }

    /// Whether there is a key that opens usage, or what was sealed under one that a cut shredding took.
    pub(super) fn holds_usage(&self) -> bool {
        let waits = self.usage.waiting().records + self.open.waiting().records > 0;
        waits || self.vault.newest_key(&Flag::UsageStatistics.compartment()).is_some()
    }

    /// Cases may be known only from lines that nobody can read any more: the new ledger begins without any.
    pub(super) fn erase_cases(&mut self) -> Result<(), Trouble> {
        self.discard_drafts()?;
        let cases: Vec<CaseId> = self.support.queue.bundles().iter().map(|held| held.case.clone()).collect();
        self.vault.shred_all_but(&[RIGHTS, &Flag::UsageStatistics.compartment()])?;
        for case in cases {
            let gone = self.purge_case(&case, Purpose::SupportCase)?;
            self.tally.drop(Reason::Withdrawn, gone);
        }
        Ok(self.tally.save()?)
    }

    /// Another owner has said yes to nothing: every yes ends, and what waits is erased. The vendor gets the ledger's
    /// lines, by which it takes nothing any more under the old ones.
    pub(super) fn new_owner(&mut self, by: By, now: i64) -> Result<Value, Trouble> {
        let ended = self.book.end_everything(by, now)?;
        killpoint::step("owner.ended");
        for entry in &ended {
            self.put_request(VendorRequest::Consent(*entry), now)?;
        }
        self.shred_ended(self.look_at_clock(now), now)?;
        self.expire_support(now)?;
        self.consent_changed();
        info!("consent: the clinic has another owner");
        Ok(json!({"ended": ended.len(), "consent": self.flags(now)}))
    }
}
