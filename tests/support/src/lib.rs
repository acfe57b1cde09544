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

pub use batch::batch;
pub use entry::entry;
pub use property::holds;
pub use proptest;
pub use random::Random;
pub use sequences::sequences;
