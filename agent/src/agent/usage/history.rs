//! The clinic's own history: fed by the events that are taken in, and by what the vendor's flag keeps out. Nothing of it
//! goes into a queue.

use log::{info, warn};
use protocol::Reason;
use time::OffsetDateTime;

use super::super::clock::Watched;
use super::super::cx::Cx;
use super::super::health::Subject;
use super::super::{Trouble, decommission};
use super::Statistics;
use super::intake::{Look, Reader, Taken};
use super::taking::Taking;
use crate::collect::Raw;
use crate::collect::outbox::{Files, Source};
use crate::history::shown::History;
use crate::history::{Kept, Store};
use crate::usage::Refusal;
use crate::{presence, workstation};

impl Statistics {
    /// Whether the clinic keeps it.
    pub(in crate::agent) fn keeps_history(&self) -> bool {
        self.history.since().is_some()
    }

    /// One line, for it alone; refused where it is of no figure.
    pub(super) fn take_own(&mut self, raw: Raw<'_>, own: Option<i64>, now: i64) -> Result<(), Refusal> {
        // What it has already is judged once more, so that it is counted right, and let go.
        let is_held = own.is_none();
        let since = own.or(self.history.since()).unwrap_or(i64::MAX);
        let before = is_held.then(|| self.validator.own());
        let taken = self.validator.take_own(raw, since, now);
        if let Some(before) = before {
            let _ = self.validator.own();
            self.validator.put_back(before);
        }
        if taken.is_ok_and(|is_noted| is_noted) { Ok(()) } else { Err(Reason::NoConsent.into()) }
    }

    /// Lines of the local socket without a grant: they are taken where the history takes them.
    pub(super) fn take_own_lines(&mut self, cx: &mut Cx<'_>, lines: &[&[u8]]) -> Vec<Result<(), Reason>> {
        let own = self.history.since();
        let mut answers: Vec<Result<(), Reason>> = match own {
            None => lines.iter().map(|_| Err(Reason::NoConsent)).collect(),
            Some(_) => {
                let taken = lines.iter().map(|line| self.take_own(Raw::new(line), own, cx.now));
                taken.map(|taken| taken.map_err(|refusal| refusal.reason)).collect()
            }
        };
        if self.keep_own(cx, &[], Reader::Clinic).is_err() {
            answers
                .iter_mut()
                .filter(|answer| answer.is_ok())
                .for_each(|answer| *answer = Err(Reason::Quota));
        }
        for refused in answers.iter().filter_map(|answer| answer.err()) {
            cx.counters.drop(refused, 1);
        }
        cx.save_counters();
        answers
    }

    /// Makes durable what was read, and how far each source was.
    pub(super) fn keep_own(
        &mut self,
        cx: &mut Cx<'_>,
        read: &[(Source, u64, bool)],
        reader: Reader,
    ) -> Result<(), Trouble> {
        self.note_own(read, reader);
        self.save_own(cx)
    }

    /// Adds what was read, and how far each source was.
    pub(super) fn note_own(&mut self, read: &[(Source, u64, bool)], reader: Reader) {
        let own = self.validator.own();
        if self.history.since().is_none() {
            return;
        }
        let until = |(source, taken, is_whole): &(Source, u64, bool)| {
            let is_over = *is_whole && reader == Reader::ClinicNow;
            (source.id(), if is_over { u64::MAX } else { *taken })
        };
        self.history.add(own, read.iter().map(until));
    }

    /// Makes durable what was added, if something was.
    pub(in crate::agent) fn save_own(&mut self, cx: &mut Cx<'_>) -> Result<(), Trouble> {
        match self.history.save(cx.vault, cx.now) {
            Ok(()) => cx.health.clear(Subject::History),
            Err(why) => {
                warn!("{why}");
                cx.raise(Subject::History, &why);
                return Err(why.into());
            }
        }
        Ok(())
    }

    /// Cursors of files that are not there any more.
    pub(super) fn forget_read(&mut self, found: &Files) {
        if self.keeps_history() && !found.is_full() {
            let ids: std::collections::HashSet<_> = found.iter().map(|source| source.id()).collect();
            self.history.retain_cursors(|source| ids.contains(source));
        }
    }

