//! What the tests of the store share: random numbers that can be had again, and batches.

use std::fs;
use std::path::Path;

use protocol::bundle::Announcement;
use protocol::ledger::EventKind;
use protocol::{Batch, DeviceId, Digest, Epoch, Gap, Purpose, Reason, Retention};
pub(crate) use test_support::Random;
use time::OffsetDateTime;

use super::{Put, Store, Verdict};

/// An epoch with this counter; `copy` tells forks apart.
pub(crate) fn epoch(counter: u64, copy: u8) -> Epoch {
    Epoch { counter, random: [copy; 8] }
}

/// A batch of device errors, each of which says its own number.
pub(crate) fn batch(epoch: Epoch, lo: u64, hi: u64) -> Batch {
    test_support::batch(Digest::of(b"consent"), epoch, lo, hi)
}

/// Enrols the device of a number, with a grant of usage statistics under a built-in policy; its id and the consent.
pub(crate) fn granted(store: &Store, number: u64, now: OffsetDateTime) -> (DeviceId, Digest) {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&number.to_le_bytes());
    let token = store.make_token(None, now).unwrap();
    store.enrol(&token, &key, now, now).unwrap();
    let device = DeviceId::of_public_key(&key);
    let mut entry = test_support::entry(device, 0, Purpose::UsageStatistics, None, EventKind::Granted);
    entry.processing.policy_sha256 = Digest::of(protocol::policy::POLICIES[1].1.as_bytes());
    entry.processing.retention = Retention::Analytics14Months;
    entry.event.until = Some(super::rfc3339(now + time::Duration::days(90)));
    let line = protocol::ledger::write_line(&entry, |_| vec![0; 64]).unwrap();
    store.put_consent(device, &line, &entry, now).unwrap();
    (device, protocol::ledger::line_hash(&line))
}

/// Stores a batch of five records, the `index`th of a device that was `granted`.
pub(crate) fn put(store: &Store, (device, consent): (DeviceId, Digest), index: u64, now: OffsetDateTime) {
    let mut batch = test_support::batch(consent, epoch(1, 0), index * 5, index * 5 + 4);
    batch.header.retention = Retention::Analytics14Months;
    let body = batch.encode();
    let put = Put::new(&batch, Digest::of(&body), body).unwrap();
    let answer = store.put_batch(device, put, now).block().unwrap();
    assert!(matches!(answer.verdict, Verdict::New(_)));
}

/// What a device announces of a bundle of these bytes.
pub(crate) fn announced(file: &[u8]) -> Announcement {
    Announcement {
        case: "CASE-1".parse().unwrap(),
        size: file.len() as u64,
        sha256: Digest::of(file),
        manifest_sha256: Digest::of(b"manifest"),
        consents: Vec::new(),
    }
}

/// A gap for a reason.
pub(crate) fn gap(epoch: Epoch, lo: u64, hi: u64, reason: Reason) -> Gap {
    Gap { epoch, lo, hi, reason }
}

/// Copies a data directory, as it is at this moment.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (source, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if source.is_dir() {
            copy(&source, &to.join(name));
        } else if name != "lock" {
            // The lock knows a copy, and the place is the same one.
            fs::copy(&source, to.join(name)).unwrap();
        }
    }
}
