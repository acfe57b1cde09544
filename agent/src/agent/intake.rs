//! From the front door to the trays: what comes in is washed, sealed and synced, then its source goes.
//!
//! Exactly once: each tray and the tally remember by cursor how far they took each source, in the same
//! commit as what they took. After a restart a line goes only to those that don't have it yet.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use log::{debug, warn};
use protocol::Reason;

use super::{Agent, Trouble};
use crate::collect::Raw;
use crate::collect::outbox::{self, End, Lines, Source};
use crate::consent::permit::UsageStatistics;
use crate::consent::{Flag, Standing};
use crate::deidentify::clean::Payload;
use crate::deidentify::usage::{Wanted, Window};
use crate::vault::sealed::{Cursor, Sealed};
use crate::{killpoint, limits};

/// What is left of the last look into the outbox.
#[derive(Debug, Default)]
pub(super) struct Taking {
    waiting: VecDeque<Source>,
    reading: Option<Reading>,
}

#[derive(Debug)]
struct Reading {
    source: Source,
    lines: Lines,
    usage: u64,
    open: u64,
    tally: u64,
}

/// What is left of one turn: so that answers, a withdrawal and a stop never wait for what lies in the outbox.
struct Turn {
    lines: usize,
    bytes: u64,
    /// Since the start.
    until: Duration,
}

impl Turn {
    fn has_room(&self) -> bool {
        self.lines > 0 && self.bytes > 0
    }
}

impl Agent {
    /// Takes in what fits one commit. False when nothing is left, or nothing that can be removed.
    pub(super) fn take_outbox(&mut self, now: i64) -> Result<bool, Trouble> {
        self.book.look_again();
        let standing = self.usage_standing(now);
        self.note_standing(standing);
        let granted = match (standing, self.granted_since(now)) {
            (Standing::Granted, Some(granted)) => granted,
            (Standing::Kept(_), _) => return self.keep_outbox(now),
            (Standing::Refused | Standing::Granted, _) => {
                return self.discard_some(Reason::NoConsent, now);
            }
        };
        if self.taking.reading.is_none() && self.taking.waiting.is_empty() {
            self.taking.waiting = self.look_for_lines(now)?.into();
        }
        let window = Window { granted, now };
        let counted = self.tally.mark();
        let mut read: Vec<(Source, u64, bool)> = Vec::new();
        let until = self.since_start() + limits::TURN_TIME;
        let mut turn = Turn { lines: limits::GROUP_LINES, bytes: limits::TURN_BYTES, until };
        while turn.has_room() && read.len() < limits::GROUP_FILES {
            let Some(mut reading) = self.next_file() else { break };
            while turn.has_room() && self.take_line(&mut reading, &mut turn, window) {}
            let end = reading.lines.end();
            if let Some(End::Failed(why)) = end {
                self.note_unread(why);
            }
            read.push((reading.source.clone(), reading.lines.taken(), end == Some(End::Whole)));
            if matches!(end, None | Some(End::Paused)) {
                self.taking.reading = Some(reading);
            }
        }
        if read.is_empty() {
            return Ok(false);
        }
        let cursors: Vec<Cursor> =
            read.iter().map(|(source, taken, _)| Cursor { source: source.id(), taken: *taken }).collect();
        if let Err(trouble) = self.commit(&cursors, now).and_then(|()| self.tally_cursors(&cursors)) {
            // The files are read again from their cursors.
            self.taking = Taking::default();
            self.tally.revert(counted);
            return Err(trouble);
        }
        killpoint::step("intake.counted");
        self.keep_in_order(now);
        let removed = self.remove_read(&read)?;
        Ok(removed > 0 || self.taking.reading.is_some() || !self.taking.waiting.is_empty())
    }

    /// The next line of a file, validated; false at its end, and where the turn ended in the middle of it.
    fn take_line(&mut self, reading: &mut Reading, turn: &mut Turn, window: Window) -> bool {
        let at = reading.lines.taken();
        let Some(line) = reading.lines.next(&mut turn.bytes) else { return false };
        turn.lines -= 1;
        if turn.lines.is_multiple_of(limits::TURN_LOOK) && turn.until <= self.since_start() {
            turn.lines = 0;
        }
        if at < reading.usage.min(reading.open).min(reading.tally) {
            return true; // a restart came in the middle of the file
        }
        let wanted = Wanted { usage: at >= reading.usage, open: at >= reading.open };
        let taken = match line {
            Ok(raw) if raw.is_blank() => Ok(()),
            Ok(raw) => self.wash.take(raw, window, wanted),
            Err(reason) => Err(reason.into()),
        };
        if let Err(refusal) = taken
            && at >= reading.tally
        {
            debug!("outbox: line {} column {} refused: {}", at + 1, refusal.column, refusal.reason);
            self.tally.drop(refusal.reason, 1);
        }
        true
    }

