//! Validation and aggregation: an event against the catalog, and the counts of its period.

pub mod check;
pub mod journal;
pub(crate) mod line;
pub mod validation;

pub use line::Refusal;
