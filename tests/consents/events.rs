//! What must happen at each event in the life of a consent, with the program as it is run: a no, the end of a period,
//! another policy, another owner, a clock that leaps, a collector that the policy does not allow. What is not here is
//! in rights.rs, withdraw.rs, withdraw_cut.rs, kept.rs and no_consent.rs.

#![cfg(unix)]

use std::fs;

use crate::common::collector::Collector;
use crate::common::impostor::{Authority, Impostor};
use crate::common::outbox::Outbox;
use crate::common::relay::Relay;
use crate::common::workstation::Workstation;
use crate::common::{bundle, peer, seeded};
use protocol::Digest;
use serde_json::{Value as Json, json};

const NOWHERE: &str = "https://127.0.0.1:1";
const ASK: [&str; 4] = ["consent", "show", "usage_statistics", "--json"];

/// A granted workstation with `events` that wait, behind a relay; it can't reach it yet.
fn waiting(events: usize) -> (Collector, Relay, Workstation) {
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let workstation = Workstation::granted(&collector, &relay.url());
    workstation.configure(&relay.url(), NOWHERE);
    take_in(&workstation, events);
    (collector, relay, workstation)
}

fn take_in(workstation: &Workstation, events: usize) {
    Outbox::new(seeded()).fill(workstation, events, 500, Outbox::device_error);
    workstation.expect(3, &["run", "--once"]);
    assert_eq!(waits(&workstation.status()), events as u64);
}

fn waits(status: &Json) -> u64 {
    status["waiting"]["usage"]["records"].as_u64().unwrap()
}

fn state(status: &Json) -> &str {
    status["consent"]["usage_statistics"].as_str().unwrap()
}

fn grant_on(workstation: &Workstation, day: &str) {
    let digest = workstation.json_on(day, &ASK)["digest"].clone();
    let yes = ["consent", "grant", "usage_statistics", "--by", "owner", "--yes", digest.as_str().unwrap()];
    assert!(workstation.on(day, &yes).status.success());
}

/// The policy that is built in, changed so, as a file that the configuration names.
fn under(workstation: &Workstation, change: impl Fn(&str) -> String) {
    let file = workstation.path().join("policy.toml");
    fs::write(&file, change(protocol::policy::POLICIES[0].1)).unwrap();
    let config = fs::read_to_string(workstation.config()).unwrap();
    if !config.starts_with("policy") {
        fs::write(workstation.config(), format!("policy = {file:?}\n{config}")).unwrap();
    }
}

#[test]
fn after_a_no_nothing_is_even_buffered_and_nobody_asks_for_half_a_year() {
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let workstation = Workstation::new(&relay.url(), &collector.ca());
    workstation.enroll(&collector.token());
    assert_eq!(workstation.json(&ASK)["ask"], true, "nobody was asked yet");
    workstation.expect(0, &["consent", "deny", "usage_statistics"]);
    let before = relay.connections();
    let mut outbox = Outbox::new(seeded());
    outbox.fill(&workstation, 500, 500, Outbox::device_error);
    workstation.expect(0, &["run", "--once", "--close"]);
    let status = workstation.status();
    assert_eq!((state(&status), &status["dropped"]), ("denied", &json!({"no_consent": 500})));
    assert_eq!((workstation.in_outbox(), relay.connections()), (0, before));
    assert!(!workstation.data().join("spool").exists() && workstation.keys("usage") == 0);
    let published: Json =
        serde_json::from_slice(&fs::read(workstation.path().join("consent.json")).unwrap()).unwrap();
    assert_eq!(published, json!({"usage_statistics": "denied", "ask": false}));
    if peer::has("faketime") {
        assert_eq!(workstation.json_on("+182d", &ASK)["ask"], false);
        assert_eq!(workstation.json_on("+184d", &ASK)["ask"], true);
    }

    workstation.grant();
    outbox.fill(&workstation, 500, 500, Outbox::device_error);
    workstation.expect(0, &["run", "--once"]);
    assert!(relay.connections() > before && collector.export().len() == 500, "after a yes it is");
}

#[test]
fn usage_under_an_old_policy_waits_a_month_for_the_next_yes_and_no_longer() {
    if !peer::has("faketime") {
        return;
    }
    for (day, again) in [("+29d", 300), ("+32d", 0)] {
        let (collector, relay, workstation) = waiting(300);
        under(&workstation, |ours| {
            ours.replacen("never sold", "sold", 1).replacen(
                "on_device = \"2 months\"",
                "on_device = \"30 days\"",
                1,
            )
        });
        workstation.configure(NOWHERE, &relay.url());
        workstation.expect(3, &["run", "--once"]);
        let status = workstation.status();
        assert_eq!((state(&status), waits(&status)), ("stale_policy", 300));
        workstation.on("+3650d", &["run", "--once"]);
        assert_eq!(waits(&workstation.status()), 300, "a clock that leaps erases nothing");

        workstation.on(day, &["run", "--once"]);
        let status = workstation.status_on(day);
        assert_eq!((waits(&status), workstation.keys("usage") > 0), (again, again > 0), "{day}");
        assert_eq!(status["dropped"]["expired"].as_u64().unwrap_or(0), 300 - again);
        grant_on(&workstation, day);
        workstation.on(day, &["run", "--once"]);
        assert_eq!(collector.export().len() as u64, again, "{day}: the new yes finds what is left");
    }
}

