//! What a line of usage becomes, and every reason for refusing one.

use protocol::{Digest, Epoch, Purpose, Retention};
use test_support::Random;

use super::*;

const WINDOW: Window = Window { granted: 1_700_000_000, now: 1_800_000_000 };
const BOTH: Wanted = Wanted { usage: true, open: true };

fn validator() -> Validator {
    Validator::new(Catalog::built_in())
}

fn header() -> Header {
    Header {
        purpose: Purpose::UsageStatistics,
        agent: "0.1.0".into(),
        catalog: Catalog::built_in().hash(),
        consent: Digest::of(b"entry"),
        retention: Retention::Usage24Months,
    }
}

fn position() -> Position {
    Position { number: 100, epoch: Epoch { counter: 1, random: [7; 8] }, seq: 5 }
}

fn refused(line: &str) -> Option<Reason> {
    let mut validator = validator();
    let refusal = validator.take(Raw::new(line.as_bytes()), WINDOW, BOTH).err();
    if refusal.is_some() {
        assert!(
            validator.events.is_empty() && validator.journals.is_empty(),
            "a refused line leaves nothing behind"
        );
    }
    refusal.map(|refusal| refusal.reason)
}

const ERROR: &str = r#"{"event":"device.error","at":"2026-11-21T10:32:11+01:00","code":4711,"subsystem":"detector","severity":"error","repeats":2}"#;
const EXPOSURE: &str = r#"{"event":"exposure.completed","at":"2026-11-21T10:32:11+01:00","mode":"cbct","patient_size":"medium","kv":90,"ma":8,"beam_s":12.5,"dap":400,"fov":"8x8","voxel_um":200,"protocol":"custom","changed_by_user":"no","projections_lost":0,"tube_heat":40}"#;

#[test]
fn an_event_becomes_a_record_and_an_exposure_only_counts() {
    let mut validator = validator();
    validator.take(Raw::new(ERROR.as_bytes()), WINDOW, BOTH).unwrap();
    let events: Vec<_> = validator.events(&header(), position()).collect();
    assert_eq!(events.len(), 1);
    let batch = events[0].0.get().batch();
    assert_eq!((batch.lo, batch.records[0].entry), (5, 29));
    assert_eq!(batch.records[0].attributes[..1], [4711]);

    validator.take(Raw::new(EXPOSURE.as_bytes()), WINDOW, BOTH).unwrap();
    assert_eq!(validator.events(&header(), position()).count(), 0);
    let journals = validator.journals();
    assert_eq!(journals.iter().map(|journal| journal.get().events).collect::<Vec<_>>(), [1], "its month");
    assert!(validator.journals().is_empty());
}

#[test]
fn every_bad_line_has_its_reason() {
    let at = |at: &str| ERROR.replace("2026-11-21T10:32:11+01:00", at);
    for (line, reason) in [
        ("{", Reason::NotJson),
        ("[1,2]", Reason::NotJson),
        ("nonsense", Reason::NotJson),
        ("{\"event\":\"a\0b\"}", Reason::NotJson),
        (&format!("{ERROR}{ERROR}"), Reason::NotJson),
        (&"[".repeat(8000), Reason::NotJson),
        ("{}", Reason::MissingAttribute),
        (&ERROR.replace("device.error", "patient.name"), Reason::UnknownEvent),
        (&ERROR.replace("repeats", "operator"), Reason::UnknownAttribute),
        (&ERROR.replace(",\"repeats\":2", ""), Reason::MissingAttribute),
        (&ERROR.replace("}", ",\"repeats\":2}"), Reason::RepeatedAttribute),
        (&ERROR.replace("}", ",\"event\":\"device.error\"}"), Reason::RepeatedAttribute),
        (&ERROR.replace("4711", "\"4711\""), Reason::BadType),
        (&ERROR.replace("4711", "null"), Reason::BadType),
        (&ERROR.replace("4711", "{\"a\":[1]}"), Reason::BadType),
        (&ERROR.replace("\"detector\"", "7"), Reason::BadType),
        (&ERROR.replace("4711", "65536"), Reason::OutOfRange),
        (&ERROR.replace("4711", "-1"), Reason::OutOfRange),
        (&ERROR.replace("4711", "1e300"), Reason::OutOfRange),
        (&ERROR.replace("\"detector\"", "\"Anna Hansen 010190-1234\""), Reason::OutOfRange),
        (&at("yesterday"), Reason::BadTime),
        (&at("2026-11-21T10:32:11"), Reason::BadTime),
        (&at("1970-01-01T00:00:00+00:00"), Reason::BeforeGrant),
        (&at("2022-11-21T10:32:11+01:00"), Reason::BeforeGrant),
        (&at("2126-11-21T10:32:11+01:00"), Reason::BadTime),
    ] {
        assert_eq!(refused(line), Some(reason), "{line}");
    }
    assert_eq!(refused(ERROR), None);
    assert_eq!(refused(EXPOSURE), None);
    let not_utf8 = validator().take(Raw::new(b"{\"event\":\"\xff\"}"), WINDOW, BOTH).unwrap_err();
    assert_eq!((not_utf8.reason, not_utf8.column), (Reason::NotUtf8, 11));
}

