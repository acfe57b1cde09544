//! A parcel: sealed records, opened and joined to one batch of the wire format, and the reading of its response.
//!
//! A sealed record is settled as a whole, while a batch may end within it and the collector may refuse one
//! record of it. [`Progress`] remembers what lies between; losing it only repeats what is deduplicated there.

use std::collections::BTreeSet;
use std::ops::Range;

use protocol::envelope::{MAX_GAPS, MAX_WIRE};
use protocol::reply::{BatchReply, names};
use protocol::{Batch, Digest, Epoch, Gap};

use super::exchange::{Body, Exchange, Method, Outcome, content_digest, refusal};
use super::pace::{Fate, Reply};
use crate::consent::permit::Lease;

/// A record of the queue, opened for sending.
#[derive(Debug)]
pub struct Opened {
    /// Its numbers in the queue.
    pub numbers: Range<u64>,
    /// What was in it.
    pub batch: Batch,
}

/// What the run loop keeps of a batch while it is in flight.
#[derive(Debug)]
pub struct Parcel {
    id: String,
    digest: Digest,
    epoch: Epoch,
    lo: u64,
    records: u32,
    consent: Digest,
    bytes: usize,
    gaps: usize,
    items: Vec<Item>,
}

/// A sealed record, by its numbers in the queue and on the wire.
#[derive(Debug)]
struct Item {
    numbers: Range<u64>,
    epoch: Epoch,
    seqs: Range<u64>,
}

impl Parcel {
    /// Joins what waits, the oldest first, to one batch: neighbours with the same header, of one epoch,
    /// without a hole between them, at most `max_records` of them. `gaps` go in front, as many as one batch
    /// takes. None if nothing of it is left to send. The lease is that of the permit that opened the records.
    pub fn pack(
        waiting: &[Opened],
        gaps: &[Gap],
        progress: &Progress,
        max_records: u32,
        lease: Lease,
    ) -> Option<(Self, Exchange)> {
        let mut items = Vec::new();
        let mut joined: Option<Batch> = None;
        'items: for Opened { numbers, batch } in waiting {
            let seqs = batch.lo..batch.lo + batch.records.len() as u64;
            // A batch has one header and no hole: the collector tells repeated records by their range alone.
            if joined.as_ref().is_some_and(|joined| !continues(joined, batch)) {
                break;
            }
            items.push(Item { numbers: numbers.clone(), epoch: batch.epoch, seqs: seqs.clone() });
            for (seq, record) in seqs.zip(&batch.records) {
                match &mut joined {
                    None if progress.is_done(batch.epoch, seq) => {}
                    None => {
                        let header = batch.header.clone();
                        let records = vec![record.clone()];
                        joined = Some(Batch { header, epoch: batch.epoch, lo: seq, records, gaps: vec![] });
                    }
                    Some(joined) => {
                        if joined.records.len() >= max_records as usize || progress.is_done(batch.epoch, seq)
                        {
                            break 'items;
                        }
                        joined.records.push(record.clone());
                    }
                }
            }
        }
        // Gaps alone make no batch: they wait for the next record, which proves by its consent that they may go.
        let mut batch = joined?;
        batch.gaps = gaps.iter().take(MAX_GAPS).copied().collect();
        let mut body = batch.encode();
        // The size is known only after compression; half of the records again and again takes few attempts.
        while body.len() > MAX_WIRE && batch.records.len() > 1 {
            batch.records.truncate(batch.records.len() / 2);
            body = batch.encode();
        }
        let (id, digest) = (batch.id(), Digest::of(&body));
        let parcel = Self {
            id: id.clone(),
            digest,
            epoch: batch.epoch,
            lo: batch.lo,
            records: batch.records.len() as u32,
            consent: batch.header.consent,
            bytes: body.len(),
            gaps: batch.gaps.len(),
            items,
        };
        let exchange = Exchange {
            method: Method::Put,
            path: format!("/v1/streams/{}/batches/{id}", batch.header.purpose),
            headers: vec![("content-type", names::BATCH.to_owned()), content_digest(digest)],
            body: Body::Bytes(body),
            lease: Some(lease),
        };
        Some((parcel, exchange))
    }

    /// Records on their way.
    pub fn records(&self) -> u32 {
        self.records
    }

    /// Bytes of the body.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Hash of the ledger entry that the batch rests on: what [`Fate::Consent`] wants uploaded.
    pub fn consent(&self) -> Digest {
        self.consent
    }

    /// Reads the answer. An acknowledgement is a 200 or 201 that names this batch and these bytes, says that
    /// they are durable, and lists records from the front as accepted or as refused for good.
    pub fn reply(&self, outcome: &Outcome) -> Reply {
        if let Ok(answer) = outcome
            && matches!(answer.status, 200 | 201)
        {
            let reply = answer.json::<BatchReply>();
            return reply.and_then(|reply| self.acknowledgement(&reply)).unwrap_or(Reply::Failed);
        }
        let alone = || Reply::Refused { rejected: vec![self.lo] };
        match refusal(outcome) {
            Reply::Refused { .. } | Reply::TooLarge if self.records == 1 => alone(),
            Reply::Refused { mut rejected } => {
                rejected.retain(|seq| self.seqs().contains(seq));
                Reply::Refused { rejected }
            }
            other => other,
        }
    }

    fn acknowledgement(&self, reply: &BatchReply) -> Option<Reply> {
        if reply.batch != self.id || reply.digest != self.digest || !reply.durable {
            return None;
        }
        let rejected: BTreeSet<u64> = reply.rejected.iter().map(|record| record.seq).collect();
        let accepted = |seq| reply.accepted.iter().any(|&(lo, hi)| lo <= seq && seq <= hi);
        let settled = self.seqs().take_while(|seq| rejected.contains(seq) || accepted(*seq)).count() as u64;
        let rejected = rejected.range(self.lo..self.lo + settled).copied().collect();
        (settled > 0).then_some(Reply::Acknowledged { records: settled as u32, rejected })
    }

    /// Queue number of a record in flight.
    fn number(&self, seq: u64) -> Option<u64> {
        let item = self.items.iter().find(|item| item.seqs.contains(&seq))?;
        Some(item.numbers.start + (seq - item.seqs.start))
    }

    fn seqs(&self) -> Range<u64> {
        self.lo..self.lo + u64::from(self.records)
    }
}

