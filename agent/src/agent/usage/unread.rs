//! The outbox while intake is off: its files are removed unread after a denial, and kept while consent is in doubt.
//!
//! Either way the events are counted, and not the files. To count them their ends are looked for; nothing is read out of
//! them.

use std::io;

use log::warn;
use protocol::Reason;

use super::super::Trouble;
use super::super::clock::{DAY, Watched};
use super::super::cx::Cx;
use super::super::health::{Cause, Subject};
use super::Statistics;
use super::files::{look, remove};
use super::taking::Taking;
use crate::collect::outbox::{self, Listing, Source};
use crate::presence::Presence;
use crate::{killpoint, limits};

/// What one turn removed.
struct Removed {
    files: usize,
    /// There is more than one turn counts.
    is_more: bool,
}

impl Statistics {
    /// Removes every complete file unread, and counts its events for this reason. What comes meanwhile is left to the next
    /// turn: a Kathea that goes on writing would keep it from ever ending.
    pub(in crate::agent) fn discard_outbox(
        &mut self,
        cx: &mut Cx<'_>,
        reason: Reason,
    ) -> Result<(), Trouble> {
        while self.discard_some(cx, reason)? {}
        Ok(())
    }

    /// Removes what one look finds of it. True if there was more than one look lists.
    pub(in crate::agent) fn discard_some(
        &mut self,
        cx: &mut Cx<'_>,
        reason: Reason,
    ) -> Result<bool, Trouble> {
        self.taking = Taking::default();
        let removed = self.remove_unread(cx, reason, |_| true)?;
        Ok(removed.files > 0 && removed.is_more)
    }

