//! What is joined, what an acknowledgement is, and a stream against a small collector that answers badly.

use std::collections::BTreeMap;
use std::slice::from_ref;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use protocol::identity::Retention;
use protocol::reply::Rejected;
use protocol::{Header, Purpose, Reason, Record, Value};
use test_support::Random;

use super::super::exchange::Answer;
use super::super::failure::Failure;
use super::super::pace::{Pace, Step, Waiting};
use super::*;

fn epoch(counter: u64) -> Epoch {
    Epoch { counter, random: [7; 8] }
}

fn batch(epoch: Epoch, lo: u64, count: u64, agent: &str) -> Batch {
    let header = Header {
        purpose: Purpose::UsageStatistics,
        agent: agent.into(),
        catalog: Digest::of(b"catalog"),
        consent: Digest::of(b"consent"),
        retention: Retention::Usage24Months,
    };
    // The attribute is the record's own number, so that a mix-up would show.
    let record = |seq| Record { entry: 29, at: 500_000, attributes: vec![seq, 1, 2, 3], value: Value::Plain };
    Batch { header, epoch, lo, records: (lo..lo + count).map(record).collect(), gaps: vec![] }
}

fn opened(first: u64, batch: Batch) -> Opened {
    Opened { numbers: first..first + batch.records.len() as u64, batch }
}

fn lease() -> Lease {
    Lease::watching(Arc::new(AtomicBool::new(true)))
}

fn pack(waiting: &[Opened], max: u32) -> (Parcel, Exchange) {
    Parcel::pack(waiting, &[], &Progress::default(), max, lease()).unwrap()
}

fn stored(parcel: &Parcel, accepted: Vec<(u64, u64)>, rejected: &[u64]) -> BatchReply {
    let rejected = rejected.iter().map(|&seq| Rejected { seq, code: "x".into() }).collect();
    BatchReply { batch: parcel.id.clone(), digest: parcel.digest, durable: true, accepted, rejected }
}

fn answer(status: u16, reply: &BatchReply) -> Outcome {
    Ok(Answer { status, body: serde_json::to_vec(reply).unwrap(), ..Answer::default() })
}

#[test]
fn neighbours_become_one_batch_and_a_hole_an_epoch_or_a_header_ends_it() {
    let first = opened(0, batch(epoch(1), 0, 100, "1"));
    let cases = [
        (opened(100, batch(epoch(1), 100, 50, "1")), 150),
        (opened(100, batch(epoch(1), 101, 50, "1")), 100),
        (opened(100, batch(epoch(2), 100, 50, "1")), 100),
        (opened(100, batch(epoch(1), 100, 50, "2")), 100),
    ];
    for (second, records) in cases {
        let (parcel, exchange) = pack(&[opened(0, first.batch.clone()), second], 1000);
        assert_eq!(parcel.records(), records);
        let sent = Batch::decode(exchange.body.bytes()).unwrap();
        assert!(sent.records.iter().zip(0..).all(|(record, seq)| record.attributes[0] == seq));
        assert_eq!(exchange.path, format!("/v1/streams/usage_statistics/batches/{}", sent.id()));
    }
    assert_eq!(pack(&[first], 30).0.records(), 30);
}

#[test]
fn packing_is_deterministic_and_its_head_names_its_bytes() {
    let waiting = [opened(0, batch(epoch(1), 0, 500, "1"))];
    let gap = Gap { epoch: epoch(1), lo: 900, hi: 910, reason: Reason::Quota };
    let again = || Parcel::pack(&waiting, &[gap; 300], &Progress::default(), 1000, lease()).unwrap();
    let ((parcel, one), (_, two)) = (again(), again());
    assert_eq!((one.body.bytes(), &one.headers), (two.body.bytes(), &two.headers));
    assert_eq!(Batch::decode(one.body.bytes()).unwrap().gaps.len(), MAX_GAPS);
    let done = Progress::default().note(&parcel, &Fate::Settle { records: 500, rejected: vec![] });
    assert_eq!(done.gaps_reported, MAX_GAPS);
    let base64 = data_encoding::BASE64.encode(&Digest::of(one.body.bytes()).to_bytes());
    assert!(one.headers.contains(&(names::CONTENT_DIGEST, format!("sha-256=:{base64}:"))));
}

