//! What becomes of the outbox while nothing is taken in: removed unread after a no, kept while nobody knows.
//!
//! Either way the events are counted, and not the files. To count them their ends are looked for; nothing is read out of
//! them.

use std::io;

use log::warn;
use protocol::Reason;

use super::clock::DAY;
use super::{Agent, Trouble};
use crate::collect::outbox::{self, Source};
use crate::consent::{Kept, Standing};
use crate::limits;
use crate::presence::Why;

/// What one turn removed.
struct Removed {
    files: usize,
    /// There is more than one turn counts.
    is_more: bool,
}

impl Agent {
    /// Removes every complete file unread, and counts its events for this reason. What comes meanwhile is left to the next
    /// turn: a Kathea that goes on writing would keep it from ever ending.
    pub(super) fn discard_outbox(&mut self, reason: Reason, now: i64) -> Result<(), Trouble> {
        while self.discard_some(reason, now)? {}
        Ok(())
    }

    /// Removes what one look finds of it. True if there was more than one look lists.
    pub(super) fn discard_some(&mut self, reason: Reason, now: i64) -> Result<bool, Trouble> {
        self.taking = super::intake::Taking::default();
        let removed = self.remove_unread(reason, now, |_, _| true)?;
        Ok(removed.files > 0 && removed.is_more)
    }

    /// Leaves what nobody said no to where it is: for [`limits::KEPT_AFTER`] days by a clock that did not leap meanwhile,
    /// and never more than the quota. What goes then is counted as expired. True if something went: there may be more.
    pub(super) fn keep_outbox(&mut self, now: i64) -> Result<bool, Trouble> {
        self.taking = super::intake::Taking::default();
        let since = self.look_at_clock(now).kept_since();
        let longest = i64::from(limits::KEPT_AFTER) * DAY;
        let quota = self.config.spool.quota;
        let mut above = outbox::bytes(&self.config.kathea.outbox)?.saturating_sub(quota);
        let is_over = |source: &Source| {
            let lies_since = since
                .map(|since| source.written_at().filter(|at| *at <= now).map_or(since, |at| at.max(since)));
            lies_since.is_some_and(|since| now - since >= longest)
        };
        let removed = self.remove_unread(Reason::Expired, now, |source, _| {
            let goes = above > 0 || is_over(source);
            if goes {
                above = above.saturating_sub(source.size());
            }
            goes
        })?;
        let files = removed.files;
        if files > 0 {
            warn!(
                "the outbox was kept for too long or grew too large: {files} files went unread, counted as expired"
            );
        }
        Ok(files > 0)
    }

    /// Removes the complete files that `goes` names, as many as one turn counts, and counts their events.
    fn remove_unread(
        &mut self,
        reason: Reason,
        now: i64,
        mut goes: impl FnMut(&Source, i64) -> bool,
    ) -> Result<Removed, Trouble> {
        let (mut named, mut events) = (Vec::new(), Vec::new());
        let files = self.look(now)?;
        let mut is_more = files.len() >= limits::OUTBOX_FILES;
        let mut room = limits::TURN_BYTES;
        for source in files {
            if room == 0 {
                is_more = true;
                break;
            }
            if !goes(&source, now) {
                continue;
            }
            // To count is to read: no answer waits for a second turn of it.
            room = room.saturating_sub(source.size().min(limits::OUTBOX_COUNTED));
            let id = source.id();
            let taken = self.usage.cursor(&id).unwrap_or(0).min(self.open.cursor(&id).unwrap_or(0));
            match source.events(taken.max(self.tally.cursor(id))) {
                Ok(count) => {
                    events.push((id, count));
                    named.push(source);
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                // Nobody will ever count what this account may not read.
                Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                    events.push((id, 1));
                    named.push(source);
                }
                Err(e) => self.note_unread(e.kind()),
            }
        }
        let gone = self.remove(&named);
        if gone.is_empty() {
            return Ok(Removed { files: 0, is_more });
        }
        let counted = events.iter().filter(|(id, _)| gone.contains(id)).map(|(_, count)| count).sum();
        self.tally.drop(reason, counted);
        gone.iter().for_each(|id| self.tally.forget(*id));
        outbox::sync(&self.config.kathea.outbox)?;
        self.tally.save()?;
        Ok(Removed { files: gone.len(), is_more })
    }

    /// A file of the outbox that the disk does not give now stays, and is read at the next sweep.
    pub(super) fn note_unread(&mut self, why: io::ErrorKind) {
        let what = format!(
            "a file of the outbox cannot be read now ({}): it is tried again; check the disk and its rights",
            Why(why)
        );
        warn!("{what}");
        self.problems.note("outbox_file", what);
    }

    /// Says so when what Kathea reports is kept, and when that is over.
    pub(super) fn note_standing(&mut self, standing: Standing) {
        let kept = if let Standing::Kept(kept) = standing { Some(kept) } else { None };
        if kept != self.kept {
            self.kept = kept;
            if let Some(kept) = kept {
                warn!("{}", kept.problem());
            }
            self.write_flags_for_kathea();
        }
    }

    /// What `status` says of it.
    pub(super) fn kept_problem(&self, now: i64) -> Option<&'static str> {
        match self.usage_standing(now) {
            Standing::Kept(kept) => Some(Kept::problem(kept)),
            Standing::Granted | Standing::Refused => None,
        }
    }
}
