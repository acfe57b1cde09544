//! Bounds, contradictions and mutations: what the decoder must survive.

use test_support::Random;

use super::*;
use crate::batch::{Gap, Header, Record, Value};
use crate::identity::{Digest, Epoch, Purpose, Reason, Retention};

fn batch(records: Vec<Record>) -> Batch {
    Batch {
        header: Header {
            purpose: Purpose::UsageStatistics,
            agent: "0.1.0".to_owned(),
            catalog: Digest::of(b"catalog"),
            consent: Digest::of(b"consent"),
            retention: Retention::Usage24Months,
        },
        epoch: Epoch { counter: 3, random: *b"12345678" },
        lo: 1_000_000,
        records,
        gaps: vec![Gap {
            epoch: Epoch { counter: 2, random: [9; 8] },
            lo: 4,
            hi: 9,
            reason: Reason::Damaged,
        }],
    }
}

/// A believable run of `device.error`: 40 skewed codes, each of its subsystem; 2,000 a day.
fn errors(count: usize, random: &mut Random) -> Vec<Record> {
    (0..count)
        .map(|n| {
            let code = random.below(40).min(random.below(40));
            let severity = [1, 1, 1, 0, 2, 2, 1, 3][random.below(8) as usize];
            let repeats = if random.below(10) == 0 { 2 + random.below(30) } else { 1 };
            let attributes = vec![4096 + code * 257, code % 10, severity, repeats];
            Record { entry: 29, at: 498_000 + n as u32 / 83, attributes, value: Value::Plain }
        })
        .collect()
}

fn mixed(count: usize, random: &mut Random) -> Vec<Record> {
    (0..count)
        .map(|_| {
            let value = match random.below(3) {
                0 => Value::Plain,
                1 => Value::Count(random.below(300)),
                _ => Value::Buckets((0..9).map(|_| random.below(4)).collect()),
            };
            let attributes = (0..random.below(4)).map(|_| random.next() >> random.below(64)).collect();
            Record { entry: random.below(12) as u16, at: random.next() as u32, attributes, value }
        })
        .collect()
}

#[test]
fn what_goes_in_comes_out() {
    let mut random = Random::seeded();
    for count in [1, 2, 17, 500, MAX_RECORDS] {
        for records in [errors(count, &mut random), mixed(count, &mut random)] {
            let batch = batch(records);
            let bytes = batch.encode();
            assert_eq!(bytes, batch.encode(), "one batch, one encoding");
            assert_eq!(Batch::decode(&bytes), Ok(batch));
        }
    }
}

#[test]
fn an_event_costs_few_bytes() {
    let mut random = Random::seeded();
    for count in [1, 100, 500, 1000] {
        let bytes = batch(errors(count, &mut random)).encode().len();
        println!("{count} device.error: {bytes} bytes, {:.2} an event", bytes as f64 / count as f64);
        assert!(count < 500 || bytes <= 5 * count);
    }
}

#[test]
fn a_batch_at_every_limit_fits_the_wire() {
    let mut random = Random::seeded();
    let records = (0..MAX_RECORDS)
        .map(|_| Record {
            entry: u16::MAX,
            at: random.next() as u32,
            attributes: (0..MAX_ATTRIBUTES).map(|_| random.next()).collect(),
            value: Value::Buckets((0..MAX_BUCKETS).map(|_| random.next()).collect()),
        })
        .collect();
    let mut batch = batch(records);
    batch.gaps = vec![batch.gaps[0]; MAX_GAPS];
    let bytes = batch.encode();
    assert!(bytes.len() <= MAX_WIRE);
    assert_eq!(Batch::decode(&bytes), Ok(batch));
}

