//! The clinic's own history: a few figures of its scanner, at most one value a day each, for the clinic alone.
//!
//! ```text
//! figures  which figures there are, and which events they are made of
//! days     the values by day
//! store    the sealed file, its key, whether it is kept
//! shown    the values as they are shown, and as CSV
//! trend    drifts, found before a fixed limit is reached: pure
//! ```
//!
//! It is a setting of the clinic and no purpose: no consent covers it, no ledger line says it, and nothing of it is ever
//! sent. [`Store`] is no payload, so no permit seals it, no queue takes it and no batch is made of it:
//!
//! ```compile_fail,E0277
//! use agent::history::Store;
//! use agent::seal::record::Sealed;
//! fn leaves<P: agent::seal::payload::Payload>(_: Sealed<P>) {}
//! fn uplink(history: Sealed<Store>) {
//!     leaves(history)
//! }
//! ```
//!
//! What usage statistics are made of does leave, under a permit:
//!
//! ```
//! use agent::seal::record::Sealed;
//! use agent::usage::validation::Usage;
//! fn leaves<P: agent::seal::payload::Payload>(_: Sealed<P>) {}
//! fn uplink(usage: Sealed<Usage>) {
//!     leaves(usage)
//! }
//! ```

mod days;
pub mod figures;
pub mod shown;
mod store;
pub mod trend;

pub use days::Days;
pub use store::{COMPARTMENT, FILES, Kept, Store, Unsaved};

#[cfg(test)]
mod tests;
