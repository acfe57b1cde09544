//! Consent: who allowed what, under which policy, until when.
//!
//! ```text
//! policy (TOML) -> notice -> answer -> registry --signed line--> ledger -> vendor_request -> queue `requests`
//!                                        |                          |
//!                                  permit (borrowed)          chain (on every start)
//!                                        |                          |
//!                            seal, open, send, contact         trusted, or a finding
//!
//! ledger.ndjson   {"entry":{header, processing, event},"signature":"BASE64"} LF   one line an answer, at most 16 KiB
//!                  each header names the SHA-256 of the line before
//! ledger.head     kathea-head-1 DEVICE FIRST HASH TIP HASH SIGNATURE LF           where the chain begins and ends
//! ```
//!
//! The line is synced before the answer counts, the head after it: a line above the head is the rest of an append that was
//! cut, and a missing line below it is a finding.

mod chain;
pub mod contacts;
mod failure;
pub mod flag;
pub mod ground;
mod ledger;
pub mod news;
pub(crate) mod notice;
pub mod permit;
pub mod policy;
mod problem;
pub mod receipt;
pub mod registry;
pub mod state;
pub mod tickets;
pub mod vendor_head;
pub mod vendor_request;

pub use chain::{Finding, Flaw};
pub use failure::ConsentError;
pub use flag::Flag;
pub use policy::{Policy, PolicyError};
pub use registry::{By, Channel, Kept, Pending, Registry, Standing};
pub use state::State;
