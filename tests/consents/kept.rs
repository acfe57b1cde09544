//! How long something is kept: never longer because somebody says no twice, and no key longer than what is under it.

#![cfg(unix)]

use std::fs;

use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::workstation::Workstation;
use crate::common::{bundle, peer, seeded};
use serde_json::{Value as Json, json};

const NOWHERE: &str = "https://127.0.0.1:1";

/// A granted workstation that can't reach its collector, with `events` that wait.
fn waiting(events: usize) -> Workstation {
    let collector = Collector::start();
    let url = format!("https://{}", collector.address());
    let workstation = Workstation::granted(&collector, &url);
    workstation.configure(&url, NOWHERE);
    Outbox::new(seeded()).fill(&workstation, events, 500, Outbox::device_error);
    workstation.expect(3, &["run", "--once"]);
    workstation
}

fn records(status: &Json, queue: &str) -> u64 {
    status["waiting"][queue]["records"].as_u64().unwrap()
}

#[test]
fn usage_is_held_here_for_two_months_and_no_longer() {
    if !peer::has("faketime") {
        return;
    }
    let workstation = waiting(300);
    for (day, held) in [("+20d", 300), ("+40d", 300), ("+60d", 300), ("+64d", 0)] {
        workstation.on(day, &["run", "--once"]);
        let status = workstation.status_on(day);
        assert_eq!(
            (&status["consent"]["usage_statistics"], records(&status, "usage")),
            (&json!("granted"), held),
            "{day}"
        );
        assert_eq!(status["dropped"]["expired"].as_u64().unwrap_or(0), 300 - held);
    }
}

#[test]
fn nothing_is_kept_longer_because_the_administrator_or_another_policy_says_no_too() {
    if !peer::has("faketime") {
        return;
    }
    let workstation = waiting(300);
    let consent = bundle::open_case(&workstation, "A-1");
    bundle::queue(&workstation, "A-1", consent, 20_000, &mut seeded());
    let policy = workstation.path().join("policy.toml");
    fs::write(&policy, protocol::policy::POLICIES[0].1.replacen("never sold", "sold", 1)).unwrap();
    let config = fs::read_to_string(workstation.config()).unwrap();
    fs::write(workstation.config(), format!("policy = {policy:?}\n{config}")).unwrap();
    workstation.configure("forbid = false", "forbid = true");
    for (day, usage, bundles) in [("+0d", 300, 1), ("+29d", 300, 1), ("+32d", 300, 0), ("+64d", 0, 0)] {
        workstation.on(day, &["run", "--once"]);
        let status = workstation.status_on(day);
        let held = (records(&status, "usage"), status["bundles"].as_array().unwrap().len());
        assert_eq!(
            (&status["consent"]["usage_statistics"], held),
            (&json!("denied"), (usage, bundles)),
            "{day}"
        );
        let held = (workstation.keys("usage") > 0, workstation.keys("support") > 0);
        assert_eq!(held, (usage > 0, bundles > 0), "{day}");
    }
}

#[test]
fn an_old_key_goes_when_nothing_is_under_it_although_the_month_always_runs() {
    if !peer::has("faketime") {
        return;
    }
    let workstation = waiting(0);
    let exposure = ["record", "exposure.aborted", "mode=cbct", "reason=collision", "phase=beam"];
    for (day, held) in [("+0d", 1), ("+32d", 2)] {
        assert!(workstation.on(day, &exposure).status.success());
        assert_eq!(workstation.keys("usage"), held, "{day}");
    }
    (0..2).for_each(|_| drop(workstation.on("+32d", &["run", "--once"])));
    let status = workstation.status_on("+32d");
    assert!(records(&status, "usage") > 0 && records(&status, "open") > 0, "{status}");
    assert_eq!((workstation.keys("usage"), status["dropped"].clone()), (1, json!({})));
}
