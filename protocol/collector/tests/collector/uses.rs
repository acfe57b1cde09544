//! Who reads a device's data, for whom and why: in the audit with the person, at the device without.

use std::fs;
use std::process::Command;

use protocol::reply::{NewsReply, NewsRequest, names};
use protocol::signature::{Context, TrustedKey, TrustedKeys};
use protocol::uses::{Receipt, Use, UseReason, UseRole};
use protocol::{DeviceId, Digest, Purpose};
use serde_json::json;

use crate::device::{Device, batch};
use crate::program::{Collector, attempt, restore};
use crate::{rows, stored};

const FOR: &[&str] = &["--to", "Example Vendor, image quality", "--why", "quality", "--role", "analyst"];

/// What an enrolled agent would trust: the entry in the configuration that `init` made.
pub(crate) fn trusted(collector: &Collector) -> TrustedKeys {
    let toml = fs::read_to_string(collector.data().join("agent.toml")).unwrap();
    let key = toml.split_once("keys = [{ key = \"").unwrap().1.split('"').next().unwrap();
    TrustedKeys::new(vec![TrustedKey { key: key.parse().unwrap(), signs: vec![Context::UseReceipt] }])
}

/// What the answer to any request says of news.
pub(crate) fn offered(device: &Device, collector: &Collector) -> Option<String> {
    let answer = device.ask(collector, "GET", "/v1/capabilities", &[], b"");
    answer.headers().get(names::NEWS).map(|value| value.to_str().unwrap().to_owned())
}

pub(crate) fn news(device: &Device, collector: &Collector, asked: &NewsRequest) -> NewsReply {
    let answer = device.post(collector, "/v1/news", &serde_json::to_value(asked).unwrap());
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_value(answer.body).unwrap()
}

/// All receipts of a device, each verified, with their texts.
fn receipts(device: &Device, collector: &Collector) -> Vec<(Receipt, String)> {
    let (keys, mut asked, mut all) = (trusted(collector), NewsRequest::default(), Vec::new());
    loop {
        let reply = news(device, collector, &asked);
        if reply.receipts.is_empty() {
            return all;
        }
        for signed in reply.receipts {
            let read = Receipt::verify(&signed.text, &signed.signature, &keys, device.id()).unwrap();
            assert_eq!((read.number, read.previous), (asked.receipts + 1, asked.head));
            (asked.receipts, asked.head) = (read.number, Some(Digest::of(signed.text.as_bytes())));
            all.push((read, signed.text));
        }
    }
}

fn sent(collector: &Collector) -> Device {
    let device = Device::enrolled(collector);
    let consent = device.grant(collector);
    assert_eq!(device.put_batch(collector, &batch(consent, 1, 0, 4)).status, 201);
    device
}

#[test]
fn an_export_and_a_bundle_want_a_recipient_and_a_reason_of_the_list() {
    let collector = Collector::start();
    let device = sent(&collector);
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out").to_str().unwrap().to_owned();
    for args in [&["--why", "audit"][..], &["--to", "Example Vendor"], &["-o", &out, "--why", "audit"]] {
        let said = attempt(collector.data(), "export", args);
        assert_eq!((said.status.code(), said.stdout.len()), (Some(1), 0));
        let said = String::from_utf8(said.stderr).unwrap();
        for word in UseReason::ALL {
            assert!(said.contains(word.as_str()), "{said}");
        }
    }
    for args in
        [["--to", "Example Vendor", "--why", "curiosity"], ["--to", "anna@example.org", "--why", "audit"]]
    {
        assert_eq!(attempt(collector.data(), "export", &args).status.code(), Some(2));
    }
    let account = Command::new("id").arg("-un").output().unwrap().stdout;
    let own = format!("Vendor, {}", String::from_utf8(account).unwrap().trim());
    assert_eq!(attempt(collector.data(), "export", &["--to", &own, "--why", "audit"]).status.code(), Some(1));
    let get = attempt(collector.data(), "bundles", &["get", "b-1", &out]);
    assert!(String::from_utf8(get.stderr).unwrap().contains("vigilance"));
    assert_eq!(collector.lines("audit", &[]), Vec::<serde_json::Value>::new(), "nothing was read");
    assert_eq!(offered(&device, &collector), None);
    assert_eq!(collector.lines("export", FOR).len(), 5);
}

