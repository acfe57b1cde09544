//! The life of a consent with the real programs: asked, granted, withdrawn, ended, and the rights of a clinic.

#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

#[path = "../common/mod.rs"]
mod common;

mod certified;
mod events;
mod invitation;
mod kept;
mod ledger;
mod rights;
mod rights_table;
mod third_controller;
mod uses;
mod vendor_answer;
mod withdraw;
mod withdraw_cut;
