//! A withdrawal: five steps, each durable and repeatable, by the subsystems that hold what it ends.
//!
//! ```text
//! 1 refuse: ledger line, synced; no permit exists from here on, a transfer in flight ends
//! 2 shred:  what waits is counted, the compartment's key files are overwritten and removed
//! 3 purge:  queue, drafts and bundles of the flag are removed
//! 4 ask:    the line and the request are queued for the vendor
//! 5 close:  ledger line that says it is finished
//! ```
//!
//! A start after a power cut repeats the steps that lack their trace, and counts nothing twice (`Counters::drop_once`).

use log::info;
use protocol::{Digest, Reason};

use super::{Agent, Parts, Trouble};
use crate::api::consent::Receipt;
use crate::consent::receipt::{self, Erased, SentBefore};
use crate::consent::vendor_request::PrivacyKind;
use crate::consent::{By, Flag, Pending};
use crate::killpoint;

impl Agent {
    /// Takes back what was allowed. None if there was nothing to take back.
    pub(super) fn withdraw(
        &mut self,
        flag: &Flag,
        erase: bool,
        by: By,
        now: i64,
    ) -> Result<Option<Receipt>, Trouble> {
        let Some(entry) = self.refuse(flag, erase, by, now)? else { return Ok(None) };
        let erased = self.finish_withdrawals()?.unwrap_or_default();
        info!("consent: {flag} withdrawn");
        let sent = if erase { SentBefore::ErasureAsked } else { SentBefore::Stays };
        let text = receipt::withdrawal(flag, entry, erased, sent, now, self.config.language);
        Ok(Some(Receipt { keys: erased.keys as u64, records: erased.records, text }))
    }

    /// Step one, and the request to erase what was sent, which only the queue keeps. The line of the ledger.
    fn refuse(&mut self, flag: &Flag, erase: bool, by: By, now: i64) -> Result<Option<Digest>, Trouble> {
        let begun = self.registry.begin_withdrawal(flag, by, now)?;
        killpoint::step("withdraw.refused");
        if erase && let Some(entry) = begun.or(self.registry.head().map(|(_, hash)| hash)) {
            let Parts { requests, mut cx, .. } = self.parts();
            requests.ask(&mut cx, PrivacyKind::Erase, flag, entry)?;
        }
        Ok(begun)
    }

    /// Steps two to five of what was begun just now, and of what a crash or a power cut left half withdrawn. Each is durable
    /// and may be repeated. None if there was nothing to finish.
    pub(super) fn finish_withdrawals(&mut self) -> Result<Option<Erased>, Trouble> {
        let mut erased: Option<Erased> = None;
        for Pending { flag, entry } in self.registry.pending_withdrawals() {
            let Parts { usage, cases, mut cx, .. } = self.parts();
            let (gone, files_left) = match &flag {
                Flag::UsageStatistics => usage.erase(&mut cx, entry, Reason::Withdrawn, Reason::NoConsent)?,
                Flag::SupportCase(case) | Flag::SupportScanData(case) => {
                    (cases.erase(&mut cx, (case, flag.purpose()), &flag.compartment(), entry)?, false)
                }
            };
            if files_left {
                // They go in turns of the loop: the answer does not wait for a hundred thousand files.
                self.notice_outbox();
            }
            killpoint::step("withdraw.purged");
            let Parts { requests, mut cx, .. } = self.parts();
            requests.tell(&mut cx, PrivacyKind::Withdraw, &flag, entry)?;
            killpoint::step("withdraw.asked");
            self.registry.close_withdrawal(&flag, self.now())?;
            killpoint::step("withdraw.closed");
            self.counters.forget_entry(entry)?;
            erased = Some(erased.unwrap_or_default().and(gone));
        }
        Ok(erased)
    }
}
