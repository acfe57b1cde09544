//! A bundle on a stick brings the clinic's consent: filed as one of the wire is, or refused with the reason.

use std::fs;
use std::path::PathBuf;

use protocol::bundle::{Announcement, receipt};
use protocol::ledger::{self, Entry, EventKind};
use protocol::{Digest, Purpose, Retention};
use serde_json::json;

use crate::device::{Device, batch};
use crate::program::{Collector, attempt};
use crate::{rows, stored};

const CASE: &str = "CASE-1042";

/// A stick from a device, with a sealed file whose consent `change` made.
struct Stick {
    device: Device,
    dir: tempfile::TempDir,
    sha256: Digest,
}

impl Stick {
    fn new(device: Device, change: impl FnOnce(&mut Entry, &mut Announcement)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut file = test_support::SEALED.to_vec();
        file.extend(device.id().to_bytes());
        fs::write(dir.path().join("bundle.age"), &file).unwrap();
        let case = Some(CASE.parse().unwrap());
        let mut entry = test_support::entry(device.id(), 0, Purpose::SupportCase, case, EventKind::Granted);
        entry.processing.manifest_sha256 = Some(Digest::of(b"manifest"));
        let sha256 = Digest::of(&file);
        let mut bundle = Announcement {
            case: CASE.parse().unwrap(),
            size: file.len() as u64,
            sha256,
            manifest_sha256: Digest::of(b"manifest"),
            consents: Vec::new(),
        };
        change(&mut entry, &mut bundle);
        let line = device.sign(&entry);
        bundle.consents = vec![ledger::line_hash(&line)];
        fs::write(dir.path().join("bundle.age.consent"), device.stick(bundle, vec![line])).unwrap();
        Self { device, dir, sha256 }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("bundle.age")
    }

    /// What an import said on standard error, if it was refused.
    fn import(&self, collector: &Collector) -> Result<(), String> {
        let output = attempt(collector.data(), "bundles", &["import", self.path().to_str().unwrap()]);
        let said = String::from_utf8(output.stderr).unwrap();
        if output.status.success() { Ok(()) } else { Err(said) }
    }
}

#[test]
fn a_machine_that_was_never_enrolled_is_known_by_its_stick_and_proven() {
    let collector = Collector::start();
    let stick = Stick::new(Device::new(&collector), |_, _| {});
    let id = stick.device.id().to_string();
    for _ in 0..2 {
        assert_eq!(stick.import(&collector), Ok(()));
    }
    let listed = collector.lines("bundles", &[]);
    assert_eq!((listed.len(), &listed[0]["device"], &listed[0]["case"]), (1, &json!(id), &json!(CASE)));
    let proof = &collector.lines("bundles", &["proof", &receipt(stick.sha256)])[0];
    assert_eq!((&proof["device"], proof["lines"].as_array().unwrap().len()), (&json!(id), 1));
    let counts = json!({"held": 1, "valid": 1, "batches": 0, "bundles": 1, "records": 0});
    assert_eq!(collector.lines("proof", &["--all"]), [counts]);

    // A stick enrols nobody.
    assert_eq!(collector.lines("devices", &[])[0]["standing"], "unknown");
    let csr = json!({"csr": stick.device.csr()});
    assert_eq!(stick.device.post(&collector, "/v1/enrol/renew", &csr).problem(), (403, "device_unknown"));
    let erased = collector.lines("erase", &["--device", &id, "--case", CASE]);
    assert_eq!(erased[1]["bundles"], 1);
    assert_eq!(collector.lines("bundles", &[]).len(), 0);

    let Stick { mut device, .. } = stick;
    device.enrol_by(&collector, &collector.token());
    assert_eq!(collector.lines("devices", &[])[0]["standing"], "active");
    let line = device.ledger_line(1, EventKind::Granted);
    assert_eq!(device.put_consent(&collector, &line).status, 201);
    assert_eq!(device.put_batch(&collector, &batch(ledger::line_hash(&line), 1, 0, 4)).status, 201);
}

