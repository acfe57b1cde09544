//! Grants and denials: the conditions for writing an answer to the ledger.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use protocol::Digest;
use protocol::ledger::{Event, EventKind, Processing, Role, Session};

use super::endings::with_scan_data;
use super::{ConsentError, Flag, Registry, State};
use crate::consent::chain::Place;
use crate::consent::{Finding, Flaw, notice, state};

/// The way an answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Somebody at a terminal.
    CommandLine,
    /// A dialog of Kathea's, over the local socket.
    Socket,
    /// The agent itself, finishing what somebody began.
    Agent,
}

impl Channel {
    /// Its word in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CommandLine => "command_line",
            Self::Socket => "socket",
            Self::Agent => "agent",
        }
    }
}

/// Who answers and how: a role, never a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By {
    /// Of the closed list; a no needs none.
    pub role: Option<Role>,
    /// The way it came.
    pub channel: Channel,
    /// Where the person sat, as far as the asking program saw.
    pub session: Option<Session>,
}

impl By {
    /// The agent itself.
    pub const AGENT: Self = Self { role: None, channel: Channel::Agent, session: None };
}

impl Registry {
    /// Says yes. `yes` repeats the digest of what was shown: of `manifest` where the files themselves were shown,
    /// as they must be for scan data, otherwise of the notice. The caller has made sure that the person may
    /// (`collect::caller`). Returns the hash of the ledger line, which is durable.
    pub fn grant(
        &mut self,
        flag: &Flag,
        yes: &str,
        manifest: Option<Digest>,
        by: By,
        now: i64,
    ) -> Result<Digest, ConsentError> {
        let terms = self.policy.terms(flag.purpose()).ok_or(ConsentError::NotOffered)?;
        if self.forbid {
            return Err(ConsentError::Forbidden);
        }
        let shown = match flag {
            Flag::UsageStatistics => self.policy.digest(flag.purpose()),
            Flag::SupportCase(_) => manifest.or_else(|| self.policy.digest(flag.purpose())),
            Flag::SupportScanData(_) => manifest,
        };
        if by.role.is_none() || !shown.is_some_and(|digest| notice::repeats(yes, digest)) {
            return Err(ConsentError::NotShown);
        }
        if now < self.policy.effective() {
            return Err(ConsentError::Clock);
        }
        let until = terms.lasts.after(now).ok_or(ConsentError::Clock)?;
        self.begin_on_this_device()?;
        self.check_answerable(flag)?;
        let until = match flag {
            Flag::SupportScanData(case) => {
                let case = Flag::SupportCase(case.clone());
                if self.state(&case, now) != State::Granted {
                    return Err(ConsentError::NeedsCase);
                }
                self.granted_until(&case).map_or(until, |end| end.min(until))
            }
            _ => until,
        };
        let processing = Processing { manifest_sha256: manifest, ..self.asked(flag)? };
        let hash = self.record(processing, EventKind::Granted, by, Some(until), now)?;
        self.leases.insert(flag.clone(), Arc::new(AtomicBool::new(true)));
        Ok(hash)
    }

    /// Says no to what nobody said yes to; a yes is taken back by withdrawing it.
    pub fn deny(&mut self, flag: &Flag, by: By, now: i64) -> Result<Digest, ConsentError> {
        self.begin_on_this_device()?;
        self.check_answerable(flag)?;
        if self.answer(flag).is_some_and(|answer| answer.grant.is_some()) {
            return Err(ConsentError::Granted);
        }
        let processing = self.asked(flag)?;
        self.record(processing, EventKind::Denied, by, None, now)
    }

    /// The newest line about a flag, if it is of this kind.
    pub fn newest(&self, flag: &Flag, kind: EventKind) -> Option<Digest> {
        self.answer(flag).filter(|answer| answer.last.entry.event.kind == kind).map(|answer| answer.last.hash)
    }

    /// Keep what is held under a yes, but neither read nor send it (GDPR art. 18). With a case its scan data rests
    /// too.
    pub fn restrict(&mut self, flag: &Flag, by: By, now: i64) -> Result<Digest, ConsentError> {
        self.check_answerable(flag)?;
        let processing = self.yes_of(flag)?;
        with_scan_data(flag).iter().for_each(|flag| self.stop(flag));
        self.record(processing, EventKind::Restricted, by, None, now)
    }

    /// The end of a restriction: what was kept may be used again, as far as the yes still stands.
    pub fn release(&mut self, flag: &Flag, by: By, now: i64) -> Result<Digest, ConsentError> {
        self.check_answerable(flag)?;
        let restricted =
            self.answer(flag).is_some_and(|answer| answer.last.entry.event.kind == EventKind::Restricted);
        let processing = self.yes_of(flag).ok().filter(|_| restricted).ok_or(ConsentError::NotRestricted)?;
        let hash = self.record(processing, EventKind::Released, by, None, now)?;
        for flag in with_scan_data(flag) {
            if self.answer(&flag).is_some_and(|answer| answer.withdrawing.is_none()) {
                self.leases.insert(flag, Arc::new(AtomicBool::new(true)));
            }
        }
        Ok(hash)
    }

    /// The ledger of lost keys is set aside when somebody answers under the new ones, and not before.
    fn begin_on_this_device(&mut self) -> Result<(), ConsentError> {
        if !self.is_of_another_device() {
            return Ok(());
        }
        self.ledger.restart(Place::default()).map_err(|error| ConsentError::Ledger(error.kind()))
    }

    /// What the yes that stands was given to.
    fn yes_of(&self, flag: &Flag) -> Result<Processing, ConsentError> {
        let grant = self.answer(flag).and_then(|answer| answer.grant);
        grant.map(|grant| grant.entry.processing.clone()).ok_or(ConsentError::NoYes)
    }

    pub(super) fn check_answerable(&self, flag: &Flag) -> Result<(), ConsentError> {
        if let Some(Finding { flaw: Flaw::Unreadable(why), .. }) = self.ledger.finding() {
            return Err(ConsentError::Unreadable(why));
        }
        if !self.is_trusted() {
            return Err(ConsentError::Untrusted);
        }
        match self.answer(flag) {
            Some(answer) if answer.withdrawing.is_some() => Err(ConsentError::Withdrawing),
            _ => Ok(()),
        }
    }

    pub(super) fn asked(&self, flag: &Flag) -> Result<Processing, ConsentError> {
        self.policy.processing(flag).ok_or(ConsentError::NotOffered)
    }

    pub(super) fn record(
        &mut self,
        processing: Processing,
        kind: EventKind,
        by: By,
        until: Option<i64>,
        now: i64,
    ) -> Result<Digest, ConsentError> {
        let event = Event {
            kind,
            at: state::to_text(now),
            until: until.map(state::to_text),
            role: by.role,
            channel: by.channel.as_str().to_owned(),
            session: by.session,
            owner: (self.owner > 0).then_some(self.owner),
        };
        self.ledger.append(processing, event).map_err(|error| ConsentError::Ledger(error.kind()))
    }
}
