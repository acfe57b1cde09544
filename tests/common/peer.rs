//! Programs of others that a test compares with: without one it says so, and fails where peers are required.

use std::process::{Command, Stdio};

/// Whether `program` can be started.
pub(crate) fn has(program: &str) -> bool {
    let started = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if started.is_err() {
        assert!(std::env::var_os("REQUIRE_PEERS").is_none(), "{program} cannot be started");
        eprintln!("SKIPPED: {program} cannot be started");
    }
    started.is_ok()
}
