//! A device's life at a collector, from its enrolment to the certificate of its erasure. `.ci/nightly versions` builds an older
//! version and lets each end meet the other's (`AGENT_PROGRAM`, `COLLECTOR_PROGRAM`), so nothing newer than that is used
//! here; what one of the two versions lacks must be left out in peace.

#![cfg(unix)]

use std::process::Command;

use crate::common::clinic::Clinic;
use crate::common::collector::{self, Collector};
use crate::common::outbox::Outbox;
use crate::common::seeded;
use serde_json::Value as Json;

/// How many records the collector got, whoever may read them now.
fn came(collector: &Collector) -> u64 {
    let devices = collector.lines("devices", &[]);
    devices[0]["streams"]["usage_statistics"]["held"].as_u64().unwrap_or(0)
}

/// The newest request of this kind, as `status` shows it.
fn request(clinic: &Clinic, kind: &str) -> Json {
    let status = clinic.workstation.status();
    let all = status["requests"].as_array().unwrap();
    all.iter().rev().find(|request| request["kind"] == kind).unwrap_or(&Json::Null).clone()
}

#[test]
fn a_device_lives_from_its_enrolment_to_the_certificate_of_its_erasure() {
    let collector = Collector::start();
    let clinic = Clinic::of(&collector, &format!("https://{}", collector.address()));
    let workstation = &clinic.workstation;
    let key = clinic.text("certificates.pem");
    let signing_key = ["signing-key", "-o", &key, "--signs", "erasure_certificate"];
    let made = Command::new(collector::program()).args(signing_key).output().unwrap();
    let entry = String::from_utf8(made.stdout).unwrap();
    workstation.configure("[keys]", &format!("[vendor]\nkeys = [{}]\n[keys]", entry.trim()));
    let ship = || workstation.expect(0, &["run", "--once"]);
    let mut outbox = Outbox::new(seeded());

    // Usage statistics: nothing before a yes, everything under it.
    outbox.fill(workstation, 10, 10, Outbox::device_error);
    ship();
    workstation.grant();
    outbox.fill(workstation, 120, 50, Outbox::device_error);
    ship();
    assert_eq!(came(&collector), 120);
    assert_eq!(workstation.status()["sent"]["usage_statistics"]["records"], 120);

    // A support case, from the preview to the receipt.
    let bundle = clinic.create(&clinic.preview("CASE-1", &[]));
    ship();
    let sent = &clinic.list()["bundles"][0];
    assert_eq!((&sent["id"], &sent["state"]), (&bundle["bundle"], &"sent".into()), "{sent}");
    let bundles = collector.lines("bundles", &[]);
    assert_eq!((bundles.len(), &bundles[0]["case"]), (1, &"CASE-1".into()));

    // What is asked of the vendor, each with a ticket that is asked about.
    workstation.expect(0, &["consent", "restrict", "usage_statistics"]);
    outbox.fill(workstation, 30, 30, Outbox::device_error);
    ship();
    assert_eq!(came(&collector), 120, "paused");
    workstation.expect(0, &["consent", "release", "usage_statistics", "--by", "owner"]);
    ship();
    assert_eq!(came(&collector), 150);
    workstation.expect(0, &["privacy", "export", "--vendor", "-o", &clinic.text("asked")]);
    workstation.expect(0, &["privacy", "rectify", "--case", "CASE-1"]);
    ship();
    for kind in ["access", "rectify"] {
        let ticket = request(&clinic, kind)["ticket"].as_str().unwrap().to_owned();
        assert_eq!(request(&clinic, kind)["state"], "open", "{kind}");
        collector.command("requests", &["--done", &ticket]);
        ship();
        assert_eq!(request(&clinic, kind)["state"], "done", "{kind}");
    }

    // A copy from before the erasure is in the certificate; both ends hold the same ledger to its end.
    collector.command("backup", &["-o", &clinic.text("backup")]);
    workstation.expect(0, &["consent", "withdraw", "usage_statistics"]);
    outbox.fill(workstation, 10, 10, Outbox::device_error);
    ship();
    assert_eq!(came(&collector), 150, "withdrawn");
    workstation.expect(0, &["privacy", "erase"]);
    ship();
    let ticket = request(&clinic, "erase")["ticket"].as_str().unwrap().to_owned();
    collector.command("erase", &["--ticket", &ticket, "--at-once", "--why", "asked by letter"]);
    assert!(collector.lines("bundles", &[]).is_empty());
    collector.command("certify", &["--key", &key]);
    ship();
    let done = request(&clinic, "erase");
    assert_eq!((&done["state"], &done["outcome"]), (&"done".into(), &"erased".into()), "{done}");
    let certificate = done["certificate"].as_str().unwrap();
    let of = ["\"records\":150,\"bundles\":1,", "\"what\":\"backup\""];
    assert!(of.iter().all(|part| certificate.contains(part)), "{done}");

    // A yes after all that begins anew.
    workstation.grant();
    outbox.fill(workstation, 20, 20, Outbox::device_error);
    ship();
    assert_eq!(came(&collector), 170);
    let status = workstation.status();
    assert_eq!(status["problems"], Json::Array(Vec::new()), "{status}");
}
