//! Looking at the files: at the start, and after every error whose outcome is open.
//!
//! Two rungs. A generation is opened, and what it holds is compared with what waits; if it cannot be opened
//! or something is missing, its raw files are carved. What is still missing then is lost, and becomes a gap.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::{ControlFlow, Range};
use std::path::Path;

use protocol::{Epoch, Reason};
use rangemap::RangeSet;

use super::ballast::Ballast;
use super::carve::carve;
use super::content::Content;
use super::error::SpoolError;
use super::files::QueueDir;
use super::generation::{self, Generation};
use super::handles::Open;
use super::high_water::{Found, HighWater, Standing};
use super::{Files, Spool};
use crate::limits;
use crate::presence;
use crate::seal::payload::Payload;
use crate::seal::record::Sealed;

/// Records that a carved generation is filled with at a time.
const CARVED_AT_ONCE: usize = 16;

/// What looking at the files found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Records that were promised and are lost; [`Spool::missing`] names them.
    pub lost: u64,
    /// Generations that were damaged and had to be carved.
    pub carved: u32,
    /// Generations that the disk gave whole only at the second look.
    pub read_again: u32,
    /// The high-water file was damaged: settled records may come again, and what is lost may be more.
    pub high_water_lost: bool,
}

impl<P: Payload> Spool<P> {
    /// Opens the queue in `dir`, `data_dir/spool/<queue>`, and finishes what a crash interrupted. Where nothing
    /// was ever put, nothing is made. `random` tells this run from that of a copied disk; `verify` says
    /// whether a record's tag verifies.
    pub fn open(
        dir: &Path,
        random: [u8; 8],
        verify: &dyn Fn(&Sealed<P>) -> bool,
    ) -> Result<(Self, Recovery), SpoolError> {
        let mut spool = Self::unread(dir, random)?;
        let recovery = spool.recover(verify)?;
        Ok((spool, recovery))
    }

    /// The same without sled, where all that waits is found whole in the raw files and nothing else: what waits is known
    /// then, and [`Spool::recover`] comes before anything is read or put. Opening sled once is half of what a `status`
    /// takes of the processor.
    pub fn glance(
        dir: &Path,
        random: [u8; 8],
        verify: &dyn Fn(&Sealed<P>) -> bool,
    ) -> Result<(Self, Recovery), SpoolError> {
        let mut spool = Self::unread(dir, random)?;
        match spool.is_seen_whole(verify) {
            Ok(true) => {}
            // What is not as it should be is for the whole look to judge.
            Ok(false) | Err(SpoolError::Damaged) => return Self::open(dir, random, verify),
            Err(error) => return Err(error),
        }
        spool.begin_epoch();
        spool.files = if spool.generations.is_empty() { Files::Sound } else { Files::Seen };
        Ok((spool, Recovery::default()))
    }

    fn unread(dir: &Path, random: [u8; 8]) -> Result<Self, SpoolError> {
        let (high, _) = HighWater::load(dir)?;
        Ok(Self {
            dir: QueueDir::new(dir.to_owned()),
            ballast: Ballast::new(dir.with_file_name("ballast")),
            high,
            generations: BTreeMap::new(),
            open: Open::default(),
            epoch: Epoch { counter: 0, random },
            first: 0,
            generation_bytes: limits::GENERATION,
            files: Files::Doubtful,
            payload: PhantomData,
        })
    }

    /// Whether the files are as a clean end leaves them, and all that waits is found in them and verifies.
    fn is_seen_whole(&mut self, verify: &dyn Fn(&Sealed<P>) -> bool) -> Result<bool, SpoolError> {
        let (high, found) = HighWater::load(self.dir.path())?;
        self.high = high;
        let (whole, damaged) = self.dir.tidy()?;
        self.generations = whole.iter().map(|id| (*id, Content::default())).collect();
        if found == Found::Torn || !damaged.is_empty() || (found == Found::Nothing && !whole.is_empty()) {
            return Ok(false);
        }
        for (id, range) in self.ranges() {
            // One that is to be removed is left to the whole look.
            if !self.high.any_waiting_in(&range) || !self.lies_whole(id, &range, verify)? {
                return Ok(false);
            }
        }
        Ok(self.outside().is_empty())
    }