#[test]
fn a_device_gets_a_chain_of_receipts_without_the_name_that_the_audit_has() {
    let collector = Collector::start();
    let (one, other) = (sent(&collector), sent(&collector));
    collector.lines("export", FOR);
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out").to_str().unwrap().to_owned();
    let of = one.id().to_string();
    let only = [
        "-o",
        &out,
        "--device",
        &of,
        "--purpose",
        "usage_statistics",
        "--to",
        "Authority",
        "--why",
        "authority",
    ];
    collector.lines("export", &only);
    collector.lines("access", &[&of]);
    collector.lines("proof", &["--device", &of, "--seq", "3"]);
    let later = sent(&collector);
    // Both may have been in one second: then it is informed rather than not.
    let condition = format!("id = x'{}'", later.id());
    stored::set(collector.data(), "device", "enrolled = enrolled + 60000000", &condition);

    assert_eq!(offered(&one, &collector).unwrap(), "4-e3b0c44298fc1c14");
    let got = receipts(&one, &collector);
    let said: Vec<_> = got.iter().map(|(one, _)| (one.what, one.role, one.to.as_deref(), one.why)).collect();
    let quality = Some(UseReason::Quality);
    assert_eq!(
        said,
        [
            (Use::Export, UseRole::Analyst, Some("Example Vendor, image quality"), quality),
            (Use::Export, UseRole::Operator, Some("Authority"), Some(UseReason::Authority)),
            (Use::Access, UseRole::Operator, None, Some(UseReason::ClinicRequest)),
            (Use::Proof, UseRole::Operator, None, None),
        ]
    );
    assert_eq!(got[1].0.purpose, Some(Purpose::UsageStatistics));
    assert_eq!(receipts(&other, &collector).len(), 1, "the others were of another device");
    assert_eq!(receipts(&later, &collector).len(), 0, "it was not here then");
    assert_eq!(offered(&later, &collector), None);

    let audit = collector.lines("audit", &[]);
    let who = audit[0]["who"].as_str().unwrap();
    assert!(who.contains(char::is_numeric), "{who}");
    for (receipt, text) in &got {
        assert!(!text.contains(who.split(' ').next().unwrap()) && !text.contains("who"), "{text}");
        let value = serde_json::to_value(receipt).unwrap();
        let known =
            ["format", "device", "number", "previous", "at", "role", "what", "purpose", "case", "to", "why"];
        assert!(value.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{text}");
    }
    // One line of the audit for the whole fleet.
    assert_eq!(audit.iter().filter(|line| line["deed"] == "export").count(), 2);
}

#[test]
fn what_reads_every_device_is_a_receipt_of_each_and_a_copy_of_keys_a_line_of_the_audit() {
    let collector = Collector::start();
    let (one, other) = (sent(&collector), sent(&collector));
    collector
        .lines("proof", &["--all", "--to", "Authority", "--why", "authority", "--role", "privacy_officer"]);
    collector.lines("export", &["--losses"]);
    for device in [&one, &other] {
        let got = receipts(device, &collector);
        let said: Vec<_> =
            got.iter().map(|(one, _)| (one.what, one.role, one.to.as_deref(), one.why)).collect();
        let authority = Some(UseReason::Authority);
        let proof = (Use::Proof, UseRole::PrivacyOfficer, Some("Authority"), authority);
        assert_eq!(said, [proof, (Use::Export, UseRole::Operator, None, None)]);
        assert!(offered(device, &collector).unwrap().starts_with("2-"));
    }
    // A bundle of which nobody knows whose it is was a use of no device.
    let stick = collector.data().with_file_name("stick.age");
    fs::write(&stick, test_support::SEALED).unwrap();
    let id = collector.lines_of_text("bundles", &["import", stick.to_str().unwrap()]).remove(0);
    attempt(collector.data(), "bundles", &["proof", &id]);
    assert_eq!(receipts(&one, &collector).len(), 2);

    let to = collector.data().with_file_name("key-backups");
    assert!(attempt(collector.data(), "keys", &["backup", "-o", to.to_str().unwrap()]).status.success());
    assert!(attempt(collector.data(), "keys", &["lost"]).status.success());
    let audit = collector.lines("audit", &[]);
    let deeds: Vec<_> = audit.iter().map(|line| line["deed"].as_str().unwrap()).collect();
    assert_eq!(deeds, ["proofs", "losses", "import", "proof", "keys_backup", "keys_lost"]);
    assert!(audit.iter().all(|line| line["who"].is_string() && line["at"].is_string()));
    assert_eq!((audit[4]["count"].as_u64(), receipts(&one, &collector).len()), (Some(2), 2));
    assert!(collector.findings("verify").is_empty());
}

#[test]
fn more_receipts_than_one_answer_has_come_one_after_the_other_and_fit_what_a_device_reads() {
    let collector = Collector::start();
    let device = sent(&collector);
    let to = "\u{1f9b7}".repeat(80);
    for _ in 0..30 {
        collector.lines("export", &["--to", &to, "--why", "audit"]);
    }
    let first = device.post(&collector, "/v1/news", &json!({"receipts": 0}));
    assert!(first.body.to_string().len() < 48 << 10);
    assert_eq!(receipts(&device, &collector).len(), 30);
}

/// The end of the audit is taken away, and all that the store itself says of it is made to fit.
fn cut(collector: &Collector) {
    let sql = rows::open(collector.data());
    sql.execute("DELETE FROM audit WHERE place = (SELECT max(place) FROM audit)", []).unwrap();
    let last: String =
        sql.query_row("SELECT line FROM audit ORDER BY place DESC LIMIT 1", [], |row| row.get(0)).unwrap();
    let chain = Digest::of(last.as_bytes()).to_bytes();
    sql.execute("UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = 'audit'", []).unwrap();
    sql.execute("UPDATE state SET audits = audits - 1, audit_chain = ?1", [chain]).unwrap();
}

#[test]
fn a_cut_end_of_the_audit_is_found_by_the_head_outside_the_store() {
    let mut collector = Collector::start();
    let device = sent(&collector);
    collector.lines("export", FOR);
    collector.lines("export", FOR);
    assert!(collector.findings("verify").is_empty());
    assert_eq!(receipts(&device, &collector).len(), 2);
    collector.end();
    cut(&collector);
    let heads = collector.data().join("audit.heads");
    let kept = fs::read(&heads).unwrap();
    let found = collector.findings("verify");
    assert!(found.len() == 1 && found[0]["what"].as_str().unwrap().contains("its end was cut"), "{found:?}");
    // Without that file nothing shows it (the control), and a copy of it elsewhere does.
    fs::remove_file(&heads).unwrap();
    assert!(collector.findings("verify").is_empty());
    let copy = collector.data().with_extension("heads");
    fs::write(&copy, &kept).unwrap();
    let compared = attempt(collector.data(), "verify", &["--heads", copy.to_str().unwrap()]);
    assert!(String::from_utf8(compared.stdout).unwrap().contains("its end was cut"));
    // Another line in place of the one that was cut.
    collector.lines("proof", &["--device", &device.id().to_string(), "--seq", "3"]);
    fs::write(&heads, &kept).unwrap();
    let found = collector.findings("verify");
    assert!(found.len() == 1 && found[0]["what"].as_str().unwrap().contains("not the one"), "{found:?}");
    // A head that somebody wrote by hand.
    let forged = String::from_utf8(kept).unwrap().replace("kathea-audit-1 2 ", "kathea-audit-1 1 ");
    fs::write(&heads, forged).unwrap();
    let found = collector.findings("verify");
    assert!(found.iter().any(|one| one["what"].as_str().unwrap().contains("is not signed")), "{found:?}");
}

#[test]
fn a_restored_collector_gives_a_device_the_end_of_its_chain_and_another_line_after_it() {
    let mut collector = Collector::start();
    let device = sent(&collector);
    collector.lines("export", FOR);
    let backup = collector.data().with_extension("backup");
    collector.lines("backup", &["-o", backup.to_str().unwrap()]);
    collector.lines("export", FOR);
    let before = receipts(&device, &collector);
    let (newest, text) = before.last().unwrap();
    let has =
        NewsRequest { receipts: newest.number, head: Some(Digest::of(text.as_bytes())), notices: vec![] };
    assert_eq!(news(&device, &collector, &has), NewsReply::default());

    collector.end();
    let (data, aside) = (collector.data().to_owned(), collector.data().with_extension("aside"));
    fs::rename(&data, &aside).unwrap();
    let restored = restore(&aside, &backup, &data, &[]);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    collector.restart();
    let mut device = device;
    device.reconnect(&collector);
    assert_eq!(offered(&device, &collector).unwrap().split('-').next(), Some("1"), "one is gone");
    assert_eq!(news(&device, &collector, &has).receipts.len(), 1);
    collector.lines("proof", &["--device", &device.id().to_string(), "--seq", "3"]);
    let after = news(&device, &collector, &has).receipts;
    let second =
        Receipt::verify(&after[1].text, &after[1].signature, &trusted(&collector), device.id()).unwrap();
    assert_eq!((after.len(), second.number, second.what), (2, 2, Use::Proof));
}

#[test]
fn a_data_directory_of_before_gives_no_receipts_and_a_bad_question_no_answer() {
    let mut collector = Collector::start();
    let device = sent(&collector);
    for bad in [json!({"receipts": -1}), json!({"receipts": 1, "head": "00"}), json!([])] {
        assert_eq!(device.post(&collector, "/v1/news", &bad).status, 400);
    }
    let hostile = json!({"receipts": u64::MAX, "head": "0".repeat(64), "notices": [u64::MAX, 0]});
    assert_eq!(device.post(&collector, "/v1/news", &hostile).status, 200);
    fs::remove_file(collector.data().join("use-key.pem")).unwrap();
    collector.kill_and_restart();
    let mut device = device;
    device.reconnect(&collector);
    collector.lines("export", FOR);
    assert_eq!(offered(&device, &collector), None);
    assert!(collector.findings("verify").is_empty());
    let _: DeviceId = device.id();
}
