//! The book by the door: who allowed what, under which policy, until when.

pub mod book;
mod chain;
pub mod contacts;
mod failure;
mod ledger;
mod notice;
pub mod permit;
pub mod policy;
pub mod receipt;
pub mod state;
pub mod vendor_request;

pub use book::{Book, Channel, Pending};
pub use chain::{Finding, Flaw};
pub use failure::ConsentError;
pub use policy::{Policy, PolicyError};
pub use state::State;
