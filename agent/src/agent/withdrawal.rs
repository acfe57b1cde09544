//! A withdrawal: five steps, each durable and repeatable, by the subsystems that hold what it ends.
//!
//! ```text
//! 1 refuse: ledger line, synced; no permit exists from here on, a transfer in flight ends
//! 2 shred:  what waits is counted, the compartment's key files are overwritten and removed
//! 3 purge:  queue, drafts and bundles of the flag are removed
//! 4 ask:    the line and the request are queued for the vendor, in one commit
//! 5 close:  ledger line that says it is finished
//! ```
//!
//! A start after a power cut repeats the steps that lack their trace, and counts nothing twice (`Counters::drop_once`).

use log::info;
use protocol::rights::PrivacyKind;
use protocol::{Digest, Reason};

use super::{Agent, Parts, Trouble};
use crate::api::consent::Receipt;
use crate::consent::receipt::{self, Erased, SentBefore};
use crate::consent::vendor_request::VendorRequest;
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
        let begun = self.registry.begin_withdrawal(flag, by, now)?;
        killpoint::step("withdraw.refused");
        let newest = begun.or(self.registry.head().map(|(_, hash)| hash)).filter(|_| erase);
        let erasure = newest.map(|entry| VendorRequest::privacy(PrivacyKind::Erase, flag, entry));
        let Parts { requests, mut cx, .. } = self.parts();
        // Only the queue keeps this one, so it goes before what a start finishes. Where the disk refuses it, keys and records
        // go all the same, and whoever asked hears of it and asks again.
        let asked = erasure.map_or(Ok(()), |erasure| requests.put(&mut cx, erasure));
        let erased = self.finish_withdrawals()?.unwrap_or_default();
        asked?;
        let Some(entry) = begun else { return Ok(None) };
        info!("consent: {flag} withdrawn");
        let sent = if erase { SentBefore::ErasureAsked } else { SentBefore::Stays };
        let text = receipt::withdrawal(flag, entry, erased, sent, now, self.config.language);
        Ok(Some(Receipt { keys: erased.keys as u64, records: erased.records, text }))
    }

    /// Steps two to five of what was begun just now, and of what a crash or a power cut left half withdrawn. None if there
    /// was nothing to finish.
    pub(super) fn finish_withdrawals(&mut self) -> Result<Option<Erased>, Trouble> {
        let pending = self.registry.pending_withdrawals();
        if pending.is_empty() {
            return Ok(None);
        }
        let mut erased: Option<Erased> = None;
        for Pending { flag, entry } in &pending {
            let gone = self.erase(flag, *entry)?;
            killpoint::step("withdraw.purged");
            erased = Some(erased.unwrap_or_default().and(gone));
        }
        let report =
            |Pending { flag, entry }: &Pending| VendorRequest::report(PrivacyKind::Withdraw, flag, *entry);
        let Parts { requests, mut cx, .. } = self.parts();
        requests.put_all(&mut cx, pending.iter().flat_map(report))?;
        killpoint::step("withdraw.asked");
        for Pending { flag, entry } in pending {
            self.registry.close_withdrawal(&flag, self.now())?;
            killpoint::step("withdraw.closed");
            self.counters.forget_entry(entry)?;
        }
        Ok(erased)
    }

    /// Steps two and three, by the subsystem that holds what was withdrawn.
    fn erase(&mut self, flag: &Flag, entry: Digest) -> Result<Erased, Trouble> {
        let Parts { usage, cases, mut cx, .. } = self.parts();
        match flag {
            Flag::UsageStatistics => {
                let (gone, files_left) = usage.erase(&mut cx, entry, Reason::Withdrawn, Reason::NoConsent)?;
                if files_left {
                    // They go in turns of the loop: the answer does not wait for a hundred thousand files.
                    self.notice_outbox();
                }
                Ok(gone)
            }
            Flag::SupportCase(case) | Flag::SupportScanData(case) => {
                cases.erase(&mut cx, (case, flag.purpose()), &flag.compartment(), entry)
            }
        }
    }
}
