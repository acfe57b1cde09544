//! The high-water file: the numbers that a queue has promised and not yet settled.
//!
//! sled can lose its tail, or a page in the middle, without noticing; this file is what it is compared with.
//! It also is the one place where a record is settled: sled only ever adds, and a generation is removed when
//! none of its numbers wait any more. So no crash can bring a settled record back or lose one that waits.
//!
//! Two slots, `<queue>.a` and `<queue>.b`, are written in turns, each with one sync:
//!
//! ```text
//! magic "KHW1" | turn u64 LE | length u32 LE | bincode of `Stored` [length] | SHA-256 of all before | zeros to 4 KiB
//! ```

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use protocol::batch::Gap;
use protocol::{Digest, Epoch, Reason};
use rangemap::{RangeMap, RangeSet};
use serde::{Deserialize, Serialize};

use crate::presence::{self, Presence};
use crate::seal::record::{Cursor, Position};
use crate::{durable, killpoint};

const MAGIC: &[u8; 4] = b"KHW1";
const HEAD: usize = 16;
/// A slot is a whole number of these, so that it seldom grows: growing needs free space and a second write.
const BLOCK: usize = 4096;
const FORMAT: bincode::config::Configuration = bincode::config::standard();

#[derive(Serialize, Deserialize)]
enum Stored {
    V1(State),
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    next: u64,
    epochs: Vec<(Epoch, u64)>,
    waiting: Vec<Range<u64>>,
    gaps: Vec<(Range<u64>, Reason)>,
    cursors: Vec<([u8; 16], u64)>,
}

/// Numbers that will never arrive, and the reason that the collector gets for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// To settle once the collector has acknowledged the gap.
    pub numbers: Range<u64>,
    /// For the next batch.
    pub gap: Gap,
}

/// What a record that lies on disk is to the promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Promised, and some of its numbers wait.
    Waiting,
    /// Written, but the process ended before it was promised.
    Unpromised,
    /// Settled, or the remnant of a write that never was whole.
    Gone,
}

/// The promised numbers of one queue.
#[derive(Debug)]
pub(super) struct HighWater {
    slots: [PathBuf; 2],
    turn: u64,
    next: u64,
    /// Each epoch with the number of its first record, in order.
    epochs: Vec<(Epoch, u64)>,
    waiting: RangeSet<u64>,
    gaps: RangeMap<u64, Reason>,
    cursors: BTreeMap<[u8; 16], u64>,
}

impl HighWater {
    /// Reads the newer of the slots that are whole.
    pub(super) fn load(queue: &Path) -> io::Result<(Self, Found)> {
        let slots = [queue.with_extension("a"), queue.with_extension("b")];
        let (mut newest, mut found) = ((0, State::default()), Found::Nothing);
        for slot in &slots {
            let Presence::Found(bytes) = presence::read(slot)? else { continue };
            match decode(&bytes) {
                Some((turn, state)) if turn >= newest.0 => {
                    (newest, found) = ((turn, state), Found::Whole);
                }
                _ if found == Found::Nothing => found = Found::Torn,
                _ => {}
            }
        }
        let (turn, state) = newest;
        let high = Self {
            slots,
            turn,
            next: state.next,
            epochs: state.epochs,
            waiting: state.waiting.into_iter().filter(|range| !range.is_empty()).collect(),
            gaps: state.gaps.into_iter().filter(|(range, _)| !range.is_empty()).collect(),
            cursors: state.cursors.into_iter().collect(),
        };
        Ok((high, found))
    }

    /// Writes the slot whose turn it is and syncs it. The other slot holds until this one is whole.
    pub(super) fn write(&mut self) -> io::Result<()> {
        let turn = self.turn + 1;
        let bytes = encode(turn, self.state());
        let slot = &self.slots[(turn % 2) as usize];
        killpoint::read(slot)?;
        let (mut options, mut is_new) = (OpenOptions::new(), false);
        let mut file = match Presence::of(durable::private(&mut options).write(true).open(slot))? {
            Presence::Found(file) => file,
            Presence::Absent => {
                is_new = true;
                options.create_new(true).open(slot)?
            }
        };
        file.write_all(&bytes)?;
        killpoint::step("promise.written");
        file.sync_data()?;
        killpoint::step("promise.synced");
        if is_new {
            durable::sync_parent(slot)?;
        }
        self.turn = turn;
        Ok(())
    }

    fn state(&mut self) -> State {
        let waits = self.waiting.first().map(|range| range.start);
        let gap = self.gaps.first_range_value().map(|(range, _)| range.start);
        let oldest = waits.into_iter().chain(gap).min().unwrap_or(self.next);
        let past = self.epochs.iter().skip(1).take_while(|(_, first)| *first <= oldest).count();
        self.epochs.drain(..past);
        State {
            next: self.next,
            epochs: self.epochs.clone(),
            waiting: self.waiting.iter().cloned().collect(),
            gaps: self.gaps.iter().map(|(range, reason)| (range.clone(), *reason)).collect(),
            cursors: self.cursors.iter().map(|(source, taken)| (*source, *taken)).collect(),
        }
    }

    /// Whether nothing was ever promised: then there is no slot either, and none is made.
    pub(super) fn is_new(&self) -> bool {
        self.turn == 0 && self.next == 0
    }

    /// The number that the next record gets.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Numbering goes on at `number` where nothing else is known.
    pub(super) fn start_at(&mut self, number: u64) {
        self.next = self.next.max(number);
    }

