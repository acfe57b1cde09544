//! The collector as a service. Hostile and broken company is bounded, and a device with a certificate is answered
//! meanwhile; and what those who run it see and do: health, metrics, access log, certificates, configuration.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what the tests share is outside of `#[test]` functions"
)]

mod certificate;
mod completions;
mod configuration;
mod crowd;
#[path = "../load/fleet.rs"]
#[allow(dead_code, reason = "the tests in tests/fleet use the rest")]
mod fleet;
mod limits;
mod metrics;
mod page;
mod peers;
mod questions;
mod server;
mod sessions;
#[path = "../load/upload.rs"]
#[allow(dead_code, reason = "the tests in tests/fleet use the rest")]
mod upload;
mod visits;

/// As `upload` names it.
use fleet as devices;
