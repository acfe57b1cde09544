//! The draft that is being filled: every file as it comes out of the process that cleans and searches it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::time::Duration;

use protocol::Purpose;

use super::kathea::modified;
use super::missing::Missing;
use super::plan::Plan;
use super::steps::STEPS;
use crate::limits;
use crate::support::cause::Cause;
use crate::support::draft::{LeftOut, ScanFile, Span, Writer};
use crate::support::manifest::{FileEntry, Operation, Outcome};
use crate::support::watch::Watch;
use deidentify::files::{Cleaned, Format, Found, Outlet, Reason, Refusal, Said};

/// What became of a step.
#[derive(Clone, Debug, Default)]
struct Done {
    looked_at: u64,
    added: u64,
    is_cut: bool,
    refused: BTreeMap<String, u64>,
}

/// What may be used: until when, and up to which size of the draft.
#[derive(Clone, Copy)]
struct Share {
    until: Duration,
    bytes: u64,
}

/// What is gathered so far.
pub(super) struct Basket<'a> {
    writer: Writer,
    watch: &'a Watch<'a>,
    all: Share,
    /// That of the step whose files come now; while names are learned it is the whole.
    step: Share,
    plans: Vec<Plan>,
    /// Of each file of the order, the step that wants it.
    step_of: Vec<usize>,
    /// The file that comes now.
    at: usize,
    is_learned: bool,
    open: bool,
    done: Vec<Done>,
    files: Vec<FileEntry>,
    removed: BTreeMap<String, u64>,
    learned: (u64, u64),
    /// Scans of which nobody can tell whose they are.
    unlearned: u64,
    /// A person said that what was typed may leave as it is.
    as_typed: bool,
    /// Identifiers of patients in what was typed: which text, by which rule.
    pub(super) typed: BTreeSet<(usize, &'static str)>,
    /// Sentences of this program that would name somebody.
    own: BTreeSet<usize>,
}

/// All that goes into the manifest, and the draft it belongs to.
pub(super) struct Gathered {
    pub(super) writer: Writer,
    pub(super) operations: Vec<Operation>,
    pub(super) files: Vec<FileEntry>,
    pub(super) removed: BTreeMap<String, u64>,
    /// Persons, and the files that they were learned from.
    pub(super) learned: (u64, u64),
    /// Sentences of this program that would name somebody.
    pub(super) own: BTreeSet<usize>,
}

impl<'a> Basket<'a> {
    /// An empty one. Where `as_typed` is not said, it takes nothing once what was typed turns out to name a patient.
    pub(super) fn new(writer: Writer, plans: Vec<Plan>, as_typed: bool, watch: &'a Watch<'a>) -> Self {
        let of = |(step, plan): (usize, &Plan)| vec![step; plan.files.len()];
        let all = Share { until: (watch.clock)() + limits::GATHER, bytes: limits::SUPPORT_BYTES };
        Self {
            writer,
            watch,
            all,
            step: all,
            step_of: plans.iter().enumerate().flat_map(of).collect(),
            done: vec![Done::default(); plans.len()],
            plans,
            at: 0,
            is_learned: false,
            open: false,
            files: Vec::new(),
            removed: BTreeMap::new(),
            learned: (0, 0),
            unlearned: 0,
            as_typed,
            typed: BTreeSet::new(),
            own: BTreeSet::new(),
        }
    }

    /// The files of all steps, in their order.
    pub(super) fn wanted(&self) -> Vec<Found> {
        self.plans.iter().flat_map(|plan| plan.files.iter().cloned()).collect()
    }

    /// Whether the step at work has used its share, of time or of size, or all have.
    pub(super) fn is_over(&self) -> bool {
        let (now, bytes) = ((self.watch.clock)(), self.writer.disk_bytes());
        [self.all, self.step].iter().any(|share| now >= share.until || bytes >= share.bytes)
    }

    /// Whether what was typed names a patient, and nobody said that it may.
    pub(super) fn is_personal(&self) -> bool {
        !self.as_typed && !self.typed.is_empty()
    }