    /// Counter of the newest epoch that has a record.
    pub(super) fn last_epoch(&self) -> u64 {
        self.epochs.last().map_or(0, |(epoch, _)| epoch.counter)
    }

    /// The parts of `numbers` that were promised and are not settled.
    pub(super) fn waiting_in(&self, numbers: &Range<u64>) -> impl Iterator<Item = Range<u64>> + use<'_> {
        let (start, end) = (numbers.start, numbers.end);
        self.waiting
            .overlapping(start..end)
            .map(move |waits| waits.start.max(start)..waits.end.min(end))
            .filter(|waits| !waits.is_empty())
    }

    /// Whether any of `numbers` waits.
    pub(super) fn any_waiting_in(&self, numbers: &Range<u64>) -> bool {
        self.waiting_in(numbers).next().is_some()
    }

    /// What a record at `position` with `numbers` is.
    pub(super) fn standing(&self, position: Position, numbers: &Range<u64>) -> Standing {
        let Some(first) = position.number.checked_sub(position.seq) else { return Standing::Gone };
        if numbers.is_empty() {
            return Standing::Gone;
        }
        let named = (position.epoch, first);
        if numbers.end <= self.next {
            let epoch = self.epochs.iter().rev().find(|(_, first)| *first <= position.number);
            let held = epoch == Some(&named) && self.any_waiting_in(numbers);
            return if held { Standing::Waiting } else { Standing::Gone };
        }
        let follows = match self.epochs.last() {
            None => true,
            Some(last) => *last == named || (last.0.counter < position.epoch.counter && first >= self.next),
        };
        if follows && numbers.start >= self.next { Standing::Unpromised } else { Standing::Gone }
    }

    /// Promises everything up to the end of a record; what lies between the last promise and it is missing.
    pub(super) fn promise(
        &mut self,
        position: Position,
        numbers: &Range<u64>,
        cursors: impl Iterator<Item = Cursor>,
    ) {
        if self.epochs.last().is_none_or(|(epoch, _)| *epoch != position.epoch) {
            self.epochs.push((position.epoch, position.number.saturating_sub(position.seq)));
        }
        self.waiting.insert(self.next..numbers.end);
        self.next = numbers.end;
        for Cursor { source, taken } in cursors {
            let known = self.cursors.entry(source).or_default();
            *known = taken.max(*known);
        }
    }

    /// Settles numbers, and gaps that were stated.
    pub(super) fn settle(&mut self, numbers: Range<u64>) {
        if !numbers.is_empty() {
            self.waiting.remove(numbers.clone());
            self.gaps.remove(numbers);
        }
    }

    /// Takes waiting numbers out for a reason; they become a gap. Returns how many.
    pub(super) fn abandon(&mut self, numbers: &Range<u64>, reason: Reason) -> u64 {
        let lost: Vec<_> = self.waiting_in(numbers).collect();
        for range in &lost {
            self.waiting.remove(range.clone());
            self.gaps.insert(range.clone(), reason);
        }
        lost.iter().map(|range| range.end - range.start).sum()
    }

    /// What was abandoned and not yet settled, by epoch.
    pub(super) fn missing(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        for (range, reason) in self.gaps.iter() {
            for (at, (epoch, first)) in self.epochs.iter().enumerate() {
                let end = self.epochs.get(at + 1).map_or(u64::MAX, |(_, next)| *next);
                let numbers = range.start.max(*first)..range.end.min(end);
                if !numbers.is_empty() {
                    let (lo, hi) = (numbers.start - first, numbers.end - 1 - first);
                    missing.push(Missing { numbers, gap: Gap { epoch: *epoch, lo, hi, reason: *reason } });
                }
            }
        }
        missing
    }

    /// Forgets everything but the numbering.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.gaps.clear();
        self.cursors.clear();
    }

    /// How far each source was taken in.
    pub(super) fn cursors(&self) -> &BTreeMap<[u8; 16], u64> {
        &self.cursors
    }

    /// Forgets a source, with the next write.
    pub(super) fn forget(&mut self, source: &[u8; 16]) {
        self.cursors.remove(source);
    }

    /// Where the slots lie.
    pub(super) fn slots(&self) -> &[PathBuf; 2] {
        &self.slots
    }
}

/// What was on disk at [`HighWater::load`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// No slot: nothing was ever put.
    Nothing,
    /// A slot that is whole.
    Whole,
    /// Slots, and none is whole.
    Torn,
}

fn encode(turn: u64, state: State) -> Vec<u8> {
    // A plain structure of integers cannot fail to encode into memory.
    let body = bincode::serde::encode_to_vec(Stored::V1(state), FORMAT).unwrap_or_default();
    let mut bytes = Vec::with_capacity(body.len() + 2 * HEAD + BLOCK);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&turn.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&body);
    bytes.extend_from_slice(&Digest::of(&bytes).to_bytes());
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

fn decode(bytes: &[u8]) -> Option<(u64, State)> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let turn = u64::from_le_bytes(head.strip_prefix(MAGIC)?.get(..8)?.try_into().ok()?);
    let length = u32::from_le_bytes(head.get(12..)?.try_into().ok()?) as usize;
    let (body, rest) = rest.split_at_checked(length)?;
    if rest.get(..32)? != Digest::of(bytes.get(..HEAD + length)?).to_bytes() {
        return None;
    }
    let (Stored::V1(state), read) = bincode::serde::decode_from_slice(body, FORMAT).ok()?;
    (read == length).then_some((turn, state))
}
