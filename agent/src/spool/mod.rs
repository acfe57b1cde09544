//! A queue of sealed records that survives kill, power loss, a full disk and damage.
//!
//! ```text
//! put     -> newest generation (sled, synced) -> high-water file (synced) -> Ok
//! settle  -> high-water file (synced)         -> generations that hold nothing waiting are removed
//! recover <- generations (carved if damaged)  <- compared with the high-water file: found + missing = promised
//!
//! sled    number u64 BE -> sealed records, "KSL1" each (seal/record.rs)
//! slots   "KHW1" | turn | length | state | SHA-256, twice, in turns (high_water.rs)
//! files   usage/1200/, usage.a, usage.b, ballast (files.rs)
//! ```
//!
//! Every record has a number that never comes twice. A number is *promised* when `put` returns, and *waits*
//! until it is settled. Whatever happens to the files, found and missing together are what was promised, and
//! a settled number is never handed out again. After an error that says so, [`Spool::recover`] looks at the
//! files again; until then nothing else is done.
//!
//! A queue that never held a record leaves no trace on disk; an empty one keeps only its numbering.

mod ballast;
mod carve;
mod content;
mod error;
mod files;
mod generation;
mod guard;
mod handles;
mod high_water;
mod merge;
mod recover;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::{ControlFlow, Range};

use protocol::{Epoch, Reason};

pub use self::content::Waiting;
pub use self::error::SpoolError;
pub use self::high_water::Missing;
pub use self::recover::Recovery;

use self::ballast::Ballast;
use self::content::Content;
use self::files::{QueueDir, disk_bytes};
use self::generation::Generation;
use self::handles::Open;
use self::high_water::{HighWater, Standing};
use crate::seal::payload::Payload;
use crate::seal::record::{Cursor, Position, Sealed};
use crate::{killpoint, limits};

/// What is known of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Files {
    /// They hold what waits, and sled reads it.
    Sound,
    /// All that waits lies in them; sled has not read them.
    Seen,
    /// A call failed in the middle: they have to be looked at again.
    Doubtful,
}

/// One queue.
#[derive(Debug)]
pub struct Spool<P> {
    dir: QueueDir,
    ballast: Ballast,
    high: HighWater,
    /// By its first number: at most some dozens, the last one is written to.
    generations: BTreeMap<u64, Content>,
    open: Open,
    epoch: Epoch,
    /// Number of the epoch's first record.
    first: u64,
    /// Length of a file at which the next generation begins.
    generation_bytes: u64,
    files: Files,
    payload: PhantomData<P>,
}

impl<P: Payload> Spool<P> {
    /// Where the next record goes: what it has to be sealed at.
    pub fn position(&self) -> Position {
        let number = self.high.next();
        Position { number, epoch: self.epoch, seq: number.saturating_sub(self.first) }
    }

    /// Keeps `records`, which follow one another from [`Spool::position`] on. All of them survive a power loss
    /// when this returns, with their cursors; on an error none is promised.
    pub fn put(&mut self, records: &[Sealed<P>]) -> Result<(), SpoolError> {
        self.check_sound()?;
        self.check_placed(records)?;
        if records.is_empty() {
            return Ok(());
        }
        self.ballast.load()?;
        let stored = self.store(records);
        self.sound_if(stored)
    }

    fn check_placed(&self, records: &[Sealed<P>]) -> Result<(), SpoolError> {
        let mut next = self.position();
        for record in records {
            if record.as_bytes().len() > limits::SEALED {
                return Err(SpoolError::TooLarge);
            }
            if record.records() == 0 || record.position() != next {
                return Err(SpoolError::Misplaced);
            }
            next.number += u64::from(record.records());
            next.seq += u64::from(record.records());
        }
        Ok(())
    }

    fn store(&mut self, records: &[Sealed<P>]) -> Result<(), SpoolError> {
        let id = self.writable()?;
        self.make_open(id, id)?;
        let generation = self.open.at(&self.dir, id, id)?;
        generation.add(records.iter().map(|record| (record.position().number, record.as_bytes())))?;
        killpoint::step("put.added");
        generation.commit()?;
        killpoint::step("put.synced");
        let content = self.generations.entry(id).or_default();
        for record in records {
            content.add(record.records(), record.as_bytes().len());
            self.high.promise(record.position(), &record.numbers(), record.cursors());
        }
        Ok(self.high.write()?)
    }

