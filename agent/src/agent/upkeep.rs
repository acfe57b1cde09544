//! Keeping the trays in order: the quota, small records merged, what a crash left behind, what damage cost.

use std::collections::HashSet;

use log::{info, warn};
use protocol::{Purpose, Reason};

use super::clock::{DAY, Watched};
use super::{Agent, Trouble};
use crate::collect::outbox;
use crate::consent::Flag;
use crate::consent::permit::{Permit, RIGHTS, UsageStatistics};
use crate::deidentify::clean::{Clean, Payload};
use crate::deidentify::usage::{self, Batches, Usage};
use crate::limits;
use crate::spool::{Recovery, Spool, SpoolError};
use crate::vault::Vault;
use crate::vault::data_key::KeyId;
use crate::vault::sealed::{Position, SealError, Sealed};

impl Agent {
    /// Above the quota the oldest usage goes, counted, and the collector is told.
    pub(super) fn keep_quota(&mut self) -> Result<(), Trouble> {
        let held = self.disk_bytes()?;
        if held <= self.config.spool.quota {
            return Ok(());
        }
        let dropped = self.usage.drop_oldest(held - self.config.spool.quota, Reason::Quota)?;
        if dropped > 0 {
            self.tally.drop(Reason::Quota, dropped);
            self.tally.save()?;
            self.problems
                .note("quota", "the spool reached its quota: the oldest usage was dropped and counted");
            warn!("the spool reached its quota: {dropped} records dropped");
        }
        Ok(())
    }

    /// Old keys go when nothing is left that was sealed under them.
    pub(super) fn retire_keys(&mut self) -> std::io::Result<()> {
        let none = HashSet::new();
        if self.usage.waiting().records + self.open.waiting().records == 0 {
            let usage = Flag::UsageStatistics.compartment();
            self.vault.retire(&usage, &none)?;
            self.vault.erase_set_aside(|compartment, _| compartment == usage)?;
        }
        if self.requests.waiting().records == 0 {
            self.vault.retire(RIGHTS, &none)?;
            self.vault.erase_set_aside(|compartment, _| compartment == RIGHTS)?;
        }
        Ok(())
    }

    /// Likewise while something waits, as the journal of the month does all the time: that takes a look at every record.
    pub(super) fn retire_unused_keys(&mut self) -> Result<(), Trouble> {
        let usage = Flag::UsageStatistics.compartment();
        if self.vault.compartments().filter(|name| *name == usage).count() > 1 {
            let mut used = HashSet::new();
            keys_of(&mut self.usage, &mut used)?;
            keys_of(&mut self.open, &mut used)?;
            self.vault.retire(&usage, &used)?;
        }
        Ok(())
    }

    /// What `status` says of keys that were set aside.
    pub(super) fn set_aside_problem(&self) -> Option<String> {
        let keys = self.vault.set_aside().len();
        (keys > 0).then(|| {
            format!(
                "{keys} keys were damaged and set aside (keys/quarantine-*): what was sealed under them is kept and \
                 cannot be read; restore the files, or let `consent withdraw` erase it"
            )
        })
    }

    /// Keys that were set aside go when the policy lets nothing wait that was sealed under them, and with them what
    /// waited.
    pub(super) fn drop_set_aside(&mut self, clock: Watched, now: i64) -> std::io::Result<()> {
        let terms = self.book.policy().terms(Purpose::UsageStatistics);
        let days = terms.map_or(limits::KEPT_AFTER, |terms| terms.on_device.days());
        let longest = i64::from(days).saturating_mul(DAY).saturating_add_unsigned(limits::KEY_AGE);
        if clock.is_steady() {
            self.vault.erase_set_aside(|_, written| now.saturating_sub(written) >= longest)?;
        }
        Ok(())
    }

    /// Bytes that all trays take on the disk.
    pub(super) fn disk_bytes(&self) -> Result<u64, SpoolError> {
        Ok(self.open.disk_bytes()? + self.usage.disk_bytes()? + self.requests.disk_bytes()?)
    }

    /// Joins the small records of a closed generation, unless some are on their way.
    pub(super) fn merge_small_records(&mut self, now: i64) -> Result<(), Trouble> {
        if self.dispatch.in_flight() || !self.usage.wants_merge() {
            return Ok(());
        }
        let Some(permit) = self.book.permit::<UsageStatistics>(now) else { return Ok(()) };
        let vault = &mut self.vault;
        // What can't be joined stays as it is.
        let mut join = |page: &[Sealed<Usage>]| join(page, &permit, vault, now).unwrap_or_default();
        Ok(self.usage.merge(&mut join)?)
    }

