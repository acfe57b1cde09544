//! What is handed out: signed packages, the sandbox for the integrator, what the README promises a newcomer.

#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

#[path = "../common/mod.rs"]
mod common;

mod readme;
mod release;
mod sandbox;
mod signing;
