//! The journal: what was taken in for a period that is not over, folded as far as it goes.
//!
//! A piece of journal belongs to one period. Pieces of a period add up in any number and order: counters
//! and distributions by sum, a state by its latest moment.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use protocol::catalog::{Contribution, Observe};
use protocol::civil::Granularity;
use protocol::{Record, Value};
use serde::{Deserialize, Serialize};

use crate::consent::permit::UsageStatistics;
use crate::seal::payload::{Payload, Queue};

/// The day, week, month or hour that a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// What `at` counts.
    pub granularity: Granularity,
    /// As [`Record::at`].
    pub at: u32,
}

/// What identifies a record within its period: the catalog entry and, by number, the attributes that tell its
/// rows apart (all of a counter's or distribution's, the key ones of a state).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Row {
    /// The catalog entry's number.
    pub entry: u16,
    /// As [`Record::attributes`], those that are no key as 0.
    pub attributes: Vec<u64>,
}

/// What a row holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cell {
    /// A counter's increase.
    Count(u64),
    /// A distribution's observations per bucket.
    Buckets(Vec<u64>),
    /// A state: seconds since 1970 (UTC) of the last report, and all attributes.
    State(i64, Vec<u64>),
}

impl Cell {
    /// The first observation of a row, at `utc`; `None` for an event, which is a record of its own.
    fn first(contribution: &Contribution<'_>, utc: i64) -> Option<Self> {
        Some(match contribution.what {
            Observe::Event => return None,
            Observe::Count(count) => Self::Count(count),
            Observe::Bucket(bucket) => {
                let mut counts = vec![0; contribution.entry.bounds.len() + 1];
                *counts.get_mut(bucket)? = 1;
                Self::Buckets(counts)
            }
            Observe::State => Self::State(utc, contribution.attributes.to_vec()),
        })
    }

    /// Adds what came later. Cells of a row have one kind; another is ignored.
    fn add(&mut self, later: Cell) {
        match (self, later) {
            (Self::Count(sum), Self::Count(more)) => *sum = sum.saturating_add(more),
            (Self::Buckets(sums), Self::Buckets(more)) => {
                sums.resize(sums.len().max(more.len()), 0);
                for (sum, more) in sums.iter_mut().zip(more) {
                    *sum = sum.saturating_add(more);
                }
            }
            (Self::State(seen, values), Self::State(again, newer)) if again >= *seen => {
                (*seen, *values) = (again, newer);
            }
            _ => {}
        }
    }
}

/// A piece of the journal of one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// The one period.
    pub period: Period,
    /// Number of events folded into it, to count what damage loses.
    pub events: u32,
    /// Row by row.
    pub rows: BTreeMap<Row, Cell>,
}

impl Journal {
    /// An empty piece.
    pub fn new(period: Period) -> Self {
        Self { period, events: 0, rows: BTreeMap::new() }
    }

    /// Adds one observation, made at `utc`. A row that is there takes it without an allocation.
    pub fn observe(&mut self, row: &Row, contribution: &Contribution<'_>, utc: i64) {
        match (contribution.what, self.rows.get_mut(row)) {
            (Observe::Count(more), Some(Cell::Count(sum))) => *sum = sum.saturating_add(more),
            (Observe::Bucket(bucket), Some(Cell::Buckets(counts))) if bucket < counts.len() => {
                counts[bucket] = counts[bucket].saturating_add(1);
            }
            _ => {
                if let Some(cell) = Cell::first(contribution, utc) {
                    self.add(row.clone(), cell);
                }
            }
        }
    }

    /// Adds what a row amounts to in a later piece.
    pub fn add(&mut self, row: Row, cell: Cell) {
        match self.rows.entry(row) {
            Entry::Occupied(mut held) => held.get_mut().add(cell),
            Entry::Vacant(free) => {
                free.insert(cell);
            }
        }
    }

    /// Adds a later piece of the same period.
    pub fn absorb(&mut self, later: Journal) {
        self.events = self.events.saturating_add(later.events);
        for (row, cell) in later.rows {
            self.add(row, cell);
        }
    }

    /// Splits into pieces whose bytes are at most `most`, as far as it has distinct rows.
    pub fn split(self, most: usize) -> Vec<Journal> {
        if self.rows.len() < 2 || self.to_bytes().len() <= most {
            return vec![self];
        }
        let middle = self.rows.keys().nth(self.rows.len() / 2).cloned();
        let Some(middle) = middle else { return vec![self] };
        let mut low = self;
        let rows = low.rows.split_off(&middle);
        // An event is counted once, whichever piece is damaged.
        let high = Journal { period: low.period, events: low.events / 2, rows };
        low.events -= high.events;
        low.split(most).into_iter().chain(high.split(most)).collect()
    }

