//! What the vendor was asked to erase is done when a key that the clinic trusts certifies it, and not when the vendor
//! says so; and within 14 days the clinic can take it back. With the real programs at both ends.

#![cfg(unix)]

use std::fs;
use std::process::Command;

use crate::common::collector::{self, Collector};
use crate::common::outbox::Outbox;
use crate::common::seeded;
use crate::common::workstation::Workstation;
use serde_json::Value as Json;

/// A workstation that sent 50 events, trusts a key for certificates and asked to have everything erased; the key's
/// file, and the ticket.
fn asked(collector: &Collector) -> (Workstation, String, String) {
    let workstation = Workstation::granted(collector, &format!("https://{}", collector.address()));
    let key = workstation.path().join("certificates.pem").to_str().unwrap().to_owned();
    let made = Command::new(collector::program())
        .args(["signing-key", "-o", &key, "--signs", "erasure_certificate"])
        .output()
        .unwrap();
    let entry = String::from_utf8(made.stdout).unwrap();
    workstation.configure("[keys]", &format!("[vendor]\nkeys = [{}]\n[keys]", entry.trim()));
    Outbox::new(seeded()).fill(&workstation, 50, 50, Outbox::device_error);
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(collector.export().len(), 50);
    workstation.expect(0, &["privacy", "erase"]);
    workstation.expect(0, &["run", "--once"]);
    let ticket = erasure(&workstation)["ticket"].as_str().unwrap().to_owned();
    (workstation, key, ticket)
}

/// The request to erase, as `status` shows it.
fn erasure(workstation: &Workstation) -> Json {
    let status = workstation.status();
    let requests = status["requests"].as_array().unwrap();
    requests.iter().find(|request| request["kind"] == "erase").unwrap().clone()
}

/// The same after the vendor was asked again.
fn looked(workstation: &Workstation) -> Json {
    workstation.expect(0, &["run", "--once"]);
    erasure(workstation)
}

#[test]
fn an_erasure_is_done_when_it_is_certified_and_not_when_the_vendor_says_so() {
    let collector = Collector::start();
    let (workstation, key, ticket) = asked(&collector);
    let open = looked(&workstation);
    assert_eq!(open["state"], "open");
    assert!(open["due"].is_string() && open["revocable_until"].is_string(), "{open}");
    assert!(workstation.expect(0, &["status"]).contains("open, due 20"));

    collector.command("erase", &["--ticket", &ticket, "--at-once", "--why", "asked by letter"]);
    assert_eq!(collector.export().len(), 0);
    let reported = looked(&workstation);
    assert_eq!((&reported["state"], reported.get("certificate")), (&"open".into(), None), "its word alone");

    collector.command("certify", &["--key", &key]);
    let done = looked(&workstation);
    assert_eq!((&done["state"], &done["outcome"]), (&"done".into(), &"erased".into()));
    assert!(workstation.expect(0, &["status"]).contains("done, certified: 50 records"));
    let text = done["certificate"].as_str().unwrap();
    assert!(text.contains(&ticket) && done["signature"].as_str().unwrap().contains(" erasure_certificate "));
    // What the device keeps can be checked by its own command too.
    let file = workstation.path().join("certificate.json");
    fs::write(&file, text).unwrap();
    fs::write(workstation.path().join("certificate.json.sig"), done["signature"].as_str().unwrap()).unwrap();
    workstation.expect(0, &["verify", file.to_str().unwrap(), "--as", "erasure_certificate"]);
}

#[test]
fn a_certificate_of_a_key_that_is_not_trusted_leaves_the_request_open_and_says_so() {
    let collector = Collector::start();
    let (workstation, _, ticket) = asked(&collector);
    let other = workstation.path().join("other.pem").to_str().unwrap().to_owned();
    let made = Command::new(collector::program())
        .args(["signing-key", "-o", &other, "--signs", "erasure_certificate"])
        .status();
    assert!(made.unwrap().success());
    collector.command("erase", &["--ticket", &ticket, "--at-once", "--why", "asked by letter"]);
    collector.command("certify", &["--key", &other]);
    let _service = workstation.serve();
    crate::common::until("the certificate is refused", || {
        let status = workstation.status();
        status["problems"].as_array().unwrap().iter().any(|problem| {
            let problem = problem.as_str().unwrap();
            problem.contains(&ticket) && problem.contains("[vendor] keys")
        })
    });
    assert_eq!(erasure(&workstation)["state"], "open");
}

#[test]
fn what_was_asked_is_taken_back_and_nothing_is_erased() {
    let collector = Collector::start();
    let (workstation, _, ticket) = asked(&collector);
    workstation.expect(0, &["privacy", "revoke"]);
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(looked(&workstation)["outcome"], "revoked");
    assert!(workstation.expect(0, &["status"]).contains("taken back"));
    let refused = Command::new(collector::program())
        .args(["erase", "--data", collector.data().to_str().unwrap(), "--ticket", &ticket])
        .args(["--at-once", "--why", "by mistake"])
        .output()
        .unwrap();
    assert!(!refused.status.success());
    assert_eq!(collector.export().len(), 50);
}

#[test]
fn a_vendor_that_was_restored_from_an_older_backup_gets_the_no_again() {
    let mut collector = Collector::start();
    let before = format!("https://{}", collector.address());
    let workstation = Workstation::granted(&collector, &before);
    Outbox::new(seeded()).fill(&workstation, 50, 50, Outbox::device_error);
    workstation.expect(0, &["run", "--once"]);
    let backup = workstation.path().join("backup");
    collector.command("backup", &["-o", backup.to_str().unwrap()]);
    workstation.expect(0, &["consent", "withdraw", "usage_statistics"]);
    workstation.expect(0, &["run", "--once"]);
    let device = workstation.status()["device"].as_str().unwrap().to_owned();
    let said = |collector: &Collector| -> Vec<String> {
        let proof = &collector.lines("proof", &["--device", &device, "--seq", "0"])[0];
        let later = proof["later"].as_array().unwrap().iter();
        later.map(|said| said["kind"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(said(&collector), ["withdrawn"]);

    collector.restore(&backup);
    assert_eq!(said(&collector), Vec::<String>::new(), "the backup has forgotten it");
    workstation.configure(&before, &format!("https://{}", collector.address()));
    // The next contact, whatever it is about: with every flag off there is none.
    workstation.grant();
    Outbox::new(seeded()).fill(&workstation, 50, 50, Outbox::device_error);
    workstation.expect(0, &["run", "--once"]);
    assert!(said(&collector).contains(&"withdrawn".to_owned()), "{:?}", said(&collector));
    assert_eq!(collector.export().len(), 100);
}
