//! The pages that a clinic sees: the window, the report, the preview, the history.

#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

#[path = "../common/mod.rs"]
mod common;

mod history;
mod pictures;
mod preview;
mod report;
mod window;
mod window_bad;
