//! Files in, files out: one case is scrubbed and scanned before any output is published.
//!
//! ```text
//! inputs    what lies under the paths, and of what kind each is
//! pipeline  one case, in the process that reads the files
//! learn     identifiers from every header and sidecar, contexts included
//! clean     one file into one writer
//! checked   that writer: every value passes the final scan
//! window    the part of a log that lies in a span of time
//! numbers   a trace that is numbers and nothing else
//! programs  the literals of a program
//! ```

#[cfg(test)]
mod case_tests;
mod checked;
mod clean;
mod cleaned;
mod inputs;
mod learn;
mod numbers;
mod pipeline;
mod programs;
mod window;

pub use cleaned::Cleaned;
pub use inputs::{Format, Found, Opened, Reason, Take, find};
pub use pipeline::{Failed, Known, Order, Outlet, Refusal, Said, TableFile, process};
