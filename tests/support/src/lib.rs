//! What the tests of every package share: peer programs and how a test without one is skipped, random numbers,
//! properties and sequences of operations whose seed is printed, a ledger entry and a batch to fill in, and what an older version said.
//!
//! The unit tests of `protocol` use a second copy of that crate through this one, so they take nothing from [`entry`](mod@entry) or [`batch`](mod@batch).

#![allow(clippy::panic, clippy::print_stdout, clippy::print_stderr, reason = "tests talk to their reader")]

pub mod batch;
pub mod clinic;
pub mod entry;
pub mod peer;
pub mod property;
pub mod random;
pub mod sequences;
pub mod talk;

/// A policy of an invented controller, with periods and a language that no built-in policy has.
pub const THIRD_POLICY: &str = include_str!("third.toml");

/// How a file begins that passes for a sealed bundle: the header of an age file without a recipient.
pub const SEALED: &[u8] = b"age-encryption.org/v1\n--- for nobody\n";

/// Sends `name` (`TERM`, `INT`, `KILL`) to a process that a test started, by the shell's own `kill`: not every system has
/// a program of that name.
///
/// # Panics
///
/// If there is no such process, or no shell.
pub fn signal(id: u32, name: &str) {
    let mut shell = std::process::Command::new("sh");
    let sent = shell.args(["-c", "kill -s \"$0\" \"$1\"", name, &id.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "{name} reaches {id}");
}

pub use batch::batch;
pub use entry::entry;
pub use property::holds;
pub use proptest;
pub use random::Random;
pub use sequences::sequences;
