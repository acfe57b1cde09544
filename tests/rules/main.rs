//! What the source, the documents and the checks themselves must keep: read, not run.

#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

mod architecture;
mod contributing;
mod cycles;
mod source_rules;
mod upkeep;
mod words;
