//! The real program on a free port of this machine, and devices that talk to it over TLS.

// What the tests share is outside of `#[test]` functions.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod analysts;
mod answering;
mod answers;
mod batches;
mod bundles;
mod clocks;
mod commands;
mod damaged;
mod device;
mod durable;
mod duties;
mod early_answers;
mod encrypted;
mod engine;
mod enrolment;
mod erased;
#[cfg(unix)]
#[allow(dead_code, reason = "the store's tests use the rest")]
mod fake_s3;
mod foreign;
mod forgotten;
mod forgotten_bundles;
mod forgotten_postgres;
mod fronts;
#[cfg(unix)]
mod fronts_s3;
mod fronts_uploads;
mod full;
mod killed;
mod notices;
mod older;
mod postgres;
mod privacy;
mod program;
mod readiness;
mod replicated;
mod restored;
mod rights;
mod rows;
#[cfg(unix)]
mod seaweed;
mod server;
mod sticks;
mod stored;
mod terms;
mod uses;
