//! The uplink with the real programs: certificates, other answers than ours, uploads, versions.

#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../../protocol/collector/tests/collector/rows.rs"]
#[allow(
    dead_code,
    clippy::panic,
    reason = "the collector's tests use the rest, and end where a table is another"
)]
mod rows;

mod bad_company;
mod renewal;
mod tus_peer;
mod upload;
mod versions;
