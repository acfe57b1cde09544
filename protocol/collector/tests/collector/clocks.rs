//! A clock that leaps, and comes back: nothing is erased by it, and nothing is good for longer.

use std::process::Command;

use test_support::{or_skip, peer};

use crate::device::{Device, batch};
use crate::program::{Collector, PROGRAM};

/// Runs a command under a clock that is so far off; how it ended and what it said.
fn under(clock: &str, collector: &Collector, args: &[&str]) -> (bool, String) {
    let mut command = Command::new(PROGRAM);
    command.args(args).arg("--data").arg(collector.data());
    let output = peer::at(clock, command).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap().trim().to_owned())
}

/// Two devices, 25 batches, of which one is nearly as old as it may become.
fn aged() -> Collector {
    let collector = Collector::start();
    let (old, young) = (Device::enrolled(&collector), Device::enrolled(&collector));
    let consents = [old.grant(&collector), young.grant(&collector)];
    assert_eq!(old.put_batch(&collector, &batch(consents[0], 1, 0, 4)).status, 201);
    for index in 0..24 {
        assert_eq!(young.put_batch(&collector, &batch(consents[1], 1, index * 5, index * 5 + 4)).status, 201);
    }
    collector.age(old.id(), 700);
    collector
}

#[test]
fn a_visit_under_a_clock_that_leapt_makes_no_leap_believed() {
    or_skip!(peer::need(peer::has("faketime"), "faketime is needed to run at another time"));
    let collector = aged();
    assert_eq!(under("+0d", &collector, &["retention", "run"]), (true, String::new()));
    // The daily run of tomorrow is believed; one two months ahead is not, whoever was there before it.
    assert_eq!(under("+1d", &collector, &["retention", "run"]), (true, String::new()));
    assert!(under("+60d", &collector, &["token"]).0);
    let (done, said) = under("+60d", &collector, &["retention", "run"]);
    assert!(!done && said.contains("clock") && said.contains("--yes"), "{said}");
    assert_eq!(collector.lines("export", &[]).len(), 125, "nothing was erased");
    // Back at the right time everything goes on; the leap left nothing behind.
    assert_eq!(under("+2d", &collector, &["retention", "run"]), (true, String::new()));
    // Sixty days later it is over, and each of two steps of a month is believed.
    for clock in ["+20d", "+40d"] {
        let (done, said) = under(clock, &collector, &["retention", "run"]);
        assert!(done, "{clock}: {said}");
    }
    assert_eq!(collector.lines("export", &[]).len(), 120);
}

#[test]
fn a_confirmed_run_makes_the_clock_believed_again() {
    or_skip!(peer::need(peer::has("faketime"), "faketime is needed to run at another time"));
    let collector = aged();
    assert!(under("+900d", &collector, &["token"]).0);
    let (done, said) = under("+32d", &collector, &["retention", "run"]);
    assert!(!done && said.contains("clock"), "the last transaction is from the future: {said}");
    assert!(under("+32d", &collector, &["retention", "run", "--yes"]).0);
    assert_eq!(collector.lines("export", &[]).len(), 120);
    assert_eq!(under("+33d", &collector, &["retention", "run"]), (true, String::new()));
}

#[test]
fn a_token_of_a_clock_that_was_ahead_is_not_good_for_years() {
    or_skip!(peer::need(peer::has("faketime"), "faketime is needed to run at another time"));
    let collector = Collector::start();
    let (done, token) = under("+900d", &collector, &["token"]);
    assert!(done);
    let device = Device::new(&collector);
    assert_eq!(device.enrol(&collector, &token).status, 403);
    let (done, token) = under("+1h", &collector, &["token"]);
    assert!(done);
    assert_eq!(device.enrol(&collector, &token).status, 201);
}
