//! Damage to stored data: every lost acknowledged record is reported, no consent opens again, and those whom
//! the damage did not hit go on. `DAMAGES` says how many in all, a fourth of each kind (bits, pages, the log
//! cut, bits of the log); `SEED` repeats a run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use protocol::Digest;
use protocol::ledger::EventKind;
use serde_json::Value as Json;

use crate::device::{Device, batch};
use crate::program::{self, Collector, attempt};
use test_support::Random;

const DEVICES: u64 = 8;
const BATCHES: u64 = 12;

/// A store that was killed while it served, with all that a device can leave in it.
struct Store {
    dir: tempfile::TempDir,
    /// Each with the consent that stands, but the first, whose consent was withdrawn.
    devices: Vec<(Device, Digest)>,
    /// Lines of the export, by device.
    acknowledged: BTreeMap<String, BTreeSet<String>>,
}

fn by_device(lines: impl Iterator<Item = String>) -> BTreeMap<String, BTreeSet<String>> {
    let mut out = BTreeMap::<String, BTreeSet<String>>::new();
    for line in lines {
        let json: Json = serde_json::from_str(&line).unwrap();
        out.entry(json["device"].as_str().unwrap().to_owned()).or_default().insert(line);
    }
    out
}

impl Store {
    fn new() -> Self {
        let mut collector = Collector::start();
        let devices: Vec<Device> = (0..DEVICES).map(|_| Device::enrolled(&collector)).collect();
        let devices: Vec<(Device, Digest)> = devices
            .into_iter()
            .map(|device| {
                let consent = device.grant(&collector);
                (device, consent)
            })
            .collect();
        for round in 0..BATCHES {
            for (device, consent) in &devices {
                let batch = batch(*consent, 1, round * 50, round * 50 + 49);
                assert_eq!(device.put_batch(&collector, &batch).status, 201);
            }
        }
        let end = devices[0].0.ledger_line(1, EventKind::Withdrawn);
        assert_eq!(devices[0].0.put_consent(&collector, &end).status, 201);
        // After the log was emptied for the withdrawal: what is only in it.
        for (device, consent) in &devices[1..] {
            assert_eq!(device.put_batch(&collector, &batch(*consent, 1, 5000, 5009)).status, 201);
        }
        collector.kill();
        let dir = tempfile::tempdir().unwrap();
        copy(collector.data(), dir.path());
        let exported = attempt(collector.data(), "export", &[]);
        let text = String::from_utf8(exported.stdout).unwrap();
        let acknowledged = by_device(text.lines().map(str::to_owned));
        assert_eq!(acknowledged.len() as u64, DEVICES);
        Self { dir, devices, acknowledged }
    }

