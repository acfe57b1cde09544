//! Intake: from the outbox and the socket to the queues. A line is validated, sealed and synced; then its source is
//! removed.
//!
//! Exactly once: each queue and the counters store a cursor per source, in the same
//! commit as what they took. After a restart a line goes only to those that don't have it yet.

use std::time::Duration;

use log::{debug, warn};
use protocol::Reason;

use super::super::Trouble;
use super::super::cx::Cx;
use super::files::{look_for_lines, remove};
use super::taking::{Reading, Taking};
use super::unread::note_unread;
use super::{Statistics, header};
use crate::collect::Raw;
use crate::collect::outbox::{self, End, Source};
use crate::consent::Flag;
use crate::consent::permit::UsageStatistics;
use crate::presence::Presence;
use crate::seal::payload::Payload;
use crate::seal::record::{Cursor, Sealed};
use crate::usage::journal::Journal;
use crate::usage::validation::{Usage, Wanted, Window};
use crate::{killpoint, limits};

/// Which files of the outbox are taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::agent) enum Look {
    /// Every complete one.
    All,
    /// The oldest, as long as they were renamed when they were written, as Kathea does: any other may still be growing.
    Renamed,
}

/// What a look into the outbox brought.
pub(in crate::agent) enum Taken {
    /// Nothing, or nothing may be taken in.
    Nothing,
    /// A group was taken in and is durable.
    Group {
        /// There is more that can be taken now.
        more: bool,
    },
}

/// For whom lines are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::agent) enum Reader {
    /// For the vendor under a grant since then, and for the clinic's own history.
    Both(i64),
    /// For the clinic's own history alone.
    Clinic,
    /// Likewise; the files stay, because the vendor's grant only rests.
    ClinicNow,
}

/// What is left of one turn: so that answers, a withdrawal and a stop never wait for what lies in the outbox.
struct Turn {
    lines: usize,
    bytes: u64,
    /// Since the start.
    until: Duration,
}

impl Turn {
    fn has_budget(&self) -> bool {
        self.lines > 0 && self.bytes > 0
    }
}

impl Statistics {
    /// Takes in what fits one commit.
    pub(in crate::agent) fn take_outbox(&mut self, cx: &mut Cx<'_>, look: Look) -> Result<Taken, Trouble> {
        let reader = match granted_since(cx) {
            Some(granted) => Reader::Both(granted),
            None if self.history.since().is_some() => Reader::Clinic,
            None => return Ok(Taken::Nothing),
        };
        self.read_outbox(cx, look, reader)
    }

    /// Reads what fits one commit.
    pub(super) fn read_outbox(
        &mut self,
        cx: &mut Cx<'_>,
        look: Look,
        reader: Reader,
    ) -> Result<Taken, Trouble> {
        if self.taking.reading.is_none() && !self.taking.is_waiting() {
            self.taking.waiting = None; // an empty one still has its memory
            let mut files = look_for_lines(cx)?;
            self.forget_read(&files);
            if look == Look::Renamed {
                // A later one must not go before one of which it is not known yet.
                files.keep_first(Source::is_renamed);
            }
            if reader == Reader::ClinicNow {
                files.retain(|source| self.history.cursor(&source.id()) < u64::MAX);
            }
            self.taking.waiting = Some(files);
        }
        let counted = cx.counters.mark();
        let mut read: Vec<(Source, u64, bool)> = Vec::new();
        let until = cx.since_start() + limits::TURN_TIME;
        let mut turn = Turn { lines: limits::GROUP_LINES, bytes: limits::TURN_BYTES, until };
        while turn.has_budget() && read.len() < limits::GROUP_FILES {
            let Some(mut reading) = self.next_file(cx) else { break };
            while turn.has_budget() && self.take_line(cx, &mut reading, &mut turn, reader) {}
            let end = reading.lines.end();
            if let Some(End::Failed(why)) = end {
                note_unread(cx, why);
            }
            read.push((reading.source.clone(), reading.lines.taken(), end == Some(End::Whole)));
            if matches!(end, None | Some(End::Paused)) {
                self.taking.reading = Some(reading);
            }
        }
        if read.is_empty() {
            return Ok(Taken::Nothing);
        }
        let cursors: Vec<Cursor> =
            read.iter().map(|(source, taken, _)| Cursor { source: source.id(), taken: *taken }).collect();
        let committed = match reader {
            Reader::Both(_) => self.commit(cx, &cursors).and_then(|()| self.keep_own(cx, &read, reader)),
            Reader::Clinic | Reader::ClinicNow => self.keep_own(cx, &read, reader),
        };
        let counts = reader != Reader::ClinicNow;
        let counted_now = |cx: &mut Cx<'_>| if counts { count_cursors(cx, &cursors) } else { Ok(()) };
        if let Err(trouble) = committed.and_then(|()| counted_now(cx)) {
            // The files are read again from their cursors.
            self.taking = Taking::default();
            cx.counters.revert(counted);
            return Err(trouble);
        }
        killpoint::step("intake.counted");
        if !counts {
            let more = self.taking.reading.is_some() || self.taking.is_waiting();
            return Ok(Taken::Group { more });
        }
        let removed = self.remove_read(cx, &read)?;
        let more = removed > 0 || self.taking.reading.is_some() || self.taking.is_waiting();
        Ok(Taken::Group { more })
    }