    /// Leaves what nobody said no to where it is: for [`limits::KEPT_AFTER`] days by a clock that did not leap meanwhile,
    /// and never more than the quota. What goes then is counted as expired. True if something went: there may be more.
    pub(in crate::agent) fn keep_outbox(&mut self, cx: &mut Cx<'_>) -> Result<bool, Trouble> {
        self.taking = Taking::default();
        let since = Watched::now(cx).kept_since();
        let longest = i64::from(limits::KEPT_AFTER) * DAY;
        let now = cx.now;
        let quota = cx.config.spool.quota;
        let mut above = outbox::bytes(&cx.config.kathea.outbox)?.saturating_sub(quota);
        let is_over = |source: &Source| {
            let lies_since = since
                .map(|since| source.written_at().filter(|at| *at <= now).map_or(since, |at| at.max(since)));
            lies_since.is_some_and(|since| now - since >= longest)
        };
        let removed = self.remove_unread(cx, Reason::Expired, |source| {
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
        cx: &mut Cx<'_>,
        reason: Reason,
        mut goes: impl FnMut(&Source) -> bool,
    ) -> Result<Removed, Trouble> {
        let (mut named, mut events) = (Vec::new(), Vec::new());
        let Listing { sources, too_large, .. } = look(cx)?;
        let mut is_more = sources.len() + too_large.len() >= limits::UNREAD_FILES;
        let mut budget = limits::TURN_BYTES;
        let most = limits::UNREAD_FILES;
        for source in sources.take(most).chain(too_large.take(most)) {
            if budget == 0 {
                is_more = true;
                break;
            }
            if !goes(&source) {
                continue;
            }
            // To count is to read: no answer waits for a second turn of it.
            budget = budget.saturating_sub(source.size().min(limits::OUTBOX_COUNTED));
            let id = source.id();
            let taken = self.usage.cursor(&id).unwrap_or(0).min(self.open.cursor(&id).unwrap_or(0));
            match Presence::of(source.events(taken.max(cx.counters.cursor(id)))) {
                Ok(Presence::Found(count)) => {
                    events.push((id, count));
                    named.push(source);
                }
                Ok(Presence::Absent) => {}
                // Nobody will ever count what this account may not read.
                Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                    // Once, also when the process ended between the count and the removal.
                    events.push((id, u64::from(cx.counters.cursor(id) != u64::MAX)));
                    named.push(source);
                }
                Err(e) => note_unread(cx, e.kind()),
            }
        }
        if named.is_empty() {
            return Ok(Removed { files: 0, is_more });
        }
        // Counted before they go, because nobody can count afterwards; the cursor says that it was done.
        let before = cx.counters.mark();
        cx.counters.drop(reason, events.iter().map(|(_, count)| count).sum());
        events.iter().for_each(|(id, _)| cx.counters.advance(*id, u64::MAX));
        if let Err(error) = cx.counters.save() {
            cx.counters.revert(before);
            return Err(error.into());
        }
        killpoint::step("discard.counted");
        let gone = remove(cx, &named);
        if gone.len() < named.len() {
            // What stays is not lost: it may be allowed later.
            cx.counters.revert(before);
            cx.counters.drop(
                reason,
                events.iter().filter(|(id, _)| gone.contains(id)).map(|(_, count)| count).sum(),
            );
        }
        gone.iter().for_each(|id| cx.counters.forget(*id));
        outbox::sync(&cx.config.kathea.outbox)?;
        cx.counters.save()?;
        Ok(Removed { files: gone.len(), is_more })
    }
}

/// A file of the outbox that the disk does not give now stays, and is read at the next sweep.
pub(in crate::agent) fn note_unread(cx: &mut Cx<'_>, why: io::ErrorKind) {
    let what = Cause::OutboxUnread { why };
    warn!("{what}");
    cx.raise(Subject::OutboxUnread, &what);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::panic::{self, AssertUnwindSafe};

    use super::*;
    use crate::agent::{Agent, Parts};
    use crate::config::Config;

    /// An agent without any consent, and three events in its outbox.
    fn unasked(dir: &std::path::Path) -> Agent {
        fs::create_dir(dir.join("outbox")).unwrap();
        fs::write(dir.join("outbox/a.ndjson"), "{}\n{}\n{}\n").unwrap();
        Agent::open(config(dir)).unwrap()
    }

    fn config(dir: &std::path::Path) -> Config {
        let (data, outbox) = (dir.join("data"), dir.join("outbox"));
        let text =
            format!("data_dir = {data:?}\n[kathea]\noutbox = {outbox:?}\n[keys]\nprotector = \"file\"\n");
        Config::parse(&text).unwrap()
    }

    fn discard(agent: &mut Agent) -> Result<(), Trouble> {
        let Parts { usage, mut cx, .. } = agent.parts();
        usage.discard_outbox(&mut cx, Reason::NoConsent)
    }

    #[test]
    fn nothing_goes_unread_whose_count_cannot_be_saved() {
        let dir = tempfile::tempdir().unwrap();
        let mut agent = unasked(dir.path());
        let counts = dir.path().join("data/tally.json");
        let _ = fs::remove_file(&counts);
        fs::create_dir(&counts).unwrap();
        assert!(discard(&mut agent).is_err());
        assert!(fs::read(dir.path().join("outbox/a.ndjson")).is_ok(), "the file stays");
        assert_eq!(agent.counters.dropped().get(&Reason::NoConsent), None);
        fs::remove_dir(&counts).unwrap();
        discard(&mut agent).unwrap();
        assert_eq!(agent.counters.dropped().get(&Reason::NoConsent), Some(&3), "counted once");
        assert!(fs::read(dir.path().join("outbox/a.ndjson")).is_err());
    }

    #[test]
    fn what_was_counted_before_a_kill_is_not_counted_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut agent = unasked(dir.path());
        killpoint::watch(Some(Box::new(|point| match point {
            killpoint::Point::Step("discard.counted") => panic::resume_unwind(Box::new(())),
            _ => Ok(()),
        })));
        let killed = panic::catch_unwind(AssertUnwindSafe(|| discard(&mut agent)));
        assert!(killed.is_err() && dir.path().join("outbox/a.ndjson").metadata().is_ok());
        drop(agent);
        let mut agent = Agent::open(config(dir.path())).unwrap();
        discard(&mut agent).unwrap();
        assert_eq!(agent.counters.dropped().get(&Reason::NoConsent), Some(&3), "once");
        assert!(dir.path().join("outbox/a.ndjson").metadata().is_err());
    }
}
