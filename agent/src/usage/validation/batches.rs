//! Records cut into batches that fit a sealed record, one at a time: a queue of five million holds one of them in memory.

use std::collections::VecDeque;

use protocol::envelope::MAX_RECORDS;
use protocol::{Batch, Header, Record};

use super::Usage;
use crate::limits;
use crate::seal::payload::Clean;
use crate::seal::record::Position;

/// Batches of at most what a sealed record holds, each with its position.
#[derive(Debug)]
pub struct Batches {
    rest: VecDeque<Record>,
    header: Header,
    position: Position,
}

/// Clean batches that follow one another, joined and cut anew, numbered from `position` on; none without a first.
pub fn joined(clean: impl IntoIterator<Item = Clean<Usage>>, position: Position) -> Option<Batches> {
    let mut batches = clean.into_iter().map(|clean| clean.into_inner().into_batch());
    let first = batches.next()?;
    let mut joined = self::batches(first.records, &first.header, position);
    batches.for_each(|batch| joined.extend(batch.records));
    Some(joined)
}

/// The batches of validated `records`, numbered from `position` on.
pub(crate) fn batches(records: Vec<Record>, header: &Header, position: Position) -> Batches {
    Batches { rest: records.into(), header: header.clone(), position }
}

impl Batches {
    /// Whether `batch` continues what was put in so far: same header, same epoch, next number.
    pub fn is_continued_by(&self, batch: &Batch) -> bool {
        let next = self.position.seq + self.rest.len() as u64;
        self.header == batch.header && self.position.epoch == batch.epoch && next == batch.lo
    }

    /// Puts in what follows.
    pub(crate) fn extend(&mut self, records: Vec<Record>) {
        self.rest.extend(records);
    }

    /// Whether the next batch is as large as it can be, whatever follows.
    pub fn has_full(&self) -> bool {
        self.rest.len() >= MAX_RECORDS
    }
}

impl Iterator for Batches {
    type Item = (Clean<Usage>, Position);

    fn next(&mut self) -> Option<Self::Item> {
        let count = self.rest.len().min(MAX_RECORDS);
        let mut records: Vec<Record> = self.rest.drain(..count).collect();
        while !records.is_empty() {
            let count = records.len();
            let clean = Usage::clean(Batch {
                header: self.header.clone(),
                epoch: self.position.epoch,
                lo: self.position.seq,
                records,
                gaps: Vec::new(),
            });
            let length = clean.get().envelope.len();
            if length <= limits::SEALED_CONTENT || count == 1 {
                let position = self.position;
                self.position.number += count as u64;
                self.position.seq += count as u64;
                return Some((clean, position));
            }
            records = clean.into_inner().batch.records;
            let fits = (count * limits::SEALED_CONTENT / length).clamp(1, count - 1);
            records.drain(fits..).rev().for_each(|record| self.rest.push_front(record));
            records.shrink_to_fit();
        }
        None
    }
}
