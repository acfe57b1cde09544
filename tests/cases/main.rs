//! Support cases with the real programs: from the first question to what the vendor opens.

#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

#[path = "../common/mod.rs"]
mod common;

mod case_dates;
mod case_route;
mod find;
mod guided;
mod kathea_case;
mod slices;
mod support;
mod support_bad;
mod support_dates;
mod support_trace;
mod triage;
mod typed;
mod waiting;