    /// Cursors of files and folds that are over: a crash came before they were forgotten. Without a yes the
    /// journal was not looked at, and what was folded is still to be told by its cursor.
    pub(super) fn forget_stale_cursors(&mut self, now: i64) -> Result<(), Trouble> {
        if self.book.permit::<UsageStatistics>(now).is_none() {
            return Ok(());
        }
        let cursors = self.usage.cursors().chain(self.open.cursors()).map(|cursor| cursor.source);
        let held: HashSet<[u8; 16]> = cursors.chain(self.tally.cursors()).collect();
        if held.is_empty() {
            return Ok(());
        }
        let there = outbox::still_there(&self.config.kathea.outbox, &held)?;
        let gone: Vec<[u8; 16]> = held.difference(&there).copied().collect();
        if gone.is_empty() {
            return Ok(());
        }
        outbox::sync(&self.config.kathea.outbox)?;
        self.usage.forget(&gone);
        self.open.forget(&gone);
        gone.into_iter().for_each(|source| self.tally.forget(source));
        Ok(())
    }

    /// After an error whose outcome is open, each tray looks at its files again.
    pub(super) fn mend(&mut self, now: i64) -> Result<(), Trouble> {
        let vault = &self.vault;
        let recoveries = [
            recover(&mut self.open, |sealed| sealed.verifies(vault))?,
            recover(&mut self.usage, |sealed| sealed.verifies(vault))?,
            recover(&mut self.requests, |sealed| sealed.verifies(vault))?,
        ];
        for recovery in recoveries.into_iter().flatten() {
            self.periods.clear();
            self.note_losses(&recovery)?;
        }
        self.resume_journal(now)
    }

    /// Counts what damage cost; the trays keep the gaps for the next batch.
    pub(super) fn note_losses(&mut self, recovery: &Recovery) -> Result<(), Trouble> {
        if recovery.carved > 0 {
            info!("the spool was damaged on disk; what could be found is recovered");
            self.tally.note("recovered");
        }
        if recovery.read_again > 0 {
            let what =
                "the disk gave the spool's files only at the second look: nothing is lost; check the disk";
            warn!("{what}");
            self.problems.note("disk", what);
        }
        if recovery.lost > 0 {
            self.tally.drop(Reason::Damaged, recovery.lost);
            self.tally.save()?;
            let what =
                format!("the disk damaged what waited: {} records are lost and counted", recovery.lost);
            self.problems.note("damage", what);
        }
        if recovery.high_water_lost {
            let what =
                "the spool's numbering was damaged: records may be sent again, and are told apart there";
            self.problems.note("high_water", what);
        }
        Ok(())
    }
}

fn recover<P: Payload>(
    tray: &mut Spool<P>,
    verify: impl Fn(&Sealed<P>) -> bool,
) -> Result<Option<Recovery>, SpoolError> {
    if tray.is_sound() { Ok(None) } else { tray.recover(&verify).map(Some) }
}

/// Adds the keys under which something waits.
fn keys_of<P: Payload>(tray: &mut Spool<P>, keys: &mut HashSet<KeyId>) -> Result<(), SpoolError> {
    let mut from = 0;
    loop {
        let page = tray.oldest(from, limits::PAGE_ITEMS, limits::PAGE_BYTES)?;
        let Some(last) = page.last() else { return Ok(()) };
        from = last.numbers().end;
        keys.extend(page.iter().map(Sealed::key));
    }
}

/// The records of neighbours in few batches, each sealed at the position of its first.
fn join(
    page: &[Sealed<Usage>],
    permit: &Permit<'_, UsageStatistics>,
    vault: &mut Vault,
    now: i64,
) -> Result<Vec<Sealed<Usage>>, SealError> {
    let mut joined = Vec::new();
    let mut seal = |(clean, position): (Clean<Usage>, Position), vault: &mut Vault| {
        joined.push(Sealed::new(&clean, position, &[], permit, vault, now)?);
        Ok(())
    };
    let mut run: Option<Batches> = None;
    for sealed in page {
        let batch = sealed.open(permit, vault)?.into_inner().into_batch();
        match &mut run {
            Some(run) if run.is_continued_by(&batch) => run.extend(batch.records),
            _ => {
                let next = usage::batches(batch.records, &batch.header, sealed.position());
                run.replace(next).into_iter().flatten().try_for_each(|piece| seal(piece, vault))?;
            }
        }
        if let Some(run) = &mut run {
            while run.has_full() {
                run.next().into_iter().try_for_each(|piece| seal(piece, vault))?;
            }
        }
    }
    run.into_iter().flatten().try_for_each(|piece| seal(piece, vault))?;
    Ok(joined)
}
