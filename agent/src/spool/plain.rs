//! A segment as a plain file, without threads of its own: what a simulation of years keeps its queues in.
//! `spool::tests::model` holds it and sled to one model, across kills and damaged files.
//!
//! ```text
//! db     number u64 BE | length u32 BE | check, 8 bytes | bytes, in the order in which they were added
//! check  of the SHA-256 of all three; as sled does, it tells damage from what was written
//! ```
//!
//! It exists where the compiler's debug assertions do, so never in a program that is shipped.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::ops::{ControlFlow, Range};
use std::path::Path;

use protocol::Digest;

use super::error::SpoolError;

thread_local! {
    static ASKED: Cell<bool> = const { Cell::new(false) };
}

/// From now on the queues that this thread opens are plain files, or sled again.
pub fn use_plain_files(is_asked: bool) {
    ASKED.set(is_asked);
}

pub(super) fn is_asked() -> bool {
    ASKED.get()
}

/// An open one. Dropping it writes what was added and closes it.
#[derive(Debug)]
pub(super) struct Plain {
    log: File,
    records: RefCell<BTreeMap<u64, Vec<u8>>>,
    /// Added and not written yet.
    unwritten: RefCell<Vec<u8>>,
}

impl Plain {
    /// Opens the one at `path`, or makes it.
    pub(super) fn open(path: &Path) -> Result<Self, SpoolError> {
        fs::create_dir_all(path)?;
        let log = File::options().read(true).append(true).create(true).open(path.join("db"))?;
        match log.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SpoolError::Locked),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let mut bytes = Vec::new();
        (&log).read_to_end(&mut bytes)?;
        let records = RefCell::new(parse(&bytes).ok_or(SpoolError::Damaged)?);
        Ok(Self { log, records, unwritten: RefCell::default() })
    }

    pub(super) fn add<'a>(&self, records: impl Iterator<Item = (u64, &'a [u8])>) -> Result<(), SpoolError> {
        for (number, bytes) in records {
            let length = u32::try_from(bytes.len()).map_err(|_| SpoolError::TooLarge)?;
            let mut unwritten = self.unwritten.borrow_mut();
            unwritten.extend_from_slice(&number.to_be_bytes());
            unwritten.extend_from_slice(&length.to_be_bytes());
            unwritten.extend_from_slice(&check(number, bytes));
            unwritten.extend_from_slice(bytes);
            self.records.borrow_mut().insert(number, bytes.to_vec());
        }
        Ok(())
    }

    pub(super) fn commit(&self) -> Result<(), SpoolError> {
        (&self.log).write_all(&self.unwritten.take())?;
        Ok(())
    }

    /// As [`Generation::read`](super::generation::Generation::read) shows them.
    pub(super) fn read(
        &self,
        numbers: Range<u64>,
        mut visit: impl FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let records = self.records.borrow();
        let below = records.range(..numbers.start).next_back();
        below.into_iter().chain(records.range(numbers)).try_for_each(|(number, bytes)| visit(*number, bytes))
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        // What was promised is written already.
        let _ = self.commit();
    }
}

fn check(number: u64, bytes: &[u8]) -> [u8; 8] {
    let length = bytes.len() as u64;
    let all = [number.to_be_bytes().as_slice(), &length.to_be_bytes(), bytes].concat();
    Digest::of(&all).to_bytes().first_chunk().copied().unwrap_or_default()
}

fn parse(mut bytes: &[u8]) -> Option<BTreeMap<u64, Vec<u8>>> {
    let mut records = BTreeMap::new();
    while !bytes.is_empty() {
        let (number, rest) = bytes.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (said, rest) = rest.split_first_chunk()?;
        let (record, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        let number = u64::from_be_bytes(*number);
        if check(number, record) != *said {
            return None;
        }
        records.insert(number, record.to_vec());
        bytes = rest;
    }
    Some(records)
}