    /// Reads, for the history alone, files that stay for the vendor. True if there is more.
    pub(in crate::agent) fn read_own(&mut self, cx: &mut Cx<'_>) -> Result<bool, Trouble> {
        if !self.keeps_history() {
            return Ok(false);
        }
        self.taking = Taking::default();
        let taken = self.read_outbox(cx, Look::All, Reader::ClinicNow)?;
        Ok(matches!(taken, Taken::Group { more: true }))
    }

    /// Reads everything for the history before a grant empties the outbox.
    pub(in crate::agent) fn read_own_first(&mut self, cx: &mut Cx<'_>) -> Result<(), Trouble> {
        while self.keeps_history() && matches!(self.take_outbox(cx, Look::All)?, Taken::Group { more: true })
        {
        }
        Ok(())
    }

    /// What the agent itself sees of the workstation, without a grant.
    pub(in crate::agent) fn note_device(&mut self, cx: &mut Cx<'_>) {
        let Some(since) = self.history.since() else { return };
        let at = OffsetDateTime::from_unix_timestamp(cx.now).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        for line in workstation::events(cx.config.kathea.scans.first().map(|path| path.as_path()), at) {
            let _ = self.take_own(Raw::new(&line), Some(since), cx.now);
        }
        // It is in memory, and saved with the next.
        let _ = self.keep_own(cx, &[], Reader::Clinic);
    }

    /// Lets go what is too old, by a clock that may decide.
    pub(in crate::agent) fn bound_history(&mut self, cx: &mut Cx<'_>) {
        let may_decide = Watched::now(cx).is_steady();
        self.history.bound(cx.now, may_decide);
    }

    /// What is shown of it.
    pub(in crate::agent) fn own_history(&self) -> History {
        History::of(self.history.since().map_or(Kept::Off, Kept::On), self.history.days())
    }

    pub(in crate::agent) fn history(&mut self) -> &mut Store {
        &mut self.history
    }

    /// Switches it.
    ///
    /// # Errors
    /// The device is being taken out of use, or the switch cannot be saved: it is as it was.
    pub(in crate::agent) fn switch_history(&mut self, cx: &mut Cx<'_>, kept: Kept) -> Result<(), Trouble> {
        if presence::is_there(&decommission::begun(&cx.config.data_dir))? {
            return Err(Trouble::NoPermit);
        }
        let before = self.history.since().map_or(Kept::Off, Kept::On);
        self.history.switch(kept);
        if let Err(error) = self.history.save(cx.vault, cx.now) {
            // What is kept agrees with what the clinic was shown, whatever the disk says.
            self.history.switch(before);
            return Err(error.into());
        }
        info!("the clinic's own history: {kept:?}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::agent::{Agent, Parts};
    use crate::config::Config;
    use crate::request::HistoryAsk;

    fn agent(dir: &std::path::Path) -> Agent {
        let (data, outbox) = (dir.join("data"), dir.join("outbox"));
        let text =
            format!("data_dir = {data:?}\n[kathea]\noutbox = {outbox:?}\n[keys]\nprotector = \"file\"\n");
        Agent::open(Config::parse(&text).unwrap()).unwrap()
    }

    /// A folder, and an agent in it.
    fn site() -> (tempfile::TempDir, Agent) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("outbox")).unwrap();
        let agent = agent(dir.path());
        (dir, agent)
    }

    /// An error that happens in a minute, three times.
    fn device_error() -> String {
        let at = time::OffsetDateTime::now_utc() + std::time::Duration::from_secs(60);
        let at = at.format(&time::format_description::well_known::Rfc3339).unwrap();
        format!(
            r#"{{"event":"device.error","at":"{at}","code":1,"subsystem":"motion","severity":"error","repeats":3}}"#
        )
    }

    fn errors(agent: &Agent) -> f64 {
        let history = agent.usage.own_history();
        history.series("errors").map_or(0.0, |series| series.values.values().sum())
    }

