//! The book by the door: what the clinic allows, asked anew each time, and how it changes its mind.
//!
//! A withdrawal is five steps, each durable and repeatable: **refuse** ([`Book::begin_withdrawal`]), **shred**
//! the data key, **purge** the trays, **ask** the vendor, **close** ([`Book::close_withdrawal`]). The ledger
//! keeps the first and the last; what lies between is done again for whatever [`Book::pending_withdrawals`]
//! names.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::ledger::{Event, EventKind, Processing, Role};
use protocol::{Digest, Purpose};

use super::chain::{Finding, Flaw, Place};
use super::failure::ConsentError;
use super::ledger::Ledger;
use super::notice;
use super::permit::{Consented, Permit, Rights};
use super::policy::Policy;
use super::state::{self, Answer, State};
use crate::vault::DeviceKey;

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

/// A withdrawal that was begun and not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// What was withdrawn.
    pub purpose: Purpose,
    /// Hash of the ledger entry that says so.
    pub entry: Digest,
}

/// The clinic's answers.
///
/// Permits borrow the book, and every change needs it mutably: a permit can't be kept across one.
///
/// ```
/// use agent::consent::{Book, Channel, permit::UsageStatistics};
/// use protocol::Purpose;
///
/// fn stop(book: &mut Book, now: i64) {
///     let permit = book.permit::<UsageStatistics>(now);
///     drop(permit);
///     let _ = book.begin_withdrawal(Purpose::UsageStatistics, None, Channel::CommandLine, now);
/// }
/// ```
///
/// ```compile_fail,E0502
/// use agent::consent::{Book, Channel, permit::UsageStatistics};
/// use protocol::Purpose;
///
/// fn stop(book: &mut Book, now: i64) {
///     let permit = book.permit::<UsageStatistics>(now);
///     let _ = book.begin_withdrawal(Purpose::UsageStatistics, None, Channel::CommandLine, now);
///     drop(permit);
/// }
/// ```
#[derive(Debug)]
pub struct Book {
    policy: Policy,
    forbid: bool,
    ledger: Ledger,
    leases: BTreeMap<Purpose, Arc<AtomicBool>>,
    always: Arc<AtomicBool>,
    vendor: Option<Place>,
}

impl Book {
    /// The book whose ledger is in `data_dir`. It always opens; with a ledger that can't be trusted, no flag
    /// does, and [`Book::problems`] says why. `forbid` is the administrator's no.
    pub fn open(data_dir: &Path, policy: Policy, forbid: bool, key: &DeviceKey) -> Self {
        let ledger = Ledger::open(data_dir, key.clone());
        let leases = Purpose::ALL.iter().map(|purpose| (*purpose, Arc::new(AtomicBool::new(true)))).collect();
        Self { policy, forbid, ledger, leases, always: Arc::new(AtomicBool::new(true)), vendor: None }
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What may be done for `purpose` at `now` (seconds since 1970).
    pub fn state(&self, purpose: Purpose, now: i64) -> State {
        if self.policy.terms(purpose).is_none() {
            return State::NotOffered;
        }
        if self.forbid {
            return State::Denied;
        }
        if !self.is_trusted() {
            return State::Unset;
        }
        match state::state(self.answer(purpose), &self.policy, now) {
            State::Granted if !self.lease_stands(purpose) => State::Withdrawn,
            state => state,
        }
    }

    /// The permit for `P`, while it is granted.
    pub fn permit<P: Consented>(&self, now: i64) -> Option<Permit<'_, P>> {
        if self.state(P::FLAG, now) != State::Granted {
            return None;
        }
        let grant = self.answer(P::FLAG)?.grant?;
        self.leases.get(&P::FLAG).map(|live| Permit::new(grant.hash, live))
    }

