//! A withdrawal whose process is ended at each of its named steps: the next start finishes it, its records can't be
//! read any more, and what it does not speak of stays whole. `KILLS=50` does each step fifty times. Likewise where
//! the ledger was harmed before, and where a device is taken out of use.

use std::fs;
use std::process::Stdio;

use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::spool::{copy, readable};
use crate::common::workstation::Workstation;
use crate::common::{bundle, seeded};

const NOWHERE: &str = "https://127.0.0.1:1";
const STEPS: [&str; 6] = [
    "withdraw.refused",
    "erase.counted",
    "erase.shredded",
    "withdraw.purged",
    "withdraw.asked",
    "withdraw.closed",
];

fn keys(workstation: &Workstation, of: &str) -> Vec<(String, Vec<u8>)> {
    let keys = fs::read_dir(workstation.data().join("keys")).unwrap().flatten();
    let named = keys.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
    let mut keys: Vec<_> = named
        .filter(|(name, _)| name.starts_with(of))
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect();
    keys.sort();
    keys
}

/// A yes to a support case, and its key as a bundle's record makes it.
fn grant_case(workstation: &Workstation, case: &str) {
    let shown = workstation.json(&["consent", "show", "support_case", "--json"]);
    let digest = shown["digest"].as_str().unwrap();
    workstation
        .expect(0, &["consent", "grant", "support_case", "--case", case, "--by", "owner", "--yes", digest]);
}

#[test]
fn a_withdrawal_that_ends_at_any_step_is_finished_at_the_next_start() {
    let rounds: u64 = std::env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(2);
    let collector = Collector::start();
    let url = format!("https://{}", collector.address());
    let workstation = Workstation::granted(&collector, &url);
    workstation.configure(&url, NOWHERE);
    let consent = bundle::open_case(&workstation, "A-1");
    bundle::queue(&workstation, "A-1", consent, 5_000, &mut seeded());
    let (spool, aside) = (workstation.data().join("spool"), workstation.path().join("aside"));
    let mut opened = 0;
    let random = seeded();
    let (mut cut, mut dropped) = (0, 0);
    for step in STEPS {
        for _ in 0..rounds {
            // A new one each time: its events have to be later than the newest grant.
            Outbox::new(random.clone()).fill(&workstation, 40, 40, Outbox::device_error);
            workstation.expect(3, &["run", "--once"]);
            let others = keys(&workstation, "rights");
            let _ = fs::remove_dir_all(&aside);
            copy(&spool, &aside);
            opened += readable(&aside, &workstation);
            let mut withdraw = workstation.agent(&["consent", "withdraw", "usage_statistics"]);
            withdraw.env("KATHEA_KILL_AT", format!("{step}:1")).stdout(Stdio::null()).stderr(Stdio::null());
            assert_eq!(withdraw.status().unwrap().code(), None, "it ended at {step}, and not of itself");
            cut += 1;
            dropped += 40;

            let status = workstation.status();
            assert_eq!(status["consent"]["usage_statistics"], "withdrawn", "{step}");
            assert_eq!(status["waiting"]["usage"]["records"], 0, "{step}");
            assert_eq!(status["dropped"]["withdrawn"], dropped, "{step}: counted once");
            assert_eq!(keys(&workstation, "usage"), [], "{step}");
            assert_eq!(readable(&aside, &workstation), 0, "{step}: of what was on the disk before");
            assert_eq!(readable(&workstation.data(), &workstation), 0, "{step}: of what is there now");
            assert_eq!(status["cases"][0]["support_case"], "granted", "{step}: another purpose");
            let bundles = status["bundles"].as_array().unwrap();
            assert_eq!(
                (bundles.len(), &bundles[0]["size"]),
                (1, &5_000.into()),
                "{step}: another case's record"
            );
            let kept = keys(&workstation, "rights");
            assert!(others.iter().all(|key| kept.iter().any(|kept| kept.0 == key.0)), "{step}: another key");
            workstation.grant();
        }
    }
    assert!(opened >= cut, "negative control: before each withdrawal they could be read");
    println!(
        "{cut} withdrawals ended at one of {} steps; {opened} sealed records opened before, 0 after",
        STEPS.len()
    );
    workstation.configure(NOWHERE, &url);
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(workstation.status()["bundles"][0]["state"], "sent", "another case's bundle is whole");
    let reported = collector.lines("requests", &[]).iter().filter(|line| line["kind"] == "withdraw").count();
    assert_eq!(
        (reported, collector.export().len()),
        (cut, 0),
        "each was reported once, and nothing was sent"
    );
    workstation.expect(0, &["consent", "verify"]);
}

