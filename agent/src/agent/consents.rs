//! The consents subsystem: what the clinic answers becomes a line of the ledger, then a request to the vendor.
//!
//! ```text
//! grant      outbox emptied -> ledger line, synced -> line queued for the vendor
//! deny       ledger line, synced
//! withdraw   in five steps (`withdrawal.rs`)
//! restrict   ledger line -> both queued for the vendor; keys and records stay
//! ```
//!
//! What an answer makes due elsewhere are its [`Effects`], which the run loop carries out (`decisions.rs`).

mod claims;
mod shown;

use log::{info, warn};
use protocol::ledger::EventKind;
use protocol::rights::PrivacyKind;
use protocol::{CaseId, Digest};

use super::Trouble;
use super::clock::{Watched, usage_standing};
use super::cx::{Cx, Deciding};
use super::health::Subject;
use super::requests::Requests;
use crate::consent::permit::UsageStatistics;
use crate::consent::vendor_request::VendorRequest;
use crate::consent::{By, Flag, Kept, Standing, State};
use crate::request::ConsentAction;
use crate::{durable, killpoint};
pub(super) use claims::{claim, is_claimed};
pub(super) use shown::Shown;

/// The file with the number of the clinic's owner, counted from 0.
pub(super) const OWNER: &str = "owner";

/// The consents subsystem. What is allowed is the registry's, which it alone is lent to change.
pub(super) struct Consents {
    /// To the vendor, and what it answers.
    pub(super) requests: Requests,
    /// Why what Kathea reports is kept in the outbox, when that was last looked at.
    kept: Option<Kept>,
}

/// What an answer makes due in the rest of the agent.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub(super) struct Effects {
    /// What was sealed under the permit before is read again.
    pub(super) resumes: bool,
    /// The uplink and Kathea are to see what is allowed now.
    pub(super) changes: Changes,
}

/// Who is to see what is allowed now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Changes {
    /// Nobody: it is as it was.
    #[default]
    Nothing,
    /// Kathea alone: what becomes of its events.
    Flags,
    /// The uplink too: something was answered.
    Answers,
}

impl Effects {
    pub(super) const ANSWERED: Self = Self { resumes: false, changes: Changes::Answers };
}

impl Consents {
    pub(super) fn new(requests: Requests) -> Self {
        Self { requests, kept: None }
    }

    /// Whether what Kathea reports was kept in the outbox when that was last looked at.
    pub(super) fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// What becomes of what Kathea reports, now. Reports when that is kept, and when it no longer is.
    pub(super) fn look_again(&mut self, cx: &mut Deciding<'_>) -> (Standing, Effects) {
        cx.registry.look_again();
        let standing = usage_standing(cx.config, cx.registry, cx.now);
        let kept = if let Standing::Kept(kept) = standing { Some(kept) } else { None };
        if kept == self.kept {
            return (standing, Effects::default());
        }
        self.kept = kept;
        if let Some(kept) = kept {
            warn!("{}", kept);
        }
        (standing, Effects { changes: Changes::Flags, ..Effects::default() })
    }

    /// Whether a grant of this flag is one of usage that begins anew: it never reaches back.
    pub(super) fn begins_anew(cx: &Cx<'_>, flag: &Flag) -> bool {
        *flag == Flag::UsageStatistics && cx.registry.permit::<UsageStatistics>(cx.now).is_none()
    }

    /// Says yes and tells the vendor. `manifest` is the digest of the files that were shown, where they were.
    pub(super) fn on_grant(
        &mut self,
        cx: &mut Deciding<'_>,
        flag: &Flag,
        yes: &str,
        manifest: Option<Digest>,
        by: By,
    ) -> Result<(Digest, Effects), Trouble> {
        let withdrawn = cx.registry.newest_withdrawal(flag);
        let entry = cx.registry.grant(flag, yes, manifest, by, cx.now)?;
        killpoint::step("grant.written");
        // It is a yes now, whatever the disk says to the rest; the line goes at the latest when the collector asks for it.
        let mut cx = cx.shared();
        let lines = withdrawn.into_iter().chain([entry]).map(VendorRequest::Consent);
        let queued = self.requests.put_all(&mut cx, lines);
        if let Err(trouble) = &queued {
            cx.trouble(Subject::Spool, trouble);
        }
        info!("consent: {flag} granted");
        Ok((entry, Effects { resumes: queued.is_ok(), ..Effects::ANSWERED }))
    }

    /// A no to what was never allowed, a restriction, or its release. Said twice it is one: anybody may say it, and the
    /// ledger has an end.
    pub(super) fn on_answer(
        &mut self,
        cx: &mut Deciding<'_>,
        action: ConsentAction,
        flag: &Flag,
        by: By,
    ) -> Result<(State, Effects), Trouble> {
        match action {
            ConsentAction::Restrict => self.restrict(cx, flag, by),
            ConsentAction::Release => self.release(cx, flag, by),
            _ => deny(cx, flag, by),
        }
    }