#[test]
fn a_clock_that_leaps_ends_a_yes_and_erases_nothing() {
    if !peer::has("faketime") {
        return;
    }
    let (collector, relay, workstation) = waiting(400);
    let consent = bundle::open_case(&workstation, "A-1");
    bundle::queue(&workstation, "A-1", consent, 20_000, &mut seeded());
    workstation.configure(NOWHERE, &relay.url());
    let before = relay.bytes();
    for day in ["+3650d", "-3650d", "-20000d"] {
        workstation.on(day, &["run", "--once", "--close"]);
        let status = workstation.status_on(day);
        assert_eq!((state(&status) == "granted", waits(&status)), (false, 400), "{day}");
        assert_ne!(status["cases"][0]["support_case"], "granted", "{day}");
        assert_eq!(status["bundles"].as_array().unwrap().len(), 1, "{day}");
        if day.starts_with('-') {
            assert!(status["problems"].to_string().contains("clock"), "{status}");
        }
    }
    assert_eq!((relay.bytes(), collector.export().len()), (before, 0), "not a byte");
    workstation.expect(0, &["run", "--once"]);
    let status = workstation.status();
    assert_eq!((state(&status), waits(&status), collector.export().len()), ("granted", 0, 400));
    assert_eq!(status["bundles"][0]["state"], "sent", "{status}");
}

#[test]
fn a_yes_ends_after_its_two_years_and_somebody_is_reminded_a_month_before() {
    if !peer::has("faketime") {
        return;
    }
    let (_collector, _relay, workstation) = waiting(100);
    let reminded = |day: &str| {
        let problems = workstation.status_on(day)["problems"].to_string();
        let asked = workstation.json_on(day, &ASK)["ask"].as_bool().unwrap();
        assert_eq!(problems.contains("consent ask"), asked, "{day}: {problems}");
        asked
    };
    let ends = workstation.status()["ends"]["usage_statistics"].clone();
    assert!(!reminded("+0d") && !reminded("+690d") && reminded("+710d"), "{ends}");
    assert_eq!(state(&workstation.status_on("+732d")), "expired");
    assert_eq!(waits(&workstation.status()), 100, "it was a leap");

    grant_on(&workstation, "+710d");
    assert!(!reminded("+711d"), "answered");
    assert_eq!(state(&workstation.status_on("+732d")), "granted");
    let later = workstation.status_on("+711d")["ends"]["usage_statistics"].clone();
    assert!(later.as_str().unwrap() > ends.as_str().unwrap(), "{ends}, then {later}");
}

#[test]
fn a_new_owner_has_said_yes_to_nothing() {
    let (collector, relay, workstation) = waiting(200);
    let consent = bundle::open_case(&workstation, "A-1");
    bundle::queue(&workstation, "A-1", consent, 20_000, &mut seeded());
    workstation.expect(0, &["consent", "new-owner"]);
    let status = workstation.status();
    assert_eq!((state(&status), &status["cases"][0]["support_case"]), ("expired", &json!("expired")));
    assert_eq!((waits(&status), &status["bundles"]), (0, &json!([])));
    assert_eq!((workstation.keys("usage"), workstation.keys("support")), (0, 0));
    assert_eq!(status["dropped"]["expired"], 201, "records and a bundle");
    workstation.expect(0, &["consent", "verify"]);

    workstation.configure(NOWHERE, &relay.url());
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(collector.export().len(), 0);
    workstation.grant();
    Outbox::new(seeded()).fill(&workstation, 7, 7, Outbox::device_error);
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(collector.export().len(), 7, "the new owner's own yes");
}

#[test]
fn a_correction_and_an_access_request_reach_the_vendor_without_a_payload() {
    let (collector, relay, workstation) = waiting(50);
    bundle::open_case(&workstation, "A-1");
    let out = workstation.path().join("held");
    workstation.expect(0, &["privacy", "rectify", "--case", "A-1"]);
    workstation.expect(0, &["privacy", "export", "--vendor", "-o", out.to_str().unwrap()]);
    workstation.configure("forbid = false", "forbid = true");
    workstation.configure(NOWHERE, &relay.url());
    workstation.run(&["run", "--once"]);
    let mut asked: Vec<(String, Json)> = collector
        .lines("requests", &[])
        .iter()
        .map(|line| (line["kind"].as_str().unwrap().to_owned(), line["case"].clone()))
        .collect();
    asked.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(asked, [("access".to_owned(), Json::Null), ("rectify".to_owned(), json!("A-1"))]);
    assert_eq!((collector.export().len(), waits(&workstation.status())), (0, 50), "everything else is off");
    let open = workstation.status()["requests"].as_array().unwrap().len();
    assert_eq!(open, 2, "their tickets are kept");
}