    /// The permit to exercise rights: nobody can refuse it. It names the ledger's newest line.
    pub fn rights(&self) -> Permit<'_, Rights> {
        let newest = self.ledger.tip().last.unwrap_or(Digest::from_bytes([0; 32]));
        Permit::new(newest, &self.always)
    }

    /// When the yes that stands was given; what happened earlier is not covered by it.
    pub fn granted_since(&self, purpose: Purpose) -> Option<i64> {
        self.answer(purpose)?.grant.and_then(|grant| state::from_text(&grant.entry.event.at))
    }

    /// Says yes. `yes` repeats the digest of what was shown; the caller has made sure that the person may
    /// (`collect::caller`). Returns the hash of the ledger line, which is durable.
    pub fn grant(
        &mut self,
        purpose: Purpose,
        role: Role,
        yes: &str,
        channel: Channel,
        now: i64,
    ) -> Result<Digest, ConsentError> {
        let terms = self.policy.terms(purpose).ok_or(ConsentError::NotOffered)?;
        if self.forbid {
            return Err(ConsentError::Forbidden);
        }
        if purpose != Purpose::UsageStatistics {
            return Err(ConsentError::PerCase);
        }
        if !self.policy.digest(purpose).is_some_and(|digest| notice::repeats(yes, digest)) {
            return Err(ConsentError::NotShown);
        }
        if now < self.policy.effective() {
            return Err(ConsentError::Clock);
        }
        let until = state::months_later(now, terms.grant_months).ok_or(ConsentError::Clock)?;
        self.check_answerable(purpose)?;
        let processing = self.asked(purpose)?;
        let until = Some(state::to_text(until));
        let hash = self.record(processing, EventKind::Granted, Some(role), until, channel, now)?;
        self.leases.insert(purpose, Arc::new(AtomicBool::new(true)));
        Ok(hash)
    }

    /// Says no to what nobody said yes to; a yes is taken back by withdrawing it.
    pub fn deny(
        &mut self,
        purpose: Purpose,
        role: Option<Role>,
        channel: Channel,
        now: i64,
    ) -> Result<Digest, ConsentError> {
        self.check_answerable(purpose)?;
        if self.answer(purpose).is_some_and(|answer| answer.grant.is_some()) {
            return Err(ConsentError::Granted);
        }
        let processing = self.asked(purpose)?;
        self.record(processing, EventKind::Denied, role, None, channel, now)
    }

    /// The first step of a withdrawal: every permit and every transfer under one stops, then the ledger says
    /// so. Returns the entry's hash, also when it was begun before; `None` if there is nothing to withdraw.
    ///
    /// A ledger that can't be trusted is set aside here, and only here: what may have been kept against
    /// somebody's will is erased before anybody can say yes again. The chain goes on behind the newest line
    /// that this device or the vendor knows.
    ///
    /// After an error the purpose stays closed until the agent starts again; withdraw once more.
    pub fn begin_withdrawal(
        &mut self,
        purpose: Purpose,
        role: Option<Role>,
        channel: Channel,
        now: i64,
    ) -> Result<Option<Digest>, ConsentError> {
        self.stop(purpose);
        let answer = self.answer(purpose);
        if self.is_trusted() {
            match answer {
                Some(Answer { withdrawing: Some(begun), .. }) => return Ok(Some(begun.hash)),
                Some(Answer { grant: None, .. }) | None => return Ok(None),
                Some(_) => {}
            }
        }
        let processing = match answer.and_then(|answer| answer.grant) {
            Some(grant) => grant.entry.processing.clone(),
            None => self.asked(purpose)?,
        };
        if !self.is_trusted() {
            let ours = self.ledger.newest_known();
            let newest = self.vendor.filter(|vendor| vendor.next >= ours.next).unwrap_or(ours);
            self.ledger.restart(newest).map_err(|error| ConsentError::Ledger(error.kind()))?;
            self.vendor = None;
        }
        self.record(processing, EventKind::Withdrawn, role, None, channel, now).map(Some)
    }

    /// The withdrawals that must be finished, at the start as at any time.
    pub fn pending_withdrawals(&self) -> Vec<Pending> {
        let pending = |purpose: &Purpose| {
            let begun = self.answer(*purpose)?.withdrawing?;
            Some(Pending { purpose: *purpose, entry: begun.hash })
        };
        if self.is_trusted() { Purpose::ALL.iter().filter_map(pending).collect() } else { Vec::new() }
    }

    /// The last step: keys and trays are gone, the vendor's request is durable. Closing twice is closing once.
    pub fn close_withdrawal(&mut self, purpose: Purpose, now: i64) -> Result<(), ConsentError> {
        match self.answer(purpose).and_then(|answer| answer.withdrawing) {
            Some(begun) => {
                let processing = begun.entry.processing.clone();
                self.record(processing, EventKind::Closed, None, None, Channel::Agent, now).map(drop)
            }
            None => Ok(()),
        }
    }

    /// Compares the newest ledger line that the vendor knows with ours. If the vendor's is ahead, or another at
    /// the same place, this is a restored old copy: every flag closes, until it is withdrawn.
    pub fn compare_head(&mut self, index: u64, hash: Digest) -> bool {
        let vendor = Place { next: index.saturating_add(1), last: Some(hash) };
        let ours = self.ledger.lines().iter().find(|line| line.entry.header.index == index);
        let agrees = match ours {
            Some(line) => line.hash == hash,
            None => self.ledger.tip() == vendor || index.saturating_add(1) < self.ledger.tip().next,
        };
        if !agrees {
            self.vendor = Some(vendor);
            Purpose::ALL.iter().for_each(|purpose| self.stop(*purpose));
        }
        agrees
    }

    /// Index and hash of the newest line; `None` without one.
    pub fn head(&self) -> Option<(u64, Digest)> {
        let tip = self.ledger.tip();
        tip.next.checked_sub(1).zip(tip.last)
    }

    /// The ledger line with this hash, as it goes to the vendor, without a line feed.
    pub fn line(&self, hash: Digest) -> Option<&str> {
        self.ledger.lines().iter().find(|line| line.hash == hash).map(|line| line.text.as_str())
    }

    /// Reads the ledger again and lists what is wrong with it.
    pub fn verify(&self) -> Vec<Finding> {
        self.ledger.verify()
    }

    /// What `status` must say about consent at `now`, one sentence each with what to do.
    pub fn problems(&self, now: i64) -> Vec<String> {
        let mut problems: Vec<String> = self.ledger.opened_with().map(str::to_owned).into_iter().collect();
        if let Some(finding) = self.ledger.finding() {
            let remedy = match finding.flaw {
                Flaw::Unreadable(_) => "check its rights and the disk, and start the agent again",
                _ => "nothing is allowed until `consent withdraw` begins a new ledger",
            };
            problems.push(format!("{finding}; {remedy}"));
        }
        if self.vendor.is_some() {
            problems.push(
                "the vendor knows newer answers than this device: an old copy of its data was restored; nothing \
                 is allowed until `consent withdraw` begins a new ledger"
                    .to_owned(),
            );
        }
        let behind = |since: i64| now < since.saturating_sub(crate::limits::CLOCK_BEHIND);
        if Purpose::ALL.iter().filter_map(|purpose| self.granted_since(*purpose)).any(behind) {
            problems.push("the clock is behind the last consent: set it right".to_owned());
        }
        problems
    }

    fn answer(&self, purpose: Purpose) -> Option<Answer<'_>> {
        state::answer(self.ledger.lines(), purpose)
    }

    fn is_trusted(&self) -> bool {
        self.ledger.finding().is_none() && self.vendor.is_none()
    }

    fn lease_stands(&self, purpose: Purpose) -> bool {
        self.leases.get(&purpose).is_some_and(|live| live.load(Ordering::Acquire))
    }

    fn stop(&self, purpose: Purpose) {
        if let Some(live) = self.leases.get(&purpose) {
            live.store(false, Ordering::Release);
        }
    }

    fn check_answerable(&self, purpose: Purpose) -> Result<(), ConsentError> {
        if !self.is_trusted() {
            return Err(ConsentError::Untrusted);
        }
        match self.answer(purpose) {
            Some(Answer { withdrawing: Some(_), .. }) => Err(ConsentError::Withdrawing),
            _ => Ok(()),
        }
    }

    fn asked(&self, purpose: Purpose) -> Result<Processing, ConsentError> {
        self.policy.processing(purpose).ok_or(ConsentError::NotOffered)
    }

    fn record(
        &mut self,
        processing: Processing,
        kind: EventKind,
        role: Option<Role>,
        until: Option<String>,
        channel: Channel,
        now: i64,
    ) -> Result<Digest, ConsentError> {
        let channel = channel.as_str().to_owned();
        let event = Event { kind, at: state::to_text(now), until, role, channel };
        self.ledger.append(processing, event).map_err(|error| ConsentError::Ledger(error.kind()))
    }
}

#[cfg(test)]
mod tests;
