//! What the clinic decides, carried out: the consents subsystem writes it down, and here the others follow, in an order
//! that survives a power cut (`consents.rs`).

use std::path::Path;

use log::warn;
use protocol::rights::PrivacyKind;
use protocol::{Digest, Reason};
use serde::Serialize;

use super::clock::{Watched, usage_standing};
use super::consents::{Changes, Consents, Effects, Shown};
use super::health::Subject;
use super::refusal::Refusal;
use super::{Agent, Parts, Trouble};
use crate::api::consent::{About, Answered, FlagsForKathea, NewOwner};
use crate::api::privacy;
use crate::consent::{By, Channel, Flag, Kept, Standing, State};
use crate::request::{Caller, ConsentAction, ConsentRequest, Refused, Reply};
use crate::{durable, killpoint};

impl Agent {
    /// Answers a request about consent. The caller's right was checked.
    pub(super) fn answer_consent(&mut self, request: &ConsentRequest, caller: Caller, now: i64) -> Reply {
        let shown = Shown { registry: &self.registry, now };
        match (request.action, request.purpose) {
            (ConsentAction::List, _) => return shown.list(),
            (ConsentAction::Verify, _) => return shown.verify_ledger(),
            (ConsentAction::Receipt, _) => return shown.receipts(request),
            (ConsentAction::Show, Some(purpose)) => return shown.show(purpose),
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
        let is_stranger = caller == Caller::default();
        let done = match request.action {
            ConsentAction::Grant => {
                let yes = request.yes.as_deref().unwrap_or_default();
                self.grant(&flag, yes, None, by)
                    .map(|entry| Answered { entry: Some(entry), ..Answered::state(State::Granted) })
            }
            ConsentAction::Deny
                if is_stranger && !self.uplink.invitations.is_asked(&self.registry, &flag) =>
            {
                return Reply::refused(Refused::NotAllowed, Refusal::NothingToDeny);
            }
            // No to what was allowed is a withdrawal.
            ConsentAction::Deny if self.registry.granted_since(&flag).is_some() => {
                self.take_back(&flag, false, by, now)
            }
            ConsentAction::Withdraw => self.take_back(&flag, request.erase, by, now),
            action => self.decide(action, &flag, by),
        };
        replied(done).with(About { purpose: flag.purpose(), case: flag.case().cloned() })
    }

    /// Says yes. A grant of usage statistics first empties the outbox, then writes its entry: it never reaches back.
    /// `manifest` is the digest of the files that were shown, where they were.
    pub(super) fn grant(
        &mut self,
        flag: &Flag,
        yes: &str,
        manifest: Option<Digest>,
        by: By,
    ) -> Result<Digest, Trouble> {
        let Parts { usage, mut cx, .. } = self.parts();
        if Consents::begins_anew(&cx, flag) {
            // What is kept, because nobody said no, is read under the new grant and refused line by line.
            if usage_standing(cx.config, cx.registry, cx.now) == Standing::Refused {
                usage.read_own_first(&mut cx)?;
                usage.discard_outbox(&mut cx, Reason::NoConsent)?;
            }
            cx.counters.mark_reported();
        }
        killpoint::step("grant.emptied");
        let (entry, effects) =
            self.with_consents(|consents, cx| consents.on_grant(cx, flag, yes, manifest, by))?;
        if let Err(trouble) = self.follow(effects) {
            self.trouble(Subject::Spool, &trouble);
        }
        Ok(entry)
    }

    /// Denies what was never allowed, restricts, or releases.
    pub(super) fn decide(&mut self, action: ConsentAction, flag: &Flag, by: By) -> Result<Answered, Trouble> {
        let (state, effects) = self.with_consents(|consents, cx| consents.on_answer(cx, action, flag, by))?;
        self.follow(effects)?;
        Ok(Answered::state(state))
    }

    /// Takes back what was allowed, in five steps (`withdrawal.rs`). Over a ledger that cannot be trusted it begins another.
    fn take_back(&mut self, flag: &Flag, erase: bool, by: By, now: i64) -> Result<Answered, Trouble> {
        if !self.registry.is_trusted() && !self.registry.is_unreadable() {
            self.with_cases(|cases, cx| cases.erase_all(cx))?;
        }
        let Some(receipt) = self.withdraw(flag, erase, by, now)? else {
            return Ok(Answered::state(self.registry.state(flag, now)));
        };
        self.follow(Effects::ANSWERED)?;
        Ok(Answered { receipt: Some(receipt), ..Answered::state(State::Withdrawn) })
    }

    /// Every yes is taken back, and what was sent under any is to be erased too.
    pub(super) fn erase_everything(&mut self, by: By, now: i64) -> Result<privacy::Erased, Trouble> {
        let mut keys = self.erase_history()?;
        self.with_consents(|consents, cx| consents.requests.answer.erase(cx.vault))?;
        if !self.registry.is_trusted() {
            self.with_cases(|cases, cx| cases.erase_all(cx))?;
        }
        for flag in self.registry.flags() {
            self.registry.begin_withdrawal(&flag, by, now)?;
            if let Some(erased) = self.finish_withdrawals()? {
                keys += erased.keys;
                self.follow(Effects::ANSWERED)?;
            }
            // Also what no yes stands for any more: kept under an old policy, or of a case that is over.
            keys += self.vault.shred(&flag.compartment())?.files;
            match &flag {
                Flag::UsageStatistics => self.purge_usage()?,
                Flag::SupportCase(case) | Flag::SupportScanData(case) => {
                    self.with_cases(|cases, cx| cases.purge(cx, case, flag.purpose()))?;
                }
            }
        }
        self.with_cases(|cases, cx| cases.discard_drafts(cx))?;
        // Anybody may ask, and each request costs the vendor an answer: twice within a day is once.
        let day = now - now.rem_euclid(super::clock::DAY);
        self.with_consents(|consents, cx| consents.ask(cx, PrivacyKind::Erase, None, day))?;
        Ok(privacy::Erased { keys: keys as u64 })
    }

    /// Another owner of the clinic: every yes ends, and what waits is erased.
    pub(super) fn new_owner(&mut self, by: By, now: i64) -> Result<NewOwner, Trouble> {
        // First, because a cut behind the ledger's line would leave it to the new owner.
        self.erase_history()?;
        let (ended, effects) = self.with_consents(|consents, cx| consents.on_new_owner(cx, by))?;
        let Parts { usage, mut cx, .. } = self.parts();
        let clock = Watched::now(&cx);
        let is_more = usage.shred_ended(&mut cx, clock)?;
        // Also a key that the disk has although it refused it: nothing was sealed under it, and nobody knows of it.
        cx.vault.shred(&Flag::UsageStatistics.compartment())?;
        if is_more {
            self.notice_outbox();
        }
        self.with_cases(|cases, cx| cases.expire(cx))?;
        self.follow(effects)?;
        Ok(NewOwner { ended, consent: Shown { registry: &self.registry, now }.flags() })
    }

    /// Erases all that is held of usage, and what waits in the outbox, which is counted.
    pub(super) fn purge_usage(&mut self) -> Result<(), Trouble> {
        let Parts { usage, mut cx, .. } = self.parts();
        if usage.purge(&mut cx, Reason::NoConsent)? {
            self.notice_outbox();
        }
        Ok(())
    }

    /// Erases the clinic's own history and switches it off. The number of keys.
    pub(super) fn erase_history(&mut self) -> Result<usize, Trouble> {
        let Parts { usage, cx, .. } = self.parts();
        let keys = usage.history().erase(cx.vault)?;
        self.write_flags_for_kathea();
        Ok(keys)
    }

    /// Carries out what an answer makes due.
    pub(super) fn follow(&mut self, effects: Effects) -> Result<(), Trouble> {
        let Parts { usage, uplink, mut cx, .. } = self.parts();
        let resumed = if effects.resumes { usage.resume_journal(&mut cx) } else { Ok(()) };
        if effects.changes == Changes::Answers {
            uplink.consent_changed();
        }
        if effects.changes != Changes::Nothing {
            self.write_flags_for_kathea();
        }
        resumed
    }

    /// `consent.json` beside the outbox says what is allowed now, so that Kathea need not write what would be thrown away.
    pub(super) fn write_flags_for_kathea(&self) {
        let Some(beside) = self.config.kathea.outbox.parent() else { return };
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
        write_flags(&beside.join("consent.json"), &FlagsForKathea { ask, usage_statistics, own_history });
    }
}

/// The way an answer came: over the socket from Kathea, or by the command line.
pub(super) fn channel(caller: Caller) -> Channel {
    if caller.kathea && !caller.administrator { Channel::Socket } else { Channel::CommandLine }
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

fn write_flags(path: &Path, flags: &FlagsForKathea) {
    let text = serde_json::to_string(flags).unwrap_or_default();
    if std::fs::read(path).is_ok_and(|held| held == text.as_bytes()) {
        return;
    }
    if let Err(e) = durable::replace_public(path, text.as_bytes()) {
        warn!(
            "consent.json cannot be written beside the outbox ({}): Kathea does not see the flag",
            e.kind()
        );
    }
}
