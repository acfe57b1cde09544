//! The vendor's half of what a clinic may ask: restriction hides, only the deed makes an erasure done, and a certificate
//! says what went.

use protocol::ledger::{EventKind, line_hash};
use protocol::rights::{Certificate, Outcome};
use protocol::signature::{Context, TrustedKey, TrustedKeys};
use protocol::{DeviceId, Purpose};
use serde_json::{Value as Json, json};

use crate::bundles::Sender;
use crate::device::{Device, batch};
use crate::program::{Collector, attempt};
use crate::{rows, stored};

fn request(digit: &str) -> Json {
    json!({"request_id": digit.repeat(32), "purposes": ["usage_statistics"], "ledger_sha256": "0".repeat(64)})
}

/// A device whose batch of five records is held.
fn sent(collector: &Collector) -> Device {
    let device = Device::enrolled(collector);
    let consent = device.grant(collector);
    assert_eq!(device.put_batch(collector, &batch(consent, 1, 0, 4)).status, 201);
    device
}

/// Asks, and gives the ticket.
fn ask(device: &Device, collector: &Collector, kind: &str, request: &Json) -> String {
    let answer = device.post(collector, &format!("/v1/privacy/{kind}"), request);
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.body["ticket"].as_str().unwrap().to_owned()
}

fn look(device: &Device, collector: &Collector, ticket: &str) -> Json {
    device.get(collector, &format!("/v1/privacy/{ticket}")).body
}

/// Makes every request of a device so many days older, and what it sent.
fn age(collector: &Collector, device: DeviceId, days: i64) {
    let set = format!("received = received - {days} * 86400000000");
    stored::set(collector.data(), "request", &set, &rows::of(device));
    collector.age(device, days);
}

/// Records that the exports show, by both ways.
fn shown(collector: &Collector) -> (usize, u64, u64) {
    let dir = tempfile::tempdir().unwrap();
    let said = collector.lines("export", &["-o", dir.path().join("out").to_str().unwrap()])[0].clone();
    let restricted = said.get("restricted").and_then(Json::as_u64).unwrap_or(0);
    (collector.lines("export", &[]).len(), said["records"].as_u64().unwrap(), restricted)
}

#[test]
fn what_was_allowed_after_a_restriction_is_not_hidden_with_what_came_before() {
    let collector = Collector::start();
    let device = sent(&collector);
    let say = |index, kind| {
        let line = device.ledger_line(index, kind);
        assert_eq!(device.put_consent(&collector, &line).status, 201);
        line_hash(&line)
    };
    let restricted = say(1, EventKind::Restricted);
    let mut asked = request("a");
    asked["ledger_sha256"] = json!(restricted);
    ask(&device, &collector, "restrict", &asked);
    say(2, EventKind::Withdrawn);
    say(3, EventKind::Closed);
    assert_eq!(shown(&collector), (0, 0, 1));
    let again = say(4, EventKind::Granted);
    assert_eq!(device.put_batch(&collector, &batch(again, 1, 5, 7)).status, 201);
    assert_eq!(shown(&collector), (3, 3, 1), "the old five stay hidden, the new three are shown");
}

#[test]
fn a_restriction_hides_the_records_from_every_reader_until_it_is_released() {
    let collector = Collector::start();
    let (device, _other) = (sent(&collector), sent(&collector));
    let id = device.id().to_string();
    assert_eq!(shown(&collector), (10, 10, 0));
    let ticket = ask(&device, &collector, "restrict", &request("a"));
    assert_eq!(look(&device, &collector, &ticket)["state"], "done", "from the moment that it is kept");
    assert_eq!(shown(&collector), (5, 5, 1));
    assert!(collector.lines("export", &[]).iter().all(|record| record["device"] != json!(id)));
    let devices = || {
        let lines = collector.lines("devices", &[]);
        lines.into_iter().find(|line| line["device"] == json!(id)).unwrap()
    };
    assert_eq!(devices()["restricted"], json!(["usage_statistics"]));
    // To prove that it may be here uses nothing of it.
    assert_eq!(collector.lines("proof", &["--device", &id, "--seq", "3"])[0]["valid"], true);
    ask(&device, &collector, "release", &request("b"));
    assert_eq!((shown(&collector), devices().get("restricted")), ((10, 10, 0), None));

    // The ledger alone restricts too.
    let line = device.ledger_line(1, EventKind::Restricted);
    assert_eq!(device.put_consent(&collector, &line).status, 201);
    assert_eq!(shown(&collector), (5, 5, 1));
    assert_eq!(device.put_consent(&collector, &device.ledger_line(2, EventKind::Released)).status, 201);
    assert_eq!(shown(&collector), (10, 10, 0));
}