#[test]
fn a_queue_that_has_the_line_does_not_get_it_again() {
    let mut validator = validator();
    validator.take(Raw::new(ERROR.as_bytes()), WINDOW, Wanted { usage: false, open: true }).unwrap();
    validator.take(Raw::new(EXPOSURE.as_bytes()), WINDOW, Wanted { usage: true, open: false }).unwrap();
    assert!(validator.events(&header(), position()).next().is_none() && validator.journals().is_empty());
}

/// 5,000 events in which nothing repeats, taken in.
fn varied() -> Validator {
    let mut validator = validator();
    let mut random = Random::new(1);
    for _ in 0..5000 {
        let line = ERROR
            .replace("4711", &random.below(1 << 16).to_string())
            .replace(":2}", &format!(":{}}}", random.within(1, 1000)));
        validator.take(Raw::new(line.as_bytes()), WINDOW, BOTH).unwrap();
    }
    validator
}

#[test]
fn batches_fit_a_sealed_record_and_follow_each_other() {
    let batches: Vec<_> = varied().events(&header(), position()).collect();
    let (mut number, mut seq) = (100, 5);
    for (clean, at) in &batches {
        assert_eq!((at.number, at.seq, clean.get().batch().lo), (number, seq, seq));
        assert!(clean.get().to_bytes().len() <= limits::SEALED_CONTENT);
        number += u64::from(clean.get().records());
        seq += u64::from(clean.get().records());
    }
    assert_eq!(seq, 5005);
}

#[test]
fn a_batch_holds_the_memory_of_its_own_records_only() {
    let validator = varied();
    let records = validator.events.clone();
    for (clean, _) in batches(records, &header(), position(), Catalog::built_in()) {
        let Batch { records, .. } = clean.into_inner().into_batch();
        assert!(records.capacity() < 2 * records.len(), "{} for {}", records.capacity(), records.len());
    }
}

#[test]
fn what_is_put_in_little_by_little_comes_out_as_what_is_put_in_at_once() {
    let records = varied().events;
    let whole: Vec<_> = batches(records.clone(), &header(), position(), Catalog::built_in()).collect();
    let mut some = batches(Vec::new(), &header(), position(), Catalog::built_in());
    let mut pieces = Vec::new();
    for few in records.chunks(70) {
        some.extend(few.to_vec());
        while some.has_full() {
            pieces.extend(some.next());
        }
    }
    pieces.extend(some);
    let seen = |batches: &[(Clean<Usage>, Position)]| -> Vec<_> {
        batches.iter().map(|(clean, at)| (*at, clean.get().batch().clone())).collect()
    };
    assert_eq!(seen(&pieces), seen(&whole));
}

#[test]
fn what_the_catalog_collects_until_a_day_is_refused_on_the_next() {
    let on = |at: &str| ERROR.replace("2026-11-21T10:32:11+01:00", at);
    let late = Window { now: 1_900_000_000, ..WINDOW };
    let take = |line: &str| {
        let mut validator = validator();
        let refusal =
            validator.take(Raw::new(line.as_bytes()), late, BOTH).err().map(|refusal| refusal.reason);
        (refusal, validator.events(&header(), position()).count())
    };
    let entry = Catalog::built_in().entry(29).unwrap();
    assert_eq!((entry.ends.as_str(), entry.last_day), ("2028-11-22", 21_510));
    // The day of the clinic's wall clock counts, as everywhere.
    assert_eq!(take(&on("2028-11-22T23:59:59+01:00")), (None, 1));
    assert_eq!(take(&on("2028-11-23T00:00:00+01:00")), (Some(Reason::Ended), 0));
    assert_eq!(take(&on("2029-03-01T10:00:00+01:00")), (Some(Reason::Ended), 0));
    let wrong = explain(Raw::new(on("2029-03-01T10:00:00+01:00").as_bytes()), Reason::Ended);
    assert!(wrong.attribute == Some("at") && wrong.what.unwrap().contains("last day"));
}
