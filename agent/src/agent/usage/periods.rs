//! Rollup: the journal pieces of a day, week or month that is over fold into records of the queue `usage`.
//!
//! A crash repeats nothing: what is folded carries, as a cursor of the period, the numbers of the journal that
//! it folds, so pieces below it count as settled wherever the crash was.

use std::collections::{BTreeMap, BTreeSet};

use protocol::civil::Granularity;
use protocol::{Digest, Reason};

use super::super::Trouble;
use super::super::cx::Cx;
use super::{Statistics, header};
use crate::consent::permit::{Permit, UsageStatistics};
use crate::seal::payload::{Clean, Payload};
use crate::seal::record::{Cursor, Sealed};
use crate::spool::Spool;
use crate::usage::journal::{Journal, Period};
use crate::usage::validation;
use crate::vault::Vault;
use crate::{killpoint, limits};

/// Number of journal pieces that each period has in the queue `open`. Nothing is known of them at the start, after a purge,
/// and after the queue was repaired.
#[derive(Debug, Default)]
pub(super) struct Periods {
    pieces: BTreeMap<Period, usize>,
    /// The queue was read once, and every piece counted since.
    known: bool,
}

impl Periods {
    /// One more piece.
    pub(super) fn note(&mut self, period: Period) {
        *self.pieces.entry(period).or_default() += 1;
    }

    /// None of these has a piece left.
    fn forget(&mut self, periods: &BTreeSet<Period>) {
        self.pieces.retain(|period, _| !periods.contains(period));
    }

    fn over(&self, now: i64) -> BTreeSet<Period> {
        self.pieces.keys().copied().filter(|period| period.granularity.is_over(period.at, now)).collect()
    }

    fn long(&self) -> BTreeSet<Period> {
        let long = self.pieces.iter().filter(|(_, pieces)| **pieces > limits::JOURNAL_PIECES);
        long.map(|(period, _)| *period).collect()
    }

    fn all(&self) -> BTreeSet<Period> {
        self.pieces.keys().copied().collect()
    }

    /// When the next period is over, in seconds since 1970.
    pub(super) fn next_end(&self) -> Option<i64> {
        self.pieces.keys().map(|period| period.granularity.over_at(period.at)).min()
    }
}

/// What the pieces of some periods amount to.
struct Gathered {
    journals: BTreeMap<Period, Journal>,
    numbers: Vec<std::ops::Range<u64>>,
    end: u64,
}

impl Statistics {
    /// Reads which periods are open, unless that is known, and finishes what a crash cut.
    pub(in crate::agent) fn resume_journal(&mut self, cx: &mut Cx<'_>) -> Result<(), Trouble> {
        // Of a queue that was only seen nothing is read.
        if self.periods.known || self.open.is_seen() {
            return Ok(());
        }
        let Some(permit) = cx.registry.permit::<UsageStatistics>(cx.now) else { return Ok(()) };
        let (mut folded, mut unreadable) = (Vec::new(), Vec::new());
        let mut periods = Periods { known: true, ..Periods::default() };
        let vault = &*cx.vault;
        each_piece(&mut self.open, &permit, vault, |open, sealed, piece| {
            let Some(piece) = piece else {
                // What waits for a key that was set aside goes on waiting.
                return unreadable.extend((!vault.is_set_aside(sealed.key())).then(|| sealed.numbers()));
            };
            let source = fold_source(piece.period);
            if Some(sealed.position().number) < self.usage.cursor(&source).max(open.cursor(&source)) {
                folded.push(sealed.numbers());
            } else {
                periods.note(piece.period);
            }
        })?;
        self.periods = periods;
        // A piece whose key is lost says nothing any more. Nobody waits for its numbers: they are counted, and over.
        let lost: u64 = unreadable.iter().map(|numbers| numbers.end - numbers.start).sum();
        cx.counters.drop(Reason::Damaged, lost);
        cx.counters.save()?;
        folded.extend(unreadable);
        folded.extend(self.open.missing().into_iter().map(|missing| missing.numbers));
        if !folded.is_empty() {
            self.open.settle(folded)?;
        }
        Ok(())
    }

    /// Folds the periods that are over into records ready to leave; `all`: the open ones too.
    pub(in crate::agent) fn close_periods(&mut self, cx: &mut Cx<'_>, all: bool) -> Result<(), Trouble> {
        let due = if all { self.periods.all() } else { self.periods.over(cx.now) };
        for some in chunks(due) {
            self.close(cx, &some)?;
        }
        Ok(())
    }

