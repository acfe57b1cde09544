//! Years of clinics, agents and a collector on virtual time, replayed by seed.
//!
//! ```text
//! clinic       a clinic's days, from the first to the last
//! happens      what goes wrong, and what the clinic says
//! letter       what the owner asks the vendor by letter, and a workstation that is rarely on
//! kathea       what Kathea writes into the outbox
//! cases        support cases, their bundles and the sticks, and the oracle of where each bundle is
//! sealing      a bundle as a workstation makes one
//! upgrade      stores of another version
//! observe      what can be seen, held against the model
//! workstation  the real agent: its loop, its files, what its disk does
//! link         the line: loses, repeats, delays, is cut
//! vendor       the real collector, its backups, and the oracle of what it may hold
//! model        every event that Kathea said, and what became of it
//! taken        where each of these events is
//! consent      what the clinic said, and the periods as the policies' texts say them
//! plan         how long a story is, how much goes wrong in it, how often anybody works
//! run          many seeds, and their totals
//! record       the totals of many runs, in a file
//! shrink       a story that ends in a violation, without what that does not need
//! ```
//!
//! **What is real**: the agent's loop, intake, spool (sled), vault, ledger, schedule; the collector's routes, rules and store
//! (SQLite). Both are driven by one thread through `Agent::open_with` and `InProcess`; their files lie on `/dev/shm`.
//! **What is simulated**: time, the clocks of the workstations, the line (no TLS, no socket), the disk's errors, kills, people,
//! and what a support case gathers: a file of random bytes in place of logs and scans (no parser process).
//! **What is not in it**: power cuts that lose unsynced writes (`tests/faults`
//! has these), PostgreSQL. sled and SQLite keep threads of their own, which answer before a call returns, and keys are
//! random; a seed replays the same story nevertheless, because no choice depends on either.
//! **Models of the engines**: the queue and the store are concrete types, so a story lives on sled and SQLite themselves.
//! That these do what plain models do is shown by `spool::tests::model` and `store::conformance`, beside the code.
//! **Whether it finds anything**: `reverts` puts faults back that the product had; REVERTS.md is its last run.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to its reader")]

mod cases;
pub mod clinic;
pub mod consent;
pub mod faults;
mod happens;
mod kathea;
mod letter;
pub mod link;
pub mod model;
mod observe;
pub mod plan;
pub mod record;
pub mod run;
mod sealing;
pub mod shrink;
mod taken;
mod upgrade;
pub mod vendor;
pub mod workstation;
pub mod world;
