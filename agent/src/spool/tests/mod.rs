//! The queue against a model, damage and a full disk.

mod damage;
mod full;
mod glance;
mod model;
mod queue;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use protocol::Epoch;
use tempfile::TempDir;
use test_support::Random;

use super::{Recovery, Spool, SpoolError};
use crate::consent::permit::{Permit, UsageStatistics};
use crate::seal::payload::{Clean, Payload, Queue};
use crate::seal::record::{Cursor, Position, Sealed};
use crate::vault::{Protector, Vault};

/// One word a record, and padding that no compression takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Words {
    words: Vec<u32>,
    padding: usize,
}

impl Payload for Words {
    type Purpose = UsageStatistics;
    const QUEUE: Queue = Queue::Usage;

    fn records(&self) -> u32 {
        self.words.len() as u32
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.padding.to_le_bytes().to_vec();
        bytes.extend(self.words.iter().flat_map(|word| word.to_le_bytes()));
        bytes.resize(bytes.len() + self.padding, 0x5a);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let padding = usize::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
        let words = bytes.get(8..bytes.len().checked_sub(padding)?)?.as_chunks().0;
        Some(Self { words: words.iter().map(|raw| u32::from_le_bytes(*raw)).collect(), padding })
    }
}

/// What every test has: keys, a yes, a directory.
struct Site {
    home: TempDir,
    vault: Vault,
    live: Arc<AtomicBool>,
}

/// A record as the outside sees it.
type Seen = (u64, Epoch, u64, u32);

impl Site {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let (vault, _) = Vault::open(home.path(), &Protector::File, 0).unwrap();
        Self { home, vault, live: Arc::new(AtomicBool::new(true)) }
    }

    /// One with a queue of `count` items of `records` records each.
    fn filled(count: u32, records: u32, padding: usize) -> (Self, Spool<Words>) {
        let mut site = Self::new();
        let (mut spool, _) = site.open(1);
        site.fill(&mut spool, count, records, padding);
        (site, spool)
    }

    fn queue(&self) -> PathBuf {
        self.home.path().join("spool").join("usage")
    }

    fn open(&self, random: u8) -> (Spool<Words>, Recovery) {
        self.open_at(&self.queue(), random).unwrap()
    }

    fn open_at(&self, queue: &Path, random: u8) -> Result<(Spool<Words>, Recovery), SpoolError> {
        Spool::open(queue, [random; 8], &|record| record.verifies(&self.vault))
    }

    fn glance_at(&self, queue: &Path, random: u8) -> Result<(Spool<Words>, Recovery), SpoolError> {
        Spool::glance(queue, [random; 8], &|record| record.verifies(&self.vault))
    }

    fn recover(&self, spool: &mut Spool<Words>) -> Recovery {
        spool.recover(&|record| record.verifies(&self.vault)).unwrap()
    }

    fn seal(
        &mut self,
        position: Position,
        words: Vec<u32>,
        padding: usize,
        cursors: &[Cursor],
    ) -> Sealed<Words> {
        let clean = Clean::new(Words { words, padding });
        let permit = Permit::for_test(&self.live);
        Sealed::new(&clean, position, cursors, &permit, &mut self.vault, 0).unwrap()
    }

    /// Seals one item of each of `items` from the spool's position on.
    fn seal_all(&mut self, spool: &Spool<Words>, items: &[(Vec<u32>, usize)]) -> Vec<Sealed<Words>> {
        let mut position = spool.position();
        let mut sealed = Vec::new();
        for (words, padding) in items {
            sealed.push(self.seal(position, words.clone(), *padding, &[]));
            position.number += words.len() as u64;
            position.seq += words.len() as u64;
        }
        sealed
    }

    /// Puts `count` items of `records` records each, one commit for ten.
    fn fill(&mut self, spool: &mut Spool<Words>, count: u32, records: u32, padding: usize) {
        let items: Vec<_> = (0..count)
            .map(|item| ((0..records).map(|word| item * records + word).collect(), padding))
            .collect();
        for group in items.chunks(10) {
            spool.put(&self.seal_all(spool, group)).unwrap();
        }
    }

    fn words(&self, record: &Sealed<Words>) -> Vec<Seen> {
        let permit = Permit::for_test(&self.live);
        let position = record.position();
        let words = record.open(&permit, &self.vault).unwrap().get().words.clone();
        let seen = |(at, word)| (position.number + at as u64, position.epoch, position.seq + at as u64, word);
        words.into_iter().enumerate().map(seen).collect()
    }

    /// The first few records that wait from this number on.
    fn page(&self, spool: &mut Spool<Words>, from: u64) -> Vec<Sealed<Words>> {
        spool.oldest(from, 7, 20_000).unwrap()
    }

    /// Everything that waits, read in pages.
    fn all(&self, spool: &mut Spool<Words>) -> Vec<Seen> {
        items(spool).iter().flat_map(|record| self.words(record)).collect()
    }

    /// A merge as the run loop does it: neighbours of one epoch, as long as they fit.
    fn merge(&mut self, spool: &mut Spool<Words>) {
        spool
            .merge(|page| {
                let mut joined: Vec<(Position, Vec<u32>)> = Vec::new();
                for record in page {
                    let (position, words) = (record.position(), self.words(record));
                    let words = words.into_iter().map(|(.., word)| word);
                    match joined.last_mut() {
                        Some((first, all)) if first.epoch == position.epoch && all.len() < 1500 => {
                            all.extend(words);
                        }
                        _ => joined.push((position, words.collect())),
                    }
                }
                joined.into_iter().map(|(position, words)| self.seal(position, words, 0, &[])).collect()
            })
            .unwrap();
    }
}

fn items(spool: &mut Spool<Words>) -> Vec<Sealed<Words>> {
    let mut all: Vec<Sealed<Words>> = Vec::new();
    loop {
        let from = all.last().map_or(0, |record| record.numbers().end);
        let page = spool.oldest(from, 7, 20_000).unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn count(ranges: &[Range<u64>]) -> u64 {
    ranges.iter().map(|range| range.end - range.start).sum()
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
