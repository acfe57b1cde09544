//! How a grant ends: by a withdrawal in five steps, or with its case.
//!
//! A withdrawal is five steps, each durable and repeatable: **refuse** ([`Registry::begin_withdrawal`]), **shred**
//! the data key, **purge** the queues, **ask** the vendor, **close** ([`Registry::close_withdrawal`]). The ledger keeps
//! the first and the last; what lies between is done again for whatever [`Registry::pending_withdrawals`] names.

use std::sync::atomic::Ordering;

use protocol::ledger::EventKind;
use protocol::{CaseId, Digest};

use super::{By, ConsentError, Flag, Registry};
use crate::consent::state::Answer;
use crate::consent::{Finding, Flaw};

/// A withdrawal that was begun and not closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// What was withdrawn.
    pub flag: Flag,
    /// Hash of the ledger entry that says so.
    pub entry: Digest,
}

impl Registry {
    /// The first step of a withdrawal: every permit and every transfer under one stops, then the ledger says
    /// so. Returns the entry's hash, also when it was begun before; `None` if there is nothing to withdraw.
    /// With a case its scan data goes too: [`Registry::pending_withdrawals`] names both.
    ///
    /// A ledger that can't be trusted is set aside here, and only here: what may have been kept against
    /// somebody's will is erased, under every flag, before anybody can say yes again. The chain goes on behind
    /// the newest line that this device or the vendor knows.
    ///
    /// One that can't be read now stays as it is, with what it allowed: nothing is allowed while it can't be read.
    ///
    /// After an error the flag stays closed until the agent starts again; withdraw once more.
    pub fn begin_withdrawal(
        &mut self,
        flag: &Flag,
        by: By,
        now: i64,
    ) -> Result<Option<Digest>, ConsentError> {
        let ended = with_scan_data(flag);
        ended.iter().for_each(|flag| self.stop(flag));
        if let Some(Finding { flaw: Flaw::Unreadable(why), .. }) = self.ledger.finding() {
            return Err(ConsentError::Unreadable(why));
        }
        if !self.is_trusted() {
            return self.begin_anew(&ended, by, now);
        }
        let mut begun = None;
        for flag in &ended {
            begun = self.begin(flag, by, now)?.or(begun);
        }
        Ok(begun)
    }

    /// What stood is withdrawn behind the newest known line: also what only the lines that still verify know of.
    fn begin_anew(&mut self, ended: &[Flag], by: By, now: i64) -> Result<Option<Digest>, ConsentError> {
        let mut all = self.flags();
        all.retain(|flag| !ended.contains(flag));
        all.extend_from_slice(ended);
        let known: Vec<_> = all.iter().filter_map(|flag| self.processing_of(flag).ok()).collect();
        let ours = self.ledger.newest_known();
        let newest = self.vendor.filter(|vendor| vendor.next >= ours.next).unwrap_or(ours);
        self.ledger.restart(newest).map_err(|error| ConsentError::Ledger(error.kind()))?;
        self.vendor = None;
        let mut newest = None;
        for processing in known {
            newest = Some(self.record(processing, EventKind::Withdrawn, by, None, now)?);
        }
        Ok(newest)
    }

    fn begin(&mut self, flag: &Flag, by: By, now: i64) -> Result<Option<Digest>, ConsentError> {
        let processing = match self.answer(flag) {
            Some(Answer { withdrawing: Some(begun), .. }) => return Ok(Some(begun.hash)),
            Some(Answer { grant: Some(grant), .. }) => grant.entry.processing.clone(),
            Some(Answer { grant: None, .. }) | None => return Ok(None),
        };
        self.record(processing, EventKind::Withdrawn, by, None, now).map(Some)
    }

    /// The withdrawals that must be finished, at the start as at any time.
    pub fn pending_withdrawals(&self) -> Vec<Pending> {
        let pending = |flag: Flag| {
            let entry = self.answer(&flag)?.withdrawing?.hash;
            Some(Pending { flag, entry })
        };
        if self.is_trusted() { self.flags().into_iter().filter_map(pending).collect() } else { Vec::new() }
    }

    /// The last step: keys and queues are gone, the vendor's request is durable. Closing twice is closing once.
    pub fn close_withdrawal(&mut self, flag: &Flag, now: i64) -> Result<(), ConsentError> {
        match self.answer(flag).and_then(|answer| answer.withdrawing) {
            Some(begun) => {
                let processing = begun.entry.processing.clone();
                self.record(processing, EventKind::Closed, By::AGENT, None, now).map(drop)
            }
            None => Ok(()),
        }
    }

    /// The case is over, and with it every yes to it. Their keys have nothing more to open.
    pub fn end_case(&mut self, case: &CaseId, by: By, now: i64) -> Result<(), ConsentError> {
        let ended = with_scan_data(&Flag::SupportCase(case.clone()));
        ended.iter().try_for_each(|flag| self.end(flag, by, now).map(drop))
    }

    /// The device or the clinic's owner is another, and every yes ends with it. Gives the lines that say so. A ledger
    /// that can't be trusted stays as it is.
    pub fn end_everything(&mut self, by: By, now: i64) -> Result<Vec<Digest>, ConsentError> {
        let flags = if self.is_trusted() { self.flags() } else { Vec::new() };
        let ended: Result<Vec<_>, _> = flags.iter().map(|flag| self.end(flag, by, now)).collect();
        ended.map(|ended| ended.into_iter().flatten().collect())
    }

    fn end(&mut self, flag: &Flag, by: By, now: i64) -> Result<Option<Digest>, ConsentError> {
        self.stop(flag);
        self.check_answerable(flag)?;
        let standing = self.answer(flag).filter(|answer| answer.last.entry.event.kind != EventKind::Expired);
        match standing.and_then(|answer| answer.grant) {
            Some(grant) => {
                let processing = grant.entry.processing.clone();
                self.record(processing, EventKind::Expired, by, None, now).map(Some)
            }
            None => Ok(None),
        }
    }

    /// No permit for `flag` is given out any more, and a transfer under one ends.
    pub(super) fn stop(&self, flag: &Flag) {
        if let Some(live) = self.leases.get(flag) {
            live.store(false, Ordering::Release);
        }
    }

    /// As it was asked when the yes was given; as it would be asked today where there is none.
    fn processing_of(&self, flag: &Flag) -> Result<protocol::ledger::Processing, ConsentError> {
        match self.answer(flag).and_then(|answer| answer.grant) {
            Some(grant) => Ok(grant.entry.processing.clone()),
            None => self.asked(flag),
        }
    }
}

/// The flag and what can't stand without it, the latter first.
pub(super) fn with_scan_data(flag: &Flag) -> Vec<Flag> {
    match flag {
        Flag::SupportCase(case) => vec![Flag::SupportScanData(case.clone()), flag.clone()],
        _ => vec![flag.clone()],
    }
}
