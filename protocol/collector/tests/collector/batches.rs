//! What is taken: whole, consented, once.

use protocol::ledger::EventKind;
use protocol::{Digest, Gap, Purpose, Reason, ledger};
use serde_json::json;

use crate::device::{Device, batch, content_digest, path};
use crate::program::Collector;

#[test]
fn a_batch_is_acknowledged_and_comes_out_once() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    let batch = batch(consent, 1, 0, 4);
    let answer = device.put_batch(&collector, &batch);
    let acknowledgement = json!({
        "batch": batch.id(),
        "digest": Digest::of(&batch.encode()).to_string(),
        "durable": true,
        "accepted": [[0, 4]],
        "rejected": [],
    });
    assert_eq!((answer.status, &answer.body), (201, &acknowledgement));
    assert_eq!(answer.head.as_deref(), Some(format!("0-{consent}").as_str()));
    let again = device.put_batch(&collector, &batch);
    assert_eq!((again.status, &again.body), (200, &acknowledgement));

    let records = collector.lines("export", &[]);
    assert_eq!(records.len(), 5);
    assert_eq!(records[3]["seq"], 3);
    assert_eq!(records[3]["entry"], "device.error");
    assert_eq!(records[3]["attributes"]["code"], 3);
    assert_eq!(records[3]["device"], device.id().to_string());
    assert_eq!(records[3]["consent"], consent.to_string());
}

#[test]
fn overlapping_batches_are_both_acknowledged_and_each_record_is_held_once() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 201);
    let wider = device.put_batch(&collector, &batch(consent, 1, 0, 9));
    assert_eq!((wider.status, &wider.body["accepted"]), (201, &json!([[0, 9]])));
    let narrower = device.put_batch(&collector, &batch(consent, 1, 3, 6));
    assert_eq!((narrower.status, &narrower.body["accepted"]), (200, &json!([[3, 6]])));
    let seqs: Vec<_> =
        collector.lines("export", &[]).iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (0..10).collect::<Vec<_>>());
}

#[test]
fn bytes_that_are_not_the_batch_that_was_named_are_refused() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let batch = batch(device.grant(&collector), 1, 0, 4);
    let (body, digest) = (batch.encode(), content_digest(&batch.encode()));
    let put = |path: &str, body: &[u8], digest: &str| {
        let answer = device.call(&collector, "PUT", path, body, digest);
        (answer.status, answer.body["type"].as_str().unwrap_or_default().to_owned())
    };
    let named = |problem: (u16, &str)| (problem.0, problem.1.to_owned());
    let right = path(&batch);
    assert_eq!(put(&right, &body, ""), named((400, "digest_mismatch")));
    assert_eq!(put(&right, &body, &content_digest(b"other")), named((400, "digest_mismatch")));
    assert_eq!(put(&right, &body[..9], &digest), named((400, "digest_mismatch")));
    assert_eq!(put(&right, b"KT", &content_digest(b"KT")), named((400, "bad_batch")));
    let other_id = right.replace("-0-4", "-0-5");
    assert_eq!(put(&other_id, &body, &digest), named((400, "name_mismatch")));
    let other_purpose = right.replace("usage_statistics", "support_case");
    assert_eq!(put(&other_purpose, &body, &digest), named((400, "name_mismatch")));
    let no_purpose = right.replace("usage_statistics", "pixels");
    assert_eq!(put(&no_purpose, &body, &digest), named((404, "not_found")));
    let mut newer = body.clone();
    newer[2] = 200;
    assert_eq!(put(&right, &newer, &content_digest(&newer)), named((415, "unknown_version")));
    let long = vec![0; (1 << 20) + 1];
    assert_eq!(put(&right, &long, &content_digest(&long)), named((413, "too_long")));
    assert_eq!(collector.lines("export", &[]).len(), 0);
    // Digests of other algorithms may stand beside it.
    let several = format!("sha-512=:AA==:, {digest}");
    assert_eq!(device.call(&collector, "PUT", &right, &body, &several).status, 201);
}

#[test]
fn one_name_with_another_content_is_a_conflict() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let first = batch(device.grant(&collector), 1, 0, 4);
    let mut other = first.clone();
    other.records[0].at += 1;
    assert_eq!(device.put_batch(&collector, &first).status, 201);
    assert_eq!(device.put_batch(&collector, &other).problem(), (409, "batch_conflict"));
}