    /// Damages a copy with `damage`, which describes what it did; returns what was reported and lost.
    fn after(&mut self, damage: impl FnOnce(&Path) -> String) -> Findings {
        let dir = tempfile::tempdir().unwrap();
        copy(self.dir.path(), dir.path());
        let what = damage(dir.path());
        let verified = attempt(dir.path(), "verify", &[]);
        let findings: Vec<Json> = String::from_utf8(verified.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let said = String::from_utf8(verified.stderr).unwrap();
        assert!(!said.contains("panicked"), "{what}: {said}");
        let is_reported = verified.status.code() == Some(1);
        assert!(is_reported || verified.status.success(), "{what}: {said}");

        let exported = attempt(dir.path(), "export", &[]);
        let text = String::from_utf8(exported.stdout).unwrap();
        let held = by_device(text.lines().map(str::to_owned));
        let none = BTreeSet::new();
        let lost: Vec<String> = self
            .acknowledged
            .iter()
            .filter(|(device, lines)| held.get(*device).unwrap_or(&none) != *lines)
            .map(|(device, _)| device.clone())
            .collect();
        assert!(
            lost.is_empty() || is_reported,
            "{what}: {} devices lost records, and nothing was reported",
            lost.len()
        );
        let is_of_all = findings.iter().any(|finding| finding["device"].is_null()) || findings.is_empty();
        let named: BTreeSet<&str> =
            findings.iter().filter_map(|finding| finding["device"].as_str()).collect();
        for device in &lost {
            assert!(
                is_of_all || named.contains(device.as_str()),
                "{what}: {device} is not named: {findings:?}"
            );
        }
        let named = named.iter().map(ToString::to_string).collect();
        let reported = Findings { is_reported, is_of_all, lost: lost.len(), named };
        self.visit(dir.path(), &what, &reported);
        reported
    }

    /// What a server makes of it: never a consent that was ended, and nobody whom it did not hit is turned away.
    fn visit(&mut self, data: &Path, what: &str, reported: &Findings) {
        let Some(collector) = Collector::try_at(data.to_owned()) else {
            assert!(reported.is_reported, "{what}: the server does not start, and nothing was reported");
            return;
        };
        for (place, (device, consent)) in self.devices.iter_mut().enumerate() {
            device.reconnect(&collector);
            let status = device.put_batch(&collector, &batch(*consent, 1, 6000, 6004)).status;
            if place == 0 {
                assert!(status != 201 && status != 200, "{what}: a consent that was withdrawn is open again");
            } else if !reported.is_reported {
                assert_eq!(status, 201, "{what}");
            } else if !reported.is_of_all && !reported.named.contains(&device.id().to_string()) {
                assert_eq!(status, 201, "{what}: nothing of this device was hit");
            }
        }
    }
}

struct Findings {
    is_reported: bool,
    /// A finding names no device, so any may be affected.
    is_of_all: bool,
    lost: usize,
    named: BTreeSet<String>,
}

fn copy(from: &Path, to: &Path) {
    program::copy(&from.join("keys"), &to.join("keys"));
    let seal_key = from.with_file_name("collector-seal-key");
    if seal_key.exists() {
        fs::copy(seal_key, to.join("keys/credential")).unwrap();
    }
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        // As after a restart of the machine: the memory that the processes shared is gone.
        if entry.file_type().unwrap().is_file() && !entry.file_name().to_string_lossy().ends_with("-shm") {
            // Served in the place of the first one, and not beside it: `lock` knows a copy.
            if entry.file_name() != "lock" {
                fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
    }
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>) -> String) -> String {
    let mut bytes = fs::read(path).unwrap();
    let what = change(&mut bytes);
    fs::write(path, bytes).unwrap();
    format!("{}: {what}", path.file_name().unwrap().to_string_lossy())
}

fn rounds(few: u64) -> u64 {
    std::env::var("DAMAGES").ok().and_then(|all| all.parse::<u64>().ok()).map_or(few, |all| all / 4)
}

fn flip(random: &mut Random, bytes: &mut [u8], from: usize) -> String {
    let at = from + random.below((bytes.len() - from) as u64) as usize;
    let bit = random.below(8);
    bytes[at] ^= 1 << bit;
    format!("bit {bit} of byte {at} flipped")
}

#[test]
fn flipped_bits_lose_nothing_unseen() {
    let (mut store, mut random) = (Store::new(), Random::seeded());
    let (mut reported, mut lost) = (0, 0);
    let rounds = rounds(24);
    for _ in 0..rounds {
        let one =
            store.after(|data| change(&data.join("collector.db"), |bytes| flip(&mut random, bytes, 100)));
        reported += u64::from(one.is_reported);
        lost += one.lost;
    }
    println!("{rounds} bits flipped: {reported} reported, {lost} devices lost records");
    assert!(reported > 0, "the damages hit something");
}

#[test]
fn zeroed_pages_hurt_those_that_are_on_them_and_are_reported() {
    let (mut store, mut random) = (Store::new(), Random::seeded());
    let (mut reported, mut lost) = (0, 0);
    let rounds = rounds(12);
    for _ in 0..rounds {
        let one = store.after(|data| {
            change(&data.join("collector.db"), |bytes| {
                let page = 1 + random.below(bytes.len() as u64 / 4096 - 1) as usize;
                bytes[page * 4096..][..4096].fill(0);
                format!("page {} zeroed", page + 1)
            })
        });
        reported += u64::from(one.is_reported);
        lost += one.lost;
    }
    println!("{rounds} pages zeroed: {reported} reported, {lost} devices lost records");
    assert!(reported > 0);
}

#[test]
fn a_damaged_cut_or_lost_log_is_reported_and_opens_nothing() {
    let (mut store, mut random) = (Store::new(), Random::seeded());
    let wal = |data: &Path| data.join("collector.db-wal");
    assert!(fs::metadata(wal(store.dir.path())).unwrap().len() > 4096);
    let gone = store.after(|data| {
        fs::remove_file(wal(data)).unwrap();
        "the log removed".to_owned()
    });
    assert!(gone.is_reported && gone.lost > 0, "what was only in the log is lost, and that is reported");
    for _ in 0..rounds(8) {
        let cut = store.after(|data| {
            change(&wal(data), |bytes| {
                let length = random.below(bytes.len() as u64) as usize;
                bytes.truncate(length);
                format!("cut to {length} bytes")
            })
        });
        assert!(cut.is_reported || cut.lost == 0);
        let flipped = store.after(|data| change(&wal(data), |bytes| flip(&mut random, bytes, 0)));
        assert!(flipped.is_reported || flipped.lost == 0);
    }
}

#[test]
fn cut_and_lost_files_are_reported() {
    let mut store = Store::new();
    let witness = store.after(|data| {
        fs::remove_file(data.join("collector.witness")).unwrap();
        "the witness removed".to_owned()
    });
    assert!(witness.is_reported && witness.lost == 0);
    let cut = store.after(|data| {
        fs::remove_file(data.join("collector.db-wal")).unwrap();
        change(&data.join("collector.db"), |bytes| {
            bytes.truncate(bytes.len() / 2 / 4096 * 4096);
            "cut in half".to_owned()
        })
    });
    assert!(cut.is_reported && cut.lost > 0);
}

#[test]
fn one_damaged_row_stops_no_command_for_the_others() {
    let mut collector = Collector::start();
    let (device, other) = (Device::enrolled(&collector), Device::enrolled(&collector));
    let consents = [device.grant(&collector), other.grant(&collector)];
    for (device, consent) in [&device, &other].into_iter().zip(consents) {
        assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 201);
    }
    let request = serde_json::json!({
        "request_id": "a".repeat(32), "purposes": ["usage_statistics"], "ledger_sha256": "0".repeat(64),
    });
    assert_eq!(device.post(&collector, "/v1/privacy/access", &request).status, 202);
    assert_eq!(other.post(&collector, "/v1/privacy/access", &request).status, 202);
    collector.lines("export", &[]);
    collector.lines("export", &[]);
    collector.end();
    let sql = crate::rows::open(collector.data());
    let id = device.id();
    sql.execute_batch(&format!(
        "UPDATE device SET not_after = not_after + 1 WHERE id = x'{id}';
         UPDATE envelope SET body = x'00' WHERE place = 1;
         UPDATE request SET body = '{{' WHERE device = 1;
         UPDATE audit SET line = '{{torn' WHERE place = 1;"
    ))
    .unwrap();
    drop(sql);
    collector.restart();
    for (command, lines) in [("devices", 1), ("export", 5), ("requests", 1), ("audit", 2)] {
        let output = attempt(collector.data(), command, &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{command}: {said}");
        let here = String::from_utf8(output.stdout).unwrap().lines().count();
        assert!(here >= lines, "{command}: {here} lines; {said}");
        assert!(!said.contains("{torn") && said.contains("verify"), "{said}");
    }
    let (mut device, mut other) = (device, other);
    device.reconnect(&collector);
    other.reconnect(&collector);
    assert_eq!(other.put_batch(&collector, &batch(consents[1], 1, 5, 9)).status, 201);
    assert_eq!(
        device.put_batch(&collector, &batch(consents[0], 1, 5, 9)).status,
        503,
        "not reported as unknown"
    );
    let findings = collector.findings("verify");
    let named: Vec<&str> = findings.iter().filter_map(|finding| finding["device"].as_str()).collect();
    assert!(named.iter().all(|named| *named == id.to_string()) && !named.is_empty(), "{findings:?}");
}

#[test]
fn a_lost_line_of_the_ledger_closes_what_rests_on_it() {
    let mut collector = Collector::start();
    let mut device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    let end = device.ledger_line(1, EventKind::Withdrawn);
    assert_eq!(device.put_consent(&collector, &end).status, 201);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).problem(), (403, "consent_withdrawn"));
    for damage in [
        "DELETE FROM ledger WHERE n = 1",
        "UPDATE ledger SET kind = 0 WHERE n = 1",
        "UPDATE ledger SET idx = 0 WHERE n = 1",
        "UPDATE device SET lines = 1",
        "UPDATE ledger SET purpose = 1 WHERE n = 1",
    ] {
        collector.end();
        let sql = crate::rows::open(collector.data());
        let before = fs::read(collector.data().join("collector.db")).unwrap();
        assert_eq!(sql.execute(damage, []).unwrap(), 1);
        drop(sql);
        collector.restart();
        device.reconnect(&collector);
        assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 503, "{damage}");
        assert!(!collector.findings("verify").is_empty(), "{damage}");
        collector.end();
        for name in ["collector.db-wal", "collector.db-shm"] {
            let _ = fs::remove_file(collector.data().join(name));
        }
        fs::write(collector.data().join("collector.db"), before).unwrap();
        // The copy is as far as before, so the witness has to be as well.
        fs::remove_file(collector.data().join("collector.witness")).unwrap();
        collector.restart();
        device.reconnect(&collector);
        assert_eq!(
            device.put_batch(&collector, &batch(consent, 1, 0, 4)).problem(),
            (403, "consent_withdrawn")
        );
    }
}