    /// Leaves out the rest of the step at work. The file that comes next; none if nothing may come any more.
    pub(super) fn next_step(&mut self) -> Option<usize> {
        let step = self.step_of.get(self.at)?;
        if std::mem::take(&mut self.open) {
            self.writer.forget();
        }
        self.at += self.step_of.iter().skip(self.at).take_while(|next| *next == step).count();
        self.step = self.all;
        (self.at < self.step_of.len() && !self.is_over()).then_some(self.at)
    }

    fn begin_step(&mut self) {
        let (now, bytes) = ((self.watch.clock)(), self.writer.disk_bytes());
        self.step = Share { until: now + limits::STEP, bytes: bytes + limits::STEP_BYTES };
    }

    /// What there is.
    pub(super) fn finish(self) -> Gathered {
        let steps = STEPS.iter().zip(&self.plans).zip(self.done);
        let is_unsure = self.unlearned > 0;
        let operations =
            steps.map(|((step, plan), done)| operation(step.name, plan, done, is_unsure)).collect();
        let (files, removed, learned, own) = (self.files, self.removed, self.learned, self.own);
        Gathered { writer: self.writer, operations, files, removed, learned, own }
    }

    fn finished(&mut self, outcome: Result<Cleaned, Refusal>) -> io::Result<()> {
        let missing = || io::Error::from(Cause::Damaged);
        let step = *self.step_of.get(self.at).ok_or_else(missing)?;
        let (plan, done) = self.plans.get(step).zip(self.done.get_mut(step)).ok_or_else(missing)?;
        let writer = &mut self.writer;
        let purpose = STEPS.get(step).map_or(Purpose::SupportCase, |step| step.purpose);
        self.at += 1;
        done.looked_at += 1;
        let was_open = std::mem::take(&mut self.open);
        match outcome {
            Ok(cleaned) => {
                if !was_open {
                    writer.begin();
                }
                let Span { bytes, sha256, .. } = writer.end()?;
                done.added += 1;
                done.is_cut |= cleaned.bytes_read.is_some() && cleaned.format != Format::Dicom;
                for (rule, count) in cleaned.rules {
                    *self.removed.entry(rule).or_default() += count;
                }
                let name = plan.next_name(cleaned.format, done.added);
                let place = self.at - self.step_of.partition_point(|other| *other < step);
                if let Some(file) = plan.files.get(place - 1).filter(|_| purpose == Purpose::SupportScanData)
                {
                    let at = std::fs::metadata(&file.path).map_or(0, |metadata| modified(&metadata));
                    let path = file.path.to_string_lossy().into_owned();
                    writer.note_scan(ScanFile { name: name.clone(), path, at });
                }
                self.files.push(FileEntry { name, kind: cleaned.format, purpose, bytes, sha256 });
            }
            Err((_, reason)) => {
                if was_open {
                    writer.forget();
                }
                // A log without a line of the window is no loss.
                if let Reason::Quarantined(finding) = reason {
                    let place = self.at - self.step_of.partition_point(|other| *other < step);
                    let input =
                        plan.files.get(place - 1).map(|file| file.path.to_string_lossy().into_owned());
                    writer.leave_out(LeftOut {
                        input: input.unwrap_or_default(),
                        finding: finding.to_string(),
                    });
                }
                if !(plan.is_log() && reason == Reason::Empty) {
                    *done.refused.entry(reason.as_str().to_owned()).or_default() += 1;
                }
            }
        }
        if self.step_of.get(self.at).is_some_and(|next| *next != step) {
            self.begin_step();
        }
        Ok(())
    }
}

impl Write for Basket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.watch.go_on(0)?;
        if self.is_over() {
            return Err(Cause::ShareOver.into());
        }
        if !std::mem::replace(&mut self.open, true) {
            self.writer.begin();
        }
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Outlet for Basket<'_> {
    fn say(&mut self, said: Said) -> io::Result<()> {
        self.watch.go_on(u64::from(matches!(said, Said::Reading(_))))?;
        if self.is_over() {
            return Err(Cause::ShareOver.into());
        }
        if self.is_personal() && !matches!(said, Said::Typed(..)) {
            return Err(Cause::Personal.into());
        }
        match said {
            Said::Learned(persons, files) => {
                self.learned = (persons, files);
                self.begin_step();
                if !std::mem::replace(&mut self.is_learned, true) {
                    self.watch.begin("cleaning", self.step_of.len() as u64);
                }
            }
            Said::Finished(outcome) => self.finished(outcome)?,
            Said::Typed(at, kind) => {
                self.typed.insert((at, kind.as_str()));
            }
            Said::Own(at, kind) => {
                if self.own.insert(at) {
                    *self.removed.entry(kind.as_str().to_owned()).or_default() += 1;
                }
            }
            Said::Unlearned(..) => self.unlearned += 1,
            Said::Reading(_) | Said::Building | Said::Failed(_) | Said::Done => {}
        }
        Ok(())
    }
}

