//! The fault matrix, its bounded part: `tests/faults/run` against the agent of this build. `tests/faults/run --full` runs
//! it whole.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table, and what was skipped")]

use std::path::Path;
use std::process::Command;

/// The rows share what they can reach; each ends by itself after this many minutes at most.
const MINUTES: &str = "0.3";

#[test]
fn nothing_is_lost_nothing_comes_twice_and_it_always_starts() {
    let has = |program: &str| Command::new(program).arg("--help").output().is_ok();
    let missing: Vec<_> = ["python3", "openssl"].into_iter().filter(|program| !has(program)).collect();
    if !missing.is_empty() {
        assert!(std::env::var_os("REQUIRE_PEERS").is_none(), "the fault matrix needs {missing:?}");
        eprintln!("SKIPPED: the fault matrix needs {missing:?}");
        return;
    }
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/run");
    let mut matrix = Command::new("python3");
    matrix.arg(run).args(["--minutes", MINUTES, "--agent", env!("CARGO_BIN_EXE_kathea-agent")]);
    if let Ok(seed) = std::env::var("SEED") {
        matrix.args(["--seed", &seed]);
    }
    let output = matrix.output().expect("python3 starts");
    let table = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    print!("{table}");
    for line in table.lines().filter(|line| line.contains(" skipped ")) {
        eprintln!("SKIPPED: {line}");
    }
    assert!(output.status.success(), "{table}{errors}");
}
