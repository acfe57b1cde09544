//! The protocol between Kathea, the agent and the collector: everything that is exchanged, as types.
//!
//! No clock, no disk, no socket.

pub mod answer;
pub mod batch;
pub mod bundle;
pub mod case;
pub mod catalog;
pub mod civil;
pub mod claim;
pub mod envelope;
pub mod identity;
pub mod ledger;
pub mod notice;
pub mod period;
pub mod policy;
pub mod reply;
pub mod rights;
pub mod signature;
pub mod stick;
pub mod uses;

pub use batch::{Batch, Gap, Header, Record, Value};
pub use bundle::Invitation;
pub use case::CaseId;
pub use catalog::Catalog;
pub use identity::{CaseReason, DeviceId, Digest, Epoch, Purpose, Reason, Retention};
