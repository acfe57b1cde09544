//! `kathea-case`: a support bundle at the vendor's, opened on a computer away from the internet.
//!
//! ```text
//! cli       what was typed
//! bundle    age, gzip, tar and manifest: every file is checked against the digest that the clinic agreed to
//! folder    the one place that writes plain text: a folder that a person named
//! consent   the signed ledger entries of the case, as `kathea-collector bundles proof` prints them
//! manifest  what the manifest says, as far as it is needed
//! timeline  logs, documents and checks by time
//! rules     signs and causes, as data
//! compare   an earlier case of the same device
//! page      summary.html
//! ```
//!
//! Nothing is sent, and nothing is written but below the folder of `-o`.

mod bundle;
mod cli;
mod compare;
mod consent;
mod failure;
mod folder;
mod manifest;
mod page;
mod rules;
mod timeline;

pub use cli::{command_line, main};
