//! Queue maintenance: the quota, merging of small records, leftovers of a crash, losses by damage.

use std::collections::HashSet;

use log::warn;
use protocol::{Catalog, Purpose, Reason};

use super::super::Trouble;
use super::super::clock::{DAY, Watched};
use super::super::cx::Cx;
use super::super::health::{Cause, Subject};
use super::Statistics;
use super::measured::Measured;
use super::periods::Periods;
use crate::collect::outbox;
use crate::consent::Flag;
use crate::consent::permit::{Permit, UsageStatistics};
use crate::limits;
use crate::seal::payload::{Clean, Payload};
use crate::seal::record::{Position, Sealed};
use crate::spool::{Recovery, Spool, SpoolError};
use crate::texts::{Said, Text};
use crate::usage::validation::{self, Batches, Usage};
use crate::vault::SealError;
use crate::vault::Vault;
use crate::vault::data_key::KeyId;

/// What the other subsystems hold while usage is kept in order.
#[derive(Clone, Copy)]
pub(in crate::agent) struct Beside {
    /// Bytes of their queues on the disk: the quota counts all. `None` if they were not measured, because the quota is far.
    pub(in crate::agent) disk_bytes: Option<u64>,
    /// A batch is on its way: its records stay as they are.
    pub(in crate::agent) in_flight: bool,
}

impl Statistics {
    /// Whether the next call of [`Self::keep_in_order`] has to know what lies on the disk.
    pub(in crate::agent) fn wants_disk_bytes(&self, cx: &Cx<'_>) -> bool {
        self.measured.is_due(cx.config.spool.quota)
    }

    /// Does what a commit makes due: the quota, long journals, small records. It is durable whatever goes wrong here.
    pub(in crate::agent) fn keep_in_order(&mut self, cx: &mut Cx<'_>, beside: Beside) {
        let quota = beside.disk_bytes.map_or(Ok(()), |beside| self.keep_quota(cx, beside));
        let kept = quota.and_then(|()| self.fold_long_journals(cx));
        let merged = kept.and_then(|()| if beside.in_flight { Ok(()) } else { self.merge_small_records(cx) });
        match merged {
            Ok(()) => cx.health.clear(Subject::Upkeep),
            Err(trouble) => cx.trouble(Subject::Upkeep, &trouble),
        }
    }

    /// Above the quota the oldest usage is dropped and counted, and the collector learns of the gap.
    fn keep_quota(&mut self, cx: &mut Cx<'_>, beside: u64) -> Result<(), Trouble> {
        let held = self.disk_bytes()? + beside;
        self.measured = Measured::of(held);
        if held <= cx.config.spool.quota {
            return Ok(());
        }
        self.measured = Measured::default();
        let dropped = self.usage.drop_oldest(held - cx.config.spool.quota, Reason::Quota)?;
        if dropped > 0 {
            cx.counters.drop(Reason::Quota, dropped);
            cx.counters.save()?;
            cx.raise(Subject::Quota, &Cause::Quota);
            warn!("the spool reached its quota: {dropped} records dropped");
        }
        Ok(())
    }

    /// Between two drains: closes what is half open, saves what was sent, and lets old keys go with the last record.
    pub(in crate::agent) fn rest(&mut self, cx: &mut Cx<'_>) {
        self.usage.rest();
        self.open.rest();
        if let Err(e) = self.sent.save(cx.vault) {
            warn!("the copy of what was sent cannot be saved ({}): check the space of data_dir", e.kind());
        }
        if self.records() == 0
            && let Err(e) = retire_all(cx.vault, &Flag::UsageStatistics.compartment())
        {
            warn!("an old key file cannot be erased ({}): check the rights of data_dir", e.kind());
        }
    }

    /// Old keys go while something waits, as the journal of the month does all the time: that takes a look at every record.
    pub(in crate::agent) fn retire_unused_keys(&mut self, cx: &mut Cx<'_>) -> Result<(), Trouble> {
        let usage = Flag::UsageStatistics.compartment();
        if cx.vault.compartments().filter(|name| *name == usage).count() > 1 {
            let mut used = HashSet::new();
            keys_of(&mut self.usage, &mut used)?;
            keys_of(&mut self.open, &mut used)?;
            cx.vault.retire(&usage, &used)?;
        }
        Ok(())
    }

    /// Joins the small records of a closed segment.
    fn merge_small_records(&mut self, cx: &mut Cx<'_>) -> Result<(), Trouble> {
        if !self.usage.wants_merge() {
            return Ok(());
        }
        let Some(permit) = cx.registry.permit::<UsageStatistics>(cx.now) else { return Ok(()) };
        let (vault, now, catalog) = (&mut *cx.vault, cx.now, self.validator.catalog());
        // What can't be joined stays as it is.
        let mut join =
            |page: &[Sealed<Usage>]| join(page, &permit, (vault, now), catalog).unwrap_or_default();
        Ok(self.usage.merge(&mut join)?)
    }