    /// The next line of a file, validated; false at its end, and where the turn ended in the middle of it.
    fn take_line(&mut self, cx: &mut Cx<'_>, reading: &mut Reading, turn: &mut Turn, reader: Reader) -> bool {
        let at = reading.lines.taken();
        let Some(line) = reading.lines.next(&mut turn.bytes) else { return false };
        turn.lines -= 1;
        if turn.lines.is_multiple_of(limits::TURN_LOOK) && turn.until <= cx.since_start() {
            turn.lines = 0;
        }
        let first = match reader {
            Reader::Both(_) => reading.usage.min(reading.open).min(reading.counters).min(reading.history),
            Reader::Clinic => reading.counters.min(reading.history),
            Reader::ClinicNow => reading.history,
        };
        if at < first {
            return true; // a restart came in the middle of the file
        }
        let own = self.history.since().filter(|_| at >= reading.history);
        let taken = match (line, reader) {
            (Ok(raw), _) if raw.is_blank() => Ok(()),
            (Ok(raw), Reader::Both(granted)) => {
                let wanted = Wanted { usage: at >= reading.usage, open: at >= reading.open };
                self.validator.take_both(raw, Window { granted, now: cx.now }, wanted, own)
            }
            (Ok(raw), Reader::Clinic | Reader::ClinicNow) => self.take_own(raw, own, cx.now),
            (Err(reason), Reader::Both(_)) => Err(reason.into()),
            (Err(_), Reader::Clinic | Reader::ClinicNow) => Err(Reason::NoConsent.into()),
        };
        if let Err(refusal) = taken
            && at >= reading.counters
            && reader != Reader::ClinicNow
        {
            debug!("outbox: line {} column {} refused: {}", at + 1, refusal.column, refusal.reason);
            cx.counters.drop(refusal.reason, 1);
        }
        true
    }

    fn next_file(&mut self, cx: &mut Cx<'_>) -> Option<Reading> {
        if let Some(reading) = self.taking.reading.take() {
            return Some(reading);
        }
        while let Some(source) = self.taking.waiting.as_mut().and_then(Iterator::next) {
            let id = source.id();
            let (usage, open) = (self.usage.cursor(&id).unwrap_or(0), self.open.cursor(&id).unwrap_or(0));
            let counters = cx.counters.cursor(id);
            let history = self.history.since().map_or(u64::MAX, |_| self.history.cursor(&id));
            match Presence::of(source.open()) {
                Ok(Presence::Found(lines)) => {
                    return Some(Reading { source, lines, usage, open, counters, history });
                }
                Ok(Presence::Absent) => {}
                Err(e) => note_unread(cx, e.kind()),
            }
        }
        None
    }

    /// Files that are read to their end go; their cursors go when that is durable. Returns how many went.
    fn remove_read(&mut self, cx: &mut Cx<'_>, read: &[(Source, u64, bool)]) -> Result<usize, Trouble> {
        let gone = remove(cx, read.iter().filter(|(_, _, whole)| *whole).map(|(source, _, _)| source));
        if gone.is_empty() {
            return Ok(0);
        }
        killpoint::step("outbox.removed");
        outbox::sync(&cx.config.kathea.outbox)?;
        killpoint::step("outbox.synced");
        self.usage.forget(&gone);
        self.open.forget(&gone);
        gone.iter().for_each(|source| cx.counters.forget(*source));
        self.history.retain_cursors(|source| !gone.contains(source));
        cx.counters.save()?;
        Ok(gone.len())
    }

