//! The reference receiving end of the telemetry: enrols devices, takes their batches once, and gives
//! the records back.
//!
//! # Layout
//!
//! ```text
//! cli       what was typed, one call each
//! config    collector.toml
//! init      a new data directory: keys, certificates, the agent's configuration
//! keys      the private key of support bundles, and where it may not be
//! serve     the listeners: TLS, connections, bounds, health and metrics
//! routes    what a request means
//! pki       who a certificate speaks for, and new certificates
//! metrics   what is counted, as OpenMetrics
//! access    the access log
//! answering answers to requests to see what is held
//! in_process  the same without sockets, for a simulation
//! fleet     what operators see of all devices
//! problem   the closed list of error answers
//! store     all that outlives a power cut: rules without SQL, and the engine that loads and stores for them
//! export    what the store holds, for a reader
//! tables    the same for analysts: files of one entry and month, from a cursor on
//! listing   who came, and what they asked for
//! proof     why a record may be here
//! erasure   the end of data: for its owner, or because its time is over
//! claim     an owner's word for a device that is dead
//! audit     who exported, imported or erased
//! heads     how long the audit was, signed and outside the store
//! news      what a device is informed of: who read its data, and notices of the vendor
//! upkeep    what is done once a day
//! sign      the vendor's signatures, by keys that are on no server but one
//! ```
//!
//! No address of a device's end of a connection is kept or logged, and no log line carries content.

mod access;
mod answering;
mod audit;
mod claim;
mod cli;
mod config;
mod disk;
mod erasure;
mod export;
mod failure;
mod fleet;
mod heads;
mod held;
mod in_process;
mod init;
mod keys;
mod lines;
mod listing;
mod metrics;
mod news;
mod pki;
mod problem;
mod proof;
mod routes;
mod serve;
mod sign;
mod store;
mod tables;
mod upkeep;

use std::ffi::OsString;
use std::process::ExitCode;

pub use cli::command_line;
pub use in_process::{Answer, Bundle, Exported, InProcess, Question};

/// Runs the program on its arguments, the first of which is its name. Exit codes: 0 done, 1 failed,
/// 2 usage.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    cli::main(args)
}
