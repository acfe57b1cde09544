//! A grant at the collector is as strict as on the device: what it does not cover is refused with the reason.

use std::fs;

use protocol::ledger::{self, EventKind};
use protocol::{Digest, Purpose, Retention};

use crate::device::{Device, batch};
use crate::program::Collector;

/// Puts a grant that `change` made, and gives what became of a batch under it.
fn put(collector: &Collector, device: &Device, change: impl FnOnce(&mut ledger::Entry)) -> (u16, String) {
    let mut entry =
        test_support::entry::entry(device.id(), 0, Purpose::UsageStatistics, None, EventKind::Granted);
    change(&mut entry);
    let line = device.sign(&entry);
    assert_eq!(device.put_consent(collector, &line).status, 201, "a line is kept whatever it says");
    let answer = device.put_batch(collector, &batch(ledger::line_hash(&line), 1, 0, 4));
    let (status, problem) = answer.problem();
    (status, problem.to_owned())
}

#[test]
fn what_a_grant_does_not_cover_is_refused_with_the_reason() {
    let collector = Collector::start();
    let refused = |problem: &str| (403, problem.to_owned());
    let tried = |change: fn(&mut ledger::Entry)| put(&collector, &Device::enrolled(&collector), change);
    assert_eq!(tried(|_| {}), (201, String::new()));
    let until = |text: &str| Some(text.to_owned());
    assert_eq!(
        put(&collector, &Device::enrolled(&collector), |entry| entry.event.until =
            until("2999-01-01T00:00:00Z")),
        (201, String::new())
    );
    for over in ["2026-11-21T10:00:01Z", "never", ""] {
        let device = Device::enrolled(&collector);
        assert_eq!(
            put(&collector, &device, |entry| entry.event.until = until(over)),
            refused("consent_expired")
        );
    }
    assert_eq!(
        tried(|entry| entry.processing.policy_sha256 = Digest::of(b"another")),
        refused("consent_other_policy")
    );
    assert_eq!(
        tried(|entry| entry.processing.retention = Retention::Contact2Years),
        refused("consent_other_retention")
    );
    assert_eq!(tried(|entry| entry.header.previous = Some(Digest::of(b"before"))), refused("consent_broken"));
    assert_eq!(collector.lines("export", &[]).len(), 10);
}

#[test]
fn a_policy_that_an_operator_put_beside_the_store_is_known() {
    let collector = Collector::start();
    let text = "[purposes.usage_statistics]\nvendor_retention = \"usage_24m\"\n";
    // One that does not say how long it keeps what, or says it in no known way, allows nothing.
    let mute = ["id = \"third\"\n".to_owned(), text.replace("usage_24m", "P36M from Mars")];
    let under = |text: &str| {
        let sha256 = Digest::of(text.as_bytes());
        put(&collector, &Device::enrolled(&collector), |entry| entry.processing.policy_sha256 = sha256)
    };
    assert_eq!(under(text), (403, "consent_other_policy".to_owned()));
    fs::create_dir_all(collector.data().join("policies")).unwrap();
    for (n, text) in mute.iter().map(String::as_str).chain([text]).enumerate() {
        fs::write(collector.data().join(format!("policies/{n}.toml")), text).unwrap();
    }
    assert_eq!(under(text), (201, String::new()));
    for text in &mute {
        assert_eq!(under(text), (403, "consent_other_retention".to_owned()));
    }
}

#[test]
fn a_third_controllers_periods_are_kept_by_data_alone() {
    let collector = Collector::start();
    fs::create_dir_all(collector.data().join("policies")).unwrap();
    fs::write(collector.data().join("policies/third.toml"), test_support::THIRD_POLICY).unwrap();
    let under = |entry: &mut ledger::Entry, period: &str| {
        let processing = &mut entry.processing;
        processing.policy_sha256 = Digest::of(test_support::THIRD_POLICY.as_bytes());
        (processing.retention, processing.retention_period) =
            (Retention::Period, Some(period.parse().unwrap()));
    };
    let device = Device::enrolled(&collector);
    let mut entry =
        test_support::entry::entry(device.id(), 0, Purpose::UsageStatistics, None, EventKind::Granted);
    under(&mut entry, "P36M from receipt");
    let line = device.sign(&entry);
    assert_eq!(device.put_consent(&collector, &line).status, 201);
    let mut sent = batch(ledger::line_hash(&line), 1, 0, 4);
    let answer = |sent: &protocol::Batch| {
        let answer = device.put_batch(&collector, sent);
        let (status, problem) = answer.problem();
        (status, problem.to_owned())
    };
    let refused = (403, "consent_other_retention".to_owned());
    assert_eq!(answer(&sent), refused, "a batch of a word under a period");
    sent.header.retention = Retention::Period;
    assert_eq!(answer(&sent), (201, String::new()));
    // Another period than the policy's is the device's own idea; a period that is none is no ledger line.
    for other in
        ["P35M from receipt", "P36M from last_contact", "P36Y from receipt", "P100Y from decommissioning"]
    {
        let device = Device::enrolled(&collector);
        let mut entry =
            test_support::entry::entry(device.id(), 0, Purpose::UsageStatistics, None, EventKind::Granted);
        under(&mut entry, other);
        let line = device.sign(&entry);
        assert_eq!(device.put_consent(&collector, &line).status, 201);
        let mut sent = batch(ledger::line_hash(&line), 1, 0, 4);
        sent.header.retention = Retention::Period;
        assert_eq!(device.put_batch(&collector, &sent).problem().1, refused.1, "{other}");
        entry.processing.retention = Retention::Usage24Months;
        assert_eq!(device.put_consent(&collector, &device.sign(&entry)).status, 400, "a word and a period");
        (entry.processing.retention, entry.processing.retention_period) = (Retention::Period, None);
        assert_eq!(
            device.put_consent(&collector, &device.sign(&entry)).status,
            400,
            "a period that is not said"
        );
    }
    assert_eq!(collector.lines("proof", &["--all"]).len(), 1);

    // 36 months are 1095 or 1096 days; the word of 24 months would have ended it long ago.
    collector.age(device.id(), 1094);
    assert_eq!(collector.lines("retention", &["run", "--dry-run"]).len(), 0);
    collector.age(device.id(), 3);
    let over = collector.lines("retention", &["run", "--yes"]);
    assert_eq!((over.len(), over[0]["records"].as_u64()), (1, Some(5)));
    assert_eq!(collector.lines("export", &[]).len(), 0);
    assert!(collector.lines("verify", &[]).iter().all(|line| line.get("what").is_none()));
}

#[test]
fn a_ledger_whose_entries_do_not_follow_each_other_carries_nothing() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let first = device.ledger_line(0, EventKind::Denied);
    assert_eq!(device.put_consent(&collector, &first).status, 201);
    let next = |previous: Option<Digest>| {
        put(&collector, &device, |entry| (entry.header.index, entry.header.previous) = (1, previous))
    };
    assert_eq!(next(Some(Digest::of(b"cut"))), (403, "consent_broken".to_owned()));
    assert_eq!(next(None), (403, "consent_broken".to_owned()));
    assert_eq!(next(Some(ledger::line_hash(&first))), (201, String::new()));
}
