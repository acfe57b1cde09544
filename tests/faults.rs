//! The fault matrix, its bounded part: `tests/faults/run` against the agent of this build, in groups that run beside each
//! other. With `SLOW_TESTS=1` all rows run, each three times as long; without it a few that take seconds.
//! `tests/faults/run --full` runs the matrix whole.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table, and what it says was skipped")]

use std::path::Path;
use std::process::Command;

use test_support::peer;

const KILLS: &[&str] = &["F1", "F2", "F4", "F15", "F36", "C4"];
const DISKS: &[&str] = &["F3", "F5", "F6", "F7", "F8", "F32", "F34", "F37"];
const TIMES: &[&str] = &["F9", "F10", "F12", "F30", "F31", "F33", "F38", "F39", "F40"];
const ANSWERS: &[&str] = &["F11", "F13", "F16", "F18", "F25", "F26", "F35"];
const PEERS: &[&str] = &["F17", "F20", "F21", "F22", "F23", "F24"];

/// What runs without `SLOW_TESTS=1`: of each group what is quickest.
const QUICK: &[&str] =
    &["F2", "F15", "F3", "F6", "F9", "F30", "F31", "F11", "F16", "F25", "F20", "F22", "F23"];

/// Runs these rows. Each ends by itself after so many minutes at most, times its share.
fn hold(rows: &[&str]) {
    if !peer::has("python3") || !peer::has("openssl") {
        return;
    }
    let is_slow = peer::is_slow("two in three rows of the fault matrix");
    let minutes = if is_slow { "0.3" } else { "0.1" };
    let rows: Vec<&str> = rows.iter().copied().filter(|row| is_slow || QUICK.contains(row)).collect();
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/run");
    let mut matrix = Command::new("python3");
    matrix.arg(run).args(["--rows", &rows.join(","), "--minutes", minutes]);
    matrix.args(["--agent", env!("CARGO_BIN_EXE_kathea-agent")]);
    if let Ok(seed) = std::env::var("SEED") {
        matrix.args(["--seed", &seed]);
    }
    let output = matrix.output().expect("python3 starts");
    let table = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    print!("{table}");
    // The output of a passed test is not shown, so skips are printed here; where peers are required the matrix has failed.
    for line in table.lines().filter(|line| !line.contains(" passed ")) {
        eprintln!("{line}");
    }
    assert!(output.status.success(), "{table}{errors}");
    let passed = table.lines().filter(|line| line.starts_with(['F', 'C'])).count();
    assert_eq!(passed, rows.len(), "{table}{errors}");
}

#[test]
fn nothing_is_lost_to_kills_and_power_cuts() {
    hold(KILLS);
}

#[test]
fn it_always_starts_on_a_disk_that_fails_is_full_or_was_damaged() {
    hold(DISKS);
}

#[test]
fn nothing_is_lost_to_clocks_and_long_outages() {
    hold(TIMES);
}

#[test]
fn no_answer_of_a_collector_loses_anything() {
    hold(ANSWERS);
}

#[test]
fn nothing_goes_to_a_stranger_in_the_way() {
    hold(PEERS);
}

#[test]
fn every_row_of_the_matrix_is_in_a_group() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/rows.py");
    let text = std::fs::read_to_string(path).expect("tests/faults/rows.py");
    let mut rows = text.split("Row(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect::<Vec<_>>();
    let mut grouped = [KILLS, DISKS, TIMES, ANSWERS, PEERS].concat();
    rows.sort_unstable();
    grouped.sort_unstable();
    assert_eq!(rows, grouped);
    assert!(rows.len() > 20, "{rows:?}");
}
