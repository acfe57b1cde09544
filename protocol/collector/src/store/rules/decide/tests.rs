//! Exactly once: random batches against a set of numbers.

use std::collections::BTreeSet;

use protocol::ledger::EventKind;

use super::*;
use crate::store::testing::{Random, epoch, gap};

const CONSENT: Digest = Digest::from_bytes([1; 32]);

fn facts() -> Facts {
    let line = Line {
        hash: CONSENT,
        index: 0,
        purpose: Purpose::UsageStatistics,
        case: None,
        kind: EventKind::Granted,
        is_ended: false,
    };
    Facts {
        standing: Standing::Active,
        lines: vec![line],
        used: Used::default(),
        held: Ranges::default(),
        spans: 0,
        declared: BTreeMap::new(),
        new_streams: 0,
        same_range: None,
        covers: Ok(()),
    }
}

fn request(lo: u64, hi: u64, gaps: Vec<Gap>) -> Request {
    Request {
        purpose: Purpose::UsageStatistics,
        epoch: epoch(1, 0),
        lo,
        hi,
        consent: CONSENT,
        content: Digest::of(b"content"),
        bytes: 1000,
        gaps,
    }
}

/// The ranges that an engine would load for `lo..=hi`.
fn touching(rows: &BTreeMap<u64, u64>, lo: u64, hi: u64) -> Ranges {
    let mut out = Ranges::default();
    for (&start, &end) in rows {
        if start <= hi.saturating_add(1) && end.saturating_add(1) >= lo {
            out.insert(start, end);
        }
    }
    out
}

#[test]
fn random_batches_are_each_held_once_and_losses_declared_once() {
    let mut random = Random::seeded();
    let (mut repeated, mut declared_again) = (0, 0);
    for _ in 0..200 {
        let (mut rows, mut lost) = (BTreeMap::new(), Vec::<(u64, u64)>::new());
        let (mut model, mut lost_model) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..40 {
            let lo = random.below(60);
            let hi = lo + random.below(10);
            let gaps = (0..random.below(3)).map(|_| {
                let lo = random.below(60);
                gap(epoch(1, 0), lo, lo + random.below(8), Reason::Quota)
            });
            let request = request(lo, hi, gaps.collect());
            let mut declared = Ranges::default();
            lost.iter().for_each(|&(lo, hi)| declared.insert(lo, hi));
            let facts = Facts {
                held: touching(&rows, lo, hi),
                declared: BTreeMap::from([(epoch(1, 0), (declared, lost.len() as i64))]),
                ..facts()
            };
            let fresh: Vec<u64> = (lo..=hi).filter(|n| !model.contains(n)).collect();
            let mut newly: BTreeSet<u64> = request.gaps.iter().flat_map(|gap| gap.lo..=gap.hi).collect();
            newly.retain(|n| !lost_model.contains(n));
            repeated += hi + 1 - lo - fresh.len() as u64;
            match decide(&facts, &request) {
                Verdict::New(change) => {
                    assert_eq!(change.fresh.iter().flat_map(|&(lo, hi)| lo..=hi).collect::<Vec<_>>(), fresh);
                    change.swallowed.iter().for_each(|lo| assert!(rows.remove(lo).is_some()));
                    rows.insert(change.held.0, change.held.1);
                    lost.extend(change.gaps.iter().map(|&(_, lo, hi, _)| (lo, hi)));
                    let count: u64 = change.gaps.iter().map(|&(_, lo, hi, _)| hi + 1 - lo).sum();
                    assert_eq!(count, newly.len() as u64);
                }
                Verdict::Held => assert!(fresh.is_empty() && newly.is_empty()),
                verdict => panic!("{verdict:?}"),
            }
            declared_again +=
                request.gaps.iter().map(|gap| gap.hi + 1 - gap.lo).sum::<u64>() - newly.len() as u64;
            model.extend(lo..=hi);
            lost_model.extend(newly);
            let all: Vec<u64> = rows.iter().flat_map(|(&lo, &hi)| lo..=hi).collect();
            assert_eq!(all, model.iter().copied().collect::<Vec<_>>());
            let spans = model.iter().filter(|&&n| n == 0 || !model.contains(&(n - 1))).count();
            assert_eq!(rows.len(), spans, "ranges that touch are one");
        }
    }
    assert!(repeated > 0 && declared_again > 0);
}

#[test]
fn one_range_with_two_contents_is_a_conflict() {
    let same = |content: &[u8]| Facts { same_range: Some(Digest::of(content)), ..facts() };
    assert_eq!(decide(&same(b"other"), &request(0, 4, Vec::new())), Verdict::Conflict);
    assert!(matches!(decide(&same(b"content"), &request(0, 4, Vec::new())), Verdict::New(_)));
}

#[test]
fn limits_refuse_what_is_new_and_acknowledge_what_is_held() {
    let mut held = Ranges::default();
    held.insert(0, 4);
    let full = |facts: Facts| decide(&facts, &request(0, 5, Vec::new()));
    let for_good = Verdict::Full(Reached::ForGood);
    assert_eq!(full(Facts { spans: limits::SPANS, ..facts() }), for_good);
    assert_eq!(full(Facts { used: Used { bytes: limits::BYTES, ..Used::default() }, ..facts() }), for_good);
    let streams = Used { streams: limits::STREAMS, ..Used::default() };
    assert_eq!(full(Facts { used: streams, new_streams: 1, ..facts() }), for_good);
    assert!(matches!(full(Facts { used: streams, ..facts() }), Verdict::New(_)));
    let known = Facts { held, spans: limits::SPANS, used: streams, ..facts() };
    assert_eq!(decide(&known, &request(0, 4, Vec::new())), Verdict::Held);
    let today = Used { requests: limits::REQUESTS_A_DAY + 1, ..Used::default() };
    assert_eq!(full(Facts { used: today, ..facts() }), Verdict::Full(Reached::Today));
}

#[test]
fn a_device_that_is_not_served_learns_nothing_else() {
    for standing in [Standing::Unknown, Standing::Revoked, Standing::Retired] {
        let facts = Facts { standing, lines: Vec::new(), ..facts() };
        assert_eq!(decide(&facts, &request(0, 4, Vec::new())), Verdict::NotServed(standing));
    }
}

#[test]
fn what_the_grant_does_not_cover_is_refused_unless_it_is_held_already() {
    let facts = Facts { covers: Err(Refused::Expired), ..facts() };
    assert_eq!(decide(&facts, &request(0, 9, vec![])), Verdict::Refused(Refused::Expired));
    let mut held = facts.clone();
    held.held.insert(0, 9);
    assert_eq!(decide(&held, &request(0, 9, vec![])), Verdict::Held);
    let gap = vec![gap(epoch(1, 0), 20, 21, Reason::Quota)];
    assert_eq!(decide(&held, &request(0, 9, gap)), Verdict::Refused(Refused::Expired), "it would add a gap");
}
