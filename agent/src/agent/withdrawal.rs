//! A withdrawal: five steps, each durable and repeatable, by the subsystems that hold what it ends.
//!
//! ```text
//! 1 refuse: ledger line, synced; no permit exists from here on, a transfer in flight ends
//! 2 shred:  the compartment's key files are overwritten and removed
//! 3 purge:  queue, drafts and bundles of the flag are removed, by the subsystems that hold them
//! 4 ask:    the line and the request are queued for the vendor
//! 5 close:  ledger line that says it is finished
//! ```
//!
//! A start after a power cut repeats the steps that lack their trace, and counts nothing twice (`count_once`).

use log::info;
use protocol::{Digest, Reason};

use super::consents::{Consents, Effects};
use super::cx::{Cx, Deciding, short};
use super::{Agent, Parts, Trouble};
use crate::api::consent::{Answered, Receipt};
use crate::consent::receipt::{self, Erased, SentBefore};
use crate::consent::vendor_request::{PrivacyKind, VendorRequest};
use crate::consent::{By, Flag, Pending, State};
use crate::killpoint;

impl Agent {
    /// Takes back what was allowed.
    pub(super) fn withdraw(
        &mut self,
        flag: &Flag,
        erase: bool,
        by: By,
        now: i64,
    ) -> Result<Answered, Trouble> {
        if !self.registry.is_trusted() && !self.registry.is_unreadable() {
            self.erase_cases()?;
        }
        let begun = self.with_consents(|consents, cx| refuse(consents, cx, flag, erase, by))?;
        let Some(entry) = begun else {
            return Ok(Answered::state(self.registry.state(flag, now)));
        };
        let erased = self.finish_withdrawals()?;
        info!("consent: {flag} withdrawn");
        let sent = if erase { SentBefore::ErasureAsked } else { SentBefore::Stays };
        let text = receipt::withdrawal(flag, entry, erased, sent, now, self.config.language);
        let receipt = Receipt { keys: erased.keys as u64, records: erased.records, text };
        Ok(Answered { receipt: Some(receipt), ..Answered::state(State::Withdrawn) })
    }

    /// Steps two to five of what was begun just now, and of what a crash or a power cut left half withdrawn: shred, purge,
    /// ask, close. Each is durable and may be repeated.
    pub(super) fn finish_withdrawals(&mut self) -> Result<Erased, Trouble> {
        let mut erased = Erased::default();
        for pending in self.registry.pending_withdrawals() {
            let records = self.waiting(&pending.flag);
            let keys = shred(&mut self.parts().cx, &pending, records)?;
            self.purge(&pending.flag)?;
            killpoint::step("withdraw.purged");
            let effects = self.with_consents(|consents, cx| close(consents, cx, &pending))?;
            self.follow(effects)?;
            erased = erased.and(Erased { keys, records });
        }
        Ok(erased)
    }

    /// What waits under `flag`.
    fn waiting(&self, flag: &Flag) -> u64 {
        match flag {
            Flag::UsageStatistics => self.usage.records(),
            Flag::SupportCase(case) | Flag::SupportScanData(case) => {
                self.cases.queue.waiting(case, flag.purpose())
            }
        }
    }

    /// Erases all that is held under `flag`, and for usage what waits in the outbox.
    pub(super) fn purge(&mut self, flag: &Flag) -> Result<(), Trouble> {
        match flag {
            Flag::UsageStatistics => self.purge_usage(),
            Flag::SupportCase(case) | Flag::SupportScanData(case) => {
                self.with_cases(|cases, cx| cases.purge(cx, case, flag.purpose())).map(drop)
            }
        }
    }

    /// Erases all that is held of usage, and what waits in the outbox, which is counted.
    pub(super) fn purge_usage(&mut self) -> Result<(), Trouble> {
        let Parts { usage, mut cx, .. } = self.parts();
        if usage.purge(&mut cx, Reason::NoConsent)? {
            // The rest goes in turns of the loop: the answer does not wait for a hundred thousand files.
            self.look_soon();
        }
        Ok(())
    }
}

/// Step one of five: refuse. From here on no permit exists and a transfer in flight ends. None if there was nothing
/// to take back.
fn refuse(
    consents: &mut Consents,
    cx: &mut Deciding<'_>,
    flag: &Flag,
    erase: bool,
    by: By,
) -> Result<Option<Digest>, Trouble> {
    let begun = cx.registry.begin_withdrawal(flag, by, cx.now)?;
    killpoint::step("withdraw.refused");
    if erase && let Some(entry) = begun.or(cx.registry.head().map(|(_, hash)| hash)) {
        consents.requests.put(&mut cx.shared(), VendorRequest::privacy(PrivacyKind::Erase, flag, entry))?;
    }
    Ok(begun)
}

/// Step two: what waits under the flag is counted, then its keys go. Their number.
fn shred(cx: &mut Cx<'_>, pending: &Pending, waiting: u64) -> Result<usize, Trouble> {
    cx.count_once(pending.entry, Reason::Withdrawn, waiting)?;
    killpoint::step("withdraw.counted");
    let shredded = cx.vault.shred(&pending.flag.compartment())?;
    killpoint::step("withdraw.shredded");
    Ok(shredded.files)
}

/// Steps four and five, when nothing is left here: ask and close.
fn close(
    consents: &mut Consents,
    cx: &mut Deciding<'_>,
    Pending { flag, entry }: &Pending,
) -> Result<Effects, Trouble> {
    consents.requests.tell(&mut cx.shared(), PrivacyKind::Withdraw, flag, *entry)?;
    killpoint::step("withdraw.asked");
    cx.registry.close_withdrawal(flag, cx.now)?;
    killpoint::step("withdraw.closed");
    cx.counters.forget(short(*entry));
    cx.counters.save()?;
    Ok(Effects::ANSWERED)
}
