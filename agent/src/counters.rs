//! The counters: what was dropped and why, what was sent. Counts, never content.
//!
//! One small file, replaced whole. It remembers how far it counted each source, as the queues do, so that a
//! restart in the middle of a file counts no line twice.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use data_encoding::HEXLOWER;
use protocol::{Digest, Reason};
use serde::{Deserialize, Serialize};

use crate::durable;
use crate::limits;
use crate::presence::{self, Presence};

/// Counts that outlive the process.
#[derive(Debug)]
pub struct Counters {
    path: PathBuf,
    counts: Counts,
    changed: bool,
}

/// What is in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Counts {
    dropped: BTreeMap<Reason, u64>,
    sent: BTreeMap<String, Sent>,
    /// Of `dropped`, what is in `agent.health` already.
    #[serde(rename = "told")]
    reported: BTreeMap<Reason, u64>,
    /// What else `agent.health` will tell, by its measure.
    health: BTreeMap<String, u64>,
    /// Lines counted, by the hash of their source.
    cursors: BTreeMap<String, u64>,
}

/// What was acknowledged by the collector, for one purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sent {
    /// Records.
    pub records: u64,
    /// Bytes of the batches on the wire, without HTTP heads.
    pub bytes: u64,
    /// Of the last acknowledgement, RFC 3339, UTC.
    pub last: Option<String>,
    /// Records by day of the acknowledgement, the last [`limits::SENT_DAYS`].
    pub days: BTreeMap<String, u64>,
}

/// Counts at one moment.
#[derive(Debug)]
pub struct Mark(Counts);

impl Counters {
    /// Opens the counters at `path`. One that was read and is damaged is put aside and begun anew: counts must never
    /// keep the agent from starting. The second value says whether that happened.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn open(path: PathBuf) -> io::Result<(Self, bool)> {
        let read = presence::read(&path)?.map(|bytes| serde_json::from_slice(&bytes));
        let (counts, lost) = match read {
            Presence::Found(Ok(counts)) => (counts, false),
            Presence::Found(Err(_)) => {
                let _ = fs::rename(&path, path.with_extension("damaged"));
                (Counts::default(), true)
            }
            Presence::Absent => (Counts::default(), false),
        };
        Ok((Self { path, counts, changed: false }, lost))
    }

    /// Adds `count` to `reason`.
    pub fn drop(&mut self, reason: Reason, count: u64) {
        if count > 0 {
            *self.counts.dropped.entry(reason).or_default() += count;
            self.changed = true;
        }
    }

    /// Adds what is about to go because of the ledger's line `entry`: once, however often a crash repeats it, and durably.
    ///
    /// # Errors
    /// Of the disk.
    pub fn drop_once(&mut self, entry: Digest, reason: Reason, count: u64) -> io::Result<()> {
        if self.cursor(short(entry)) > 0 {
            return Ok(());
        }
        self.drop(reason, count);
        self.advance(short(entry), 1);
        self.save()
    }

    /// What went because of the line `entry` is gone: nothing repeats it any more.
    ///
    /// # Errors
    /// Of the disk.
    pub fn forget_entry(&mut self, entry: Digest) -> io::Result<()> {
        self.forget(short(entry));
        self.save()
    }

    /// What was dropped, by reason; reasons without a count are left out.
    pub fn dropped(&self) -> &BTreeMap<Reason, u64> {
        &self.counts.dropped
    }

    /// Adds one to another measure of `agent.health`.
    pub fn note(&mut self, measure: &str) {
        *self.counts.health.entry(measure.to_owned()).or_default() += 1;
        self.changed = true;
    }

    /// What `agent.health` has not reported yet, by its measure.
    pub fn unreported(&self) -> Vec<(String, u64)> {
        let reported = |reason| self.counts.reported.get(reason).copied().unwrap_or_default();
        let dropped = self.counts.dropped.iter();
        let dropped = dropped
            .map(|(reason, count)| (format!("dropped_{reason}"), count.saturating_sub(reported(reason))));
        let health = self.counts.health.iter().map(|(measure, count)| (measure.clone(), *count));
        dropped.chain(health).filter(|(_, count)| *count > 0).collect()
    }

    /// Marks all of that as reported, or as older than the grant and never to be reported.
    pub fn mark_reported(&mut self) {
        self.counts.reported.clone_from(&self.counts.dropped);
        self.counts.health.clear();
        self.changed = true;
    }

    /// Adds an acknowledged batch. `at` is RFC 3339, UTC.
    pub fn sent(&mut self, purpose: &str, records: u64, bytes: u64, at: String) {
        let sent = self.counts.sent.entry(purpose.to_owned()).or_default();
        sent.records += records;
        sent.bytes += bytes;
        if let Some(day) = at.get(..10) {
            *sent.days.entry(day.to_owned()).or_default() += records;
        }
        while sent.days.len() > limits::SENT_DAYS {
            sent.days.pop_first();
        }
        sent.last = Some(at);
        self.changed = true;
    }

    /// What was acknowledged, by purpose.
    pub fn acknowledged(&self) -> &BTreeMap<String, Sent> {
        &self.counts.sent
    }

    /// Lines of this source that are counted already.
    pub fn cursor(&self, source: [u8; 16]) -> u64 {
        self.counts.cursors.get(&HEXLOWER.encode(&source)).copied().unwrap_or_default()
    }

    /// Says how far a source is counted; matters only if something of it was. It never goes back.
    pub fn advance(&mut self, source: [u8; 16], taken: u64) {
        if self.changed {
            let counted = self.counts.cursors.entry(HEXLOWER.encode(&source)).or_default();
            *counted = taken.max(*counted);
        }
    }

    /// Forgets a source that is gone for good.
    pub fn forget(&mut self, source: [u8; 16]) {
        self.changed |= self.counts.cursors.remove(&HEXLOWER.encode(&source)).is_some();
    }

    /// The sources of which something is counted.
    pub fn cursors(&self) -> impl Iterator<Item = [u8; 16]> {
        self.counts
            .cursors
            .keys()
            .filter_map(|source| HEXLOWER.decode(source.as_bytes()).ok()?.try_into().ok())
    }

    /// The counts as they are, to go back to if what they count is not kept and will be counted again.
    pub fn mark(&self) -> Mark {
        Mark(self.counts.clone())
    }

    /// Goes back.
    pub fn revert(&mut self, mark: Mark) {
        self.changed |= self.counts != mark.0;
        self.counts = mark.0;
    }

    /// Makes the counts durable, if there is anything new.
    pub fn save(&mut self) -> io::Result<()> {
        if !self.changed {
            return Ok(());
        }
        let text = serde_json::to_vec(&self.counts).map_err(io::Error::from)?;
        durable::replace(&self.path, &text)?;
        self.changed = false;
        Ok(())
    }
}

