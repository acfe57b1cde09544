//! What the clinic decides, carried out: the consents subsystem writes it down, and here the others follow, in an order
//! that survives a power cut (`consents.rs`).

use protocol::{CaseId, Digest, Purpose, Reason};
use serde::Serialize;

use super::clock::{Watched, usage_standing};
use super::consents::{Changes, Consents, Effects, Shown, write_flags_for_kathea};
use super::health::Subject;
use super::refusal::Refusal;
use super::watch::Arrival;
use super::{Agent, Parts, Trouble, Wake};
use crate::api::consent::{About, Answered, NewOwner};
use crate::api::privacy;
use crate::consent::permit::RIGHTS;
use crate::consent::vendor_request::PrivacyKind;
use crate::consent::{By, Channel, Flag, Standing, State};
use crate::killpoint;
use crate::request::{Caller, ConsentAction, ConsentRequest, Refused, Reply};

impl Agent {
    /// Answers a request about consent. The caller's right was checked.
    pub(super) fn answer_consent(&mut self, request: &ConsentRequest, caller: Caller, now: i64) -> Reply {
        if let Some(shown) = (Shown { registry: &self.registry, now }).answer(request) {
            return shown;
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
                self.withdraw(&flag, false, by, now)
            }
            ConsentAction::Withdraw => self.withdraw(&flag, request.erase, by, now),
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

    /// Every yes is taken back, and what was sent under any is to be erased too.
    pub(super) fn erase_everything(&mut self, by: By, now: i64) -> Result<privacy::Erased, Trouble> {
        let mut keys = self.erase_history()?;
        self.with_consents(|consents, cx| consents.requests.answer.erase(cx.vault))?;
        if !self.registry.is_trusted() {
            self.erase_cases()?;
        }
        for flag in self.registry.flags() {
            self.registry.begin_withdrawal(&flag, by, now)?;
            let erased = self.finish_withdrawals()?;
            // Also what no yes stands for any more: kept under an old policy, or of a case that is over.
            keys += erased.keys + self.vault.shred(&flag.compartment())?.files;
            self.purge(&flag)?;
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
            self.look_soon();
        }
        self.with_cases(|cases, cx| cases.expire(cx))?;
        self.follow(effects)?;
        Ok(NewOwner { ended, consent: Shown { registry: &self.registry, now }.flags() })
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

    /// `consent.json` beside the outbox says what is allowed now.
    pub(super) fn write_flags_for_kathea(&mut self) {
        let Parts { usage, cx, .. } = self.parts();
        write_flags_for_kathea(&cx, usage.keeps_history());
    }

    /// Another turn of the loop looks into the outbox.
    pub(super) fn look_soon(&self) {
        let _ = self.wakes.0.send(Wake::Outbox(Arrival::Any));
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