#[test]
fn what_the_consent_does_not_cover_is_refused_and_leaves_nothing() {
    let collector = Collector::start();
    let refused = |change: fn(&mut Entry, &mut Announcement), why: &str| {
        let stick = Stick::new(Device::new(&collector), change);
        let said = stick.import(&collector).unwrap_err();
        assert!(said.contains(why), "{said}");
    };
    refused(|entry, _| entry.event.until = Some("2026-11-21T10:00:01Z".to_owned()), "period of the consent");
    refused(|entry, _| entry.processing.policy_sha256 = Digest::of(b"another"), "policy whose text");
    refused(|_, bundle| bundle.manifest_sha256 = Digest::of(b"another"), "another manifest");
    refused(|entry, _| entry.header.previous = Some(Digest::of(b"before")), "ledger entry before");
    refused(|entry, _| entry.event.kind = EventKind::Denied, "grants something else");
    refused(|entry, _| entry.processing.purpose = Purpose::SupportScanData, "grants something else");
    refused(|_, bundle| bundle.sha256 = Digest::of(b"another"), "another sealed file");
    refused(|entry, _| entry.processing.case = Some("CASE-7".parse().unwrap()), "another device or case");
    let stick = Stick::new(Device::new(&collector), |_, _| {});
    let beside = stick.dir.path().join("bundle.age.consent");
    let text = fs::read_to_string(&beside).unwrap();
    fs::write(&beside, text.replace("granted", "expired")).unwrap();
    assert!(stick.import(&collector).unwrap_err().contains("was changed"));
    assert_eq!(collector.lines("bundles", &[]).len() + collector.lines("devices", &[]).len(), 0);
    let bundles = collector.data().join("bundles");
    assert_eq!(fs::read_dir(bundles).map_or(0, Iterator::count), 0, "no file is left");
}

#[test]
fn a_later_answer_that_is_known_here_counts_before_the_stick() {
    let collector = Collector::start();
    let stick = Stick::new(Device::enrolled(&collector), |_, _| {});
    let withdrawn = stick.device.case_line(1, CASE, EventKind::Withdrawn);
    assert_eq!(stick.device.put_consent(&collector, &withdrawn).status, 201);
    assert!(stick.import(&collector).unwrap_err().contains("ended the consent"));
    assert_eq!(collector.lines("bundles", &[]).len(), 0);
    let id = stick.device.id().to_string();
    let gone = Stick::new(Device::enrolled(&collector), |_, _| {});
    collector.lines("revoke", &[&gone.device.id().to_string()]);
    assert!(gone.import(&collector).unwrap_err().contains("was revoked"));
    assert_ne!(id, gone.device.id().to_string());
}

#[test]
fn what_no_consent_covers_is_named_and_counted() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 201);
    let stick = Stick::new(Device::new(&collector), |_, _| {});
    fs::remove_file(stick.dir.path().join("bundle.age.consent")).unwrap();
    // An agent that wrote none: it is taken, and said aloud.
    assert_eq!(stick.import(&collector), Ok(()));
    let output = attempt(collector.data(), "proof", &["--all"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["bundle"]), (2, &json!(receipt(stick.sha256))));
    assert_eq!(lines[1], json!({"held": 2, "valid": 1, "batches": 1, "bundles": 1, "records": 5}));
    // Its device reports it.
    let Stick { mut device, dir, sha256 } = stick;
    device.enrol_by(&collector, &collector.token());
    let stick = Stick::new(device, |_, _| {});
    assert_eq!((stick.sha256, dir.path().exists()), (sha256, true));
    assert_eq!(stick.import(&collector), Ok(()));
    assert_eq!(collector.lines("proof", &["--all"]).pop().unwrap()["valid"], 2);
}

#[test]
fn a_batch_that_an_older_collector_took_after_the_end_of_its_consent_is_named() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let mut entry = test_support::entry(device.id(), 0, Purpose::UsageStatistics, None, EventKind::Granted);
    entry.event.until = Some("2999-01-01T00:00:00Z".to_owned());
    let line = device.sign(&entry);
    assert_eq!(device.put_consent(&collector, &line).status, 201);
    assert_eq!(device.put_batch(&collector, &batch(ledger::line_hash(&line), 1, 0, 4)).status, 201);
    assert_eq!(collector.lines("proof", &["--all"])[0]["valid"], 1);
    // As if it had come in another age.
    collector.age(device.id(), -400_000);
    let output = attempt(collector.data(), "proof", &["--all"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("the period of the consent is over"), "{text}");
}

