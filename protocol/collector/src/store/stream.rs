//! The batches of one device for one purpose: a log of envelopes as they came, and its index.

use std::path::Path;

use protocol::Batch;
use time::OffsetDateTime;

use super::index::{Index, Verdict};
use super::log::{self, Frame, Log};
use crate::failure::Failure;

/// A stream that takes batches.
pub(crate) struct Stream {
    log: Log,
    index: Index,
}

impl Stream {
    /// Reads a stream's log; no file is an empty stream.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let mut index = Index::default();
        let log = Log::open(path, |frame| take(path, &mut index, &frame).map(drop))?;
        Ok(Self { log, index })
    }

    /// Stores `batch`, whose bytes are `envelope`, if it adds anything. What it adds is on the disk
    /// when this returns.
    pub(crate) fn put(
        &mut self,
        batch: &Batch,
        envelope: &[u8],
        now: OffsetDateTime,
    ) -> Result<Verdict, Failure> {
        let verdict = self.index.weigh(batch);
        if verdict == Verdict::New {
            self.log.append(now, envelope)?;
            self.index.take(batch);
        }
        Ok(verdict)
    }
}

/// Goes through a stream without changing it, also while it is being appended to: hands `each` every
/// batch with the ranges that it was the first to bring. Returns the index.
pub(crate) fn replay(
    path: &Path,
    mut each: impl FnMut(OffsetDateTime, &Batch, &[(u64, u64)]) -> Result<(), Failure>,
) -> Result<Index, Failure> {
    let mut index = Index::default();
    log::read(path, |frame| {
        let (batch, fresh) = take(path, &mut index, &frame)?;
        each(frame.received_at, &batch, &fresh)
    })?;
    Ok(index)
}

fn take(path: &Path, index: &mut Index, frame: &Frame) -> Result<(Batch, Vec<(u64, u64)>), Failure> {
    let batch = Batch::decode(&frame.payload).map_err(|error| {
        Failure::new(format!("{}: {error}; a newer collector wrote it, use that", path.display()))
    })?;
    let fresh = index.take(&batch);
    Ok((batch, fresh))
}

#[cfg(test)]
mod tests;
