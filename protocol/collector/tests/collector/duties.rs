//! What the vendor owes: proof that a record may be here, also when its device is gone; erasure that a running server
//! heeds at once; an end to every period; and a list of who took copies.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use serde_json::{Value as Json, json};

use crate::bundles::Sender;
use crate::device::{Device, batch};
use crate::program::{Collector, attempt};
use crate::{rows, stored};

#[test]
fn a_record_is_proven_after_its_device_is_gone() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 201);
    let id = device.id().to_string();
    let request = json!({
        "request_id": "d".repeat(32), "purposes": ["usage_statistics"], "ledger_sha256": "0".repeat(64),
    });
    assert_eq!(device.post(&collector, "/v1/privacy/decommission", &request).status, 202);
    drop(device);

    let proof = &collector.lines("proof", &["--device", &id, "--seq", "3"])[0];
    assert_eq!((&proof["valid"], &proof["signature_valid"]), (&json!(true), &json!(true)));
    let line = proof["line"].as_str().unwrap();
    assert_eq!(proof["consent"], protocol::Digest::of(line.as_bytes()).to_string());
    assert_eq!(proof["policy"]["id"], "copenhagen-imaging");
    assert!(proof["policy"]["text"].as_str().unwrap().contains("Copenhagen Imaging ApS"));
    assert_eq!(proof["later"], json!([]));
    assert!(collector.fails("proof", &["--device", &id, "--seq", "5"]).contains("no record"));
    assert!(
        collector.fails("proof", &["--device", &"0".repeat(32), "--seq", "3"]).contains("never enrolled")
    );
}

#[test]
fn what_is_erased_is_gone_for_the_running_server_too_and_the_copies_are_named() {
    let collector = Collector::start();
    let (device, other) = (Device::enrolled(&collector), Device::enrolled(&collector));
    let consents = [device.grant(&collector), other.grant(&collector)];
    for (who, consent) in [&device, &other].iter().zip(consents) {
        assert_eq!(who.put_batch(&collector, &batch(consent, 1, 0, 9)).status, 201);
    }
    assert_eq!(collector.lines("export", &[]).len(), 20);
    let id = device.id().to_string();
    let erased = collector.lines("erase", &["--device", &id, "--purpose", "usage_statistics"]);
    assert_eq!((&erased[0]["records"], erased[0]["copies"].as_array().unwrap().len()), (&json!(10), 1));
    let left = collector.lines("export", &[]);
    assert!(left.len() == 10 && left.iter().all(|record| record["device"] != json!(id)));
    assert!(collector.fails("proof", &["--device", &id, "--seq", "3"]).contains("no record"));

    // The server forgot what it had in memory, and goes on.
    assert_eq!(device.put_batch(&collector, &batch(consents[0], 1, 10, 14)).status, 201);
    assert_eq!(collector.lines("export", &[]).len(), 15);
    let deeds: Vec<Json> =
        collector.lines("audit", &[]).into_iter().map(|line| line["deed"].clone()).collect();
    assert_eq!(deeds, ["export", "erase", "export", "proof", "export"]);
    for line in collector.lines("audit", &[]) {
        assert!(line["who"].is_string() && !line.to_string().contains("127.0.0.1"));
    }
}

#[test]
fn nothing_goes_before_its_period_is_over_and_a_dry_run_takes_nothing() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 201);
    assert_eq!(collector.lines("retention", &["run"]), Vec::<Json>::new());
    assert_eq!(collector.lines("export", &[]).len(), 5);
    collector.age(device.id(), 740);
    let over = collector.lines("retention", &["run", "--dry-run"]);
    assert_eq!((&over[0]["records"], &over[0]["dry_run"]), (&json!(5), &json!(true)));
    assert_eq!(collector.lines("export", &[]).len(), 5);
    // All that is held at once: that has to be confirmed.
    assert!(collector.fails("retention", &["run"]).contains("--yes"));
    assert_eq!(collector.lines("export", &[]).len(), 5);
    assert_eq!(collector.lines("retention", &["run", "--yes"])[0]["records"], 5);
    assert_eq!(collector.lines("export", &[]).len(), 0);
    assert_eq!(collector.lines("audit", &[]).iter().filter(|line| line["deed"] == "retention").count(), 1);
}

#[test]
fn half_a_bundle_and_an_invitation_end_as_a_whole_one_does() {
    let collector = Collector::start();
    let sender = Sender::new(&collector);
    let id = sender.device.id().to_string();
    let begin = || {
        let ask = ["--device", &id, "--case", "CASE-1042", "--reason", "error"];
        assert!(attempt(collector.data(), "ask", &ask).status.success());
        assert_eq!(sender.create(&collector), 201);
        assert_eq!(sender.append(&collector, 0, 40_000, None).0, 204);
        assert_eq!(sender.offset(&collector), Some(40_000));
    };
    let erase = |case: &str| {
        let args = ["--device", &id, "--purpose", "support_case", "--case", case];
        let erased = collector.lines("erase", &args)[0].clone();
        (erased["parts"].as_u64().unwrap(), erased["wishes"].as_u64().unwrap())
    };
    begin();
    assert_eq!((erase("CASE-9"), sender.offset(&collector)), ((0, 0), Some(40_000)));
    assert_eq!((erase("CASE-1042"), sender.offset(&collector)), ((1, 1), None));

    begin();
    assert_eq!(collector.lines("retention", &["run"]), Vec::<Json>::new());
    let long_ago = SystemTime::now() - Duration::from_secs(31 * 86_400);
    for file in fs::read_dir(collector.data().join("uploads")).unwrap() {
        File::options().append(true).open(file.unwrap().path()).unwrap().set_modified(long_ago).unwrap();
    }
    let of_device = rows::of(sender.device.id());
    stored::set(collector.data(), "upload", &format!("touched = {}", rows::days_ago(31)), &of_device);
    stored::set(collector.data(), "invitation", &format!("asked = {}", rows::days_ago(31)), &of_device);
    let invitations = || stored::number(collector.data(), "SELECT count(*) FROM invitation");
    for (args, left) in [(&["run", "--dry-run"][..], true), (&["run"], false)] {
        let over = collector.lines("retention", args)[0].clone();
        assert_eq!((&over["parts"], &over["wishes"]), (&json!(1), &json!(1)));
        assert_eq!((sender.offset(&collector).is_some(), invitations() == 1), (left, left));
    }
}

#[test]
fn a_device_that_the_vendor_retires_is_gone_and_the_audit_says_why() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 201);
    let id = device.id().to_string();
    assert_eq!(attempt(collector.data(), "retire", &[&id]).status.code(), Some(2), "without a reason");
    collector.lines("retire", &[&id, "--why", "scrapped"]);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 5, 9)).problem(), (410, "device_retired"));
    let line = collector.lines("audit", &[]).pop().unwrap();
    assert_eq!(
        (&line["deed"], &line["why"], &line["device"]),
        (&json!("retire"), &json!("scrapped"), &json!(id))
    );
    assert_eq!(collector.lines("devices", &[])[0]["standing"], "retired");
}
