//! The command line: what may be typed, what is answered, in which language and in which shape.

#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

#[path = "../common/mod.rs"]
mod common;

mod ask;
mod command_line;
mod commands;
mod consistent;
mod danish;
mod doctor;
mod replies;
mod wrong_inputs;
