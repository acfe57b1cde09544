//! Exactly once: random batches against a set of numbers, in memory and after every restart.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use protocol::{Epoch, Reason};

use super::*;
use crate::store::index::Count;
use crate::store::testing::{Random, batch, epoch, gap};

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn put(stream: &mut Stream, batch: &Batch) -> Verdict {
    stream.put(batch, &batch.encode(), NOW).unwrap()
}

/// Every record's number, as an export would print it, in its order.
fn exported(path: &Path) -> Vec<(Epoch, u64)> {
    let mut out = Vec::new();
    replay(path, |_, batch, fresh| {
        for &(lo, hi) in fresh {
            for seq in lo..=hi {
                let record = &batch.records[(seq - batch.lo) as usize];
                assert_eq!(record.attributes[0], seq);
                out.push((batch.epoch, seq));
            }
        }
        Ok(())
    })
    .unwrap();
    out
}

#[test]
fn random_batches_with_restarts_are_each_held_once() {
    let mut random = Random::seeded();
    let dir = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let path = dir.path().join(round.to_string());
        let mut stream = Stream::open(&path).unwrap();
        let (mut held, mut lost, mut repeated) = (BTreeSet::new(), BTreeMap::new(), 0);
        for _ in 0..40 {
            let epoch = epoch(random.below(3), random.below(2) as u8);
            let lo = random.below(40);
            let mut next = batch(epoch, lo, lo + random.below(10));
            if random.below(4) == 0 {
                let lo = random.below(50);
                next.gaps = vec![gap(epoch, lo, lo + random.below(5), Reason::Quota)];
            }
            let seqs = (next.lo..=next.hi()).map(|seq| (epoch, seq));
            let declared = next.gaps.iter().flat_map(|gap| gap.lo..=gap.hi).map(|seq| (epoch, seq));
            match put(&mut stream, &next) {
                Verdict::New => {
                    assert!(seqs.clone().any(|seq| !held.contains(&seq)) || declared.clone().count() > 0);
                    repeated += seqs.clone().filter(|seq| held.contains(seq)).count();
                    held.extend(seqs);
                    lost.extend(declared.map(|seq| (seq, Reason::Quota)));
                }
                Verdict::Held => assert!(seqs.clone().all(|seq| held.contains(&seq))),
                verdict => panic!("{verdict:?}"),
            }
            if random.below(5) == 0 {
                stream = Stream::open(&path).unwrap();
            }
        }
        // Without the index these would come out twice.
        assert!(repeated > 0);
        let mut out = exported(&path);
        let index = replay(&path, |_, _, _| Ok(())).unwrap();
        assert_eq!(index, stream.index);
        out.sort();
        assert_eq!(out, held.iter().copied().collect::<Vec<_>>());
        let losses: Vec<_> =
            index.losses().flat_map(|(epoch, _, lo, hi)| (lo..=hi).map(move |n| (epoch, n))).collect();
        let mut expected: Vec<_> = lost.into_keys().filter(|seq| !held.contains(seq)).collect();
        expected.sort();
        assert_eq!(losses, expected);
    }
}

#[test]
fn an_overlapping_batch_adds_what_is_new() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stream");
    let mut stream = Stream::open(&path).unwrap();
    let epoch = epoch(1, 0);
    assert_eq!(put(&mut stream, &batch(epoch, 0, 4)), Verdict::New);
    assert_eq!(put(&mut stream, &batch(epoch, 0, 9)), Verdict::New);
    assert_eq!(put(&mut stream, &batch(epoch, 3, 7)), Verdict::Held);
    assert_eq!(put(&mut stream, &batch(epoch, 0, 9)), Verdict::Held);
    assert_eq!(exported(&path), (0..10).map(|seq| (epoch, seq)).collect::<Vec<_>>());
}

#[test]
fn one_name_with_two_contents_is_a_conflict_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stream");
    let first = batch(epoch(1, 0), 0, 4);
    let mut other = first.clone();
    other.records[2].at += 1;
    let mut stream = Stream::open(&path).unwrap();
    assert_eq!(put(&mut stream, &first), Verdict::New);
    assert_eq!(put(&mut stream, &other), Verdict::Conflict);
    let mut stream = Stream::open(&path).unwrap();
    assert_eq!(put(&mut stream, &other), Verdict::Conflict);
    assert_eq!(put(&mut stream, &first), Verdict::Held);
}

#[test]
fn the_same_records_with_newer_gaps_are_no_conflict() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stream");
    let epoch = epoch(2, 0);
    let first = batch(epoch, 0, 4);
    let mut again = first.clone();
    again.gaps = vec![gap(epoch, 5, 8, Reason::Quota)];
    let mut stream = Stream::open(&path).unwrap();
    assert_eq!(put(&mut stream, &first), Verdict::New);
    assert_eq!(put(&mut stream, &again), Verdict::New);
    assert_eq!(put(&mut stream, &again), Verdict::Held);
    assert_eq!(put(&mut stream, &first), Verdict::Held);
    assert_eq!(exported(&path).len(), 5);
    assert_eq!(stream.index.count(), Count { held: 5, lost: 4, missing: 0 });
}

#[test]
fn two_copies_of_one_counter_are_both_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stream");
    let mut stream = Stream::open(&path).unwrap();
    assert_eq!(put(&mut stream, &batch(epoch(7, 0), 0, 4)), Verdict::New);
    assert_eq!(put(&mut stream, &batch(epoch(7, 1), 0, 4)), Verdict::New);
    assert_eq!(exported(&path).len(), 10);
}

#[test]
fn a_torn_batch_is_taken_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stream");
    let (first, second) = (batch(epoch(1, 0), 0, 4), batch(epoch(1, 0), 5, 9));
    let mut stream = Stream::open(&path).unwrap();
    put(&mut stream, &first);
    put(&mut stream, &second);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let mut stream = Stream::open(&path).unwrap();
    assert_eq!(put(&mut stream, &first), Verdict::Held);
    assert_eq!(put(&mut stream, &second), Verdict::New);
    assert_eq!(fs::read(&path).unwrap(), whole);
}

#[test]
fn gaps_close_the_count() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stream");
    let epoch = epoch(1, 0);
    let mut stream = Stream::open(&path).unwrap();
    put(&mut stream, &batch(epoch, 0, 4));
    let mut later = batch(epoch, 10, 12);
    later.gaps = vec![gap(epoch, 5, 8, Reason::Quota), gap(epoch, 7, 8, Reason::Damaged)];
    put(&mut stream, &later);
    assert_eq!(stream.index.count(), Count { held: 8, lost: 4, missing: 1 });
    assert_eq!(stream.index.losses().collect::<Vec<_>>(), [(epoch, Reason::Quota, 5, 8)]);
    // What was given up for lost and comes after all is no loss.
    put(&mut stream, &batch(epoch, 5, 6));
    assert_eq!(stream.index.count(), Count { held: 10, lost: 2, missing: 1 });
}