/// Whether `batch` goes on where `joined` ends.
fn continues(joined: &Batch, batch: &Batch) -> bool {
    joined.header == batch.header
        && joined.epoch == batch.epoch
        && joined.hi().checked_add(1) == Some(batch.lo)
}

/// How far the collector has a stream, within and beyond whole sealed records.
#[derive(Debug, Default)]
pub struct Progress {
    /// Every record of this epoch below this sequence number is settled.
    below: Option<(Epoch, u64)>,
    /// Given up, because the collector refuses them.
    given_up: BTreeSet<(Epoch, u64)>,
}

/// What an outcome changes in the agent.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Settled records: the queue removes them.
    pub settled: Vec<Range<u64>>,
    /// Records of them that the collector has. What it has of others is counted when they are settled: a restart
    /// in between sends those again.
    pub accepted: u64,
    /// Records to count as `rejected`.
    pub rejected: u64,
    /// How many of the gaps given to [`Parcel::pack`] are reported, counted from the first.
    pub gaps_reported: usize,
    /// Queue numbers of records that the collector refused as a whole batch; reported as gaps in a later one.
    pub given_up: Vec<Range<u64>>,
}

impl Progress {
    /// Takes note of what becomes of `parcel`.
    pub fn note(&mut self, parcel: &Parcel, fate: &Fate) -> Done {
        let mut done = Done::default();
        match fate {
            Fate::Settle { records, rejected } => {
                self.below = Some((parcel.epoch, parcel.lo + u64::from(*records)));
                self.given_up.extend(rejected.iter().map(|seq| (parcel.epoch, *seq)));
                done.rejected = rejected.len() as u64;
                done.gaps_reported = parcel.gaps;
            }
            Fate::Reject(seqs) => {
                self.given_up.extend(seqs.iter().map(|seq| (parcel.epoch, *seq)));
                done.rejected = seqs.len() as u64;
                done.given_up =
                    seqs.iter().filter_map(|seq| parcel.number(*seq)).map(|at| at..at + 1).collect();
            }
            Fate::Consent | Fate::Keep | Fate::Stop(_) => return done,
        }
        for item in &parcel.items {
            if item.seqs.clone().all(|seq| self.is_done(item.epoch, seq)) {
                done.settled.push(item.numbers.clone());
                let given_up = |seq| self.given_up.contains(&(item.epoch, seq));
                done.accepted += item.seqs.clone().filter(|seq| !given_up(*seq)).count() as u64;
                self.given_up.retain(|(epoch, seq)| *epoch != item.epoch || !item.seqs.contains(seq));
            }
        }
        done
    }

    fn is_done(&self, epoch: Epoch, seq: u64) -> bool {
        self.below.is_some_and(|(of, below)| of == epoch && seq < below)
            || self.given_up.contains(&(epoch, seq))
    }
}

#[cfg(test)]
mod tests;