#[test]
fn a_restricted_bundle_is_listed_without_its_file() {
    let collector = Collector::start();
    let sender = Sender::new(&collector);
    assert_eq!(sender.create(&collector), 201);
    assert_eq!(sender.append(&collector, 0, 100_000, None).0, 204);
    assert_eq!(sender.complete(&collector).0, 200);
    let bundle = || collector.lines("bundles", &[])[0].clone();
    assert!(bundle()["path"].is_string() && bundle().get("restricted").is_none());
    let mut of_case = request("a");
    (of_case["purposes"], of_case["case"]) = (json!(["support_case"]), json!("CASE-1042"));
    ask(&sender.device, &collector, "restrict", &of_case);
    assert_eq!((bundle().get("path"), &bundle()["restricted"]), (None, &json!(true)));
}

#[test]
fn a_bundle_of_a_machine_that_was_never_enrolled_can_be_erased() {
    let collector = Collector::start();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("case.age");
    std::fs::write(&file, [test_support::SEALED, b"sealed"].concat()).unwrap();
    assert_eq!(collector.lines_of_text("bundles", &["import", file.to_str().unwrap()]).len(), 1);
    let bundle = collector.lines("bundles", &[])[0].clone();
    let (sha256, path) = (bundle["sha256"].as_str().unwrap(), bundle["path"].as_str().unwrap());
    assert!(bundle["device"].is_null() && std::path::Path::new(path).exists());
    assert!(collector.fails("erase", &["--bundle", &"0".repeat(64)]).contains("no bundle"));
    collector.lines("erase", &["--bundle", sha256]);
    assert_eq!((collector.lines("bundles", &[]).len(), std::path::Path::new(path).exists()), (0, false));
    assert_eq!(collector.findings("verify").len(), 0);
}

#[test]
fn only_the_deed_makes_an_erasure_done_and_a_key_of_the_vendors_signs_what_went() {
    let collector = Collector::start();
    let device = sent(&collector);
    let (id, ticket) = (device.id().to_string(), ask(&device, &collector, "erase", &request("a")));
    let open = look(&device, &collector, &ticket);
    assert!(open["due"].is_string() && open["revocable_until"].is_string(), "{open}");
    assert!(collector.fails("requests", &["--done", &ticket]).contains("erase --ticket"));
    assert!(collector.fails("erase", &["--ticket", &ticket]).contains("taken back"));
    assert_eq!(collector.lines("erase", &["--due"]), Vec::<Json>::new());
    assert_eq!(
        (look(&device, &collector, &ticket)["state"].clone(), shown(&collector).0),
        (json!("open"), 5)
    );

    age(&collector, device.id(), 15);
    assert_eq!(collector.lines("erase", &["--due"])[0]["records"], 5);
    let done = look(&device, &collector, &ticket);
    assert_eq!((&done["state"], &done["outcome"]), (&json!("done"), &json!("erased")));
    assert!(done.get("certificate").is_none(), "nobody signed it yet");
    assert_eq!(shown(&collector).0, 0);

    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key.pem");
    let key = key.to_str().unwrap();
    let made = attempt_bare(&["signing-key", "-o", key, "--signs", "erasure_certificate"]);
    let made: toml::Table = toml::from_str(&format!("key = {made}")).unwrap();
    assert_eq!(collector.lines_of_text("certify", &["--key", key]), std::slice::from_ref(&ticket));
    assert_eq!(collector.lines_of_text("certify", &["--key", key]), Vec::<String>::new());
    let done = look(&device, &collector, &ticket);
    let (text, signature) = (done["certificate"].as_str().unwrap(), done["signature"].as_str().unwrap());
    let public = made["key"]["key"].as_str().unwrap().parse().unwrap();
    let keys = TrustedKeys::new(vec![TrustedKey { key: public, signs: vec![Context::ErasureCertificate] }]);
    let asked = (ticket.as_str(), device.id(), &[Purpose::UsageStatistics][..], None);
    let certificate = Certificate::verify(text, signature, &keys, asked).unwrap();
    assert_eq!((certificate.records, certificate.outcome()), (5, Outcome::Erased));
    // The two exports above are copies that nothing here can reach; nobody's name is in it.
    assert!(certificate.copies.len() <= 2 && certificate.copies.iter().all(|copy| copy.what == "export"));
    assert!(
        !text.contains("who") && !text.contains(&std::env::var("USER").unwrap_or_else(|_| "unknown".into()))
    );
    assert_eq!(collector.lines("requests", &[])[0]["is_signed"], true);
    assert_eq!(collector.lines("devices", &[])[0]["device"], json!(id));
}