/// What stands for a line of the ledger among the sources.
fn short(entry: Digest) -> [u8; 16] {
    let mut out = [0; 16];
    out.copy_from_slice(&entry.to_bytes()[..16]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_cursors_survive() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tally.json");
        let (mut counters, lost) = Counters::open(path.clone()).unwrap();
        assert!(!lost);
        counters.advance([1; 16], 5);
        assert_eq!(counters.cursor([1; 16]), 0, "nothing of it was counted");
        counters.drop(Reason::NotJson, 2);
        counters.advance([1; 16], 5);
        counters.advance([1; 16], 3);
        counters.sent("usage_statistics", 10, 99, "2026-11-22T00:00:00Z".into());
        counters.save().unwrap();
        let mark = counters.mark();
        counters.drop(Reason::NotJson, 40);
        counters.revert(mark);
        counters.save().unwrap();

        let (again, _) = Counters::open(path.clone()).unwrap();
        assert_eq!(again.dropped()[&Reason::NotJson], 2);
        assert_eq!(again.cursor([1; 16]), 5);
        assert_eq!(again.acknowledged()["usage_statistics"].records, 10);
    }

    #[test]
    fn a_count_is_reported_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tally.json");
        let (mut counters, _) = Counters::open(path.clone()).unwrap();
        counters.drop(Reason::NotJson, 2);
        counters.note("upload_ok");
        counters.save().unwrap();
        let (mut counters, _) = Counters::open(path).unwrap();
        let reported = [("dropped_not_json".to_owned(), 2), ("upload_ok".to_owned(), 1)];
        assert_eq!(counters.unreported(), reported);
        counters.mark_reported();
        assert_eq!(counters.unreported(), []);
        counters.drop(Reason::NotJson, 3);
        assert_eq!(counters.unreported(), [("dropped_not_json".to_owned(), 3)]);
        assert_eq!(counters.dropped()[&Reason::NotJson], 5, "people see the sum");
    }

    #[test]
    fn a_damaged_counter_file_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tally.json");
        fs::write(&path, b"{\"dropped\":{\"nonsense\":1}}").unwrap();
        let (counters, lost) = Counters::open(path.clone()).unwrap();
        assert!(lost && counters.dropped().is_empty());
        assert!(path.with_extension("damaged").exists());
        fs::create_dir(&path).unwrap(); // read(2) refuses a directory, even to root
        assert!(
            Counters::open(path.clone()).is_err() && path.is_dir(),
            "what can't be read now is not damaged"
        );
    }
}