#[test]
fn nothing_is_taken_without_a_standing_consent() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let grant = device.ledger_line(0, EventKind::Granted);
    let consent = ledger::line_hash(&grant);
    let first = batch(consent, 1, 0, 4);
    assert_eq!(device.put_batch(&collector, &first).problem(), (428, "consent_required"));
    assert_eq!(device.put_consent(&collector, &grant).status, 201);
    assert_eq!(device.put_consent(&collector, &grant).status, 200);
    let mut other_purpose = first.clone();
    other_purpose.header.purpose = Purpose::SupportCase;
    assert_eq!(device.put_batch(&collector, &other_purpose).problem(), (403, "consent_not_given"));
    assert_eq!(device.put_batch(&collector, &first).status, 201);

    let say = |index, kind| {
        assert_eq!(device.put_consent(&collector, &device.ledger_line(index, kind)).status, 201);
    };
    let second = batch(consent, 1, 5, 6);
    say(1, EventKind::Restricted);
    assert_eq!(device.put_batch(&collector, &second).problem(), (403, "consent_restricted"));
    say(2, EventKind::Released);
    assert_eq!(device.put_batch(&collector, &second).status, 201);
    say(3, EventKind::Withdrawn);
    let third = batch(consent, 1, 7, 8);
    assert_eq!(device.put_batch(&collector, &third).problem(), (403, "consent_withdrawn"));
    // A new yes does not reach back.
    let again = device.ledger_line(4, EventKind::Granted);
    assert_eq!(device.put_consent(&collector, &again).status, 201);
    assert_eq!(device.put_batch(&collector, &third).problem(), (403, "consent_withdrawn"));
    let fourth = batch(ledger::line_hash(&again), 1, 7, 8);
    let answer = device.put_batch(&collector, &fourth);
    assert_eq!(answer.status, 201);
    assert_eq!(answer.head, Some(format!("4-{}", ledger::line_hash(&again))));
}

#[test]
fn a_ledger_entry_is_its_devices_own() {
    let collector = Collector::start();
    let (device, other) = (Device::enrolled(&collector), Device::enrolled(&collector));
    let line = other.ledger_line(0, EventKind::Granted);
    assert_eq!(device.put_consent(&collector, &line).problem(), (400, "bad_consent"));
    let tampered = device.ledger_line(0, EventKind::Denied).replace("denied", "granted");
    assert_eq!(device.put_consent(&collector, &tampered).problem(), (400, "bad_consent"));
    let path = format!("/v1/consents/{}", Digest::of(b"other"));
    let answer = device.call(&collector, "PUT", &path, line.as_bytes(), "");
    assert_eq!(answer.problem(), (400, "digest_mismatch"));
    // A consent of one device opens nothing for another.
    let batch = batch(other.grant(&collector), 1, 0, 0);
    assert_eq!(device.put_batch(&collector, &batch).problem(), (428, "consent_required"));
}

#[test]
fn numbers_beyond_those_that_are_kept_are_refused_and_hurt_nobody() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    let gap = |lo, hi| {
        let mut batch = batch(consent, 1, 0, 4);
        batch.gaps = vec![Gap { epoch: batch.epoch, lo, hi, reason: Reason::Quota }];
        batch
    };
    for hi in [u64::MAX, i64::MAX as u64] {
        assert_eq!(device.put_batch(&collector, &gap(7, hi)).problem(), (400, "bad_batch"));
    }
    assert_eq!(
        device.put_batch(&collector, &batch(consent, 1, u64::MAX - 9, u64::MAX - 5)).problem(),
        (400, "bad_batch")
    );
    let largest = i64::MAX as u64 - 1;
    assert_eq!(device.put_batch(&collector, &gap(7, largest)).status, 201);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, largest - 4, largest)).status, 201);
    let stream = &collector.lines("devices", &[])[0]["streams"]["usage_statistics"];
    assert_eq!((&stream["held"], &stream["lost"]), (&json!(10), &json!(largest - 5 - 7 + 1)));
    assert_eq!(stream["missing"], 2);
    assert_eq!(collector.findings("verify").len(), 0);
}

#[test]
fn losses_and_forks_are_shown() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    let mut first = batch(consent, 1, 5, 6);
    first.gaps = vec![Gap { epoch: first.epoch, lo: 0, hi: 3, reason: Reason::Quota }];
    let mut second = batch(consent, 1, 7, 8);
    second.gaps.clone_from(&first.gaps);
    assert_eq!(device.put_batch(&collector, &first).status, 201);
    assert_eq!(device.put_batch(&collector, &second).status, 201);
    let losses = collector.lines("export", &["--losses"]);
    assert_eq!(losses.len(), 1);
    assert_eq!((&losses[0]["lo"], &losses[0]["hi"]), (&json!(0), &json!(3)));
    assert_eq!(losses[0]["reason"], "quota");
    let stream = |line: &serde_json::Value| line["streams"]["usage_statistics"].clone();
    let devices = collector.lines("devices", &[]);
    assert_eq!(devices[0]["fork"], false);
    assert_eq!(stream(&devices[0])["held"], 4);
    assert_eq!(stream(&devices[0])["lost"], 4);
    assert_eq!(stream(&devices[0])["missing"], 1);

    let mut copy = batch(consent, 1, 5, 6);
    copy.epoch.random = [2; 8];
    assert_eq!(device.put_batch(&collector, &copy).status, 201);
    let devices = collector.lines("devices", &[]);
    assert_eq!((&devices[0]["fork"], &stream(&devices[0])["held"]), (&json!(true), &json!(6)));
}