    fn next_file(&mut self) -> Option<Reading> {
        if let Some(reading) = self.taking.reading.take() {
            return Some(reading);
        }
        while let Some(source) = self.taking.waiting.pop_front() {
            let id = source.id();
            let (usage, open) = (self.usage.cursor(&id).unwrap_or(0), self.open.cursor(&id).unwrap_or(0));
            let tally = self.tally.cursor(id);
            match source.open() {
                Ok(lines) => return Some(Reading { source, lines, usage, open, tally }),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => self.note_unread(e.kind()),
            }
        }
        None
    }

    /// Files that are read to their end go; their cursors go when that is durable. Returns how many went.
    fn remove_read(&mut self, read: &[(Source, u64, bool)]) -> Result<usize, Trouble> {
        let gone = self.remove(read.iter().filter(|(_, _, whole)| *whole).map(|(source, _, _)| source));
        if gone.is_empty() {
            return Ok(0);
        }
        killpoint::step("outbox.removed");
        outbox::sync(&self.config.kathea.outbox)?;
        killpoint::step("outbox.synced");
        self.usage.forget(&gone);
        self.open.forget(&gone);
        gone.iter().for_each(|source| self.tally.forget(*source));
        self.tally.save()?;
        Ok(gone.len())
    }

    /// One line from the local socket or the command line. It is durable when this returns.
    pub(super) fn take_lines(&mut self, lines: &[&[u8]], now: i64) -> Vec<Result<(), Reason>> {
        let Some(granted) = self.granted_since(now) else {
            self.tally.drop(Reason::NoConsent, lines.len() as u64);
            self.save_tally();
            return lines.iter().map(|_| Err(Reason::NoConsent)).collect();
        };
        let window = Window { granted, now };
        let mut answers: Vec<Result<(), Reason>> = lines
            .iter()
            .map(|line| {
                self.wash
                    .take(Raw::new(line), window, Wanted { usage: true, open: true })
                    .map_err(|refusal| refusal.reason)
            })
            .collect();
        for refused in answers.iter().filter_map(|answer| answer.err()) {
            self.tally.drop(refused, 1);
        }
        match self.commit(&[], now) {
            Ok(()) => self.keep_in_order(now),
            Err(trouble) => {
                warn!("nothing can be taken in: {trouble}");
                for answer in answers.iter_mut().filter(|answer| answer.is_ok()) {
                    *answer = Err(Reason::Quota);
                    self.tally.drop(Reason::Quota, 1);
                }
            }
        }
        self.save_tally();
        answers
    }

    /// Seals what the wash room holds and makes it durable, with the cursors of where it came from.
    fn commit(&mut self, cursors: &[Cursor], now: i64) -> Result<(), Trouble> {
        let sealed = self.seal_washed(cursors, now);
        let (events, journals) = match sealed {
            Ok(sealed) => sealed,
            Err(trouble) => {
                self.wash.clear();
                return Err(trouble);
            }
        };
        killpoint::step("intake.sealed");
        self.usage.put(&events)?;
        killpoint::step("intake.events");
        self.open.put(&journals)?;
        killpoint::step("intake.journals");
        Ok(())
    }

    /// What a commit makes due. It is durable whatever goes wrong here, so nobody is told that it was not taken.
    fn keep_in_order(&mut self, now: i64) {
        let kept = self.keep_quota().and_then(|()| self.fold_long_journals(now));
        if let Err(trouble) = kept.and_then(|()| self.merge_small_records(now)) {
            self.trouble("upkeep", &trouble);
        } else {
            self.problems.solved("upkeep");
        }
    }

    /// When the yes was given that is live now.
    fn granted_since(&self, now: i64) -> Option<i64> {
        self.book.permit::<UsageStatistics>(now)?;
        self.book.granted_since(&Flag::UsageStatistics)
    }

    /// What can't be saved now is saved with the next change.
    pub(super) fn save_tally(&mut self) {
        if let Err(e) = self.tally.save() {
            self.trouble("tally", &e.into());
        }
    }

    fn tally_cursors(&mut self, cursors: &[Cursor]) -> Result<(), Trouble> {
        for cursor in cursors {
            self.tally.advance(cursor.source, cursor.taken);
        }
        Ok(self.tally.save()?)
    }