    /// Whether all that waits of a generation lies in its raw files, and nothing that was not promised.
    fn lies_whole(
        &mut self,
        id: u64,
        range: &Range<u64>,
        verify: &dyn Fn(&Sealed<P>) -> bool,
    ) -> Result<bool, SpoolError> {
        let path = self.dir.generation(id);
        Generation::check_free(&path)?;
        let mut content = Content { merged: self.dir.is_merged(id), ..Content::default() };
        let (mut found, mut unpromised) = (RangeSet::new(), false);
        carve(&path, &mut |record: Sealed<P>| {
            let numbers = record.numbers();
            let standing = self.high.standing(record.position(), &numbers);
            unpromised |= standing == Standing::Unpromised;
            // sled may keep one record in several places.
            if standing == Standing::Waiting && !found.overlaps(&numbers) && verify(&record) {
                content.add(record.records(), record.as_bytes().len());
                found.insert(numbers);
            }
            Ok(())
        })?;
        self.generations.insert(id, content);
        Ok(!unpromised && self.missing_from(&found, range).is_empty())
    }

    /// Looks at the files again. A new epoch begins, because numbers may have been given out in vain.
    pub fn recover(&mut self, verify: &dyn Fn(&Sealed<P>) -> bool) -> Result<Recovery, SpoolError> {
        let mut outcome = self.look(verify);
        if outcome == Err(SpoolError::Full) && self.ballast.release() {
            outcome = self.look(verify);
        }
        self.sound_if(outcome)
    }

    fn look(&mut self, verify: &dyn Fn(&Sealed<P>) -> bool) -> Result<Recovery, SpoolError> {
        self.open = Open::default();
        generation::check_threads()?;
        let (high, found) = HighWater::load(self.dir.path())?;
        self.high = high;
        let mut recovery = Recovery::default();

        let (whole, damaged) = self.dir.tidy()?;
        let ids = whole.iter().chain(&damaged).copied();
        self.generations = ids.map(|id| (id, Content::default())).collect();
        let ranges = self.ranges();
        recovery.high_water_lost =
            found == Found::Torn || (found == Found::Nothing && !self.generations.is_empty());
        if let (true, Some((id, _))) = (recovery.high_water_lost, ranges.first()) {
            self.high.start_at(*id);
        }

        let before = self.high.next();
        let mut lost = RangeSet::new();
        for (id, range) in ranges {
            if !self.high.any_waiting_in(&range) && range.end <= before {
                continue;
            }
            let mut seen = Err(SpoolError::Damaged);
            if whole.binary_search(&id).is_ok() {
                seen = self.compare(id, &range, verify);
                let is_whole = |seen: &Result<RangeSet<u64>, SpoolError>| matches!(seen, Ok(missing) if missing.is_empty());
                if !is_whole(&seen) && matches!(seen, Ok(_) | Err(SpoolError::Damaged)) {
                    // To sled damage is the same as a disk that does not answer once: it is asked again.
                    seen = self.compare(id, &range, verify);
                    recovery.read_again += u32::from(is_whole(&seen));
                }
            }
            if !matches!(&seen, Ok(missing) if missing.is_empty()) {
                seen = self.carve_and_compare(id, &range, seen, verify);
                recovery.carved += 1;
            }
            lost.extend(seen?);
        }
        lost.extend(self.outside());
        for range in lost.iter() {
            recovery.lost += self.high.abandon(range, Reason::Damaged);
        }
        if recovery.lost > 0 || self.high.next() > before || recovery.high_water_lost {
            self.high.write()?;
        }
        self.remove_drained()?;
        self.begin_epoch();
        Ok(recovery)
    }

    /// Reads a generation whole; returns what waits and is not in it. Done on a copy: sled, while opening,
    /// overwrites whatever it cannot read, and with it what could still be carved.
    fn compare(
        &mut self,
        id: u64,
        range: &Range<u64>,
        verify: &dyn Fn(&Sealed<P>) -> bool,
    ) -> Result<RangeSet<u64>, SpoolError> {
        Generation::check_free(&self.dir.generation(id))?;
        let copy = match self.dir.copy(id).map_err(SpoolError::from) {
            Err(SpoolError::Full) => self.dir.generation(id),
            copy => copy?,
        };
        let missing = self.read_whole(&copy, id, range, verify);
        self.dir.discard(id)?;
        missing
    }

