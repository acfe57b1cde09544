//! Batches: what is sent to the collector, and what its response settles.

use std::ops::Range;

use log::info;
use protocol::{Purpose, Reason};

use super::super::Trouble;
use super::super::cx::Cx;
use super::Statistics;
use crate::consent::permit::UsageStatistics;
use crate::consent::state::to_text;
use crate::ship::exchange::Exchange;
use crate::ship::pace::Fate;
use crate::ship::parcel::{Opened, Parcel};
use crate::spool::Missing;
use crate::{killpoint, limits};

impl Statistics {
    /// The oldest records that may leave now, as one batch with the gaps that the collector has to know.
    pub(in crate::agent) fn next_batch(
        &mut self,
        cx: &mut Cx<'_>,
        max_records: u32,
    ) -> Result<Option<(Parcel, Exchange, Vec<Missing>)>, Trouble> {
        let Some(permit) = cx.registry.permit::<UsageStatistics>(cx.now) else { return Ok(None) };
        let (mut opened, mut unreadable, mut records) = (Vec::new(), Vec::new(), 0);
        let mut from = 0;
        'pages: loop {
            let page = self.usage.oldest(from, limits::PAGE_ITEMS, limits::PAGE_BYTES)?;
            let Some(last) = page.last() else { break };
            from = last.numbers().end;
            for sealed in &page {
                match sealed.open(&permit, cx.vault) {
                    Ok(clean) => opened
                        .push(Opened { numbers: sealed.numbers(), batch: clean.into_inner().into_batch() }),
                    Err(_) if cx.vault.is_set_aside(sealed.key()) => continue,
                    Err(_) => unreadable.push(sealed.numbers()),
                }
                records += sealed.records();
                if records >= max_records {
                    break 'pages;
                }
            }
        }
        let missing = self.usage.missing();
        let gaps: Vec<_> = missing.iter().map(|missing| missing.gap).collect();
        let packed = Parcel::pack(&opened, &gaps, &self.progress, max_records, permit.lease());
        if !unreadable.is_empty() {
            let lost = self.usage.abandon(unreadable, Reason::Damaged)?;
            cx.counters.drop(Reason::Damaged, lost);
            cx.counters.save()?;
        }
        killpoint::step("send.packed");
        Ok(packed.map(|(parcel, exchange)| (parcel, exchange, missing)))
    }

    /// Settles what the collector has for good, and gives up what it refuses.
    pub(in crate::agent) fn settle_batch(
        &mut self,
        cx: &mut Cx<'_>,
        parcel: &Parcel,
        missing: &[Missing],
        fate: &Fate,
    ) -> Result<(), Trouble> {
        let done = self.progress.note(parcel, fate);
        cx.counters.note(match fate {
            Fate::Settle { .. } => "upload_ok",
            Fate::Reject(_) | Fate::Stop(_) => "upload_refused",
            Fate::Consent | Fate::Keep => "upload_retry",
        });
        killpoint::step("send.answered");
        if !done.given_up.is_empty() {
            self.usage.abandon(done.given_up, Reason::Rejected)?;
        }
        self.keep_sent(&done.settled)?;
        let reported = missing.iter().take(done.gaps_reported).map(|missing| missing.numbers.clone());
        let settled: Vec<Range<u64>> = done.settled.iter().cloned().chain(reported).collect();
        if !settled.is_empty() {
            self.usage.settle(settled)?;
        }
        killpoint::step("send.settled");
        self.note_drained(cx);
        cx.counters.drop(Reason::Rejected, done.rejected);
        if matches!(fate, Fate::Settle { .. }) {
            let bytes = parcel.bytes() as u64;
            cx.counters.sent(Purpose::UsageStatistics.as_str(), done.accepted, bytes, to_text(cx.now));
            info!("sent {} records of {}", parcel.records(), Purpose::UsageStatistics);
        }
        Ok(cx.counters.save()?)
    }

    /// The newest of what the collector has now stays readable for a while, under its key.
    fn keep_sent(&mut self, settled: &[Range<u64>]) -> Result<(), Trouble> {
        let newest = settled.get(settled.len().saturating_sub(limits::SENT_ITEMS)..).unwrap_or_default();
        let Some(first) = newest.first() else { return Ok(()) };
        let mut held = self.usage.oldest(first.start, limits::SENT_ITEMS, limits::SENT_BYTES)?;
        held.retain(|sealed| newest.contains(&sealed.numbers()));
        self.sent.add(held);
        Ok(())
    }
}
