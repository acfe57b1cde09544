//! What a restored database has to do again before anything is served: erasures, what retention took out, what ended or
//! restricted a consent, revoked and retired devices, requests and what became of them. Each is a line of a log that is
//! kept elsewhere (`log`); doing one again that is done already changes nothing.

mod entry;
pub(crate) mod log;

use protocol::DeviceId;
use protocol::ledger::{self, Entry as LedgerEntry};
use protocol::reply::PrivacyRequest;
use serde::{Deserialize, Serialize};

use super::requests::Ticket;
use super::{Store, time};
use crate::failure::{Cause, Failure};
pub(crate) use entry::{Entry, KEPT};
use log::{Behind, Position};

/// What was done again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Replayed {
    /// Entries of the log.
    pub(crate) entries: u64,
    /// Of them, those of devices that the database does not know.
    pub(crate) unknown: u64,
    /// Of them, those that could not be done, because what they are about is damaged.
    pub(crate) damaged: u64,
    /// Records that went.
    pub(crate) records: u64,
    /// Of them, those whose key was destroyed before.
    pub(crate) unreadable: u64,
}

/// The line of the ledger entry alone; its signature was checked when it came.
#[derive(Deserialize)]
struct Line {
    entry: LedgerEntry,
}

impl Store {
    /// Does again what the log has behind the position of the database, and takes out what no key opens any more.
    /// Nothing may be served before.
    pub(crate) fn replay(&self) -> Result<Replayed, Failure> {
        let Behind { entries, is_short } = self.behind()?;
        if is_short {
            ::log::error!("{}", self.log_is_gone());
        }
        let mut replayed = Replayed::default();
        self.keys.log.replay(true);
        let done = entries.into_iter().try_for_each(|(entry, position)| {
            replayed.entries += 1;
            match self.again(entry) {
                Ok(Some(records)) => replayed.records += records,
                Ok(None) => replayed.unknown += 1,
                // A damaged device gets 503, and stops nothing for the others; `verify` names it.
                Err(failure) if failure.cause() == Cause::Damaged => {
                    replayed.damaged += 1;
                    ::log::error!("not done again: {failure}");
                }
                Err(failure) => return Err(failure),
            }
            self.set_position(&position)
        });
        self.keys.log.replay(false);
        done?;
        replayed.unreadable = self.take_out_unreadable()?;
        replayed.records += replayed.unreadable;
        Ok(replayed)
    }

    /// What the log has behind the position of the database.
    pub(crate) fn behind(&self) -> Result<Behind, Failure> {
        let position = self.position()?;
        let position = position.as_deref().and_then(Position::read);
        self.keys.log.behind(position.as_ref())
    }

    /// What is said where the log does not reach as far as the database.
    pub(crate) fn log_is_gone(&self) -> String {
        format!(
            "{} does not reach as far as the database came, or begins later: what was erased, withdrawn or revoked since a \
             backup can't be done again from it; put the log back from its backup (backup.md)",
            self.keys.log.path().display()
        )
    }

    /// Does one thing again; records that it took out, `None` if its device is not known here.
    fn again(&self, entry: Entry) -> Result<Option<u64>, Failure> {
        let is_known = |device: DeviceId| self.device(device).map(|device| device.is_some());
        let ticket = |text: &str| {
            Ticket::read(text).ok_or_else(|| Failure::damaged("the log has a ticket that is none"))
        };
        match entry {
            Entry::Bundle { sha256 } => self.remove_bundles(&[sha256]).map(|_| Some(0)),
            Entry::Line { device, line, at } => {
                if !is_known(device)? {
                    return Ok(None);
                }
                let read: Line = serde_json::from_str(&line)
                    .map_err(|_| Failure::damaged("the log has a ledger entry that cannot be read"))?;
                self.put_consent_again(device, &line, &read.entry, time(at)).map(|()| Some(0))
            }
            Entry::Request { ticket: name, kind, body, at } => {
                let ticket = ticket(&name)?;
                if !is_known(ticket.device)? {
                    return Ok(None);
                }
                let request: PrivacyRequest = serde_json::from_str(&body)
                    .map_err(|_| Failure::damaged("the log has a request that cannot be read"))?;
                self.claim_request(ticket, kind, &request, time(at)).map(|_| Some(0))
            }
            Entry::Done { ticket: name, at } => {
                let ticket = ticket(&name)?;
                if self.request_state(ticket)?.is_none() {
                    return Ok(None);
                }
                self.finish_request(ticket, time(at)).map(|()| Some(0))
            }
            Entry::Answered { ticket: name, answer, done, at } => {
                let ticket = ticket(&name)?;
                if self.request_state(ticket)?.is_none() {
                    return Ok(None);
                }
                self.answer_again(ticket, answer, done, at).map(|()| Some(0))
            }
            Entry::Revoked { device, at } => self.of_known(device, |store| store.revoke(device, time(at))),
            Entry::Retired { device, why, at } => {
                self.of_known(device, |store| store.retire(device, &why, time(at)))
            }
            Entry::Erased { device, purpose, class, until } => {
                if !is_known(device)? {
                    return Ok(None);
                }
                self.erase_class(device, purpose, class, until).map(|taken| Some(taken.records))
            }
        }
    }

    fn of_known(
        &self,
        device: DeviceId,
        work: impl FnOnce(&Self) -> Result<(), Failure>,
    ) -> Result<Option<u64>, Failure> {
        match self.device(device)? {
            Some(_) => work(self).map(|()| Some(0)),
            None => Ok(None),
        }
    }
}

/// Whether a ledger line has to come back with a restored database: a yes does not, the device brings it again.
pub(crate) fn is_kept(kind: ledger::EventKind) -> bool {
    kind != ledger::EventKind::Granted
}

#[cfg(test)]
mod restores;
#[cfg(test)]
mod tests;