#[test]
fn only_a_durable_answer_about_these_very_bytes_is_an_acknowledgement() {
    let (parcel, _) = pack(&[opened(0, batch(epoch(1), 10, 10, "1"))], 1000);
    let good = stored(&parcel, vec![(10, 19)], &[]);
    for status in [200, 201] {
        let reply = parcel.reply(&answer(status, &good));
        assert_eq!(reply, Reply::Acknowledged { records: 10, rejected: vec![] });
    }
    let bad = [
        BatchReply { batch: "another".into(), ..good.clone() },
        BatchReply { digest: Digest::of(b"another"), ..good.clone() },
        BatchReply { durable: false, ..good.clone() },
        BatchReply { accepted: vec![], ..good.clone() },
        BatchReply { accepted: vec![(11, 19)], ..good.clone() },
        BatchReply { accepted: vec![(19, 10)], ..good.clone() },
    ];
    for reply in bad {
        assert_eq!(parcel.reply(&answer(201, &reply)), Reply::Failed, "{reply:?}");
    }
    for status in [202, 204, 206, 302, 500] {
        assert_eq!(parcel.reply(&answer(status, &good)), Reply::Failed, "{status}");
    }
    let body = |body: &str| parcel.reply(&Ok(Answer { status: 200, body: body.into(), ..Answer::default() }));
    let deep = "[".repeat(60_000);
    for text in ["", "<html>welcome</html>", "{}", "null", deep.as_str()] {
        assert_eq!(body(text), Reply::Failed);
    }
}

#[test]
fn an_acknowledgement_reaches_as_far_as_it_has_no_hole() {
    let (parcel, _) = pack(&[opened(0, batch(epoch(1), 10, 10, "1"))], 1000);
    let reach = |accepted, rejected: &[u64]| parcel.reply(&answer(200, &stored(&parcel, accepted, rejected)));
    let reached = |records, rejected| Reply::Acknowledged { records, rejected };
    assert_eq!(reach(vec![(0, 14), (16, 99)], &[]), reached(5, vec![]));
    assert_eq!(reach(vec![(16, 19), (10, 14)], &[15, 3, 99]), reached(10, vec![15]));
    assert_eq!(reach(vec![(0, u64::MAX)], &[]), reached(10, vec![]));
}

#[test]
fn a_single_record_is_what_a_refusal_means() {
    let (parcel, _) = pack(&[opened(0, batch(epoch(1), 10, 10, "1"))], 1);
    for status in [400, 413, 422] {
        let outcome = Ok(Answer { status, ..Answer::default() });
        assert_eq!(parcel.reply(&outcome), Reply::Refused { rejected: vec![10] }, "{status}");
    }
    let (parcel, _) = pack(&[opened(0, batch(epoch(1), 10, 10, "1"))], 1000);
    let body =
        r#"{"type":"t","title":"","status":422,"rejected":[{"seq":12,"code":""},{"seq":99,"code":""}]}"#;
    let outcome = Ok(Answer { status: 422, body: body.into(), ..Answer::default() });
    assert_eq!(parcel.reply(&outcome), Reply::Refused { rejected: vec![12] });
}

#[test]
fn a_sealed_record_is_settled_as_a_whole() {
    let waiting = [opened(5, batch(epoch(1), 0, 10, "1")), opened(15, batch(epoch(1), 10, 10, "1"))];
    let mut progress = Progress::default();
    let (parcel, _) = Parcel::pack(&waiting, &[], &progress, 15, lease()).unwrap();
    let done = progress.note(&parcel, &Fate::Settle { records: 15, rejected: vec![3] });
    assert_eq!((done.settled.as_slice(), done.accepted, done.rejected), (from_ref(&(5..15)), 9, 1));

    let (parcel, exchange) = Parcel::pack(&waiting[1..], &[], &progress, 1000, lease()).unwrap();
    assert_eq!(Batch::decode(exchange.body.bytes()).unwrap().lo, 15);
    assert_eq!(progress.note(&parcel, &Fate::Keep), Done::default());
    let done = progress.note(&parcel, &Fate::Reject(vec![17]));
    assert_eq!((done.settled.len(), done.rejected), (0, 1));
    assert_eq!(done.given_up.as_slice(), from_ref(&(22..23)), "in the queue's numbers");

    let (parcel, _) = Parcel::pack(&waiting[1..], &[], &progress, 1000, lease()).unwrap();
    assert_eq!((parcel.lo, parcel.records()), (15, 2));
    progress.note(&parcel, &Fate::Settle { records: 2, rejected: vec![] });
    let (parcel, _) = Parcel::pack(&waiting[1..], &[], &progress, 1000, lease()).unwrap();
    assert_eq!((parcel.lo, parcel.records()), (18, 2));
    let done = progress.note(&parcel, &Fate::Settle { records: 2, rejected: vec![] });
    assert_eq!((done.settled.as_slice(), done.accepted), (from_ref(&(15..25)), 9));
    assert!(Parcel::pack(&waiting[1..], &[], &progress, 1000, lease()).is_none());
    assert!(progress.given_up.is_empty());
}

