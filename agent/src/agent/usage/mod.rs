//! Usage statistics: from Kathea's events to sealed records in a queue.
//!
//! Intake reads and validates, aggregation folds into periods, and two queues hold what is sealed: `open` the journal of
//! periods that are not over, `usage` what may leave.

mod batches;
mod device;
mod expiry;
mod files;
mod history;
mod intake;
mod measured;
mod periods;
mod sent;
mod taking;
mod unread;
mod upkeep;

use std::io;
use std::path::PathBuf;

use protocol::catalog::Catalog;
use protocol::{Digest, Header, Purpose, Reason, Retention};

use super::Trouble;
use super::cx::Cx;
use super::health::Subject;
use crate::consent::permit::{Permit, UsageStatistics};
use crate::consent::receipt::Erased;
use crate::consent::{Flag, Policy};
use crate::history::Store;
use crate::limits;
use crate::seal::record::Sealed;
use crate::ship::parcel::Progress;
use crate::spool::{Spool, SpoolError, Waiting};
use crate::usage::journal::Journal;
use crate::usage::validation::{Usage, Validator};
use crate::vault::Vault;
#[cfg(test)]
pub(super) use files::remove;
pub(super) use intake::{Look, Taken};
use measured::Measured;
use periods::Periods;
use sent::LastSent;
use taking::Taking;
#[cfg(test)]
pub(super) use unread::note_unread;
pub(super) use upkeep::{Beside, drop_set_aside, looked_into, mended, retire_all, set_aside_problem};

/// The usage subsystem.
pub(super) struct Statistics {
    open: Spool<Journal>,
    usage: Spool<Usage>,
    sent: LastSent,
    /// The clinic's own.
    history: Store,
    validator: Validator,
    taking: Taking,
    periods: Periods,
    measured: Measured,
    /// How far the newest batches are settled.
    progress: Progress,
    /// How far the look for what is over has come, by number.
    looked_through: u64,
    /// Something was sealed since then that may be over.
    has_old: bool,
    /// Seconds of this process's processor time that `agent.health` has already reported.
    seconds_reported: u64,
}

impl Statistics {
    /// Over the queues that were opened, and the file at `sent` of what was sent last.
    ///
    /// # Errors
    /// That file cannot be read now.
    pub(super) fn new(
        open: Spool<Journal>,
        usage: Spool<Usage>,
        sent: PathBuf,
        history: Store,
    ) -> io::Result<Self> {
        Ok(Self {
            open,
            usage,
            sent: LastSent::open(sent)?,
            history,
            validator: Validator::new(Catalog::built_in()),
            taking: Taking::default(),
            periods: Periods::default(),
            measured: Measured::default(),
            progress: Progress::default(),
            looked_through: 0,
            has_old: false,
            seconds_reported: 0,
        })
    }

    /// What waits in the queue `open`.
    pub(super) fn waiting_open(&self) -> Waiting {
        self.open.waiting()
    }

    /// What waits in the queue `usage`.
    pub(super) fn waiting_usage(&self) -> Waiting {
        self.usage.waiting()
    }

    /// Records in both queues.
    pub(super) fn records(&self) -> u64 {
        self.usage.waiting().records + self.open.waiting().records
    }

    /// Bytes that both queues take on the disk.
    ///
    /// # Errors
    /// The file system cannot answer now.
    pub(super) fn disk_bytes(&self) -> Result<u64, SpoolError> {
        Ok(self.open.disk_bytes()? + self.usage.disk_bytes()?)
    }

    /// Whether there is a key that opens usage, or what was sealed under one that a cut shredding took.
    pub(super) fn is_held(&self, vault: &Vault) -> bool {
        self.records() > 0 || vault.newest_key(&Flag::UsageStatistics.compartment()).is_some()
    }

    /// A page of the queue `usage` from this number on, for the clinic to see.
    pub(super) fn page_of_usage(&mut self, from: u64) -> Result<Vec<Sealed<Usage>>, SpoolError> {
        self.usage.oldest(from, limits::EXPORT_ITEMS, limits::PAGE_BYTES)
    }

    /// A page of the queue `open`.
    pub(super) fn page_of_open(&mut self, from: u64) -> Result<Vec<Sealed<Journal>>, SpoolError> {
        self.open.oldest(from, limits::EXPORT_ITEMS, limits::PAGE_BYTES)
    }

    /// A page of what was sent last.
    pub(super) fn page_of_sent(&self, from: u64) -> Vec<&Sealed<Usage>> {
        self.sent.page(from, limits::EXPORT_ITEMS)
    }

    /// When the next period is over, in seconds since 1970.
    pub(super) fn next_period_end(&self) -> Option<i64> {
        self.periods.next_end()
    }

    /// Erases all usage because of the ledger's line `entry`: what waits is counted for `reason`, then its keys go, then
    /// itself. What lies in the outbox is counted for `unread`. May be repeated after a crash.
    /// True if files of the outbox are left for another turn.
    pub(super) fn erase(
        &mut self,
        cx: &mut Cx<'_>,
        entry: Digest,
        reason: Reason,
        unread: Reason,
    ) -> Result<(Erased, bool), Trouble> {
        let records = self.records();
        let keys = cx.shred(&Flag::UsageStatistics.compartment(), records, reason, entry)?;
        let files_left = self.purge(cx, unread)?;
        Ok((Erased { keys, records }, files_left))
    }

    /// Erases both queues, what was sent, and what lies in the outbox, which is counted for this reason. That comes first,
    /// while it is known how much of a file was taken in, and hinders nothing. True if files are left for another turn.
    pub(super) fn purge(&mut self, cx: &mut Cx<'_>, reason: Reason) -> Result<bool, Trouble> {
        let discarded = if self.history.since().is_some() {
            // The clinic's own history reads it first.
            self.taking = Taking::default();
            Ok(true)
        } else {
            self.discard_some(cx, reason)
        };
        self.validator.clear();
        self.periods = Periods::default();
        self.open.purge()?;
        self.usage.purge()?;
        self.sent.purge()?;
        self.note_drained(cx);
        discarded
    }

    /// What the quota cost is over once nothing waits any more.
    fn note_drained(&self, cx: &mut Cx<'_>) {
        if self.usage.waiting().records == 0 {
            cx.health.clear(Subject::Quota);
        }
    }
}

/// What every batch of usage says of itself.
fn header(permit: &Permit<'_, UsageStatistics>, policy: &Policy, catalog: &Catalog) -> Header {
    let terms = policy.terms(Purpose::UsageStatistics);
    Header {
        purpose: Purpose::UsageStatistics,
        agent: env!("CARGO_PKG_VERSION").to_owned(),
        catalog: catalog.hash(),
        consent: permit.entry(),
        // There is no permit for what the policy does not ask for.
        retention: terms.map_or(Retention::Usage24Months, |terms| terms.vendor_retention.word),
    }
}
