//! Grants and withdrawals: what each changes in the subsystems, in an order that survives a power cut.
//!
//! ```text
//! grant      outbox emptied -> ledger line, synced -> line queued for the vendor
//! deny       ledger line, synced
//! withdraw   1 refuse: ledger line, synced; no permit exists from here on, a transfer in flight ends
//!            2 shred:  the compartment's key files are overwritten and removed
//!            3 purge:  queue, drafts and bundles of the flag are removed
//!            4 ask:    the line and the request are queued for the vendor
//!            5 close:  ledger line that says it is finished
//! restrict   ledger line -> both queued for the vendor; keys and records stay
//! ```
//!
//! A start after a power cut repeats the steps that lack their trace, and counts nothing twice (`count_once`).

use std::path::Path;

use log::{info, warn};
use protocol::ledger::EventKind;
use protocol::{Digest, Reason};
use serde::Serialize;

use super::answers::channel;
use super::clock::usage_standing;
use super::health::Subject;
use super::refusal::Refusal;
use super::watch::Arrival;
use super::{Agent, Parts, Trouble, Wake};
use crate::api::consent::{About, Answered, FlagsForKathea, Receipt};
use crate::config::Language;
use crate::consent::permit::UsageStatistics;
use crate::consent::receipt::{self, Erased, SentBefore};
use crate::consent::vendor_request::{PrivacyKind, VendorRequest};
use crate::consent::{By, Flag, Kept, Pending, Standing, State};
use crate::request::{Caller, ConsentAction, ConsentRequest, Refused, Reply};
use crate::{durable, killpoint};

impl Agent {
    /// Answers a request about consent. The caller's right was checked.
    pub(super) fn answer_consent(&mut self, request: &ConsentRequest, caller: Caller, now: i64) -> Reply {
        match (request.action, request.purpose) {
            (ConsentAction::List, _) => return self.list(now),
            (ConsentAction::Verify, _) => return self.verify_ledger(),
            (ConsentAction::Receipt, _) => return self.receipts(request),
            (ConsentAction::Show, Some(purpose)) => return self.show(purpose, now),
            _ => {}
        }
        self.registry.look_again();
        let by = By { role: request.by, channel: channel(caller), session: request.session };
        if request.action == ConsentAction::NewOwner {
            return replied(self.new_owner(by, now));
        }
        let flag = request.purpose.and_then(|purpose| Flag::new(purpose, request.case.clone()));
        let Some(flag) = flag else {
            return Reply::refused(Refused::Usage, Refusal::NameTheFlag);
        };
        let done = match request.action {
            ConsentAction::Grant => {
                let yes = request.yes.as_deref().unwrap_or_default();
                self.grant(&flag, yes, None, by, now)
                    .map(|entry| Answered { entry: Some(entry), ..Answered::state(State::Granted) })
            }
            ConsentAction::Deny if caller == Caller::default() && !self.is_asked(&flag) => {
                return Reply::refused(Refused::NotAllowed, Refusal::NothingToDeny);
            }
            ConsentAction::Deny => self.deny(&flag, by, now),
            ConsentAction::Withdraw => self.withdraw(&flag, request.erase, by, now),
            ConsentAction::Restrict => self.restrict(&flag, by, now),
            ConsentAction::Release => self.release(&flag, by, now),
            _ => return self.show(flag.purpose(), now),
        };
        replied(done).with(About { purpose: flag.purpose(), case: flag.case().cloned() })
    }

    /// Says yes and tells the vendor. A grant of usage statistics first empties the outbox, then writes its entry:
    /// it never reaches back. `manifest` is the digest of the files that were shown, where they were.
    pub(super) fn grant(
        &mut self,
        flag: &Flag,
        yes: &str,
        manifest: Option<Digest>,
        by: By,
        now: i64,
    ) -> Result<Digest, Trouble> {
        if *flag == Flag::UsageStatistics && self.registry.permit::<UsageStatistics>(now).is_none() {
            let Parts { usage, mut cx, .. } = self.parts();
            // What is kept, because nobody said no, is read under the new grant and refused line by line.
            if usage_standing(cx.config, cx.registry, cx.now) == Standing::Refused {
                usage.read_own_first(&mut cx)?;
                usage.discard_outbox(&mut cx, Reason::NoConsent)?;
            }
            cx.counters.mark_reported();
        }
        killpoint::step("grant.emptied");
        let withdrawn = self.registry.newest_withdrawal(flag);
        let entry = self.registry.grant(flag, yes, manifest, by, now)?;
        killpoint::step("grant.written");
        // It is a yes now, whatever the disk says to the rest; the line goes at the latest when the collector asks for it.
        let lines = withdrawn.into_iter().chain([entry]);
        let followed = lines.map(VendorRequest::Consent).try_for_each(|line| self.put_request(line));
        if let Err(trouble) = followed.and_then(|()| self.resume_journal()) {
            self.trouble(Subject::Spool, &trouble);
        }
        if *flag == Flag::UsageStatistics {
            self.usage_is_allowed();
        }
        self.consent_changed();
        info!("consent: {flag} granted");
        Ok(entry)
    }