#[test]
fn a_withdrawal_travels_with_the_exchange() {
    let live = Arc::new(AtomicBool::new(true));
    let waiting = [opened(0, batch(epoch(1), 0, 10, "1"))];
    let lease = Lease::watching(Arc::clone(&live));
    let (_, exchange) = Parcel::pack(&waiting, &[], &Progress::default(), 1000, lease).unwrap();
    live.store(false, std::sync::atomic::Ordering::Release);
    assert!(!exchange.lease.unwrap().stands());
}

/// A collector in memory: keeps every record it accepted, and answers as badly as it may.
struct Model {
    random: Random,
    poisoned: BTreeSet<u64>,
    held: BTreeMap<u64, Record>,
}

impl Model {
    fn answer(&mut self, parcel: &Parcel, body: &[u8]) -> Outcome {
        let batch = Batch::decode(body).unwrap();
        let bad = self.poisoned.range(batch.lo..=batch.hi()).copied().collect::<Vec<_>>();
        let fate = self.random.below(8);
        if !bad.is_empty() && fate < 4 {
            return Ok(Answer { status: 400, ..Answer::default() });
        }
        if fate == 7 {
            return Err(Failure::Connect);
        }
        // In part: only so many from the front.
        let whole = batch.records.len() as u64;
        let take = if fate == 6 { 1 + self.random.below(whole) } else { whole };
        for (record, seq) in batch.records.iter().zip(batch.lo..batch.lo + take) {
            if !self.poisoned.contains(&seq) {
                assert_eq!(record.attributes[0], seq);
                self.held.insert(seq, record.clone());
            }
        }
        if fate == 5 {
            return Err(Failure::Cut);
        }
        answer(200, &stored(parcel, vec![(batch.lo, batch.lo + take - 1)], &bad))
    }
}

#[test]
fn whatever_the_collector_answers_every_good_record_arrives_and_nothing_is_settled_before() {
    for seed in 0..40 {
        let mut model = Model { random: Random::new(seed), poisoned: BTreeSet::new(), held: BTreeMap::new() };
        let mut waiting = vec![];
        let mut total = 0;
        while total < 2000 {
            let count = 1 + model.random.below(300);
            waiting.push(opened(total, batch(epoch(1), total, count, "1")));
            total += count;
        }
        for _ in 0..4 {
            let poisoned = model.random.below(total);
            model.poisoned.insert(poisoned);
        }
        let (mut pace, mut progress) = (Pace::new(Duration::ZERO, 0), Progress::default());
        let (mut now, mut rejected) = (Duration::ZERO, 0);
        while !waiting.is_empty() {
            let max_records = match pace.next(now, Waiting::Usual) {
                Step::Send { max_records } => max_records,
                Step::Wait(until) => {
                    now = until;
                    continue;
                }
                other => panic!("seed {seed}: {other:?}"),
            };
            let (parcel, exchange) = Parcel::pack(&waiting, &[], &progress, max_records, lease()).unwrap();
            let reply = parcel.reply(&model.answer(&parcel, exchange.body.bytes()));
            let fate = pace.apply(reply, parcel.records(), now, 0);
            let done = progress.note(&parcel, &fate);
            rejected += done.rejected;
            for numbers in &done.settled {
                for seq in numbers.clone() {
                    let known = model.held.contains_key(&seq) || model.poisoned.contains(&seq);
                    assert!(known, "seed {seed}: {seq} was settled before the collector had it");
                }
            }
            waiting.retain(|item| !done.settled.contains(&item.numbers));
        }
        assert_eq!(rejected, model.poisoned.len() as u64, "seed {seed}");
        assert_eq!(model.held.len() as u64, total - rejected, "seed {seed}");
    }
}
