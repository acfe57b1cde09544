//! A wrong clock and a registry that can't be trusted are no denial: what Kathea reports stays in the outbox and
//! arrives when they are right again. Only a no, or the certain end of a yes, removes it unread; its events are counted.

#![cfg(unix)]

use std::fs;

use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::workstation::Workstation;
use crate::common::{peer, seeded, until};
use serde_json::{Value as Json, json};

const EVENTS: usize = 50;
const ONCE: [&str; 2] = ["run", "--once"];

/// A granted workstation with 50 events in its outbox, and as many files.
fn reported(files: usize) -> (Collector, Workstation) {
    let collector = Collector::start();
    let workstation = Workstation::granted(&collector, &format!("https://{}", collector.address()));
    workstation.expect(0, &ONCE);
    Outbox::new(seeded()).fill(&workstation, EVENTS, EVENTS / files, Outbox::device_error);
    (collector, workstation)
}

fn published(workstation: &Workstation) -> Json {
    serde_json::from_slice(&fs::read(workstation.path().join("consent.json")).unwrap()).unwrap()
}

/// Nothing is lost, and the user is informed.
fn assert_kept(workstation: &Workstation, status: &Json, files: usize, where_: &str) {
    assert_eq!(workstation.in_outbox(), files, "{where_}");
    assert_eq!(status["dropped"], json!({}), "{where_}");
    let problems = status["problems"].to_string();
    assert!(problems.contains("stay in the outbox"), "{where_}: {problems}");
    assert_eq!(published(workstation)["usage_statistics"], "granted", "{where_}");
}

#[test]
fn a_wrong_clock_keeps_what_kathea_reports() {
    if !peer::has("faketime") {
        return;
    }
    for files in [1, 5] {
        let (collector, workstation) = reported(files);
        for day in
            ["-2d", "-365d", "-3650d", "@1970-01-02 00:00:00", "+750d", "+3650d", "@2038-01-19 03:14:06"]
        {
            workstation.on(day, &ONCE);
            assert_kept(&workstation, &workstation.status_on(day), files, day);
        }
        workstation.expect(0, &ONCE);
        assert_eq!((workstation.in_outbox(), collector.export().len()), (0, EVENTS), "{EVENTS} of {EVENTS}");
        assert_eq!(workstation.status()["dropped"], json!({}));
    }
}

#[test]
fn a_registry_in_doubt_keeps_what_kathea_reports() {
    let (collector, workstation) = reported(1);
    for name in ["ledger.head", "ledger.ndjson"] {
        let path = workstation.data().join(name);
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 5) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            fs::write(&path, flipped).unwrap();
            workstation.run(&ONCE);
            assert_kept(&workstation, &workstation.status(), 1, &format!("{name}, byte {at}"));
        }
        fs::remove_file(&path).unwrap();
        workstation.run(&ONCE);
        assert_kept(&workstation, &workstation.status(), 1, &format!("{name} is missing"));
        fs::write(&path, whole).unwrap();
    }
    workstation.expect(0, &ONCE);
    assert_eq!((workstation.in_outbox(), collector.export().len()), (0, EVENTS));
}

#[test]
fn the_service_goes_on_when_the_registry_can_be_read_again() {
    let (collector, workstation) = reported(1);
    let path = workstation.data().join("ledger.head");
    let whole = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap(); // read(2) refuses a directory, even to root
    let service = workstation.serve();
    until("the service says so", || {
        workstation.status()["problems"].to_string().contains("stay in the outbox")
    });
    assert_eq!(workstation.in_outbox(), 1);
    fs::remove_dir(&path).unwrap();
    fs::write(&path, whole).unwrap();
    workstation.leave("wakes.ndjson", "");
    until("everything arrives", || workstation.in_outbox() == 0 && collector.export().len() == EVENTS);
    assert_eq!(workstation.status()["dropped"], json!({}));
    service.kill();
}

#[test]
fn what_is_kept_goes_after_thirty_days_of_a_steady_clock_counted_as_expired() {
    if !peer::has("faketime") {
        return;
    }
    let (collector, workstation) = reported(5);
    let path = workstation.data().join("ledger.head");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[1..]).unwrap();
    for (day, files) in
        [("+0d", 5), ("+3650d", 5), ("-3650d", 5), ("+1d", 5), ("+20d", 5), ("+29d", 5), ("+32d", 0)]
    {
        workstation.on(day, &ONCE);
        assert_eq!(workstation.in_outbox(), files, "{day}");
    }
    assert_eq!(workstation.status_on("+32d")["dropped"], json!({"expired": EVENTS}), "events, not files");
    assert_eq!(collector.export().len(), 0);
}

#[test]
fn what_is_kept_is_never_more_than_the_quota() {
    let (_collector, workstation) = reported(5);
    let config = fs::read_to_string(workstation.config()).unwrap();
    fs::write(workstation.config(), config + "[spool]\nquota = \"64 MiB\"\n").unwrap();
    fs::write(workstation.data().join("ledger.head"), "damaged").unwrap();
    workstation.run(&ONCE);
    assert_eq!(workstation.in_outbox(), 5);
    let lines = 40_000;
    for name in ["large.ndjson", "larger.ndjson"] {
        workstation.leave(name, format!("{}\n", "x".repeat(999)).repeat(lines));
    }
    workstation.run(&ONCE);
    assert_eq!(workstation.in_outbox(), 1, "the oldest go first");
    assert_eq!(workstation.dropped("expired"), (EVENTS + lines) as u64);
}

#[test]
fn after_a_no_the_events_are_counted_and_not_the_files() {
    let (collector, workstation) = reported(5);
    workstation.expect(0, &["consent", "withdraw", "usage_statistics"]);
    assert_eq!(workstation.in_outbox(), 0);
    assert_eq!(workstation.status()["dropped"], json!({"no_consent": EVENTS}));
    workstation.leave("more.ndjson", "one\ntwo\n\nthree\n");
    workstation.expect(0, &ONCE);
    assert_eq!((workstation.in_outbox(), workstation.dropped("no_consent")), (0, EVENTS as u64 + 3));
    assert_eq!(
        (published(&workstation)["usage_statistics"].clone(), collector.export().len()),
        (json!("withdrawn"), 0)
    );
}

#[test]
fn a_yes_that_is_certainly_over_lets_nothing_lie() {
    if !peer::has("faketime") {
        return;
    }
    let (_collector, workstation) = reported(1);
    for day in (0..=740).step_by(30) {
        workstation.on(&format!("+{day}d"), &["status"]);
    }
    workstation.leave("late.ndjson", "one\ntwo\n");
    workstation.on("+741d", &ONCE);
    assert_eq!(workstation.in_outbox(), 0, "a clock that went through two years decides");
    assert!(workstation.status_on("+741d")["dropped"]["no_consent"].as_u64() >= Some(2));
}