fn operation(name: &str, plan: &Plan, done: Done, is_unsure: bool) -> Operation {
    let is_all = done.looked_at == plan.files.len() as u64;
    let refused: u64 = done.refused.values().sum();
    let (outcome, why) = match plan.missing {
        _ if !is_all => (Outcome::Cut, Some(Missing::LimitReached)),
        Some((outcome, why)) => (outcome, Some(why)),
        None if refused > 0 && done.added == 0 => (Outcome::Failed, Some(Missing::NoneCleaned)),
        None if refused > 0 => (Outcome::Cut, Some(Missing::SomeCleaned)),
        None if done.is_cut => (Outcome::Cut, Some(Missing::OnlyTheEnd)),
        None if is_unsure && done.added > 0 && plan.is_log() => (Outcome::Cut, Some(Missing::ScanUnread)),
        None if done.added == 0 => (Outcome::Absent, Some(Missing::NothingThen)),
        None => (Outcome::Done, None),
    };
    let why = why.map(|why| why.to_string());
    Operation { name: name.to_owned(), outcome, why, files: done.added, refused: done.refused }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use deidentify::files::Take;
    use regular::Identity;
    use ring::rand::SystemRandom;

    use super::*;
    use crate::support::watch::Progress;

    fn logs(count: usize) -> Plan {
        let (path, listed) = ("a.log".into(), Identity::ANY);
        let log = Found { path, listed, refused: None, take: Take::default() };
        Plan::files("logs/kathea", vec![log; count], count)
    }

    fn cleaned() -> Said {
        Said::Finished(Ok(Cleaned {
            format: Format::Text,
            kept: 1,
            replaced: 0,
            dropped: 0,
            rules: BTreeMap::new(),
            changes: Vec::new(),
            bytes_read: None,
        }))
    }

    #[test]
    fn a_step_that_takes_too_long_is_cut_and_the_next_has_its_turn() {
        let dir = tempfile::tempdir().unwrap();
        let writer = Writer::create(dir.path(), "0a1b2c3d", SystemRandom::new()).unwrap();
        let (now, progress) = (Cell::new(Duration::ZERO), Progress::default());
        let watch = Watch { clock: &|| now.get(), wait: &|| {}, progress: &progress };
        let mut basket = Basket::new(writer, vec![logs(3), logs(2), logs(1)], false, &watch);
        let timed_out = |done: io::Result<()>| Cause::of(&done.unwrap_err()) == Some(Cause::ShareOver);

        now.set(limits::STEP);
        basket.say(Said::Learned(1, 1)).unwrap();
        basket.write_all(b"one").unwrap();
        basket.say(cleaned()).unwrap();
        basket.write_all(b"half of t").unwrap();
        now.set(2 * limits::STEP);
        assert!(timed_out(basket.write_all(b"wo")) && basket.is_over());
        assert_eq!(basket.next_step(), Some(3));

        basket.say(Said::Learned(1, 1)).unwrap();
        for _ in 0..2 {
            basket.write_all(b"whole").unwrap();
            basket.say(cleaned()).unwrap();
        }
        now.set(limits::GATHER - Duration::from_secs(1));
        basket.write_all(b"whole").unwrap();
        now.set(limits::GATHER);
        assert!(timed_out(basket.say(cleaned())));
        assert_eq!(basket.next_step(), None);

        let gathered = basket.finish();
        let seen: Vec<_> = gathered.operations.iter().map(|step| (step.outcome, step.files)).collect();
        assert_eq!(seen, [(Outcome::Cut, 1), (Outcome::Done, 2), (Outcome::Cut, 0)]);
        assert_eq!(gathered.files.iter().map(|file| file.bytes).collect::<Vec<_>>(), [3, 5, 5]);
    }
}