#[test]
fn what_leaves_goes_only_where_the_policy_allows() {
    let (collector, relay, workstation) = waiting(100);
    workstation.configure(NOWHERE, &relay.url());
    let before = relay.connections();
    let named = |hosts: &str| {
        let old = Digest::of(protocol::policy::POLICIES[0].1.as_bytes());
        let lines = format!("endpoints = [{hosts}]\neditorial_change_of = [\"{old}\", ");
        under(&workstation, |ours| ours.replacen("editorial_change_of = [", &lines, 1));
    };
    named(r#""collector.example", "*.eea.example", "27.0.0.1""#);
    workstation.expect(3, &["run", "--once"]);
    let problems = workstation.status()["problems"].to_string();
    assert!(problems.contains("policy does not allow this collector"), "{problems}");
    workstation.expect(1, &["doctor"]);
    let token = workstation.path().join("token");
    fs::write(&token, collector.token()).unwrap();
    workstation.expect(1, &["enroll", "--token-file", token.to_str().unwrap()]);
    assert_eq!((relay.connections(), collector.export().len()), (before, 0), "not even a connection");

    named(r#""collector.example", "127.0.0.1""#);
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(collector.export().len(), 100, "where it does");
}

#[test]
fn nothing_is_sent_to_a_collector_in_another_place_than_the_policy_names() {
    let (collector, relay, workstation) = waiting(100);
    workstation.configure(NOWHERE, &relay.url());
    let named = |place: &str| {
        let old = Digest::of(protocol::policy::POLICIES[0].1.as_bytes());
        let lines = format!("residency = \"{place}\"\neditorial_change_of = [\"{old}\", ");
        under(&workstation, |ours| {
            ours.replacen("residency = \"EEA\"\n", "", 1).replacen("editorial_change_of = [", &lines, 1)
        });
    };
    // The collector says that it holds data in the EEA.
    named("CH");
    let output = workstation.run(&["run", "--once"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("in another place than the policy allows"), "{said}");
    let left = (collector.export().len(), waits(&workstation.status()));
    assert_eq!(left, (0, 100), "it was asked, and got no record");

    named("EEA");
    workstation.expect(0, &["run", "--once"]);
    assert_eq!((collector.export().len(), waits(&workstation.status())), (100, 0), "where the policy says");
}

#[test]
fn a_collector_that_asks_for_time_gets_it_also_after_a_restart() {
    let (collector, relay, workstation) = waiting(100);
    let later = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 3600\r\ncontent-length: 0\r\n\r\n";
    let busy = Impostor::start(&Authority::of(&collector), time::Duration::days(1), later);
    workstation.configure(NOWHERE, busy.url());
    workstation.expect(3, &["run", "--once"]);
    let received = busy.received();
    assert!(received > 0);
    workstation.expect(3, &["run", "--once"]);
    assert_eq!(busy.received(), received, "the second run waits");

    for stream in ["usage", "requests"] {
        let _ = fs::remove_file(workstation.data().join(format!("retry-after.{stream}")));
    }
    workstation.configure(busy.url(), &relay.url());
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(collector.export().len(), 100, "without it, it would have gone");
}

#[test]
fn that_each_record_was_allowed_is_proven_when_the_device_is_gone() {
    let (collector, relay, workstation) = waiting(40);
    workstation.configure(NOWHERE, &relay.url());
    workstation.expect(0, &["run", "--once"]);
    workstation.expect(0, &["consent", "withdraw", "usage_statistics"]);
    workstation.expect(0, &["run", "--once"]);
    let ledger = fs::read_to_string(workstation.data().join("ledger.ndjson")).unwrap();
    fs::remove_dir_all(workstation.path()).unwrap();

    let records = collector.export();
    assert_eq!(records.len(), 40);
    for record in &records {
        let (device, seq) = (record["device"].as_str().unwrap(), record["seq"].to_string());
        let proof = &collector.lines("proof", &["--device", device, "--seq", &seq])[0];
        assert_eq!((&proof["valid"], &proof["signature_valid"]), (&json!(true), &json!(true)), "{seq}");
        assert_eq!(proof["line"], ledger.lines().next().unwrap(), "the very line that said yes");
        assert_eq!(proof["consent"], record["consent"]);
        assert_eq!(proof["policy"]["text"], protocol::policy::POLICIES[0].1, "what was shown");
        assert_eq!(proof["later"][0]["kind"], "withdrawn", "and what was said later");
    }
}