#[test]
fn one_case_is_withdrawn_and_no_other() {
    let collector = Collector::start();
    let url = format!("https://{}", collector.address());
    let workstation = Workstation::granted(&collector, &url);
    for case in ["A-1", "B-2"] {
        grant_case(&workstation, case);
    }
    workstation.expect(2, &["consent", "withdraw", "support_case"]);
    workstation.expect(0, &["consent", "withdraw", "support_case", "--case", "A-1"]);
    let states = |status: &serde_json::Value| {
        let cases = status["cases"].as_array().unwrap().iter();
        cases.map(|case| case["support_case"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(states(&workstation.status()), ["withdrawn", "granted"]);
    assert_eq!(states(&workstation.json(&["consent", "list", "--json"])), ["withdrawn", "granted"]);
    workstation.expect(0, &["run", "--once"]);
    let requests = collector.lines("requests", &[]);
    assert_eq!((requests.len(), &requests[0]["case"]), (1, &serde_json::json!("A-1")));
}

#[test]
fn two_processes_that_answer_at_once_leave_one_sound_ledger() {
    let collector = Collector::start();
    let url = format!("https://{}", collector.address());
    let workstation = Workstation::granted(&collector, &url);
    for _ in 0..4 {
        let yes = workstation.json(&["consent", "show", "usage_statistics", "--json"])["digest"].clone();
        let grant = ["consent", "grant", "usage_statistics", "--by", "owner", "--yes", yes.as_str().unwrap()];
        let mut both =
            [workstation.agent(&grant), workstation.agent(&["consent", "withdraw", "usage_statistics"])]
                .map(|mut agent| agent.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let codes = both.each_mut().map(|agent| agent.wait().unwrap().code());
        assert!(codes.iter().all(|code| matches!(code, Some(0 | 4 | 5))), "{codes:?}");
        workstation.expect(0, &["consent", "verify"]);
        let ledger = fs::read_to_string(workstation.data().join("ledger.ndjson")).unwrap();
        let last = ledger.lines().last().unwrap();
        let state = workstation.status()["consent"]["usage_statistics"].clone();
        assert_eq!(state == "granted", last.contains("\"type\":\"granted\""), "{state}: what was said last");
    }
}

#[test]
fn a_new_ledger_that_is_cut_before_its_first_line_leaves_nothing_for_the_next_yes() {
    let collector = Collector::start();
    let url = format!("https://{}", collector.address());
    let workstation = Workstation::granted(&collector, &url);
    workstation.configure(&url, NOWHERE);
    Outbox::new(seeded()).fill(&workstation, 40, 40, Outbox::device_error);
    workstation.expect(3, &["run", "--once"]);
    let ledger = workstation.data().join("ledger.ndjson");
    let mut bytes = fs::read(&ledger).unwrap();
    bytes[30] ^= 1;
    fs::write(&ledger, bytes).unwrap();
    assert_eq!(workstation.status()["waiting"]["usage"]["records"], 40, "a harmed ledger erases nothing");

    let mut withdraw = workstation.agent(&["consent", "withdraw", "usage_statistics"]);
    withdraw.env("KATHEA_KILL_AT", "anew.restarted:1").stdout(Stdio::null()).stderr(Stdio::null());
    assert_eq!(withdraw.status().unwrap().code(), None, "it ended there, and not of itself");
    assert_eq!(workstation.status()["waiting"]["usage"]["records"], 0);
    assert_eq!((keys(&workstation, "usage"), workstation.dropped("expired")), (vec![], 40));
    workstation.configure(NOWHERE, &url);
    workstation.grant();
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(collector.export().len(), 0, "the new yes does not reach back");
}

#[test]
fn a_device_that_is_cut_while_it_is_taken_out_of_use_tells_the_vendor_all_the_same() {
    let steps = ["begun", "ended", "shredded", "purged", "worded", "destroyed", "certified"];
    for step in steps {
        let collector = Collector::start();
        let url = format!("https://{}", collector.address());
        let workstation = Workstation::granted(&collector, &url);
        let device = workstation.status()["device"].as_str().unwrap().to_owned();
        let mut retire = workstation.agent(&["decommission", "--yes", "--discard"]);
        retire
            .env("KATHEA_KILL_AT", format!("decommission.{step}:1"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        assert_eq!(retire.status().unwrap().code(), None, "it ended at {step}, and not of itself");
        workstation.run(&["run", "--once"]);
        let certificate = fs::read_to_string(workstation.data().join("decommissioned")).unwrap();
        assert!(certificate.contains("The vendor was informed"), "{step}: {certificate}");
        assert!(certificate.contains(&device), "{step}, of another device: {certificate}");
        let kept = fs::read_dir(workstation.data().join("keys")).unwrap().count();
        assert_eq!(kept, 1, "{step}: no key, the tag for backup programs alone");
        assert!(!workstation.data().join("spool").exists(), "{step}");
        assert!(!workstation.data().join("tickets.json").exists(), "{step}");
        let reported: Vec<_> =
            collector.lines("requests", &[]).iter().map(|line| line["kind"].clone()).collect();
        assert_eq!(reported, ["decommission"], "{step}");
    }
}