    #[test]
    fn a_switch_that_cannot_be_saved_changes_nothing() {
        let (dir, mut agent) = site();
        let sealed = dir.path().join("data/history.sealed");
        fs::create_dir(&sealed).unwrap();
        assert!(!agent.answer_history(HistoryAsk::On).is_done());
        assert!(!agent.usage.keeps_history(), "refused, and off");
        fs::remove_dir(&sealed).unwrap();
        assert!(agent.answer_history(HistoryAsk::On).is_done());
        assert!(agent.usage.keeps_history());
    }

    #[test]
    fn what_cannot_be_saved_stays_in_the_outbox_and_counts_once() {
        let (dir, mut agent) = site();
        assert!(agent.answer_history(HistoryAsk::On).is_done());
        let line = device_error();
        let file = dir.path().join("outbox/a.ndjson");
        fs::write(&file, format!("{line}\nno event\n{line}\n")).unwrap();
        let path = dir.path().join("data/history.sealed");
        let aside = dir.path().join("aside");
        fs::rename(&path, &aside).unwrap();
        fs::create_dir(&path).unwrap();
        for _ in 0..2 {
            assert!(agent.take_outbox(Look::All).is_err(), "it cannot be saved");
        }
        assert!(presence::is_there(&file).unwrap(), "the file stays");
        fs::remove_dir(&path).unwrap();
        assert!(agent.take_outbox(Look::All).is_ok());
        assert!(!presence::is_there(&file).unwrap());
        assert_eq!((errors(&agent), agent.counters.dropped().get(&Reason::NoConsent)), (6.0, Some(&1)));
        drop(agent);
        assert_eq!(errors(&self::agent(dir.path())), 6.0, "it is on the disk");
    }

    /// A file that was renamed within the tick of the clock in which it was written does not show that it is whole.
    #[cfg(unix)]
    #[test]
    fn a_file_that_came_whole_does_not_go_before_an_older_one() {
        use std::os::unix::fs::MetadataExt;

        let (dir, mut agent) = site();
        assert!(agent.answer_history(HistoryAsk::On).is_done());
        let [first, second, third, aside] =
            ["1.ndjson", "2.ndjson", "3.ndjson", "aside"].map(|name| dir.path().join("outbox").join(name));
        let write = |path| fs::write(path, format!("{}\n", device_error())).unwrap();
        let renamed = |path: &std::path::Path| {
            write(&aside);
            let is_later =
                |file: fs::Metadata| (file.ctime(), file.ctime_nsec()) > (file.mtime(), file.mtime_nsec());
            while !is_later(fs::metadata(&aside).unwrap()) {
                fs::rename(&aside, path).unwrap();
                fs::rename(path, &aside).unwrap();
            }
            fs::rename(&aside, path).unwrap();
        };
        renamed(&first);
        write(&second);
        renamed(&third);
        assert!(agent.take_outbox(Look::Renamed).is_ok());
        assert_eq!(errors(&agent), 3.0, "the first");
        assert!(presence::is_there(&third).unwrap());
        assert!(agent.take_outbox(Look::Renamed).is_ok());
        assert_eq!(errors(&agent), 3.0, "the second may still be growing");
        assert!(agent.take_outbox(Look::All).is_ok());
        assert_eq!(errors(&agent), 9.0);
    }

    #[test]
    fn a_file_that_a_crash_left_behind_counts_once() {
        let (dir, mut agent) = site();
        assert!(agent.answer_history(HistoryAsk::On).is_done());
        let line = device_error();
        fs::write(dir.path().join("outbox/a.ndjson"), format!("{line}\nno event\n")).unwrap();
        // It is kept and counted, and the process ends before the file goes: as a rest of the grant leaves it.
        let Parts { usage, mut cx, .. } = agent.parts();
        assert!(usage.read_outbox(&mut cx, Look::All, Reader::ClinicNow).is_ok());
        drop(agent);
        let mut agent = self::agent(dir.path());
        assert_eq!(errors(&agent), 3.0);
        assert!(agent.take_outbox(Look::All).is_ok());
        assert_eq!((errors(&agent), agent.counters.dropped().get(&Reason::NoConsent)), (3.0, Some(&1)));
    }
}