#[test]
fn an_erasure_leaves_what_came_under_a_later_yes() {
    let collector = Collector::start();
    let device = sent(&collector);
    ask(&device, &collector, "erase", &request("a"));
    age(&collector, device.id(), 15);
    let lines = [(1, EventKind::Withdrawn), (2, EventKind::Granted)];
    let [_, again] = lines.map(|(index, kind)| {
        let line = device.ledger_line(index, kind);
        assert_eq!(device.put_consent(&collector, &line).status, 201);
        line_hash(&line)
    });
    assert_eq!(device.put_batch(&collector, &batch(again, 2, 0, 2)).status, 201);
    assert_eq!(collector.lines("erase", &["--due"])[0]["records"], 5, "what had come when it was asked for");
    assert_eq!(shown(&collector).0, 3);
    assert_eq!(collector.lines("erase", &["--due"]), Vec::<Json>::new());
}

#[test]
fn an_erasure_that_was_taken_back_in_time_never_happens() {
    let collector = Collector::start();
    let device = sent(&collector);
    let ticket = ask(&device, &collector, "erase", &request("a"));
    // Another purpose's revocation takes nothing back.
    let mut other = request("b");
    other["purposes"] = json!(["support_case"]);
    ask(&device, &collector, "revoke", &other);
    assert_eq!(look(&device, &collector, &ticket).get("outcome"), None);
    ask(&device, &collector, "revoke", &request("c"));
    let revoked = look(&device, &collector, &ticket);
    assert_eq!((&revoked["state"], &revoked["outcome"]), (&json!("open"), &json!("revoked")));
    age(&collector, device.id(), 40);
    assert_eq!(collector.lines("erase", &["--due"]), Vec::<Json>::new());
    assert_eq!(shown(&collector).0, 5);

    let late = ask(&device, &collector, "erase", &request("d"));
    age(&collector, device.id(), 15);
    ask(&device, &collector, "revoke", &request("e"));
    assert_eq!(look(&device, &collector, &late).get("outcome"), None, "too late");
    assert_eq!(collector.lines("erase", &["--due"])[0]["records"], 5);
}

#[test]
fn what_is_held_by_law_is_named_with_its_reason_and_goes_when_that_is_over() {
    let collector = Collector::start();
    let device = sent(&collector);
    let mut all = request("a");
    all["purposes"] = json!(["usage_statistics", "support_case"]);
    let ticket = ask(&device, &collector, "erase", &all);
    let hold = |until: &str, args: &[&str]| {
        let args = [&["--hold", &ticket, "--why", "complaint_record", "--until", until], args].concat();
        attempt(collector.data(), "requests", &args).status.code()
    };
    assert_eq!(hold("2020-01-01T00:00:00Z", &[]), Some(1), "over already");
    assert_eq!(hold("whenever", &[]), Some(2));
    assert_eq!(hold("2999-01-01T00:00:00Z", &["--purpose", "support_case"]), Some(0));
    age(&collector, device.id(), 15);
    assert_eq!(collector.lines("erase", &["--due"])[0]["records"], 5);
    let answer = look(&device, &collector, &ticket);
    assert_eq!((&answer["state"], &answer["outcome"]), (&json!("open"), &json!("refused_in_part")));
    assert_eq!(collector.lines("erase", &["--due"]), Vec::<Json>::new(), "as long as it is held");
    let listed = collector.lines("requests", &[])[0].clone();
    assert_eq!(listed["hold"]["why"], "complaint_record");

    let past = "hold = replace(hold, '2999', '2020')";
    stored::set(collector.data(), "answer", past, &rows::of(device.id()));
    assert!(!collector.lines("erase", &["--due"]).is_empty());
    assert_eq!(look(&device, &collector, &ticket)["state"], "done");
}