    /// No to what was allowed is a withdrawal.
    fn deny(&mut self, flag: &Flag, by: By, now: i64) -> Result<Answered, Trouble> {
        if self.registry.granted_since(flag).is_some() {
            return self.withdraw(flag, false, by, now);
        }
        // Said twice it is one: anybody may say it, and the ledger has an end. So for a restriction.
        if self.registry.state(flag, now) == State::Denied {
            return Ok(Answered::state(State::Denied));
        }
        self.registry.deny(flag, by, now)?;
        self.consent_changed();
        info!("consent: {flag} denied");
        Ok(Answered::state(State::Denied))
    }

    /// Step one of five: refuse. From here on no permit exists and a transfer in flight ends.
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
        let begun = self.registry.begin_withdrawal(flag, by, now)?;
        killpoint::step("withdraw.refused");
        if erase && let Some(entry) = begun.or(self.registry.head().map(|(_, hash)| hash)) {
            self.put_request(VendorRequest::privacy(PrivacyKind::Erase, flag, entry))?;
        }
        let Some(entry) = begun else {
            return Ok(Answered::state(self.registry.state(flag, now)));
        };
        let erased = self.finish_withdrawals(now)?;
        info!("consent: {flag} withdrawn");
        let sent = if erase { SentBefore::ErasureAsked } else { SentBefore::Stays };
        let receipt = receipt(flag, entry, erased, sent, self.config.language, now);
        Ok(Answered { receipt: Some(receipt), ..Answered::state(State::Withdrawn) })
    }

    /// Not for now: kept sealed, neither read nor sent, until it is released or withdrawn.
    fn restrict(&mut self, flag: &Flag, by: By, now: i64) -> Result<Answered, Trouble> {
        // Said twice it is one. What the disk kept from being queued the first time is queued now.
        if self.registry.state(flag, now) == State::Restricted {
            if let Some(entry) = self.registry.newest(flag, EventKind::Restricted) {
                self.tell_vendor(PrivacyKind::Restrict, flag, entry)?;
            }
            return Ok(Answered::state(State::Restricted));
        }
        let entry = self.registry.restrict(flag, by, now)?;
        self.tell_vendor(PrivacyKind::Restrict, flag, entry)?;
        self.consent_changed();
        info!("consent: {flag} restricted");
        Ok(Answered::state(self.registry.state(flag, now)))
    }

    fn release(&mut self, flag: &Flag, by: By, now: i64) -> Result<Answered, Trouble> {
        // Likewise: the disk may have failed between the ledger and the queue.
        let entry = match self.registry.newest(flag, EventKind::Released) {
            Some(entry) => entry,
            None => self.registry.release(flag, by, now)?,
        };
        self.tell_vendor(PrivacyKind::Release, flag, entry)?;
        self.counters.mark_reported();
        self.resume_journal()?;
        if *flag == Flag::UsageStatistics {
            self.usage_is_allowed();
        }
        self.consent_changed();
        info!("consent: {flag} released");
        Ok(Answered::state(self.registry.state(flag, now)))
    }

    /// What was begun just now, and what a crash or a power cut left half withdrawn.
    pub(super) fn finish_withdrawals(&mut self, now: i64) -> Result<Erased, Trouble> {
        let mut erased = Erased::default();
        for pending in self.registry.pending_withdrawals() {
            erased = erased.and(self.finish_withdrawal(&pending, now)?);
        }
        Ok(erased)
    }

    /// Steps two to five: shred, purge, ask, close. Each is durable and may be repeated.
    fn finish_withdrawal(&mut self, pending: &Pending, now: i64) -> Result<Erased, Trouble> {
        let Pending { flag, entry } = pending;
        let waiting = self.count_once(flag, *entry, Reason::Withdrawn)?;
        killpoint::step("withdraw.counted");

        let shredded = self.vault.shred(&flag.compartment())?;
        killpoint::step("withdraw.shredded");

        match flag {
            Flag::UsageStatistics => self.purge_usage(Reason::NoConsent)?,
            Flag::SupportCase(case) | Flag::SupportScanData(case) => {
                self.with_cases(|cases, cx| cases.purge(cx, case, flag.purpose()))?;
            }
        }
        killpoint::step("withdraw.purged");

        self.tell_vendor(PrivacyKind::Withdraw, flag, *entry)?;
        killpoint::step("withdraw.asked");

        self.registry.close_withdrawal(flag, now)?;
        killpoint::step("withdraw.closed");
        self.counters.forget(short(*entry));
        self.counters.save()?;
        self.consent_changed();
        Ok(Erased { keys: shredded.files, records: waiting })
    }

    /// What waits under `flag` and is about to go, counted once however often a crash repeats it; `entry` says so.
    pub(super) fn count_once(&mut self, flag: &Flag, entry: Digest, reason: Reason) -> Result<u64, Trouble> {
        let waiting = match flag {
            Flag::UsageStatistics => self.usage.records(),
            Flag::SupportCase(case) | Flag::SupportScanData(case) => {
                self.cases.queue.waiting(case, flag.purpose())
            }
        };
        self.parts().cx.count_once(entry, reason, waiting)?;
        Ok(waiting)
    }

    /// Erases all that is held of usage, and what waits in the outbox, which is counted for this reason.
    pub(super) fn purge_usage(&mut self, reason: Reason) -> Result<(), Trouble> {
        let Parts { usage, mut cx, .. } = self.parts();
        if usage.purge(&mut cx, reason)? {
            // The rest goes in turns of the loop: the answer does not wait for a hundred thousand files.
            let _ = self.wakes.0.send(Wake::Outbox(Arrival::Any));
        }
        Ok(())
    }

    pub(super) fn resume_journal(&mut self) -> Result<(), Trouble> {
        let Parts { usage, mut cx, .. } = self.parts();
        usage.resume_journal(&mut cx)
    }

    /// What follows every answer.
    pub(super) fn consent_changed(&mut self) {
        self.uplink.consent_changed();
        self.write_flags_for_kathea();
    }

    /// The ledger's line goes first: by it the vendor knows an old copy of this device when it meets one.
    fn tell_vendor(&mut self, kind: PrivacyKind, flag: &Flag, entry: Digest) -> Result<(), Trouble> {
        self.put_request(VendorRequest::Consent(entry))?;
        self.put_request(VendorRequest::privacy(kind, flag, entry))
    }

    /// Queues a request to the vendor.
    pub(super) fn put_request(&mut self, request: VendorRequest) -> Result<(), Trouble> {
        let Parts { requests, mut cx, .. } = self.parts();
        requests.put(&mut cx, request)
    }

    /// `consent.json` beside the outbox, so that Kathea need not write what would be thrown away.
    pub(super) fn write_flags_for_kathea(&mut self) {
        let Some(beside) = self.config.kathea.outbox.parent().map(Path::to_owned) else { return };
        let now = self.now();
        let usage_statistics = match usage_standing(&self.config, &self.registry, now) {
            // Nobody knows what the clinic said: what Kathea read last holds.
            Standing::Kept(Kept::Registry) => return,
            // What Kathea writes is not lost, so it is to go on.
            Standing::Kept(Kept::Clock) => State::Granted,
            _ => self.registry.state(&Flag::UsageStatistics, now),
        };
        let ask = self.registry.wants_answer(&Flag::UsageStatistics, now);
        let own_history = self.usage.keeps_history();
        let text =
            serde_json::to_string(&FlagsForKathea { ask, usage_statistics, own_history }).unwrap_or_default();
        let path = beside.join("consent.json");
        if std::fs::read(&path).is_ok_and(|held| held == text.as_bytes()) {
            return;
        }
        if let Err(e) = durable::replace_public(&path, text.as_bytes()) {
            warn!(
                "consent.json cannot be written beside the outbox ({}): Kathea does not see the flag",
                e.kind()
            );
        }
    }
}

fn replied(done: Result<impl Serialize, Trouble>) -> Reply {
    match done {
        Ok(body) => Reply::done(body),
        Err(trouble) => refused(&trouble),
    }
}

/// Why an answer was not taken: not allowed, or not possible now.
pub(super) fn refused(trouble: &Trouble) -> Reply {
    match trouble {
        Trouble::Consent(e) if e.is_refusal() => Reply::refused(Refused::NotAllowed, e),
        trouble => Reply::refused(Refused::Failed, trouble),
    }
}

/// What the withdrawal did, and what nobody can promise.
fn receipt(
    flag: &Flag,
    entry: Digest,
    erased: Erased,
    sent: SentBefore,
    language: Language,
    now: i64,
) -> Receipt {
    let text = receipt::withdrawal(flag, entry, erased, sent, now, language);
    Receipt { keys: erased.keys as u64, records: erased.records, text }
}

pub(super) fn short(entry: Digest) -> [u8; 16] {
    let mut out = [0; 16];
    out.copy_from_slice(&entry.to_bytes()[..16]);
    out
}

#[cfg(test)]
mod tests;
