//! Usage from the outbox to the export: counted, sealed, kept through damage, and nowhere in plain text.

#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

#[path = "../common/mod.rs"]
mod common;

mod bad_input;
mod damage;
mod in_doubt;
mod memory;
mod month;
mod no_consent;
mod plain_text;
mod route;
mod service;
mod traces;
mod unreadable;