    /// The generation to write to: the last one, or a new one if that is full or there is none.
    fn writable(&mut self) -> Result<u64, SpoolError> {
        if let Some((&id, content)) = self.generations.last_key_value() {
            // A mark must stay true: what was merged takes nothing more.
            let is_merged = content.merged;
            self.make_open(id, id)?;
            if !is_merged && self.open.at(&self.dir, id, id)?.len()? < self.generation_bytes {
                return Ok(id);
            }
            self.open.close(id);
            self.write_snapshot(id)?;
        }
        let id = self.high.next();
        self.dir.create()?;
        let generation = match Generation::create(&self.dir.generation(id)) {
            // Half of an empty one is not damage.
            Err(SpoolError::Full) => {
                self.dir.remove(id)?;
                return Err(SpoolError::Full);
            }
            created => created?,
        };
        killpoint::step("put.generation");
        self.dir.sync()?;
        self.open.newest = Some((id, generation));
        self.generations.insert(id, Content::default());
        Ok(id)
    }

    /// Waiting records in order, beginning with the first one that begins at `from` or later: at most
    /// `max_items`, and `max_bytes` unless the first alone is more. To go on, ask from the end of the last one.
    pub fn oldest(
        &mut self,
        from: u64,
        max_items: usize,
        max_bytes: usize,
    ) -> Result<Vec<Sealed<P>>, SpoolError> {
        self.check_sound()?;
        let page = self.page(from..u64::MAX, max_items, max_bytes);
        self.sound_if(page)
    }

    fn page(
        &mut self,
        numbers: Range<u64>,
        max_items: usize,
        max_bytes: usize,
    ) -> Result<Vec<Sealed<P>>, SpoolError> {
        let (mut page, mut bytes, mut broken) = (Vec::new(), 0, false);
        let newest = self.newest();
        for (id, range) in self.ranges() {
            let range = range.start.max(numbers.start)..range.end.min(numbers.end);
            let Some(start) = self.high.waiting_in(&range).map(|waits| waits.start).next() else { continue };
            self.make_open(id, newest)?;
            let generation = self.open.at(&self.dir, id, newest)?;
            let flow = generation.read(start..range.end, |number, raw| {
                let Some(record) =
                    Sealed::from_bytes(raw).filter(|record| record.position().number == number)
                else {
                    broken = true;
                    return ControlFlow::Break(());
                };
                let waits = self.high.standing(record.position(), &record.numbers()) == Standing::Waiting;
                if !waits || number < range.start {
                    return ControlFlow::Continue(());
                }
                if page.len() == max_items || (!page.is_empty() && bytes + raw.len() > max_bytes) {
                    return ControlFlow::Break(());
                }
                bytes += raw.len();
                page.push(record);
                ControlFlow::Continue(())
            })?;
            if broken {
                return Err(SpoolError::Damaged);
            }
            if flow.is_break() {
                break;
            }
        }
        Ok(page)
    }

    /// Settles numbers: acknowledged, folded, or stated as a gap. They never come back, whatever the crash.
    pub fn settle(&mut self, numbers: impl IntoIterator<Item = Range<u64>>) -> Result<(), SpoolError> {
        self.check_sound()?;
        numbers.into_iter().for_each(|range| self.high.settle(range));
        let settled = self.write_and_remove();
        self.sound_if(settled)
    }

    /// Drops waiting numbers unsent: they become gaps. Returns how many waited.
    pub fn abandon(
        &mut self,
        numbers: impl IntoIterator<Item = Range<u64>>,
        reason: Reason,
    ) -> Result<u64, SpoolError> {
        self.check_sound()?;
        let dropped = numbers.into_iter().map(|range| self.high.abandon(&range, reason)).sum();
        let written = self.write_and_remove();
        self.sound_if(written.map(|()| dropped))
    }

    /// Drops the oldest generations until `bytes` of disk are free again, and says how many records that were.
    /// Whole generations, because nothing smaller frees disk space.
    pub fn drop_oldest(&mut self, bytes: u64, reason: Reason) -> Result<u64, SpoolError> {
        let mut freed = 0;
        let mut oldest = Vec::new();
        for (id, range) in self.ranges() {
            if freed >= bytes {
                break;
            }
            freed += disk_bytes(&self.dir.generation(id))?;
            oldest.push(range);
        }
        self.abandon(oldest, reason)
    }

    /// What will never come and was not yet settled, for the gaps of the next batch.
    pub fn missing(&self) -> Vec<Missing> {
        self.high.missing()
    }