    #[allow(clippy::type_complexity, reason = "the two trays' share of one group")]
    fn seal_washed(
        &mut self,
        cursors: &[Cursor],
        now: i64,
    ) -> Result<(Vec<Sealed<super::Usage>>, Vec<Sealed<super::Journal>>), Trouble> {
        let permit = self.book.permit::<UsageStatistics>(now).ok_or(Trouble::NoPermit)?;
        let header = super::header(&permit, self.book.policy(), self.wash.catalog());
        let mut events = Vec::new();
        let mut washed = self.wash.events(&header, self.usage.position()).peekable();
        while let Some((clean, position)) = washed.next() {
            let cursors = if washed.peek().is_none() { cursors } else { &[] };
            events.push(Sealed::new(&clean, position, cursors, &permit, &mut self.vault, now)?);
        }
        let mut journals = Vec::new();
        let mut position = self.open.position();
        let washed = self.wash.journals();
        let count = washed.len();
        for (index, clean) in washed.into_iter().enumerate() {
            let cursors = if index + 1 == count { cursors } else { &[] };
            self.periods.note(clean.get().period);
            journals.push(Sealed::new(&clean, position, cursors, &permit, &mut self.vault, now)?);
            position.number += u64::from(clean.get().records());
            position.seq += u64::from(clean.get().records());
        }
        Ok((events, journals))
    }

    /// The complete files that are read. One that is too large stays where it is, unread and counted once: a person can
    /// split it.
    fn look_for_lines(&mut self, now: i64) -> Result<Vec<Source>, Trouble> {
        let files = self.look(now)?;
        let (too_large, sources): (Vec<Source>, Vec<Source>) =
            files.into_iter().partition(Source::is_too_large);
        if too_large.is_empty() {
            self.problems.solved("outbox_large");
            return Ok(sources);
        }
        let what = format!(
            "{} of the outbox's files are larger than {} MiB and not read: split them, or remove them",
            too_large.len(),
            limits::OUTBOX_FILE >> 20
        );
        for id in too_large.iter().map(Source::id) {
            if self.tally.cursor(id) == 0 {
                warn!("{what}");
                self.tally.drop(Reason::TooLong, 1);
                self.tally.advance(id, 1);
            }
        }
        self.problems.note("outbox_large", what);
        self.tally.save()?;
        Ok(sources)
    }

    /// The complete files, and a count for each thing that only looks like one.
    pub(super) fn look(&mut self, now: i64) -> Result<Vec<Source>, Trouble> {
        self.problems.solved("outbox");
        self.problems.solved("outbox_file");
        let listing = outbox::list(&self.config.kathea.outbox, now)?;
        for id in listing.not_files {
            if self.tally.cursor(id) == 0 {
                self.tally.drop(Reason::NotAFile, 1);
                self.tally.advance(id, 1);
                warn!(
                    "the outbox holds something with the ending .ndjson that is no regular file: remove it"
                );
            }
        }
        self.tally.save()?;
        Ok(listing.sources.into_iter().chain(listing.too_large).collect())
    }

    /// Removes files; gives the ids of those that went.
    pub(super) fn remove<'a>(&mut self, sources: impl IntoIterator<Item = &'a Source>) -> Vec<[u8; 16]> {
        let (mut gone, mut refused) = (Vec::new(), None);
        for source in sources {
            match source.remove() {
                Ok(()) => gone.push(source.id()),
                Err(e) => refused = Some(e.kind()),
            }
        }
        if let Some(kind) = refused {
            let what =
                format!("files of the outbox cannot be removed ({kind}): give the agent's account the right");
            warn!("{what}");
            self.problems.note("outbox", what);
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn files_are_discarded_in_turns_and_each_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let (data, outbox) = (dir.path().join("data"), dir.path().join("outbox"));
        std::fs::create_dir(&outbox).unwrap();
        let text =
            format!("data_dir = {data:?}\n[kathea]\noutbox = {outbox:?}\n[keys]\nprotector = \"file\"\n");
        let mut agent = Agent::open(Config::parse(&text).unwrap()).unwrap();
        let files = limits::OUTBOX_FILES + 10;
        for number in 0..files {
            std::fs::write(outbox.join(format!("{number}.ndjson")), "{}\n").unwrap();
        }
        let left = || std::fs::read_dir(&outbox).unwrap().count();
        let now = super::super::unix_now();
        assert!(agent.take_outbox(now).unwrap(), "there is more than one turn removes");
        assert_eq!(left(), 10);
        assert!(!agent.take_outbox(now).unwrap());
        assert_eq!((left(), agent.tally.dropped()[&Reason::NoConsent]), (0, files as u64));
    }
}