    /// Cursors of files and folds that are over: a crash came before they were forgotten. Without a yes the
    /// journal was not looked at, and its cursor still has to identify what was folded.
    pub(in crate::agent) fn forget_stale_cursors(&mut self, cx: &mut Cx<'_>) -> Result<(), Trouble> {
        if cx.registry.permit::<UsageStatistics>(cx.now).is_none() {
            return Ok(());
        }
        let cursors = self.usage.cursors().chain(self.open.cursors()).map(|cursor| cursor.source);
        let held: HashSet<[u8; 16]> = cursors.chain(cx.counters.cursors()).collect();
        if held.is_empty() {
            return Ok(());
        }
        let there = outbox::still_there(&cx.config.kathea.outbox, &held)?;
        let gone: Vec<[u8; 16]> = held.difference(&there).copied().collect();
        if gone.is_empty() {
            return Ok(());
        }
        outbox::sync(&cx.config.kathea.outbox)?;
        self.usage.forget(&gone);
        self.open.forget(&gone);
        gone.into_iter().for_each(|source| cx.counters.forget(source));
        Ok(())
    }

    /// After an error whose outcome is open, each queue looks at its files again.
    pub(in crate::agent) fn mend(&mut self, cx: &mut Cx<'_>) -> Result<(), Trouble> {
        let recoveries = [mended(&mut self.open, cx.vault)?, mended(&mut self.usage, cx.vault)?];
        for recovery in recoveries.into_iter().flatten() {
            self.periods = Periods::default();
            cx.note_losses(&recovery)?;
        }
        self.resume_journal(cx)
    }
}

/// What `status` says of keys that were set aside.
pub(in crate::agent) fn set_aside_problem(vault: &Vault) -> Option<Said> {
    let count = vault.set_aside().len();
    (count > 0).then(|| Cause::KeysSetAside { count }.said())
}

/// Erases the keys of a compartment in which nothing waits, those that were set aside too.
pub(in crate::agent) fn retire_all(vault: &mut Vault, compartment: &str) -> std::io::Result<()> {
    vault.retire(compartment, &HashSet::new())?;
    vault.erase_set_aside(|of, _| of == compartment).map(drop)
}

/// Keys that were set aside go when the policy lets nothing wait that was sealed under them, and with them what waited.
pub(in crate::agent) fn drop_set_aside(cx: &mut Cx<'_>, clock: Watched) -> std::io::Result<()> {
    let terms = cx.registry.policy().terms(Purpose::UsageStatistics);
    let days = terms.map_or(limits::KEPT_AFTER, |terms| terms.on_device.days());
    let longest = i64::from(days).saturating_mul(DAY).saturating_add_unsigned(limits::KEY_AGE);
    if clock.is_steady() {
        let now = cx.now;
        cx.vault.erase_set_aside(|_, written| now.saturating_sub(written) >= longest)?;
    }
    Ok(())
}

/// Repairs a queue if an error left it in doubt; says what was found.
pub(in crate::agent) fn mended<P: Payload>(
    queue: &mut Spool<P>,
    vault: &Vault,
) -> Result<Option<Recovery>, SpoolError> {
    if queue.is_doubtful() { looked_into(queue, vault).map(Some) } else { Ok(None) }
}

/// Looks at the files of a queue again.
pub(in crate::agent) fn looked_into<P: Payload>(
    queue: &mut Spool<P>,
    vault: &Vault,
) -> Result<Recovery, SpoolError> {
    queue.recover(&|sealed: &Sealed<P>| sealed.verifies(vault))
}

/// Adds the keys under which something waits.
fn keys_of<P: Payload>(queue: &mut Spool<P>, keys: &mut HashSet<KeyId>) -> Result<(), SpoolError> {
    let mut from = 0;
    loop {
        let page = queue.oldest(from, limits::PAGE_ITEMS, limits::PAGE_BYTES)?;
        let Some(last) = page.last() else { return Ok(()) };
        from = last.numbers().end;
        keys.extend(page.iter().map(Sealed::key));
    }
}

/// The records of neighbours in few batches, each sealed at the position of its first.
fn join(
    page: &[Sealed<Usage>],
    permit: &Permit<'_, UsageStatistics>,
    (vault, now): (&mut Vault, i64),
    catalog: &'static Catalog,
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
                let next = validation::batches(batch.records, &batch.header, sealed.position(), catalog);
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