    /// Removes the queue's records, gaps and cursors; only its numbering stays.
    pub fn purge(&mut self) -> Result<(), SpoolError> {
        self.high.clear();
        killpoint::step("purge.cleared");
        let purged = self.write_and_remove().and_then(|()| Ok(self.dir.clear()?));
        self.begin_epoch();
        self.sound_if(purged)
    }

    /// Whatever numbers were given out in vain, none of them comes again under this epoch.
    fn begin_epoch(&mut self) {
        self.epoch.counter = self.high.last_epoch() + 1;
        self.first = self.high.next();
    }

    fn write_and_remove(&mut self) -> Result<(), SpoolError> {
        if !self.high.is_new() {
            self.high.write()?;
        }
        self.remove_drained()
    }

    fn remove_drained(&mut self) -> Result<(), SpoolError> {
        for (id, range) in self.ranges() {
            if !self.high.any_waiting_in(&range) {
                self.open.close(id);
                self.dir.remove(id)?;
                self.generations.remove(&id);
            }
        }
        if self.generations.is_empty() {
            self.dir.remove_if_empty()?;
        }
        Ok(())
    }

    /// How far a source was taken in; `None` if nothing of it was.
    pub fn cursor(&self, source: &[u8; 16]) -> Option<u64> {
        self.high.cursors().get(source).copied()
    }

    /// All sources that are known.
    pub fn cursors(&self) -> impl Iterator<Item = Cursor> + '_ {
        self.high.cursors().iter().map(|(source, taken)| Cursor { source: *source, taken: *taken })
    }

    /// Forgets sources that are gone for good. Becomes durable with the next change of the queue: a source
    /// that a crash brings back costs a few bytes and does no harm.
    pub fn forget(&mut self, sources: &[[u8; 16]]) {
        sources.iter().for_each(|source| self.high.forget(source));
    }

    /// What waits, without looking at the disk.
    pub fn waiting(&self) -> Waiting {
        self.ranges().iter().fold(Waiting::default(), |sum, (id, range)| {
            let content = self.generations.get(id).copied().unwrap_or_default();
            let records: u64 = self.high.waiting_in(range).map(|waits| waits.end - waits.start).sum();
            let share = u128::from(content.bytes) * u128::from(records);
            let bytes = share / u128::from(content.records.max(1));
            Waiting { records: sum.records + records, bytes: sum.bytes + bytes as u64 }
        })
    }

    /// Bytes of disk blocks that the queue takes, without the ballast, which all queues share.
    ///
    /// # Errors
    /// The file system cannot answer now.
    pub fn disk_bytes(&self) -> Result<u64, SpoolError> {
        let slots = self.high.slots().iter().map(|slot| disk_bytes(slot)).sum::<std::io::Result<u64>>()?;
        Ok(disk_bytes(self.dir.path())? + slots)
    }

    /// Closes what was opened for draining and merging, before the queue stays idle for a while.
    pub fn rest(&mut self) {
        self.open.older = None;
    }

    fn newest(&self) -> u64 {
        self.generations.last_key_value().map_or(0, |(id, _)| *id)
    }

    /// The generations, each with the numbers that it may hold.
    fn ranges(&self) -> Vec<(u64, Range<u64>)> {
        let ids: Vec<u64> = self.generations.keys().copied().collect();
        let ends = ids.iter().skip(1).copied().chain([u64::MAX]);
        ids.iter().zip(ends).map(|(id, end)| (*id, *id..end)).collect()
    }

    /// Whether the last call's outcome is open: [`Spool::recover`] comes first.
    pub fn is_doubtful(&self) -> bool {
        self.files == Files::Doubtful
    }

    /// Whether what waits is known and nothing can be read or put yet: [`Spool::recover`] comes first.
    pub fn is_seen(&self) -> bool {
        self.files == Files::Seen
    }

    fn check_sound(&self) -> Result<(), SpoolError> {
        if self.files == Files::Sound { Ok(()) } else { Err(SpoolError::Unsettled) }
    }

    /// After an error in the middle nothing in memory is trusted any more, and on a full disk the ballast goes.
    fn sound_if<T>(&mut self, outcome: Result<T, SpoolError>) -> Result<T, SpoolError> {
        self.files = if outcome.is_ok() { Files::Sound } else { Files::Doubtful };
        if let Err(error) = &outcome {
            self.open = Open::default();
            if *error == SpoolError::Full {
                self.ballast.release();
            }
        }
        outcome
    }
}
