//! Merging: small records of a closed generation become few large ones, and its file a small one.

use std::ops::Range;

use rangemap::RangeSet;

use super::Spool;
use super::content::Content;
use super::error::SpoolError;
use super::generation::Generation;
use super::high_water::Standing;
use crate::seal::payload::Payload;
use crate::seal::record::Sealed;
use crate::{killpoint, limits};

impl<P: Payload> Spool<P> {
    /// Whether a generation has been closed whose records are still small.
    pub fn wants_merge(&self) -> bool {
        self.mergeable().is_some()
    }

    /// Merges one closed generation. `join` is shown a page of neighbours and returns the same numbers in
    /// fewer records, each at the position of its first; a page that it can't join it returns empty or
    /// unchanged. Not while records of this queue are in flight: they could no longer be settled one by one.
    pub fn merge(&mut self, join: impl FnMut(&[Sealed<P>]) -> Vec<Sealed<P>>) -> Result<(), SpoolError> {
        self.check_sound()?;
        let Some((id, range)) = self.mergeable() else { return Ok(()) };
        let merged = self.merge_generation(id, range, join);
        self.sound_if(merged)
    }

    fn mergeable(&self) -> Option<(u64, Range<u64>)> {
        self.ranges()
            .into_iter()
            .filter(|(id, _)| *id != self.newest())
            .find(|(id, _)| self.generations.get(id).is_some_and(Content::is_small))
    }

    fn merge_generation(
        &mut self,
        id: u64,
        range: Range<u64>,
        mut join: impl FnMut(&[Sealed<P>]) -> Vec<Sealed<P>>,
    ) -> Result<(), SpoolError> {
        self.open.newest = None; // two databases are enough
        let path = self.dir.unfinished(id);
        let merged = Generation::create(&path)?;
        let mut content = Content { merged: true, ..Content::default() };
        let mut from = range.start;
        loop {
            let page = self.page(from..range.end, usize::MAX, limits::MERGE_PAGE)?;
            let Some(last) = page.last() else { break };
            from = last.numbers().end;
            let joined = join(&page);
            let kept = if self.stands_for(&joined, &page) { &joined } else { &page };
            merged.add(kept.iter().map(|record| (record.position().number, record.as_bytes())))?;
            kept.iter().for_each(|record| content.add(record.records(), record.as_bytes().len()));
        }
        merged.commit()?;
        drop(merged);
        self.dir.mark_merged(id)?;
        self.open.close(id);
        killpoint::step("merge.written");
        self.dir.install(id)?;
        self.generations.insert(id, content);
        self.write_snapshot(id)
    }

    /// Whether `joined` are good records and say the numbers of `page`, no more and no less.
    fn stands_for(&self, joined: &[Sealed<P>], page: &[Sealed<P>]) -> bool {
        let numbers = |records: &[Sealed<P>]| -> RangeSet<u64> {
            records.iter().map(Sealed::numbers).filter(|numbers| !numbers.is_empty()).collect()
        };
        let good = |record: &Sealed<P>| {
            record.as_bytes().len() <= limits::SEALED
                && self.high.standing(record.position(), &record.numbers()) == Standing::Waiting
        };
        joined.iter().all(good) && numbers(joined) == numbers(page)
    }
}