    /// One line from the local socket or the command line. It is durable when this returns.
    pub(in crate::agent) fn take_lines(
        &mut self,
        cx: &mut Cx<'_>,
        lines: &[&[u8]],
    ) -> Vec<Result<(), Reason>> {
        let Some(granted) = granted_since(cx) else {
            return self.take_own_lines(cx, lines);
        };
        let own = self.history.since();
        let window = Window { granted, now: cx.now };
        let mut answers: Vec<Result<(), Reason>> = lines
            .iter()
            .map(|line| {
                self.validator
                    .take_both(Raw::new(line), window, Wanted { usage: true, open: true }, own)
                    .map_err(|refusal| refusal.reason)
            })
            .collect();
        for refused in answers.iter().filter_map(|answer| answer.err()) {
            cx.counters.drop(refused, 1);
        }
        if let Err(trouble) = self.commit(cx, &[]) {
            warn!("no event can be stored: {trouble}");
            for answer in answers.iter_mut().filter(|answer| answer.is_ok()) {
                *answer = Err(Reason::Quota);
                cx.counters.drop(Reason::Quota, 1);
            }
        } else {
            // Nobody waits for it: it is saved when these are answered.
            self.note_own(&[], Reader::Both(granted));
        }
        cx.save_counters();
        answers
    }

    /// Seals the validated events and makes them durable, together with the cursors of their sources.
    fn commit(&mut self, cx: &mut Cx<'_>, cursors: &[Cursor]) -> Result<(), Trouble> {
        let sealed = self.seal_validated(cx, cursors);
        let (events, journals) = match sealed {
            Ok(sealed) => sealed,
            Err(trouble) => {
                self.validator.clear();
                return Err(trouble);
            }
        };
        killpoint::step("intake.sealed");
        let sealed = events.iter().map(|record| record.as_bytes().len()).sum::<usize>();
        self.measured
            .committed(sealed + journals.iter().map(|record| record.as_bytes().len()).sum::<usize>());
        self.usage.put(&events)?;
        killpoint::step("intake.events");
        self.open.put(&journals)?;
        killpoint::step("intake.journals");
        Ok(())
    }

    #[allow(clippy::type_complexity, reason = "each queue's share of one group")]
    fn seal_validated(
        &mut self,
        cx: &mut Cx<'_>,
        cursors: &[Cursor],
    ) -> Result<(Vec<Sealed<Usage>>, Vec<Sealed<Journal>>), Trouble> {
        let permit = cx.registry.permit::<UsageStatistics>(cx.now).ok_or(Trouble::NoPermit)?;
        let header = header(&permit, cx.registry.policy(), self.validator.catalog());
        let mut events = Vec::new();
        let mut validated = self.validator.events(&header, self.usage.position()).peekable();
        while let Some((clean, position)) = validated.next() {
            let cursors = if validated.peek().is_none() { cursors } else { &[] };
            self.note_age(cx, clean.get().batch());
            events.push(Sealed::new(&clean, position, cursors, &permit, cx.vault, cx.now)?);
        }
        let mut journals = Vec::new();
        let mut position = self.open.position();
        let validated = self.validator.journals();
        let count = validated.len();
        for (index, clean) in validated.into_iter().enumerate() {
            let cursors = if index + 1 == count { cursors } else { &[] };
            self.periods.note(clean.get().period);
            journals.push(Sealed::new(&clean, position, cursors, &permit, cx.vault, cx.now)?);
            position.number += u64::from(clean.get().records());
            position.seq += u64::from(clean.get().records());
        }
        Ok((events, journals))
    }
}

/// When the grant was given that is live now.
fn granted_since(cx: &Cx<'_>) -> Option<i64> {
    cx.registry.permit::<UsageStatistics>(cx.now)?;
    cx.registry.granted_since(&Flag::UsageStatistics)
}

fn count_cursors(cx: &mut Cx<'_>, cursors: &[Cursor]) -> Result<(), Trouble> {
    for cursor in cursors {
        cx.counters.advance(cursor.source, cursor.taken);
    }
    Ok(cx.counters.save()?)
}