#[test]
fn over_a_limit_is_refused() {
    let record = || Record { entry: 1, at: 1, attributes: vec![], value: Value::Plain };
    let refused = |change: &dyn Fn(&mut Batch)| {
        let mut batch = batch(vec![record()]);
        assert!(Batch::decode(&batch.encode()).is_ok());
        change(&mut batch);
        Batch::decode(&batch.encode()).expect_err("over the limit")
    };
    assert_eq!(refused(&|batch| batch.records.clear()), DecodeError::Columns("no record"));
    assert_eq!(refused(&|batch| batch.lo = u64::MAX), DecodeError::Columns("sequence numbers overflow"));
    assert_eq!(refused(&|batch| batch.records = vec![record(); MAX_RECORDS + 1]), DecodeError::Body);
    assert_eq!(refused(&|batch| batch.gaps = vec![batch.gaps[0]; MAX_GAPS + 1]), DecodeError::Body);
    let wide = DecodeError::Columns("too many attributes or buckets");
    assert_eq!(refused(&|batch| batch.records[0].attributes = vec![0; MAX_ATTRIBUTES + 1]), wide);
    assert_eq!(refused(&|batch| batch.records[0].value = Value::Buckets(vec![0; MAX_BUCKETS + 1])), wide);
    assert_eq!(refused(&|batch| batch.records[0].value = Value::Buckets(vec![])), wide);
    let agent = DecodeError::Columns("the agent's version is too long or not plain text");
    assert_eq!(refused(&|batch| batch.header.agent = "x".repeat(MAX_AGENT + 1)), agent);
    assert_eq!(refused(&|batch| batch.header.agent = "a\nb".to_owned()), agent);
    let gap = DecodeError::Columns("a gap ends before it begins");
    assert_eq!(refused(&|batch| batch.gaps[0].hi = 0), gap);
}

#[test]
fn what_is_not_one_envelope_is_refused() {
    let mut random = Random::seeded();
    for records in [errors(1, &mut random), errors(300, &mut random)] {
        let good = batch(records).encode();
        for cut in 0..good.len() {
            assert!(Batch::decode(&good[..cut]).is_err());
        }
        let changed = |at: usize, to: u8| {
            let mut bytes = good.clone();
            bytes[at] = to;
            Batch::decode(&bytes)
        };
        assert_eq!(changed(0, b'k'), Err(DecodeError::NotAnEnvelope));
        assert_eq!(changed(2, 2), Err(DecodeError::Version(2)));
        assert_eq!(changed(3, 2), Err(DecodeError::Flags));
        let mut longer = good.clone();
        longer.push(0);
        assert!(matches!(Batch::decode(&longer), Err(DecodeError::Body | DecodeError::Deflate)));
    }
    assert_eq!(Batch::decode(&vec![0; MAX_WIRE + 1]), Err(DecodeError::TooLong));
}

#[test]
fn a_bomb_is_not_unpacked() {
    let zeros = |count: usize| [&b"KT\x01\x01"[..], &deflate(&vec![0; count])].concat();
    let bomb = zeros(MAX_UNPACKED + 1);
    assert!(bomb.len() < MAX_WIRE);
    assert_eq!(Batch::decode(&bomb), Err(DecodeError::Deflate));
    assert_eq!(Batch::decode(&zeros(MAX_UNPACKED)), Err(DecodeError::Body));
}

#[test]
fn mutated_bytes_never_panic() {
    let mut random = Random::seeded();
    let plain = |records| [&b"KT\x01\x00"[..], &v1::encode(&batch(records))].concat();
    let seeds = [
        plain(errors(40, &mut random)),
        plain(mixed(40, &mut random)),
        batch(errors(40, &mut random)).encode(),
    ];
    let mut accepted = 0;
    for round in 0..20_000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..=random.below(3) {
            let at = 4 + random.below(bytes.len() as u64 - 4) as usize;
            match random.below(4) {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes[at] = [0, 1, 250, 251, 252, 253, 254, 255][random.below(8) as usize],
                2 => bytes.truncate(at.max(5)),
                _ => bytes.insert(at, random.next() as u8),
            }
        }
        if let Ok(batch) = Batch::decode(&bytes) {
            accepted += 1;
            assert!((1..=MAX_RECORDS).contains(&batch.records.len()));
            assert_eq!(Batch::decode(&batch.encode()), Ok(batch));
        }
    }
    println!("{accepted} of 20000 mutations are batches");
}