#[test]
fn a_dead_or_stolen_machine_starts_the_period_that_its_policy_names() {
    let collector = Collector::start();
    let bundle_of = |device: Device| {
        let ten_years = Retention::SupportDecommission10Years;
        let stick = Stick::new(device, |entry, _| entry.processing.retention = ten_years);
        assert_eq!(stick.import(&collector), Ok(()));
        stick
    };
    let (dead, stolen) = (bundle_of(Device::enrolled(&collector)), bundle_of(Device::enrolled(&collector)));
    let unknown = bundle_of(Device::new(&collector));
    let lives = bundle_of(Device::enrolled(&collector));
    for (stick, why) in [(&dead, "dead"), (&stolen, "stolen")] {
        let id = stick.device.id().to_string();
        let refused = attempt(collector.data(), "retire", &[&id, "--why", "Anna's machine broke"]);
        assert_eq!(refused.status.code(), Some(2), "no free text");
        if why == "stolen" {
            collector.lines("revoke", &[&id]);
        }
        collector.lines("retire", &[&id, "--why", why]);
        assert_eq!(collector.lines("audit", &[]).pop().unwrap()["why"], why);
    }
    let standing: Vec<_> =
        collector.lines("devices", &[]).iter().map(|line| line["standing"].clone()).collect();
    assert_eq!(standing, ["retired", "revoked", "unknown", "active"].map(|word| json!(word)));
    assert_eq!(collector.lines("retention", &["run", "--dry-run"]), Vec::<serde_json::Value>::new());
    // Ten years later.
    let ago = rows::days_ago(3654);
    for stick in [&dead, &stolen] {
        let of = format!("id = x'{}'", stick.device.id());
        stored::set(collector.data(), "device", &format!("retired = {ago}"), &of);
    }
    stored::set(collector.data(), "bundle", &format!("received = {ago}"), "device IS NOT NULL");
    let over = collector.lines("retention", &["run", "--yes"]);
    assert_eq!(over.iter().map(|over| over["bundles"].as_u64().unwrap()).sum::<u64>(), 3, "{over:?}");
    let left = collector.lines("bundles", &[]);
    assert_eq!((left.len(), &left[0]["device"]), (1, &json!(lives.device.id().to_string())));
    assert!(!collector.data().join(format!("bundles/{}.age", unknown.sha256)).exists());
}

#[test]
fn a_bundle_that_nobody_reports_is_erased_by_its_number_or_after_thirty_days() {
    let collector = Collector::start();
    let bare = || {
        let stick = Stick::new(Device::new(&collector), |_, _| {});
        fs::remove_file(stick.dir.path().join("bundle.age.consent")).unwrap();
        assert_eq!(stick.import(&collector), Ok(()));
        stick.sha256
    };
    let (first, second) = (bare(), bare());
    assert!(collector.fails("erase", &["--bundle", "0a"]).contains("no bundle"));
    collector.lines("erase", &["--bundle", &receipt(first)]);
    assert_eq!(collector.lines("bundles", &[])[0]["sha256"], second.to_string());
    let received = |days: i64| {
        let set = format!("received = {}", rows::days_ago(days));
        stored::set(collector.data(), "bundle", &set, "device IS NULL");
    };
    received(29);
    assert_eq!(collector.lines("retention", &["run", "--yes"]).len(), 0);
    received(31);
    let over = &collector.lines("retention", &["run", "--yes"])[0];
    assert_eq!((&over["bundles"], over.get("device")), (&json!(1), None));
    assert_eq!(collector.lines("bundles", &[]).len(), 0);
    let line = collector.lines("audit", &[]).pop().unwrap();
    assert_eq!((&line["deed"], &line["count"]), (&json!("retention"), &json!(1)));
}
