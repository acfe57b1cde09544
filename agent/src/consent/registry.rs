//! The consent registry: what the clinic allows, evaluated on every call.

mod answers;
mod answers_end;
mod endings;
mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::ledger::EventKind;
use protocol::{CaseId, Digest};

pub use answers::{By, Channel};
pub use endings::Pending;
pub use standing::{Kept, Standing};

use super::chain::{Finding, Flaw, Place};
use super::failure::ConsentError;
use super::flag::Flag;
use super::ledger::Ledger;
use super::permit::{Consented, PerCase, Permit, Purpose, RIGHTS, Rights};
use super::policy::Policy;
use super::problem::{Mending, Problem};
use super::state::{self, Answer, State};
use crate::limits;
use crate::texts::{Said, Text};
use crate::vault::DeviceKey;

/// The clinic's answers.
///
/// Permits borrow the registry, and every change needs it mutably: no permit outlives a change.
///
/// ```
/// use agent::consent::{Registry, By, Flag, permit::UsageStatistics};
///
/// fn stop(registry: &mut Registry, now: i64) {
///     let permit = registry.permit::<UsageStatistics>(now);
///     drop(permit);
///     let _ = registry.begin_withdrawal(&Flag::UsageStatistics, By::AGENT, now);
/// }
/// ```
///
/// ```compile_fail,E0502
/// use agent::consent::{Registry, By, Flag, permit::UsageStatistics};
///
/// fn stop(registry: &mut Registry, now: i64) {
///     let permit = registry.permit::<UsageStatistics>(now);
///     let _ = registry.begin_withdrawal(&Flag::UsageStatistics, By::AGENT, now);
///     drop(permit);
/// }
/// ```
#[derive(Debug)]
pub struct Registry {
    policy: Policy,
    forbid: bool,
    ledger: Ledger,
    leases: BTreeMap<Flag, Arc<AtomicBool>>,
    always: Arc<AtomicBool>,
    vendor: Option<Place>,
    owner: u64,
}

impl Registry {
    /// Opens the registry whose ledger is in `data_dir`. It always opens; under a ledger that cannot be trusted no flag
    /// does, and [`Registry::problems`] says why. `forbid` is the administrator's no.
    pub fn open(data_dir: &Path, policy: Policy, forbid: bool, key: &DeviceKey) -> Self {
        let ledger = Ledger::open(data_dir, key.clone());
        let leases =
            flags_of(&ledger).into_iter().map(|flag| (flag, Arc::new(AtomicBool::new(true)))).collect();
        let owner = ledger.lines().iter().filter_map(|line| line.entry.event.owner).max().unwrap_or(0);
        Self { policy, forbid, ledger, leases, always: Arc::new(AtomicBool::new(true)), vendor: None, owner }
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// From now on the answer is no, whatever the ledger says.
    pub fn forbid(&mut self) {
        self.forbid = true;
        self.leases.values().for_each(|live| live.store(false, Ordering::Release));
    }

    /// Which owner of the clinic this is, counted from 0.
    pub fn owner(&self) -> u64 {
        self.owner
    }

    /// This is the owner of that number, or a later one.
    pub fn set_owner(&mut self, owner: u64) {
        self.owner = self.owner.max(owner);
    }

    /// Every flag that was ever answered here, and that of usage statistics.
    pub fn flags(&self) -> Vec<Flag> {
        flags_of(&self.ledger).into_iter().collect()
    }

    /// Every case that was ever answered about.
    pub fn cases(&self) -> BTreeSet<CaseId> {
        flags_of(&self.ledger).iter().filter_map(Flag::case).cloned().collect()
    }

    /// What may be done under `flag` at `now` (seconds since 1970). Scan data never may more than its case.
    pub fn state(&self, flag: &Flag, now: i64) -> State {
        if self.policy.terms(flag.purpose()).is_none() {
            return State::NotOffered;
        }
        if self.forbid {
            return State::Denied;
        }
        if !self.is_trusted() || self.policy.problem(now).is_some() {
            return State::Unset;
        }
        match (state::state(self.answer(flag), &self.policy, now), flag) {
            (State::Granted, _) if !self.lease_stands(flag) => State::Withdrawn,
            (State::Granted, Flag::SupportScanData(case)) => {
                self.state(&Flag::SupportCase(case.clone()), now)
            }
            (state, _) => state,
        }
    }

    /// The permit for `P`, while it is granted.
    pub fn permit<P: Consented>(&self, now: i64) -> Option<Permit<'_, P>> {
        self.permit_under(&P::FLAG, now)
    }

