//! Expiry: what ends a grant without a withdrawal (its period, another policy, another owner of the clinic), and the
//! grace period of queued data.

use log::info;
use protocol::{CaseId, Purpose, Reason};

use super::clock::Watched;
use super::usage::drop_set_aside;
use super::watch::Arrival;
use super::{Agent, OWNER, Parts, Trouble, Wake};
use crate::api::consent::NewOwner;
use crate::consent::permit::RIGHTS;
use crate::consent::vendor_request::VendorRequest;
use crate::consent::{By, Flag};
use crate::{durable, killpoint};

impl Agent {
    /// Drops and counts what is over for long enough. True if there is more for the next turn.
    pub(super) fn expire_usage(&mut self) -> Result<bool, Trouble> {
        let in_flight = self.uplink.in_flight();
        let Parts { usage, mut cx, .. } = self.parts();
        let clock = Watched::now(&cx);
        // What is on its way is settled by its answer.
        let is_more = !in_flight && usage.drop_expired(&mut cx, clock)?;
        drop_set_aside(&mut cx, clock)?;
        let files_left = usage.shred_ended(&mut cx, clock)?;
        usage.retire_unused_keys(&mut cx)?;
        if files_left {
            let _ = self.wakes.0.send(Wake::Outbox(Arrival::Any));
        }
        if clock.is_steady() {
            let (now, leapt) = (self.now(), clock.leapt());
            if self.requests.end_answer(now, leapt)? {
                info!("the vendor's answer was kept here for 30 days and was erased");
            }
            let ended = self.registry.end_answers(now, leapt)?;
            if ended > 0 {
                info!(
                    "consent: {ended} answers have proven what they prove for long enough and were removed"
                );
            }
        }
        Ok(is_more)
    }

    /// Cases may be known only from lines that nobody can read any more: the new ledger begins without any.
    pub(super) fn erase_cases(&mut self) -> Result<(), Trouble> {
        self.with_cases(|cases, cx| cases.discard_drafts(cx))?;
        let cases: Vec<CaseId> = self.cases.queue.bundles().iter().map(|held| held.case.clone()).collect();
        self.vault.shred_all_but(&[RIGHTS, &Flag::UsageStatistics.compartment()])?;
        for case in cases {
            let gone = self.with_cases(|cases, cx| cases.purge(cx, &case, Purpose::SupportCase))?;
            self.counters.drop(Reason::Withdrawn, gone);
        }
        Ok(self.counters.save()?)
    }

    /// Another owner has said yes to nothing: every yes ends, and what waits is erased. The vendor gets the ledger's
    /// lines, by which it takes nothing any more under the old ones.
    pub(super) fn new_owner(&mut self, by: By, now: i64) -> Result<NewOwner, Trouble> {
        // First, because a cut behind the ledger's line would leave it to the new owner.
        self.erase_history()?;
        // What the vendor answered was for the owner before.
        self.requests.answer.erase(&mut self.vault)?;
        // Before the ledger's line, which names it: codes that the owner before printed are none any more.
        let owner = self.registry.owner().saturating_add(1);
        durable::replace(&self.config.data_dir.join(OWNER), owner.to_string().as_bytes())?;
        self.registry.set_owner(owner);
        let ended = self.registry.end_everything(by, now)?;
        killpoint::step("owner.ended");
        for entry in &ended {
            self.put_request(VendorRequest::Consent(*entry))?;
        }
        let Parts { usage, mut cx, .. } = self.parts();
        let clock = Watched::now(&cx);
        if usage.shred_ended(&mut cx, clock)? {
            let _ = self.wakes.0.send(Wake::Outbox(Arrival::Any));
        }
        self.with_cases(|cases, cx| cases.expire(cx))?;
        self.consent_changed();
        info!("consent: the clinic has another owner");
        Ok(NewOwner { ended: ended.len() as u64, consent: self.flags(now) })
    }
}