    /// Not for now: kept sealed, neither read nor sent, until it is released or withdrawn.
    fn restrict(&mut self, cx: &mut Deciding<'_>, flag: &Flag, by: By) -> Result<(State, Effects), Trouble> {
        // What the disk kept from being queued the first time is queued now.
        if cx.registry.state(flag, cx.now) == State::Restricted {
            if let Some(entry) = cx.registry.newest(flag, EventKind::Restricted) {
                self.requests
                    .put_all(&mut cx.shared(), VendorRequest::report(PrivacyKind::Restrict, flag, entry))?;
            }
            return Ok((State::Restricted, Effects::default()));
        }
        let entry = cx.registry.restrict(flag, by, cx.now)?;
        self.requests.put_all(&mut cx.shared(), VendorRequest::report(PrivacyKind::Restrict, flag, entry))?;
        info!("consent: {flag} restricted");
        Ok((cx.registry.state(flag, cx.now), Effects::ANSWERED))
    }

    fn release(&mut self, cx: &mut Deciding<'_>, flag: &Flag, by: By) -> Result<(State, Effects), Trouble> {
        // Likewise: the disk may have failed between the ledger and the queue.
        let entry = match cx.registry.newest(flag, EventKind::Released) {
            Some(entry) => entry,
            None => cx.registry.release(flag, by, cx.now)?,
        };
        self.requests.put_all(&mut cx.shared(), VendorRequest::report(PrivacyKind::Release, flag, entry))?;
        cx.counters.mark_reported();
        info!("consent: {flag} released");
        Ok((cx.registry.state(flag, cx.now), Effects { resumes: true, ..Effects::ANSWERED }))
    }

    /// Another owner has said yes to nothing: every yes ends. The vendor gets the ledger's lines, by which it takes nothing
    /// any more under the old ones. Their number.
    pub(super) fn on_new_owner(&mut self, cx: &mut Deciding<'_>, by: By) -> Result<(u64, Effects), Trouble> {
        // What the vendor answered was for the owner before.
        self.requests.answer.erase(cx.vault)?;
        // Before the ledger's line, which names it: codes that the owner before printed are none any more.
        let owner = cx.registry.owner().saturating_add(1);
        durable::replace(&cx.config.data_dir.join(OWNER), owner.to_string().as_bytes())?;
        cx.registry.set_owner(owner);
        let ended = cx.registry.end_everything(by, cx.now)?;
        killpoint::step("owner.ended");
        self.requests.put_all(&mut cx.shared(), ended.iter().copied().map(VendorRequest::Consent))?;
        info!("consent: the clinic has another owner");
        Ok((ended.len() as u64, Effects::ANSWERED))
    }

    /// The device goes out of use: every yes ends, then the vendor is asked.
    pub(super) fn on_decommission(&mut self, cx: &mut Deciding<'_>, by: By) -> Result<Effects, Trouble> {
        cx.registry.forbid();
        cx.registry.end_everything(by, cx.now)?;
        killpoint::step("decommission.ended");
        self.ask(cx, PrivacyKind::Decommission, None, cx.now)?;
        Ok(Effects::ANSWERED)
    }

    /// Whether the last message waits, or was taken.
    pub(super) fn is_asked_to_retire(&mut self, cx: &mut Deciding<'_>) -> Result<bool, Trouble> {
        const LAST: PrivacyKind = PrivacyKind::Decommission;
        let is_last = |request: &VendorRequest| matches!(request, VendorRequest::Privacy { kind: LAST, .. });
        let is_taken = self.requests.tickets.all().iter().any(|ticket| ticket.kind == LAST);
        Ok(is_taken || self.requests.waits(&mut cx.shared(), is_last)?)
    }

    /// Erases what proved or answered something for long enough, by a clock that may decide so.
    pub(super) fn expire(&mut self, cx: &mut Deciding<'_>, clock: Watched) -> Result<(), Trouble> {
        if !clock.is_steady() {
            return Ok(());
        }
        if self.requests.end_answer(cx.now, clock.leapt())? {
            info!("the vendor's answer was kept here for 30 days and was erased");
        }
        let ended = cx.registry.end_answers(cx.now, clock.leapt())?;
        if ended > 0 {
            info!("consent: {ended} answers have proven what they prove for long enough and were removed");
        }
        Ok(())
    }

    /// A request to the vendor about everything, or everything of a case, as of `at`.
    pub(super) fn ask(
        &mut self,
        cx: &mut Deciding<'_>,
        kind: PrivacyKind,
        case: Option<CaseId>,
        at: i64,
    ) -> Result<(), Trouble> {
        let newest = cx.registry.head().map_or(Digest::from_bytes([0; 32]), |(_, hash)| hash);
        let mut request = VendorRequest::general(kind, case, newest, at);
        if kind == PrivacyKind::Access {
            request = request.sealed_for(self.requests.answer.recipient(cx.vault, at)?);
        }
        self.requests.put(&mut cx.shared(), request)
    }
}

fn deny(cx: &mut Deciding<'_>, flag: &Flag, by: By) -> Result<(State, Effects), Trouble> {
    if cx.registry.state(flag, cx.now) == State::Denied {
        return Ok((State::Denied, Effects::default()));
    }
    cx.registry.deny(flag, by, cx.now)?;
    info!("consent: {flag} denied");
    Ok((State::Denied, Effects::ANSWERED))
}

#[cfg(test)]
mod tests;