    /// The permit for `P` of this case, while it is granted.
    pub fn permit_case<P: PerCase>(&self, case: &CaseId, now: i64) -> Option<Permit<'_, P>> {
        self.permit_under(&P::flag(case.clone()), now)
    }

    fn permit_under<P: Purpose>(&self, flag: &Flag, now: i64) -> Option<Permit<'_, P>> {
        if self.state(flag, now) != State::Granted {
            return None;
        }
        let grant = self.answer(flag)?.grant?;
        self.leases.get(flag).map(|live| Permit::new(grant.hash, flag.compartment(), live))
    }

    /// The permit to exercise rights: nobody can refuse it. It names the ledger's newest line.
    pub fn rights(&self) -> Permit<'_, Rights> {
        let newest = self.ledger.tip().last.unwrap_or(Digest::from_bytes([0; 32]));
        Permit::new(newest, RIGHTS.to_owned(), &self.always)
    }

    /// Since when what happens is covered by the yes that stands.
    pub fn granted_since(&self, flag: &Flag) -> Option<i64> {
        self.answer(flag)?.since.and_then(|first| state::from_text(&first.entry.event.at))
    }

    /// When the yes that stands ends of itself.
    pub fn granted_until(&self, flag: &Flag) -> Option<i64> {
        self.answer(flag)?.grant?.entry.event.until.as_deref().and_then(state::from_text)
    }

    /// Whether it is time to ask somebody at the clinic: nobody answered, a yes is over or soon will be, and a no is
    /// old enough to be asked about again.
    pub fn wants_answer(&self, flag: &Flag, now: i64) -> bool {
        let ends_soon = || self.granted_until(flag).is_some_and(|end| end - now <= limits::REMIND);
        let said_at = || self.answer(flag).and_then(|answer| state::from_text(&answer.last.entry.event.at));
        match self.state(flag, now) {
            State::Unset => {
                (self.is_trusted() || self.is_of_another_device()) && self.policy.problem(now).is_none()
            }
            State::StalePolicy | State::Expired => true,
            State::Granted => ends_soon(),
            State::Denied | State::Withdrawn => {
                !self.forbid && said_at().is_some_and(|at| now - at >= limits::ASK_AGAIN)
            }
            State::NotOffered | State::Restricted => false,
        }
    }

    /// Hash of the newest line about `flag`.
    pub fn last_line(&self, flag: &Flag) -> Option<Digest> {
        self.answer(flag).map(|answer| answer.last.hash)
    }

    /// Whether the yes was ended by somebody, and not by its period.
    pub fn was_ended(&self, flag: &Flag) -> bool {
        self.answer(flag).is_some_and(|answer| answer.last.entry.event.kind == EventKind::Expired)
    }

    /// Whether the yes was ended by somebody, or its period is over at `now`. One that has not begun is not.
    pub fn is_past(&self, flag: &Flag, now: i64) -> bool {
        self.was_ended(flag) || self.granted_until(flag).is_some_and(|end| end <= now)
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
            self.leases.values().for_each(|live| live.store(false, Ordering::Release));
        }
        agrees
    }

    /// Lines that the vendor was informed and does not know any more, because its newest line is older: it lost them with a
    /// restored backup. What it needs of them is every no, and the end of a restriction; a yes it asks for by itself.
    pub fn forgotten(&self, newest: Option<u64>) -> Vec<Digest> {
        use EventKind::{Released, Restricted, Withdrawn};
        if !self.is_trusted() {
            return Vec::new();
        }
        let is_learned = |kind| matches!(kind, Withdrawn | Restricted | Released);
        let lines = self.ledger.lines().iter().filter(|line| {
            newest.is_none_or(|newest| line.entry.header.index > newest) && is_learned(line.entry.event.kind)
        });
        lines.map(|line| line.hash).collect()
    }

    /// The newest withdrawal of a flag. It goes before a new yes, to which a vendor that lost it would else listen alone.
    pub fn newest_withdrawal(&self, flag: &Flag) -> Option<Digest> {
        let newest = self.ledger.lines().iter().rev().find(|line| {
            let about = &line.entry.processing;
            let is_its = about.purpose == flag.purpose() && about.case.as_ref() == flag.case();
            is_its && line.entry.event.kind == EventKind::Withdrawn
        });
        newest.map(|line| line.hash)
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

    /// The ledger line with this hash, if it may go to the vendor at `now`: a yes only while it stands, a no always.
    pub fn sendable_line(&self, hash: Digest, now: i64) -> Option<&str> {
        let line = self.ledger.lines().iter().find(|line| line.hash == hash)?;
        let asked = &line.entry.processing;
        let flag = Flag::new(asked.purpose, asked.case.clone())?;
        let is_yes = line.entry.event.kind == EventKind::Granted;
        (!is_yes || self.state(&flag, now) == State::Granted).then_some(line.text.as_str())
    }

    /// Whether it is not known now if the line with this hash stands: the registry or the clock is in doubt, or the yes
    /// rests.
    pub fn is_undecided(&self, hash: Digest, now: i64, is_steady: bool) -> bool {
        if !self.is_trusted() {
            return true;
        }
        let line = self.ledger.lines().iter().find(|line| line.hash == hash);
        let asked = line.map(|line| &line.entry.processing);
        let flag = asked.and_then(|asked| Flag::new(asked.purpose, asked.case.clone()));
        flag.is_some_and(|flag| matches!(self.standing(&flag, now, is_steady), Standing::Kept(_)))
    }

    /// Every line that verifies, the oldest first.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.ledger.lines().iter().map(|line| line.text.as_str())
    }

    /// Every line that verifies, and what it says.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &protocol::ledger::Entry)> {
        self.ledger.lines().iter().map(|line| (line.text.as_str(), &line.entry))
    }

    /// Reads the ledger again and lists what is wrong with it.
    pub fn verify(&self) -> Vec<Finding> {
        self.ledger.verify()
    }

    /// What `status` must say about consent at `now`, one sentence each with what to do.
    pub fn problems(&self, now: i64) -> Vec<Said> {
        let mut problems: Vec<Problem> = self.ledger.opened_with().cloned().into_iter().collect();
        if let Some(finding) = self.ledger.finding() {
            problems.push(Problem::Ledger { finding, remedy: Mending::of(finding.flaw) });
        }
        if self.vendor.is_some() {
            problems.push(Problem::Restored);
        }
        problems.extend(self.policy.problem(now));
        let usage = Flag::UsageStatistics;
        if self.state(&usage, now) == State::Granted
            && self.wants_answer(&usage, now)
            && let Some(end) = self.granted_until(&usage)
        {
            problems.push(Problem::Ends { flag: usage.clone(), end: state::to_text(end) });
        }
        let behind = |since: i64| now < since.saturating_sub(limits::CLOCK_BEHIND);
        if self.flags().iter().filter_map(|flag| self.granted_since(flag)).any(behind) {
            problems.push(Problem::ClockBehind);
        }
        problems.iter().map(Text::said).collect()
    }

    /// Whether nobody knows what the clinic said, because the ledger can't be read now. That is no "no".
    pub fn is_unreadable(&self) -> bool {
        matches!(self.ledger.finding(), Some(Finding { flaw: Flaw::Unreadable(_), .. }))
    }

    /// Reads a ledger again that could not be read.
    pub fn look_again(&mut self) {
        if self.is_unreadable() {
            self.ledger = self.ledger.reopened();
            for flag in flags_of(&self.ledger) {
                self.leases.entry(flag).or_insert_with(|| Arc::new(AtomicBool::new(true)));
            }
        }
    }

    /// Whether the ledger was written under keys that are lost. Nothing of it is allowed here; it stays as it is until
    /// somebody answers anew, for the keys may be found again.
    pub fn is_of_another_device(&self) -> bool {
        matches!(self.ledger.finding(), Some(Finding { flaw: Flaw::OtherDevice, .. }))
    }

    fn answer(&self, flag: &Flag) -> Option<Answer<'_>> {
        state::answer(self.ledger.lines(), flag)
    }

    /// Whether the ledger is what was written, and the newest that the vendor knows.
    pub fn is_trusted(&self) -> bool {
        self.ledger.finding().is_none() && self.vendor.is_none()
    }

    fn lease_stands(&self, flag: &Flag) -> bool {
        self.leases.get(flag).is_some_and(|live| live.load(Ordering::Acquire))
    }
}

/// What the lines are about, and usage statistics whether they are or not.
fn flags_of(ledger: &Ledger) -> BTreeSet<Flag> {
    let asked = ledger.lines().iter().map(|line| &line.entry.processing);
    let flags = asked.filter_map(|asked| Flag::new(asked.purpose, asked.case.clone()));
    flags.chain([Flag::UsageStatistics]).collect()
}

#[cfg(test)]
mod tests;
