//! What the whole-route tests share: the two real programs in temporary directories, a relay between them, and
//! what Kathea would write.

#![allow(dead_code, reason = "each test uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "outside of `#[test]` functions"
)]

pub(crate) mod browser;
pub(crate) mod bundle;
pub(crate) mod clinic;
pub(crate) mod collector;
pub(crate) mod impostor;
#[path = "../kathea/mod.rs"]
pub(crate) mod kathea;
pub(crate) mod outbox;
pub(crate) mod peer;
pub(crate) mod relay;
pub(crate) mod spool;
pub(crate) mod terminal;
pub(crate) mod totals;
pub(crate) mod vendor;
pub(crate) mod window;
pub(crate) mod workstation;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

pub(crate) use kathea::Random;

/// Numbers seeded by `SEED`, or by the system; the seed is printed, so that a failure can be repeated.
pub(crate) fn seeded() -> Random {
    Random::seeded()
}

/// Asks every few milliseconds until `done`: what another process does has no other end to wait for.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !done() {
        assert!(Instant::now() < end, "not within two minutes: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Copies a program to a place from which it is run. Another process writes it: what this one has open for writing, a
/// child that another test starts meanwhile has open too, and the system runs no such file ("text file busy").
pub(crate) fn install(program: impl AsRef<Path>, to: &Path) {
    assert!(Command::new("cp").arg(program.as_ref()).arg(to).status().unwrap().success(), "{}", to.display());
}