    /// Reads what lies at `path`. What was written but not promised when the process ended is promised now.
    fn read_whole(
        &mut self,
        path: &Path,
        id: u64,
        range: &Range<u64>,
        verify: &dyn Fn(&Sealed<P>) -> bool,
    ) -> Result<RangeSet<u64>, SpoolError> {
        let generation = Generation::open(path)?;
        let mut content = Content { merged: self.dir.is_merged(id), ..Content::default() };
        let mut found = RangeSet::new();
        let high = &mut self.high;
        let mut damaged = false;
        let _ = generation.read(range.clone(), |number, raw| {
            let Some(record) =
                Sealed::<P>::from_bytes(raw).filter(|record| record.position().number == number)
            else {
                damaged = true;
                return ControlFlow::Break(());
            };
            let (position, numbers) = (record.position(), record.numbers());
            match high.standing(position, &numbers) {
                Standing::Gone => return ControlFlow::Continue(()),
                Standing::Unpromised if !verify(&record) => return ControlFlow::Continue(()),
                Standing::Unpromised => high.promise(position, &numbers, record.cursors()),
                Standing::Waiting => {}
            }
            content.add(record.records(), raw.len());
            found.insert(numbers);
            ControlFlow::Continue(())
        })?;
        if damaged {
            return Err(SpoolError::Damaged);
        }
        self.generations.insert(id, content);
        Ok(self.missing_from(&found, range))
    }

    /// The second rung. `seen` is what the first one came to.
    fn carve_and_compare(
        &mut self,
        id: u64,
        range: &Range<u64>,
        seen: Result<RangeSet<u64>, SpoolError>,
        verify: &dyn Fn(&Sealed<P>) -> bool,
    ) -> Result<RangeSet<u64>, SpoolError> {
        match seen {
            Ok(_) | Err(SpoolError::Damaged) => {}
            Err(SpoolError::Poisoned) => {
                self.dir.condemn(id)?;
                return seen;
            }
            Err(_) => return seen,
        }
        if presence::is_there(&self.dir.generation(id))? {
            self.dir.condemn(id)?;
        }
        let refilled = self.refill(id, verify)?;
        self.dir.quarantine(id)?;
        let missing = match self.compare(id, range, verify) {
            Err(SpoolError::Damaged) => self.missing_from(&RangeSet::new(), range),
            compared => compared?,
        };
        // What was written and synced a moment ago is not lost: a disk that does not give it now may give it later.
        if refilled.iter().any(|numbers| missing.overlaps(numbers)) {
            return Err(SpoolError::NotNow);
        }
        Ok(missing)
    }

    /// Makes a new generation of what the raw files of the damaged one still hold; the numbers of it.
    fn refill(&mut self, id: u64, verify: &dyn Fn(&Sealed<P>) -> bool) -> Result<RangeSet<u64>, SpoolError> {
        let path = self.dir.unfinished(id);
        let fresh = Generation::create(&path)?;
        let (mut records, mut refilled) = (Vec::<Sealed<P>>::new(), RangeSet::new());
        let add = |records: &mut Vec<Sealed<P>>| {
            let added = fresh.add(records.iter().map(|record| (record.position().number, record.as_bytes())));
            records.clear();
            added
        };
        carve(&self.dir.damaged(id), &mut |record: Sealed<P>| {
            let standing = self.high.standing(record.position(), &record.numbers());
            if standing != Standing::Gone && verify(&record) {
                refilled.insert(record.numbers());
                records.push(record);
            }
            if records.len() < CARVED_AT_ONCE { Ok(()) } else { add(&mut records) }
        })?;
        add(&mut records)?;
        fresh.commit()?;
        drop(fresh);
        self.dir.install(id)?;
        Ok(refilled)
    }

    /// What of `range` waits and was not `found`.
    fn missing_from(&self, found: &RangeSet<u64>, range: &Range<u64>) -> RangeSet<u64> {
        let mut missing: RangeSet<u64> = self.high.waiting_in(range).collect();
        found.iter().for_each(|numbers| missing.remove(numbers.clone()));
        missing
    }

    /// What waits and lies below the first generation.
    fn outside(&self) -> RangeSet<u64> {
        let first = self.generations.first_key_value().map_or(u64::MAX, |(id, _)| *id);
        self.missing_from(&RangeSet::new(), &(0..first))
    }
}
