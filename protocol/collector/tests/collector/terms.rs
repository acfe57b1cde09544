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
    let text = "id = \"third\"\n";
    let under = |entry: &mut ledger::Entry| entry.processing.policy_sha256 = Digest::of(text.as_bytes());
    let device = Device::enrolled(&collector);
    assert_eq!(put(&collector, &device, under).0, 403);
    fs::create_dir_all(collector.data().join("policies")).unwrap();
    fs::write(collector.data().join("policies/third.toml"), text).unwrap();
    assert_eq!(put(&collector, &Device::enrolled(&collector), under), (201, String::new()));
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