#[test]
fn an_answer_is_due_in_a_month_and_more_time_has_a_reason() {
    let collector = Collector::start();
    let device = sent(&collector);
    let ticket = ask(&device, &collector, "access", &request("a"));
    let due = || look(&device, &collector, &ticket)["due"].as_str().unwrap().to_owned();
    let month = due();
    let extend = |because: &str| {
        let args = ["--extend", &ticket, "--because", because];
        attempt(collector.data(), "requests", &args).status.code()
    };
    assert_eq!(extend("laziness"), Some(2));
    assert_eq!(extend("complexity"), Some(0));
    assert!(due() > month);
    assert_eq!(look(&device, &collector, &ticket)["extended"], "complexity");
    let late = ask(&device, &collector, "rectify", &request("b"));
    age(&collector, device.id(), 32);
    let args = ["--extend", &late, "--because", "complexity"];
    assert!(collector.fails("requests", &args).contains("too late"));
    collector.lines("requests", &["--done", &late]);
    assert_eq!(look(&device, &collector, &late).get("due"), None);
}

#[test]
fn the_audit_names_the_account_and_not_what_the_environment_says() {
    let collector = Collector::start();
    let exported = std::process::Command::new(env!("CARGO_BIN_EXE_kathea-collector"))
        .args([
            "export",
            "--to",
            "Example Vendor",
            "--why",
            "audit",
            "--data",
            collector.data().to_str().unwrap(),
        ])
        .args(crate::engine::options(collector.data()))
        .envs(["USER", "LOGNAME", "SUDO_USER", "USERNAME"].map(|name| (name, "somebody-else")))
        .output()
        .unwrap();
    assert!(exported.status.success());
    let who = collector.lines("audit", &[])[0]["who"].as_str().unwrap().to_owned();
    assert!(!who.contains("somebody-else") && who.contains(char::is_numeric), "{who}");
}

/// Runs a command that needs no data directory.
fn attempt_bare(args: &[&str]) -> String {
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_kathea-collector")).args(args).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_access_request_is_answered_with_everything_that_is_held_and_nothing_of_another() {
    let collector = Collector::start();
    let (device, other) = (sent(&collector), sent(&collector));
    let (id, another) = (device.id().to_string(), other.id().to_string());
    ask(&device, &collector, "restrict", &request("a"));
    ask(&device, &collector, "access", &request("b"));
    let held = collector.lines("access", &[&id]);
    let count = |what: &str| held.iter().filter(|line| line["what"] == what).count();
    let counts = ["device", "answer", "request", "bundle", "record"].map(count);
    assert_eq!(counts, [1, 1, 2, 0, 5], "{held:?}");
    assert!(held.iter().any(|line| line["entry"] == "device.error"), "readable, though it is restricted");
    assert!(!held.iter().any(|line| line.to_string().contains(&another)));
    let line = collector.lines("audit", &[]).pop().unwrap();
    assert_eq!((&line["deed"], &line["device"]), (&json!("access"), &json!(id)));

    // It is no copy that an erasure has to name: the clinic has it.
    assert!(collector.fails("access", &[&"0".repeat(32)]).contains("not enrolled"));
    assert_eq!(attempt(collector.data(), "access", &[&id, "--seal-to", "age1x"]).status.code(), Some(2));
    let key = age::x25519::Identity::generate();
    let sealed = attempt(collector.data(), "access", &[&id, "--seal-to", &key.to_public().to_string()]);
    assert!(sealed.status.success());
    assert!(!sealed.stdout.windows(id.len()).any(|bytes| bytes == id.as_bytes()), "nothing is readable");
    let opened = String::from_utf8(age::decrypt(&key, &sealed.stdout).unwrap()).unwrap();
    // The second answer names the first one.
    assert_eq!(opened.lines().count(), held.len() + 1);
}

#[test]
fn an_access_request_shows_bundles_without_what_is_in_them() {
    let collector = Collector::start();
    let sender = Sender::new(&collector);
    assert_eq!(sender.create(&collector), 201);
    assert_eq!(sender.append(&collector, 0, 100_000, None).0, 204);
    assert_eq!(sender.complete(&collector).0, 200);
    let held = collector.lines("access", &[&sender.device.id().to_string()]);
    let bundle = held.iter().find(|line| line["what"] == "bundle").unwrap();
    assert_eq!((&bundle["case"], &bundle["size"]), (&json!("CASE-1042"), &json!(100_000)));
}
