//! The clinic's answers end when the policy says, and never before what they prove has gone; the ledger goes on behind
//! what was removed.

use protocol::ledger::{self, EventKind};
use protocol::policy::{self, EARLIER, POLICIES};
use protocol::{Digest, Purpose};
use serde_json::{Value as Json, json};

use crate::device::{Device, batch};
use crate::program::Collector;
use crate::{rows, stored};

/// Puts an answer of the device that `change` made; its hash.
fn answer(
    collector: &Collector,
    device: &Device,
    (index, kind): (u64, EventKind),
    change: impl FnOnce(&mut ledger::Entry),
) -> Digest {
    let mut entry = test_support::entry(device.id(), index, Purpose::UsageStatistics, None, kind);
    change(&mut entry);
    let line = device.sign(&entry);
    assert_eq!(device.put_consent(collector, &line).status, 201);
    ledger::line_hash(&line)
}

fn lines(collector: &Collector) -> i64 {
    stored::number(collector.data(), "SELECT count(*) FROM line")
}

#[test]
fn the_ledger_goes_on_behind_what_was_removed() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let over = |entry: &mut ledger::Entry| entry.event.until = Some("2026-11-21T10:00:01Z".to_owned());
    let first = answer(&collector, &device, (0, EventKind::Granted), over);
    let dry = collector.lines("retention", &["run", "--dry-run"]);
    assert_eq!(
        (&dry[0]["answers"], &dry[0]["device"], lines(&collector)),
        (&json!(1), &json!(device.id()), 1)
    );
    assert_eq!(collector.lines("retention", &["run"])[0]["answers"], 1);
    assert_eq!(lines(&collector), 0);
    assert_eq!(collector.lines("audit", &[]).pop().unwrap()["deed"], "retention");

    // Its place stands for it: a restored old copy of the device is found, and the next answer follows it.
    let head = device.get(&collector, "/v1/capabilities").head;
    assert_eq!(head, Some(format!("0-{first}")));
    let next =
        answer(&collector, &device, (1, EventKind::Granted), |entry| entry.header.previous = Some(first));
    assert_eq!(device.put_batch(&collector, &batch(next, 1, 0, 4)).status, 201);
    assert_eq!(collector.lines("proof", &["--all"])[0]["valid"], 1);
    assert_eq!(collector.findings("verify"), Vec::<Json>::new());
    // Sent again, the old yes opens nothing.
    let again = answer(&collector, &device, (0, EventKind::Granted), over);
    assert_eq!(again, first);
    assert_eq!(device.put_batch(&collector, &batch(first, 1, 5, 9)).problem(), (403, "consent_expired"));
}

#[test]
fn a_no_is_kept_for_the_year_that_the_policy_names() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let novo = |entry: &mut ledger::Entry| {
        entry.processing.policy_sha256 = Digest::of(POLICIES[1].1.as_bytes());
    };
    answer(&collector, &device, (0, EventKind::Denied), novo);
    let came = |days: i64| {
        stored::set(collector.data(), "ledger", &format!("received = {}", rows::days_ago(days)), "idx = 0");
        collector.lines("retention", &["run"]).len()
    };
    assert_eq!((came(0), came(365), lines(&collector)), (0, 0, 1));
    assert_eq!((came(367), lines(&collector)), (1, 0));
}

#[test]
fn a_consent_to_an_earlier_text_of_the_policy_stands_and_its_text_is_printed() {
    let collector = Collector::start();
    for text in EARLIER {
        let device = Device::enrolled(&collector);
        let kept = policy::kept(text, Purpose::UsageStatistics).unwrap().word;
        let under = |entry: &mut ledger::Entry| {
            (entry.processing.policy_sha256, entry.processing.retention) =
                (Digest::of(text.as_bytes()), kept);
        };
        let mut sent = batch(answer(&collector, &device, (0, EventKind::Granted), under), 1, 0, 4);
        sent.header.retention = kept;
        assert_eq!(device.put_batch(&collector, &sent).status, 201);
        let proof = &collector.lines("proof", &["--device", &device.id().to_string(), "--seq", "3"])[0];
        assert_eq!((&proof["valid"], &proof["policy"]["text"]), (&json!(true), &json!(text)));
    }
}

#[test]
fn a_devices_requests_end_a_year_after_the_last_answer_and_after_everything_else() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let over = |entry: &mut ledger::Entry| entry.event.until = Some("2026-11-21T10:00:01Z".to_owned());
    answer(&collector, &device, (0, EventKind::Granted), over);
    let ask = |kind: &str, id: &str| {
        let request = json!({
            "request_id": id.repeat(32), "purposes": ["usage_statistics"], "ledger_sha256": "0".repeat(64),
        });
        let asked = device.post(&collector, &format!("/v1/privacy/{kind}"), &request);
        assert_eq!(asked.status, 202);
        asked.body["ticket"].as_str().unwrap().to_owned()
    };
    ask("withdraw", "a");
    let open = ask("access", "b");
    let ago = |days: i64| {
        let set = format!("received = {0}, done = {0}", rows::days_ago(days));
        stored::set(collector.data(), "request", &set, "done IS NOT NULL");
        collector.lines("retention", &["run"])
    };
    let requests = || stored::number(collector.data(), "SELECT count(*) FROM request");
    // The answers go first, and an open request keeps the others.
    assert_eq!((ago(400).len(), lines(&collector), requests()), (1, 0, 2));
    assert!(collector.lines_of_text("requests", &["--done", &open]).is_empty());
    assert_eq!((ago(365).len(), requests()), (0, 2));
    let gone = ago(367);
    assert_eq!((&gone[0]["requests"], &gone[0]["device"], requests()), (&json!(2), &json!(device.id()), 0));
    assert_eq!(collector.findings("verify"), Vec::<Json>::new());
    assert_eq!(collector.lines("devices", &[]).len(), 1, "its number stays taken");
    ask("withdraw", "c");
    assert_eq!((requests(), collector.findings("verify")), (1, Vec::new()));
}
