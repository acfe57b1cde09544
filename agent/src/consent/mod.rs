//! Consent: who allowed what, under which policy, until when.

mod chain;
pub mod contacts;
mod failure;
pub mod flag;
mod ledger;
pub(crate) mod notice;
mod period;
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