    fn close(&mut self, cx: &mut Cx<'_>, due: &BTreeSet<Period>) -> Result<(), Trouble> {
        let Some(permit) = cx.registry.permit::<UsageStatistics>(cx.now) else { return Ok(()) };
        let gathered = gather(&mut self.open, &permit, cx.vault, due)?;
        let catalog = self.validator.catalog();
        let header = header(&permit, cx.registry.policy(), catalog);
        let records = gathered.journals.into_values().flat_map(Journal::into_records).collect();
        let cursors = fold_cursors(due, gathered.end);
        let mut sealed = Vec::new();
        let mut batches = validation::batches(records, &header, self.usage.position(), catalog).peekable();
        while let Some((clean, position)) = batches.next() {
            let cursors: &[Cursor] = if batches.peek().is_none() { &cursors } else { &[] };
            self.note_age(cx, clean.get().batch());
            sealed.push(Sealed::new(&clean, position, cursors, &permit, cx.vault, cx.now)?);
        }
        killpoint::step("close.sealed");
        self.usage.put(&sealed)?;
        killpoint::step("close.put");
        self.open.settle(gathered.numbers)?;
        killpoint::step("close.settled");
        self.usage.forget(&sources(&cursors));
        self.periods.forget(due);
        Ok(())
    }

    /// Folds the pieces of a period into few, where single lines made many.
    pub(in crate::agent) fn fold_long_journals(&mut self, cx: &mut Cx<'_>) -> Result<(), Trouble> {
        for some in chunks(self.periods.long()) {
            let Some(permit) = cx.registry.permit::<UsageStatistics>(cx.now) else { return Ok(()) };
            let gathered = gather(&mut self.open, &permit, cx.vault, &some)?;
            let cursors = fold_cursors(&some, gathered.end);
            let pieces: Vec<Journal> = gathered
                .journals
                .into_values()
                .flat_map(|journal| journal.split(limits::SEALED_CONTENT))
                .collect();
            let folded: Vec<Period> = pieces.iter().map(|piece| piece.period).collect();
            let mut sealed = Vec::new();
            let mut position = self.open.position();
            let count = pieces.len();
            for (index, piece) in pieces.into_iter().enumerate() {
                let records = u64::from(piece.records());
                let cursors: &[Cursor] = if index + 1 == count { &cursors } else { &[] };
                sealed.push(Sealed::new(&Clean::new(piece), position, cursors, &permit, cx.vault, cx.now)?);
                position.number += records;
                position.seq += records;
            }
            self.open.put(&sealed)?;
            killpoint::step("fold.put");
            self.open.settle(gathered.numbers)?;
            killpoint::step("fold.settled");
            self.open.forget(&sources(&cursors));
            self.periods.forget(&some);
            folded.into_iter().for_each(|period| self.periods.note(period));
        }
        Ok(())
    }
}

/// Shows every record of the journal in order, with the piece in it; without one if it does not open.
fn each_piece(
    open: &mut Spool<Journal>,
    permit: &Permit<'_, UsageStatistics>,
    vault: &Vault,
    mut show: impl FnMut(&Spool<Journal>, &Sealed<Journal>, Option<Journal>),
) -> Result<(), Trouble> {
    let mut from = 0;
    loop {
        let page = open.oldest(from, limits::PAGE_ITEMS, limits::PAGE_BYTES)?;
        let Some(last) = page.last() else { return Ok(()) };
        from = last.numbers().end;
        for sealed in &page {
            show(open, sealed, sealed.open(permit, vault).ok().map(Clean::into_inner));
        }
    }
}

fn gather(
    open: &mut Spool<Journal>,
    permit: &Permit<'_, UsageStatistics>,
    vault: &Vault,
    due: &BTreeSet<Period>,
) -> Result<Gathered, Trouble> {
    let mut gathered =
        Gathered { journals: BTreeMap::new(), numbers: Vec::new(), end: open.position().number };
    each_piece(open, permit, vault, |_, sealed, piece| {
        let Some(piece) = piece else { return };
        if due.contains(&piece.period) {
            gathered.numbers.push(sealed.numbers());
            gathered.journals.entry(piece.period).or_insert_with(|| Journal::new(piece.period)).absorb(piece);
        }
    })?;
    Ok(gathered)
}

fn sources(cursors: &[Cursor]) -> Vec<[u8; 16]> {
    cursors.iter().map(|cursor| cursor.source).collect()
}

fn fold_cursors(periods: &BTreeSet<Period>, end: u64) -> Vec<Cursor> {
    periods.iter().map(|period| Cursor { source: fold_source(*period), taken: end }).collect()
}

/// What a cursor knows a period's journal by.
fn fold_source(period: Period) -> [u8; 16] {
    let mut text = b"journal".to_vec();
    text.push(match period.granularity {
        Granularity::Hour => 0,
        Granularity::Day => 1,
        Granularity::Week => 2,
        Granularity::Month => 3,
    });
    text.extend_from_slice(&period.at.to_le_bytes());
    let mut out = [0; 16];
    out.copy_from_slice(&Digest::of(&text).to_bytes()[..16]);
    out
}

/// As many periods at a time as one sealed record has cursors for.
fn chunks(periods: BTreeSet<Period>) -> Vec<BTreeSet<Period>> {
    let periods: Vec<Period> = periods.into_iter().collect();
    periods.chunks(limits::GROUP_FILES).map(|some| some.iter().copied().collect()).collect()
}
