//! Another controller needs no new program: an invented one, with periods of its own and texts in a third language, by
//! data alone, from the clinic's question to the end of the vendor's period.

#![cfg(unix)]

use std::fs;

use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::workstation::Workstation;
use crate::common::{peer, seeded};
use serde_json::json;
use test_support::THIRD_POLICY;

const ASK: [&str; 4] = ["consent", "show", "usage_statistics", "--json"];

/// A workstation under this policy, in this language.
fn under(collector: &Collector, policy: &str, language: &str) -> Workstation {
    let workstation = Workstation::new(&format!("https://{}", collector.address()), &collector.ca());
    let file = workstation.path().join("policy.toml");
    fs::write(&file, policy).unwrap();
    let config = fs::read_to_string(workstation.config()).unwrap();
    let head = format!("policy = {file:?}\npolicy_language = \"{language}\"\n");
    fs::write(workstation.config(), head + &config).unwrap();
    workstation
}

#[test]
fn another_controller_with_other_periods_and_a_third_language_needs_no_new_program() {
    let collector = Collector::start();
    let workstation = under(&collector, THIRD_POLICY, "de");
    let shown = workstation.expect(0, &ASK[..3]);
    for said in [
        "Nutzungsstatistik",
        "Beim Hersteller: 36 Monate ab Eingang",
        "ein Labor in Musterstadt",
        "nur im EWR",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let listed = workstation.json(&["consent", "list", "--json"]);
    assert_eq!(listed["asked"][0]["kept_there"], "36 Monate ab Eingang");
    workstation.enroll(&collector.token());
    workstation.grant();
    Outbox::new(seeded()).fill(&workstation, 100, 500, Outbox::device_error);
    // The collector does not know the policy: nothing is taken, and the reason is said.
    workstation.run(&["run", "--once"]);
    assert_eq!(collector.export().len(), 0);
    let status = workstation.status();
    assert_eq!(status["waiting"]["usage"]["records"], 100, "{status}");

    let policies = collector.data().join("policies");
    fs::create_dir_all(&policies).unwrap();
    fs::write(policies.join("third.toml"), THIRD_POLICY).unwrap();
    workstation.expect(0, &["consent", "restrict", "usage_statistics"]);
    workstation.expect(0, &["consent", "release", "usage_statistics", "--by", "owner"]);
    workstation.grant();
    workstation.expect(0, &["run", "--once"]);
    let records = collector.export();
    assert_eq!(records.len(), 100);
    let device = records[0]["device"].as_str().unwrap();
    let proof = &collector.lines("proof", &["--device", device, "--seq", &records[0]["seq"].to_string()])[0];
    assert_eq!((&proof["valid"], &proof["policy"]["text"]), (&json!(true), &json!(THIRD_POLICY)));
    let line = proof["line"].as_str().unwrap();
    assert!(line.contains("\"retention\":\"period\",\"retention_period\":\"P36M from receipt\""), "{line}");
}

#[test]
fn what_waits_under_a_third_policy_ends_by_its_period() {
    if !peer::has("faketime") {
        return;
    }
    let collector = Collector::start();
    let workstation = under(&collector, THIRD_POLICY, "en");
    workstation.configure(&format!("https://{}", collector.address()), "https://127.0.0.1:1");
    workstation.grant();
    Outbox::new(seeded()).fill(&workstation, 100, 500, Outbox::device_error);
    workstation.run(&["run", "--once"]);
    let waits = |day: &str| {
        workstation.on(day, &["run", "--once"]);
        workstation.status_on(day)["waiting"]["usage"]["records"].as_u64().unwrap()
    };
    assert_eq!((waits("+1d"), waits("+40d"), waits("+47d")), (100, 100, 0), "P45D");
}

#[test]
fn a_policy_with_an_unknown_period_place_or_language_allows_nothing_and_says_why() {
    let collector = Collector::start();
    for (right, wrong, said) in [
        ("P36M from receipt", "P36M from Mars", "such as \"P36M from receipt\""),
        ("P36M from receipt", "36 fortnights", "such as \"P36M from receipt\""),
        ("lasts = \"P1Y\"", "lasts = \"for ever\"", "expected a period"),
        ("residency = \"EEA\"", "residency = \"\"", "names its place"),
        ("[words.de]", "[words.klingon]", "no language tag"),
        ("[phrases.de]", "[phrases.fr]", "[phrases.de] is missing"),
    ] {
        let workstation = under(&collector, &THIRD_POLICY.replacen(right, wrong, 1), "en");
        for args in [
            &ASK[..3],
            &["run", "--once"],
            &["consent", "grant", "usage_statistics", "--by", "owner", "--yes", "0123456789abcdef"],
        ] {
            let output = workstation.run(args);
            let text = String::from_utf8(output.stderr).unwrap();
            assert_ne!(output.status.code(), Some(0), "{wrong}: {args:?}");
            assert!(text.contains(said) && text.contains("line "), "{wrong}: {args:?}: {text}");
        }
        assert!(!workstation.data().join("ledger.ndjson").exists(), "{wrong}: nothing was answered");
    }
    let workstation = under(&collector, THIRD_POLICY, "fr");
    let output = workstation.run(&ASK[..3]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_ne!(output.status.code(), Some(0));
    assert!(text.contains("no texts in `fr`") && text.contains("en, de"), "{text}");
}
