//! Opening a generation without risk: sled, while opening, cuts off whatever it cannot read, also where the disk does not
//! answer only once. So a copy lies beside it until what waits was found in it.

use std::ops::ControlFlow;

use super::Spool;
use super::error::SpoolError;
use crate::seal::payload::Payload;
use crate::seal::record::Sealed;

impl<P: Payload> Spool<P> {
    /// Opens the generation `id`, if it is not open. If not all is in it that waits, it is put back as it was.
    pub(super) fn make_open(&mut self, id: u64, newest: u64) -> Result<(), SpoolError> {
        if self.open.has(id) {
            return Ok(());
        }
        match self.dir.keep_copy(id).map_err(SpoolError::from) {
            // On a full disk what waits is drained all the same.
            Err(SpoolError::Full) => return self.open.at(&self.dir, id, newest).map(drop),
            kept => kept?,
        }
        let is_whole = match self.open.at(&self.dir, id, newest) {
            Ok(_) => self.holds_what_waits(id, newest),
            Err(error) => Err(error),
        };
        if is_whole == Ok(true) {
            return Ok(self.dir.drop_copy(id)?);
        }
        self.open.close(id);
        self.dir.put_back(id)?;
        match is_whole {
            // The copy took the last bytes or inodes that opening needs.
            Err(SpoolError::Full) => self.open.at(&self.dir, id, newest).map(drop),
            is_whole => Err(is_whole.err().unwrap_or(SpoolError::NotNow)),
        }
    }

    /// Opens and closes it: sled writes its snapshot only while opening, and a generation with a snapshot is the better
    /// one to be damaged.
    pub(super) fn write_snapshot(&mut self, id: u64) -> Result<(), SpoolError> {
        self.make_open(id, u64::MAX)?;
        self.open.close(id);
        Ok(())
    }

    /// Whether the last record that waits is in it: what sled cuts off is always the end. More is not read, for what is
    /// read stays in memory.
    fn holds_what_waits(&mut self, id: u64, newest: u64) -> Result<bool, SpoolError> {
        let end = self.generations.range(id + 1..).next().map_or(u64::MAX, |(next, _)| *next);
        let Some(last) = self.high.waiting_in(&(id..end)).last().map(|waits| waits.end - 1) else {
            return Ok(true);
        };
        let mut is_there = false;
        let generation = self.open.at(&self.dir, id, newest)?;
        let _ = generation.read(last..last + 1, |_, raw| {
            is_there |= Sealed::<P>::from_bytes(raw).is_some_and(|record| record.numbers().contains(&last));
            ControlFlow::Continue(())
        })?;
        Ok(is_there)
    }
}