    /// The records that the period's journal amounts to.
    pub fn into_records(self) -> impl Iterator<Item = Record> {
        let at = self.period.at;
        self.rows.into_iter().map(move |(row, cell)| match cell {
            Cell::Count(count) => {
                Record { entry: row.entry, at, attributes: row.attributes, value: Value::Count(count) }
            }
            Cell::Buckets(counts) => {
                Record { entry: row.entry, at, attributes: row.attributes, value: Value::Buckets(counts) }
            }
            Cell::State(_, attributes) => Record { entry: row.entry, at, attributes, value: Value::Plain },
        })
    }
}

/// The first version on disk. A change is a new version byte and a new struct.
#[derive(Serialize, Deserialize)]
struct V1 {
    granularity: u8,
    at: u32,
    events: u32,
    rows: Vec<(Row, Cell)>,
}

const V1_BYTE: u8 = 1;
const GRANULARITIES: [Granularity; 4] =
    [Granularity::Hour, Granularity::Day, Granularity::Week, Granularity::Month];

impl Payload for Journal {
    type Purpose = UsageStatistics;
    const QUEUE: Queue = Queue::Open;

    fn records(&self) -> u32 {
        self.events.max(1)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let granularity = GRANULARITIES.iter().position(|known| *known == self.period.granularity);
        let body = V1 {
            granularity: granularity.and_then(|at| u8::try_from(at).ok()).unwrap_or_default(),
            at: self.period.at,
            events: self.events,
            rows: self.rows.iter().map(|(row, cell)| (row.clone(), cell.clone())).collect(),
        };
        // Encoding plain integers into a vector has no way to fail.
        let body = bincode::serde::encode_to_vec(body, bincode::config::standard()).unwrap_or_default();
        let mut bytes = vec![V1_BYTE];
        bytes.extend(miniz(&body));
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&V1_BYTE, packed) = bytes.split_first()? else { return None };
        let body = unpack(packed)?;
        let config = bincode::config::standard().with_limit::<MOST>();
        let (body, read): (V1, _) = bincode::serde::decode_from_slice(&body, config).ok()?;
        let granularity = *GRANULARITIES.get(usize::from(body.granularity))?;
        Some(Self {
            period: Period { granularity, at: body.at },
            events: body.events,
            rows: body.rows.into_iter().collect(),
        })
        .filter(|_| read > 0)
    }
}

/// Bytes of a piece before it is compressed: it was split at a thousandth of that.
const MOST: usize = 8 << 20;

fn miniz(body: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
    // Writing into a vector has no way to fail.
    let _ = packer.write_all(body);
    packer.finish().unwrap_or_default()
}

fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut body = Vec::new();
    flate2::read::DeflateDecoder::new(packed).take(MOST as u64 + 1).read_to_end(&mut body).ok()?;
    (body.len() <= MOST).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Period = Period { granularity: Granularity::Day, at: 20_000 };

    fn row(entry: u16, attribute: u64) -> Row {
        Row { entry, attributes: vec![attribute, 3] }
    }

    fn piece() -> Journal {
        let mut journal = Journal::new(DAY);
        journal.events = 3;
        journal.add(row(1, 0), Cell::Count(2));
        journal.add(row(3, 0), Cell::Buckets(vec![1, 0, 4]));
        journal.add(row(23, 0), Cell::State(100, vec![7, 8]));
        journal
    }

    #[test]
    fn pieces_add_up() {
        let mut journal = piece();
        let mut later = piece();
        later.add(row(23, 0), Cell::State(99, vec![1, 1]));
        journal.absorb(later);
        assert_eq!(journal.events, 6);
        assert_eq!(journal.rows[&row(1, 0)], Cell::Count(4));
        assert_eq!(journal.rows[&row(3, 0)], Cell::Buckets(vec![2, 0, 8]));
        assert_eq!(journal.rows[&row(23, 0)], Cell::State(100, vec![7, 8]), "an older report does not win");
    }

    #[test]
    fn a_piece_survives_its_bytes_and_other_bytes_are_refused() {
        let bytes = piece().to_bytes();
        assert_eq!(Journal::from_bytes(&bytes), Some(piece()));
        for cut in 0..bytes.len() {
            assert_ne!(Journal::from_bytes(&bytes[..cut]), Some(piece()));
        }
        assert_eq!(Journal::from_bytes(&[2, 0, 0]), None);
    }

    #[test]
    fn a_large_piece_is_split_and_nothing_of_it_is_lost() {
        let mut journal = Journal::new(DAY);
        journal.events = 5001;
        for number in 0..5000 {
            journal.add(row(1, number * 7919), Cell::Count(number));
        }
        let pieces = journal.clone().split(4000);
        assert!(pieces.iter().all(|piece| piece.to_bytes().len() <= 4000));
        let mut again = Journal::new(DAY);
        pieces.into_iter().for_each(|piece| again.absorb(piece));
        assert_eq!(again, journal);
    }
}
