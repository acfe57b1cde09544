//! Records cut into batches that fit a sealed record, one at a time: a queue of five million holds one of them in memory.

use std::collections::VecDeque;

use protocol::civil::Granularity;
use protocol::envelope::MAX_RECORDS;
use protocol::{Batch, Catalog, Header, Record};

use super::Usage;
use crate::limits;
use crate::seal::payload::Clean;
use crate::seal::record::Position;

/// What the periods of one batch begin apart at most, in seconds.
const ONE_AGE: u64 = 24 * 3600;

/// Batches of at most what a sealed record holds, each with its position and of one age: a sealed record goes as a whole,
/// and what is too old would wait in it for the youngest.
#[derive(Debug)]
pub struct Batches {
    rest: VecDeque<Record>,
    catalog: &'static Catalog,
    header: Header,
    position: Position,
}

/// Clean batches that follow one another, joined and cut anew, numbered from `position` on; none without a first.
pub fn joined(
    clean: impl IntoIterator<Item = Clean<Usage>>,
    position: Position,
    catalog: &'static Catalog,
) -> Option<Batches> {
    let mut batches = clean.into_iter().map(|clean| clean.into_inner().into_batch());
    let first = batches.next()?;
    let mut joined = self::batches(first.records, &first.header, position, catalog);
    batches.for_each(|batch| joined.extend(batch.records));
    Some(joined)
}

/// The batches of validated `records`, numbered from `position` on.
pub(crate) fn batches(
    records: Vec<Record>,
    header: &Header,
    position: Position,
    catalog: &'static Catalog,
) -> Batches {
    Batches { rest: records.into(), catalog, header: header.clone(), position }
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

    /// How many of the first records are of one age, and not too many for a batch.
    fn of_one_age(&self) -> usize {
        // Neighbours are mostly of one kind.
        let mut last: Option<(u16, Option<Granularity>)> = None;
        let mut begins = |record: &Record| {
            let granularity = match last {
                Some((entry, granularity)) if entry == record.entry => granularity,
                _ => self.catalog.entry(record.entry).map(|entry| entry.granularity),
            };
            last = Some((record.entry, granularity));
            granularity.map(|granularity| granularity.begins_at(record.at))
        };
        let mut ages: Option<(i64, i64)> = None;
        let is_of_age = |record: &&Record| {
            let Some(begins) = begins(record) else { return true };
            let (least, most) = ages.map_or((begins, begins), |(l, m)| (l.min(begins), m.max(begins)));
            ages = Some((least, most));
            least.abs_diff(most) <= ONE_AGE
        };
        self.rest.iter().take(MAX_RECORDS).take_while(is_of_age).count()
    }
}

impl Iterator for Batches {
    type Item = (Clean<Usage>, Position);

    fn next(&mut self) -> Option<Self::Item> {
        let count = self.of_one_age();
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
